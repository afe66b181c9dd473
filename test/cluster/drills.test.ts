/** A drill on real processes, as it is run by hand; and one whose runner is killed in the middle. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../scripts/cluster/program.ts';
import type { DrillResult } from '../../scripts/drills/run-drill.ts';
import { eventually } from '../support/eventually.ts';

describe('a drill', () => {
  let out = '';
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'odradek-drills-'));
  });
  afterEach(() => rmSync(out, { recursive: true, force: true }));

  it('hurts a cluster, and says that what it expected held', async () => {
    const ran = spawn(process.execPath, [COMMAND_LINE, 'drill', 'run', 'session-expired', '--out', out], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    ran.stdout.on('data', (part) => {
      said += part;
    });
    const [status] = await once(ran, 'exit');
    expect(status, said).toBe(0);
    const result: DrillResult = JSON.parse(readFileSync(join(out, 'session-expired', 'result.json'), 'utf8'));
    expect(result.score).toMatchObject({ lost: 0, duplicated: 0, reordered: 0 });
    expect(result.score.acknowledged).toBeGreaterThan(0);
    expect(result.timeline.map(({ what }) => what)).toContain('everything is healed');
    expect(readdirSync(join(out, 'session-expired')).sort()).toEqual([
      'post-mortem.html',
      'post-mortem.md',
      'result.json',
    ]);
  }, 180_000);

  it('leaves no process behind when it is killed while somebody stands still', async () => {
    const drill = ['drill', 'run', 'leader-paused', '--out', out];
    const ran = spawn(process.execPath, [COMMAND_LINE, ...drill], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    ran.stdout.on('data', (part) => {
      said += part;
    });
    await eventually('the leader stands still', () => said.includes('SIGSTOP to'), 120_000);
    const own = processesOf(ran.pid ?? -1);
    expect(own.length).toBeGreaterThan(3);
    ran.kill('SIGKILL');
    await eventually('nothing is left', () => own.every((pid) => stateOf(pid) === null), 90_000);
  }, 300_000);
});

/** Its children. */
function processesOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid = -1]) => pid);
}

/** Null: it is gone, or only waits to be reaped. */
function stateOf(pid: number): string | null {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return state.startsWith('Z') ? null : state;
  } catch {
    return null;
  }
}
