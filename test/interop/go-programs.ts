/**
 * Programs of `clients/go`, compiled once into the user's cache: anew when a source or a version has changed. The
 * first time their modules are fetched, and compiling takes a minute or two.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CLIENTS, commandLacks } from './interop-cluster.ts';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'odradek', 'go');
const MODULE = join(CLIENTS, 'go');
const FETCH_TIMEOUT_MS = 90_000;
export const COMPILE_TIMEOUT_MS = 300_000;

/** Why that program can't be had; null when it can. One that does not compile is an error of ours. */
export function goProgramLacks(name: string): string | null {
  if (existsSync(programFile(name))) return null;
  const noGo = commandLacks('go', ['version']);
  if (noGo !== null) return noGo;
  try {
    const argv = ['list', '-deps', `./${name}`];
    execFileSync('go', argv, { cwd: MODULE, stdio: 'ignore', timeout: FETCH_TIMEOUT_MS });
    return null;
  } catch {
    return `the modules of clients/go/${name} can't be fetched`;
  }
}

/** Where the compiled program is. */
export async function goProgram(name: string): Promise<string> {
  const file = programFile(name);
  if (existsSync(file)) return file;
  const half = `${file}.${process.pid}`;
  mkdirSync(dirname(file), { recursive: true });
  const argv = ['build', '-o', half, `./${name}`];
  await promisify(execFile)('go', argv, { cwd: MODULE, timeout: COMPILE_TIMEOUT_MS });
  renameSync(half, file);
  return file;
}

function programFile(name: string): string {
  const hash = createHash('sha256');
  for (const source of [join(name, 'main.go'), 'go.mod']) hash.update(readFileSync(join(MODULE, source)));
  return join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
}
