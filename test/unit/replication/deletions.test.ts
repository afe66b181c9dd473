/** Orders to delete replicas: answered when the logs can't come back, and the disk holds up nobody meanwhile. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { DeltaOutcome } from '../../../broker/metadata/delta.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { EPOCH_DURING_DELETE } from '../../../broker/types.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';

const PARTITIONS = [0, 1, 2];

async function withLogs() {
  const cluster = await ReplicationCluster.start({ brokers: 1 });
  for (const partition of PARTITIONS) cluster.create([1], partition);
  const { disk, logs, replicas } = cluster.node(1);
  const folders = () => disk.list('/data').filter((name) => name.startsWith(`${TOPIC}-`));
  const ordered = (partitions: readonly number[]): DeltaOutcome | Promise<DeltaOutcome> => {
    const stop = partitions.map((partition) => ({
      ...{ topic: TOPIC, partition, leaderEpoch: EPOCH_DURING_DELETE, deletePartition: true },
    }));
    return new Turns(cluster.clock).take(replicas.apply({ lead: [], follow: [], stop }));
  };
  return { cluster, disk, logs, folders, ordered };
}

describe('an order to delete replicas', () => {
  it('is answered when the new names of their folders are durable, by one sync of all that wait', async () => {
    const { cluster, disk, logs, folders, ordered } = await withLogs();
    const syncs: { path: string; resolve: () => void }[] = [];
    disk.syncDirectoryInBackground = (path) => new Promise<void>((resolve) => syncs.push({ path, resolve }));
    const answered: DeltaOutcome[] = [];
    for (const partitions of [[0, 1], [2]]) {
      void Promise.resolve(ordered(partitions)).then((outcome) => answered.push(outcome));
      await cluster.clock.runFor(10);
    }
    expect(PARTITIONS.map((partition) => logs.log(TOPIC, partition))).toEqual(
      PARTITIONS.map(() => undefined),
    );
    expect(folders().every((name) => name.endsWith('-delete'))).toBe(true);
    expect([answered.length, syncs.map(({ path }) => path)]).toEqual([0, ['/data']]);
    syncs[0]?.resolve();
    await cluster.clock.runFor(10);
    expect([answered.length, syncs.length]).toEqual([1, 2]);
    syncs[1]?.resolve();
    await cluster.clock.runFor(10);
    expect(answered.map(({ error, failed }) => [error, failed.size])).toEqual([
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 0],
    ]);
  });

  it('fails with KAFKA_STORAGE_ERROR where that can not be, and the directory is offline', async () => {
    const { cluster, disk, ordered } = await withLogs();
    disk.fault = (operation, path) => (operation === 'sync' && path === '/data' ? 'EIO' : null);
    const { error, failed } = await cluster.settled(Promise.resolve(ordered(PARTITIONS)));
    expect(error).toBe(ErrorCode.NONE);
    expect([...failed.values()]).toEqual(PARTITIONS.map(() => ErrorCode.KAFKA_STORAGE_ERROR));
    expect(await cluster.node(1).metrics.render()).toMatch(/offlinelogdirectorycount 1\n/);
  });
});
