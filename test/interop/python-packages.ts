/**
 * A Python with a package of a version of our choice, beside those that the system has: a virtual
 * environment in the user's cache, made once with pip.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { commandLacks, PYTHON } from './interop-cluster.ts';

const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const INSTALL_TIMEOUT_MS = 90_000;
/** confluent-kafka of today, whose librdkafka is years younger than Debian's. */
export const CURRENT_CONFLUENT = '2.16.1';

/** Where the Python with that package is, once {@link packageLacks} has said that it is there. */
export function pythonWith(name: string, version: string): string {
  return join(environmentOf(name, version), 'bin', 'python');
}

/** Why that package can't be had; null when it is there. */
export function packageLacks(name: string, version: string): string | null {
  if (existsSync(environmentOf(name, version))) return null;
  const noPython = commandLacks(PYTHON, ['-c', 'import venv, ensurepip']);
  if (noPython !== null) return noPython;
  const half = `${environmentOf(name, version)}.${process.pid}`;
  try {
    mkdirSync(dirname(half), { recursive: true });
    execFileSync(PYTHON, ['-m', 'venv', half], { stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
    const pip = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', `${name}==${version}`];
    execFileSync(join(half, 'bin', 'python'), pip, { stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
    renameSync(half, environmentOf(name, version));
    return null;
  } catch {
    rmSync(half, { recursive: true, force: true });
    return `pip could not install ${name} ${version}`;
  }
}

function environmentOf(name: string, version: string): string {
  return join(CACHE, 'odradek', 'python', `${name}-${version}`);
}
