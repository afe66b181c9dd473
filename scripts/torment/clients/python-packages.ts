/**
 * A Python with a package of a version of our choice, beside those that the system has: a virtual
 * environment in the user's cache, made once with pip.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CACHE } from '../../benchmark/systems/java.ts';

/** Debian's where it is, which has modules of its packages. */
export const PYTHON = '/usr/bin/python3';
const INSTALL_TIMEOUT_MS = 90_000;

/** Where the Python with that package is, once {@link packageLacks} has said that it is there. */
export function pythonWith(name: string, version: string): string {
  return join(environmentOf(name, version), 'bin', 'python');
}

/** Why that package can't be had; null when it is there. */
export function packageLacks(name: string, version: string): string | null {
  if (existsSync(environmentOf(name, version))) return null;
  const half = `${environmentOf(name, version)}.${process.pid}`;
  const run = (command: string, argv: readonly string[]): void =>
    void execFileSync(command, argv, { stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
  let problem = `'${PYTHON} -m venv' does not run on this machine`;
  try {
    mkdirSync(dirname(half), { recursive: true });
    run(PYTHON, ['-m', 'venv', half]);
    problem = `pip could not install ${name} ${version}`;
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--retries',
      '1',
      '--only-binary',
      ':all:',
      `${name}==${version}`,
    ];
    run(join(half, 'bin', 'python'), pip);
    renameSync(half, environmentOf(name, version));
    return null;
  } catch {
    rmSync(half, { recursive: true, force: true });
    return problem;
  }
}

function environmentOf(name: string, version: string): string {
  return join(CACHE, 'python', `${name}-${version}`);
}
