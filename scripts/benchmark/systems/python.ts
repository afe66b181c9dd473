/**
 * A Python with a package of a version of our choice, beside those that the system has: a virtual
 * environment in the cache, made once with pip.
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from '../workplace.ts';
import { CACHE, tried } from './java.ts';

/** Debian's, which has the modules of its packages. */
export const PYTHON = '/usr/bin/python3';
const ENVIRONMENTS = join(CACHE, 'python');
const INSTALL_LIMIT_MS = 90_000;

/** Where the Python with that package is, if it is there. */
export function pythonWith(name: string, version: string): string {
  return join(environmentOf(name, version), 'bin', 'python');
}

/** Whether it has been fetched. */
export function hasPythonWith(name: string, version: string): boolean {
  return existsSync(environmentOf(name, version));
}

/** Why that package can't be had; null when it is there now. */
export async function fetchPackage(
  workplace: Workplace,
  name: string,
  version: string,
): Promise<string | null> {
  if (hasPythonWith(name, version)) return null;
  const half = workplace.folderIn(ENVIRONMENTS);
  const made = await tried(workplace, [PYTHON, '-m', 'venv', half], INSTALL_LIMIT_MS);
  if (made?.code !== 0) return `'${PYTHON} -m venv' does not run on this machine`;
  const options = ['--quiet', '--retries', '1', '--only-binary', ':all:'];
  const pip = [join(half, 'bin', 'python'), '-m', 'pip', 'install', ...options, `${name}==${version}`];
  const installed = await tried(workplace, pip, INSTALL_LIMIT_MS);
  workplace.checkOpen();
  if (installed?.code !== 0) return `pip could not install ${name} ${version}`;
  // Only what is finished gets its name; somebody else may have been quicker.
  if (!hasPythonWith(name, version)) renameSync(half, environmentOf(name, version));
  return null;
}

function environmentOf(name: string, version: string): string {
  return join(ENVIRONMENTS, `${name}-${version}`);
}
