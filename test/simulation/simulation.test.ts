/** Whole clusters in virtual time: what must hold holds under 200 schedules of faults. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ReplicaObserver, type ReplicaView } from './observation.ts';
import { simulate } from './simulate.ts';

const SEEDS = 200;
const SIMULATOR = new URL('../../scripts/simulate.ts', import.meta.url).pathname;
/** Many times what it takes, for machines that have other things to do. */
const LIMIT_MS = 600_000;

describe('a simulated cluster', () => {
  it(`keeps its promises under ${SEEDS} schedules of faults`, { timeout: LIMIT_MS }, () => {
    const run = spawnSync(process.execPath, [SIMULATOR, '--seeds', String(SEEDS)], { encoding: 'utf8' });
    expect(run.stdout).toContain(`${SEEDS} seeds from 1: 0 failed.`);
    expect(run.status).toBe(0);
  });

  it('does the same twice with the same seed, to the last line of every log', {
    timeout: LIMIT_MS,
  }, async () => {
    const first = await simulate({ seed: 3, faultsMs: 8000 });
    const second = await simulate({ seed: 3, faultsMs: 8000 });
    expect(second.trace).toEqual(first.trace);
    expect(second.digest).toBe(first.digest);
    expect(second.events).toBe(first.events);
    expect(first.faults).toBeGreaterThan(0);
    expect(first.acknowledged).toBeGreaterThan(100);
  });

  it('is seen as it is by who looks only at machines that have had a turn', {
    timeout: LIMIT_MS,
  }, async () => {
    let looks = 0;
    const differences: string[] = [];
    await simulate({
      seed: 3,
      faultsMs: 6000,
      faults(cluster) {
        const { clock, machines } = cluster;
        const observer = new ReplicaObserver();
        const check = clock.afterStep;
        const seen = (views: readonly ReplicaView[]): string =>
          JSON.stringify(views, (name, value) => (name === 'life' || name === 'id' ? 0 : value));
        clock.afterStep = () => {
          check?.();
          looks++;
          const [now, anew] = [observer, new ReplicaObserver()].map((one) => seen(one.observe(machines).all));
          if (now !== anew) differences.push(`at ${clock.nowMs()} ms: ${now} for ${anew}`);
          for (const { key } of observer.all.slice(looks % 7, (looks % 7) + 1)) {
            const alike = observer.all.filter((one) => one.key === key);
            if (seen(observer.partition(key)) !== seen(alike))
              differences.push(`${key} at ${clock.nowMs()} ms`);
          }
        };
        clock.after(1000, () => cluster.pause(1));
        clock.after(1500, () => cluster.cutFromCoordinator(2));
        clock.after(3000, () => cluster.resume(1));
        clock.after(3500, () => cluster.healToCoordinator(2));
        clock.after(4000, () => void cluster.stop(3));
        clock.after(5000, () => cluster.crash(1, 'all'));
        clock.after(5500, () => {
          for (const { id } of machines) cluster.start(id);
        });
      },
    });
    expect(differences).toEqual([]);
    expect(looks).toBeGreaterThan(1000);
  });

  it('does something else with another seed', { timeout: LIMIT_MS }, async () => {
    const [one, other] = [
      await simulate({ seed: 4, faultsMs: 3000 }),
      await simulate({ seed: 5, faultsMs: 3000 }),
    ];
    expect(one.digest).not.toBe(other.digest);
  });

  it('tells of records that are lost when all machines lose their memory at once', {
    timeout: LIMIT_MS,
  }, async () => {
    const verdict = await simulate({
      seed: 1,
      faultsMs: 10_000,
      faults(cluster) {
        const { clock, machines } = cluster;
        clock.after(2000, () => {
          for (const { id } of machines) cluster.crash(id, 'synced');
        });
        clock.after(2500, () => {
          for (const { id } of machines) cluster.start(id);
        });
      },
    });
    expect(verdict.broken[0]).toMatch(/everything below \d+ is committed/);
  });

  it('does not take a group for damaged in which a commit that was given up arrives after the next one', {
    timeout: LIMIT_MS,
  }, async () => {
    expect((await simulate({ seed: 20_315_922 })).broken).toEqual([]);
  });

  it('survives a leader that dies in the middle of a write, and reads what is left of it', {
    timeout: LIMIT_MS,
  }, async () => {
    const verdict = await simulate({
      seed: 6,
      faultsMs: 6000,
      faults(cluster) {
        const random = cluster.fork();
        cluster.clock.after(1000, () => cluster.crashInWrite(1, random));
        cluster.clock.after(3500, () => cluster.start(1));
      },
    });
    expect(verdict.trace.join('\n')).toMatch(/broker 1 dies in a write to .*, after \d+ of \d+ bytes/);
    expect(verdict.broken).toEqual([]);
  });

  it('tells of records that are lost when no disk can sync and all brokers end', {
    timeout: LIMIT_MS,
  }, async () => {
    const verdict = await simulate({
      seed: 7,
      faultsMs: 12_000,
      faults(cluster) {
        const { clock, machines } = cluster;
        clock.after(2000, () => {
          for (const { id } of machines) cluster.failSyncs(id);
        });
        clock.after(8000, () => {
          for (const { id } of machines) {
            cluster.healDisk(id);
            cluster.crash(id, 'synced');
            cluster.start(id);
          }
        });
      },
    });
    expect(verdict.broken.join('\n')).toMatch(/everything below \d+ is committed|where nothing is committed/);
  });
});
