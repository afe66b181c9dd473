/** Compaction, unclean elections and bits that turn over: they do happen, and the promises that are left are kept. */
import { describe, expect, it } from 'vitest';
import { completeBatches } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import { partitionStateZnode } from '../../coordinator-client/znodes/znodes.ts';
import { COMPACTED_TOPIC, UNCLEAN_TOPIC } from './log-rules.ts';
import { observeTree, ReplicaObserver } from './observation.ts';
import { simulate } from './simulate.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** Many times what it takes, for machines that have other things to do. */
const LIMIT_MS = 600_000;

const ROTTEN_SEEDS = [1, 2, 3, 4];

/** The follower stands still until it is out of sync; then it goes on, and the leader is dead. */
function electUncleanly(cluster: SimulatedCluster): void {
  const { clock } = cluster;
  const state = observeTree(cluster.tree).states.find(({ name }) => name === `${UNCLEAN_TOPIC}-0`);
  const leader = state?.leader ?? 1;
  const follower = state?.replicas.find((id) => id !== leader) ?? 1;
  cluster.pause(follower);
  const whenAlone = (): void => {
    const node = cluster.tree.read(partitionStateZnode.path(UNCLEAN_TOPIC, 0));
    const isr = node === null ? [] : partitionStateZnode.decode(UNCLEAN_TOPIC, 0, node.data).isr;
    if (isr.length > 1) {
      clock.after(100, whenAlone);
      return;
    }
    cluster.crash(leader, 'all');
    cluster.resume(follower);
    clock.after(4500, () => cluster.start(leader));
  };
  clock.after(500, whenAlone);
}

/** How many records each replica has of the compacted topic, and how many it would have. */
function compacted({ machines }: SimulatedCluster): { readonly records: number; readonly offsets: number }[] {
  const views = new ReplicaObserver().observe(machines).all;
  return views
    .filter(({ name }) => name === `${COMPACTED_TOPIC}-0`)
    .map((view) => {
      const bytes = view.read(view.startOffset, view.endOffset);
      const records = [...completeBatches(bytes)].reduce(
        (sum, at) => sum + [...readRecords(bytes, at)].length,
        0,
      );
      return { records, offsets: view.endOffset };
    });
}

describe('a simulated cluster', () => {
  it('loses by an unclean election what the new leader does not have, and goes on from there', {
    timeout: LIMIT_MS,
  }, async () => {
    const verdict = await simulate({ seed: 1, faultsMs: 10_000, unclean: true, faults: electUncleanly });
    expect(verdict.broken).toEqual([]);
    expect(verdict.uncleanElections).toBeGreaterThan(0);
  });

  it('keeps the latest value of each key on every replica while brokers die and logs are cleaned', {
    timeout: LIMIT_MS,
  }, async () => {
    let seen: ReturnType<typeof compacted> = [];
    const verdict = await simulate({
      seed: 2,
      faultsMs: 9000,
      compaction: true,
      faults(cluster) {
        const { clock } = cluster;
        clock.after(3000, () => cluster.crash(1, 'all'));
        clock.after(5500, () => cluster.start(1));
        clock.after(8500, () => {
          seen = compacted(cluster);
        });
      },
    });
    expect(verdict.broken).toEqual([]);
    expect(seen).toHaveLength(3);
    for (const { records, offsets } of seen) expect(records).toBeLessThan(offsets / 2);
  });

  it('shows nobody what has rotted without a sign of it, loses nothing of it, and is sound again in the end', {
    timeout: LIMIT_MS,
  }, async () => {
    const struck = new Set<string>();
    let noticed = 0;
    for (const seed of ROTTEN_SEEDS) {
      const verdict = await simulate({ seed, bitRot: true });
      expect([seed, verdict.broken]).toEqual([seed, []]);
      for (const kind of verdict.struck) struck.add(kind);
      noticed += verdict.noticed;
    }
    expect([...struck]).toEqual(expect.arrayContaining(['log', 'index', 'timeindex', 'checkpoint']));
    expect(noticed).toBeGreaterThan(0);
  });

  it('tells of records that have rotted wherever they were', { timeout: LIMIT_MS }, async () => {
    const verdict = await simulate({
      seed: 1,
      faultsMs: 8000,
      faults(cluster) {
        const { clock, machines } = cluster;
        clock.after(3000, () => {
          for (const { id, disk } of machines) {
            disk.rot('/data/orders-0/00000000000000000000.log', 70, 0);
            cluster.crash(id, 'all');
          }
        });
        clock.after(3500, () => {
          for (const { id } of machines) cluster.start(id);
        });
      },
    });
    expect(verdict.broken[0]).toMatch(/everything below \d+ is committed/);
  });
});
