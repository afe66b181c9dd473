/** What the numbers were measured on. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Asked before anything is measured, for the load of the machine. */
export function machineFacts(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMib: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    date: new Date().toISOString(),
  };
}

/** The commit, and whether files differ from it. */
export function checkoutVersion(): string {
  const git = (...argv: string[]): string =>
    execFileSync('git', argv, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  try {
    const changed =
      git('status', '--porcelain', '--', 'broker', 'coordinator-client') === '' ? '' : ' + changes';
    return `Odradek ${version} (${git('rev-parse', '--short', 'HEAD')}${changed})`;
  } catch {
    return `Odradek ${version}`;
  }
}
