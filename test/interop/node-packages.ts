/**
 * Clients in JavaScript that nobody needs but their suite: installed once with npm into the user's cache,
 * without what would have to be compiled.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { commandLacks } from './interop-cluster.ts';

const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const INSTALL_TIMEOUT_MS = 120_000;

/** The package, once {@link nodePackageLacks} has said that it is there. It is untyped: the caller says what it is. */
export function nodePackage(name: string, version: string): unknown {
  return createRequire(join(homeOf(name, version), 'index.js'))(name);
}

/** Why that package can't be had; null when it is there. */
export function nodePackageLacks(name: string, version: string): string | null {
  const home = homeOf(name, version);
  if (existsSync(home)) return null;
  const noNpm = commandLacks('npm', ['--version']);
  if (noNpm !== null) return noNpm;
  const half = `${home}.${process.pid}`;
  try {
    mkdirSync(half, { recursive: true });
    const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
    const argv = ['install', ...flags, '--prefix', half, `${name}@${version}`];
    execFileSync('npm', argv, { cwd: half, stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
    if (!existsSync(home)) renameSync(half, home);
    return null;
  } catch {
    return `npm could not install ${name} ${version}`;
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

function homeOf(name: string, version: string): string {
  return join(CACHE, 'odradek', 'node', `${name}-${version}`);
}
