/** A drill on real processes, as it is run by hand; and one whose runner is killed in the middle. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePortRange } from '../../scripts/benchmark/systems/systems.ts';
import { COMMAND_LINE } from '../../scripts/cluster/program.ts';
import { startDrill } from '../../scripts/drills/api.ts';
import type { DrillResult } from '../../scripts/drills/run-drill.ts';
import { eventually } from '../support/eventually.ts';
import { startRealCluster } from './real-cluster.ts';

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

  it("watches somebody's clients instead of a load of its own", async () => {
    const basePort = await freePortRange(3);
    const words = [
      'drill',
      'run',
      'session-expired',
      '--bring-your-own',
      `127.0.0.1:${basePort}`,
      '--out',
      out,
    ];
    const ran = spawn(process.execPath, [COMMAND_LINE, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    ran.stdout.on('data', (part) => {
      said += part;
    });
    const isWaiting = (): boolean => {
      if (said.includes('BROKEN')) throw new Error(said);
      return said.includes('bootstrap.servers=');
    };
    await eventually('it waits for clients', isWaiting, 120_000);
    const kafka = new Kafka({
      clientId: 'shop',
      brokers: [`127.0.0.1:${basePort}`],
      logLevel: logLevel.NOTHING,
    });
    const producer = kafka.producer({ retry: { retries: 5, maxRetryTime: 500 } });
    await producer.connect();
    const exit = once(ran, 'exit');
    let hasEnded = false;
    void exit.then(() => {
      hasEnded = true;
    });
    while (!hasEnded) {
      const sent = producer.send({ topic: 'orders', acks: -1, messages: [{ value: 'one' }] });
      // Those that are under way when the cluster goes have nobody to answer them.
      await Promise.race([sent.catch(() => {}), exit]);
    }
    // It may have something under way that nobody is there for any more.
    producer.disconnect().catch(() => {});
    expect((await exit)[0], said).toBe(0);
    const result: DrillResult = JSON.parse(readFileSync(join(out, 'session-expired', 'result.json'), 'utf8'));
    expect(result.score.acknowledged).toBeGreaterThan(0);
    expect(result.score.lost).toBeNull();
    expect(result.clients?.clients.map(({ clientId }) => clientId)).toEqual(['shop']);
    expect(result.clients?.apis.map(({ api }) => api)).toContain('Produce');
    expect(readFileSync(join(out, 'session-expired', 'post-mortem.md'), 'utf8')).toContain('| shop |');
  }, 180_000);

  it('is called off without anything being left', async () => {
    const calledOff = new AbortController();
    const said: string[] = [];
    const end = startDrill('controller-killed', {
      out,
      signal: calledOff.signal,
      onProgress: (line) => {
        said.push(line);
        if (line.startsWith('kill -9')) calledOff.abort();
      },
    });
    await expect(
      startDrill('leader-killed', { out, signal: calledOff.signal, onProgress: () => {} }),
    ).rejects.toThrow('a drill is running');
    expect(await end).toEqual({ how: 'called off' });
    expect(said.at(-1)).toMatch(/^kill -9/);
    expect(processesOf(process.pid).filter((pid) => stateOf(pid) !== null && isBroker(pid))).toEqual([]);
    expect(readdirSync(out)).toEqual([]);
  }, 180_000);

  it('gives a cluster that was lent to it back whole, also when it is called off', async () => {
    const { cluster, close } = await startRealCluster({ brokers: 3, embedded: true });
    try {
      const calledOff = new AbortController();
      let victim = 0;
      const end = await startDrill('controller-killed', {
        out,
        signal: calledOff.signal,
        setting: { of: 'lent', cluster },
        onProgress: (line) => {
          victim = Number(/^kill -9 of broker (\d)/.exec(line)?.[1] ?? victim);
          if (line.startsWith('another controller')) calledOff.abort();
        },
      });
      expect(end).toEqual({ how: 'called off' });
      expect(victim).toBeGreaterThan(0);
      expect(cluster.brokers.map(({ child }) => child.ended)).toEqual([null, null, null]);
    } finally {
      await close();
    }
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

function isBroker(pid: number): boolean {
  try {
    const args = execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return args.includes('broker --config');
  } catch {
    return false; // It has ended meanwhile.
  }
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
