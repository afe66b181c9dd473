/** Appends, and what the controller wants led, followed and stopped. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { atOnce, Turns } from '../../../broker/platform/turns.ts';
import { DecompressionAllowance } from '../../../broker/records/decompression-allowance.ts';
import type { RoleChange } from '../../../broker/replication/leadership.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { metadataDelta, replicaDelta } from '../../support/metadata-deltas.ts';
import { batch } from '../log/support.ts';
import { ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';

async function oneBroker(): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start({ brokers: 1 });
  cluster.create([1]);
  return cluster;
}

describe('appends', () => {
  it('are refused one by one, and the others go through', async () => {
    const cluster = await oneBroker();
    const entries = [
      { topic: 'nothing', partition: 0, records: batch(['a']) },
      { topic: TOPIC, partition: 0, records: batch(['b']) },
      { topic: '__consumer_offsets', partition: 0, records: batch(['c']) },
    ];
    const request = { acks: -1, timeoutMs: 1000, origin: 'client' as const, apiVersion: 9, entries };
    const outcomes = cluster.node(1).replicas.append(request);
    expect(outcomes).toMatchObject([
      { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { error: ErrorCode.NONE, baseOffset: 0 },
      { error: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect(cluster.node(1).replicas.append({ ...request, acks: 2 })).toMatchObject(
      entries.map(() => ({ error: ErrorCode.INVALID_REQUIRED_ACKS })),
    );
  });

  it('share what one request may have decompressed', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 1, topic: { 'cleanup.policy': 'compact' } });
    const bomb = () => batch([`key=${'v'.repeat(100_000)}`], { codec: 'gzip' });
    const entries = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition, records: bomb() }));
    for (const { partition } of entries) cluster.create([1], partition);
    const limits = { batchBytes: 150_000, batchRecords: 10, requestBytes: 250_000, requestRecords: 10 };
    const request = { acks: 1, timeoutMs: 1000, origin: 'client' as const, apiVersion: 9, entries };
    const decompression = new DecompressionAllowance(limits);
    expect(cluster.node(1).replicas.append({ ...request, decompression })).toMatchObject([
      { error: ErrorCode.NONE },
      { error: ErrorCode.NONE },
      { error: ErrorCode.MESSAGE_TOO_LARGE },
    ]);
  });

  it('are searched by time within what one request may have decompressed, and asked for again beyond it', async () => {
    const cluster = await oneBroker();
    const { replicas } = cluster.node(1);
    const of100KB = batch([`key=${'v'.repeat(100_000)}`], { codec: 'gzip' });
    for (const partition of [0, 1, 2]) {
      if (partition > 0) cluster.create([1], partition);
      const entries = [{ topic: TOPIC, partition, records: Buffer.from(of100KB) }];
      replicas.append({ acks: 1, timeoutMs: 1000, origin: 'client', apiVersion: 9, entries });
    }
    const search = (decompression: DecompressionAllowance, partition: number) =>
      replicas.listOffset(TOPIC, partition, {
        timestampMs: 500,
        isolation: null,
        currentLeaderEpoch: -1,
        fetchOnlyLeader: true,
        decompression,
      });
    const limits = { batchBytes: 250_000, batchRecords: 10, requestBytes: 250_000, requestRecords: 10 };
    const decompression = new DecompressionAllowance(limits);
    const found = { error: ErrorCode.NONE, offset: 0, timestampMs: 1000 };
    expect([0, 1, 2].map((partition) => search(decompression, partition))).toMatchObject([
      found,
      found,
      { error: ErrorCode.OFFSET_NOT_AVAILABLE, offset: -1 },
    ]);
    expect(search(new DecompressionAllowance(limits), 2)).toMatchObject(found);
  });

  it('that wait for acks=all end when the leader loses its role', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.clock.runFor(100);
    cluster.network.isolate(['host1'], ['host2', 'host3']);
    const waiting = cluster.produce(1, ['a']);
    cluster.elect(2);
    const outcome = await cluster.clock.runUntilSettled(waiting, 0);
    expect(outcome).toMatchObject({
      error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 2, leaderEpoch: 1 },
    });
  });

  it('of coordinators are fenced by the epoch they were elected in', async () => {
    const cluster = await oneBroker();
    cluster.elect(1);
    const { replicas } = cluster.node(1);
    const write = (leaderEpoch: number) =>
      replicas.appendToCoordinatorLog(TOPIC, 0, batch(['a']), { leaderEpoch, timeoutMs: 1000 });
    expect(await write(0)).toEqual({ error: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 });
    expect(await write(1)).toEqual({ error: ErrorCode.NONE, baseOffset: 0 });
    const read = replicas.readForCoordinator(TOPIC, 0, 0, 1000);
    expect(read).toMatchObject({ nextOffset: 1, logEndOffset: 1 });
  });
});

describe('orders to lead, to follow and to stop', () => {
  it('announce leaders, then followers, then what was deleted', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    const heard: string[] = [];
    const { replicas } = cluster.node(1);
    replicas.onLeadership((change: RoleChange) => {
      heard.push(`${change.partition} ${change.role} ${change.leaderEpoch}`);
    });
    const state = (partition: number, leader: number, replicaIds = [1, 2]) => ({
      topic: TOPIC,
      partition,
      controllerEpoch: 1,
      leader,
      leaderEpoch: 4,
      isr: replicaIds,
      partitionEpoch: 0,
      replicas: replicaIds,
      addingReplicas: [],
      removingReplicas: [],
      isNew: true,
      topicId: null,
    });
    const partitions = [state(0, 2), state(1, 1), state(2, 9), state(3, 2, [2])];
    const failed = () => [...atOnce(replicas.apply(replicaDelta(1, partitions))).failed].sort();
    expect(failed()).toEqual([[`${TOPIC}-3`, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]);
    expect(heard).toEqual(['1 leader 4', '0 follower 4']);
    // A leader that is not alive: there is a log, but nothing is followed.
    expect(replicas.partition(TOPIC, 2)?.log).not.toBeNull();
    expect(replicas.partition(TOPIC, 2)?.role).toBe('none');
    expect(failed()).toEqual([
      [`${TOPIC}-0`, ErrorCode.STALE_CONTROLLER_EPOCH],
      [`${TOPIC}-1`, ErrorCode.STALE_CONTROLLER_EPOCH],
      [`${TOPIC}-3`, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    const stop = (leaderEpoch: number, deletePartition: boolean) => {
      const stopped = { topic: TOPIC, partition: 1, leaderEpoch, deletePartition };
      return atOnce(replicas.apply({ lead: [], follow: [], stop: [stopped] })).failed.get(`${TOPIC}-1`) ?? 0;
    };
    expect(stop(3, true)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(stop(4, false)).toBe(0);
    expect(replicas.partition(TOPIC, 1)).toBeDefined();
    expect(stop(-2, true)).toBe(0);
    expect([replicas.partition(TOPIC, 1), cluster.node(1).logs.log(TOPIC, 1)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(heard.at(-1)).toBe('1 deleted 4');
    expect(stop(4, true)).toBe(0);
  });

  it('refuse a topic that was deleted and made anew under the same name', async () => {
    const cluster = await oneBroker();
    const state = {
      ...cluster.truth(),
      topic: TOPIC,
      partition: 0,
      topicId: 'AAAAAAAAAAAAAAAAAAAABQ',
      controllerEpoch: 1,
      leaderEpoch: 9,
      addingReplicas: [],
      removingReplicas: [],
      isNew: true,
    };
    const { failed } = atOnce(cluster.node(1).replicas.apply(replicaDelta(1, [state])));
    expect([...failed]).toEqual([[`${TOPIC}-0`, ErrorCode.INCONSISTENT_TOPIC_ID]]);
  });

  it('find the high watermark of before in the checkpoint', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a', 'b']);
    await cluster.clock.runFor(6000);
    cluster.kill(1);
    await cluster.startBroker(1);
    cluster.truth().isr = [1, 2];
    cluster.truth().replicas = [1, 2];
    cluster.tell(0, { only: [1] });
    expect(cluster.log(1).highWatermark).toBe(2);
    cluster.node(1).replicas.shutdown();
  });

  it.each(['written meanwhile', 'written at the end'])(
    'that take several turns leave in the checkpoint what is still to be taken up (%s)',
    async (when) => {
      const cluster = await oneBroker();
      cluster.create([1], 1);
      for (const partition of [0, 1]) await cluster.produced(1, ['a', 'b'], { partition });
      await cluster.clock.runFor(6000);
      cluster.kill(1);
      const { replicas } = await cluster.startBroker(1);
      const state = (partition: number) => ({
        ...{ topic: TOPIC, topicId: TOPIC_ID, partition, controllerEpoch: 1, leader: 1, leaderEpoch: 1 },
        ...{ isr: [1, 2], replicas: [1, 2], partitionEpoch: 1, isNew: false },
        ...{ addingReplicas: [], removingReplicas: [] },
      });
      const both = () => replicaDelta(1, [state(0), state(1)]);
      replicas.apply(both()).next();
      if (when === 'written meanwhile') await cluster.clock.runFor(6000);
      else replicas.shutdown();
      cluster.kill(1);
      const again = (await cluster.startBroker(1)).replicas;
      atOnce(again.apply(both()));
      expect([0, 1].map((partition) => cluster.log(1, partition).highWatermark)).toEqual([2, 2]);
    },
  );

  it('that come after the shutdown touch nothing any more', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 1 });
    const { replicas, logs } = cluster.node(1);
    replicas.shutdown();
    logs.shutdown();
    cluster.truths.set(0, { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] });
    expect(cluster.tell(0).get(1)?.error).toBe(ErrorCode.BROKER_NOT_AVAILABLE);
    expect([...replicas.partitions()]).toEqual([]);
    expect(logs.log(TOPIC, 0)).toBeUndefined();
  });

  it('that cannot make the log leave the partition offline', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 1 });
    cluster.node(1).disk.fault = (operation) =>
      operation === 'write' || operation === 'open' ? 'EIO' : null;
    cluster.truths.set(0, { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: [1], replicas: [1] });
    expect(cluster.tell(0).get(1)?.failed.get(`${TOPIC}-0`)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(cluster.node(1).replicas.lookup(TOPIC, 0)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });

  it('are answered KAFKA_STORAGE_ERROR once the log directory has failed, as all requests are', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.node(1).disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
    expect((await cluster.produced(1, ['b'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await cluster.clock.runFor(10);
    expect((await cluster.produced(1, ['c'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const want = {
      topic: TOPIC,
      topicId: ZERO_UUID,
      partition: 0,
      fetchOffset: 0,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      maxBytes: 1000,
      logStartOffset: -1,
    };
    const limits = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1000,
      isolation: 'read_uncommitted' as const,
      clientRack: null,
    };
    const fetched = cluster
      .node(1)
      .replicas.fetch({ ...limits, partitions: [want] }, new Turns(cluster.clock));
    expect(fetched).toMatchObject([{ error: ErrorCode.KAFKA_STORAGE_ERROR }]);
    cluster.truth().leaderEpoch += 1;
    expect(cluster.tell().get(1)?.failed.get(`${TOPIC}-0`)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await cluster.node(1).metrics.render()).toMatch(/offlinereplicacount 1\n/);
  });

  it('are not needed to tell coordinators that what they lead is gone with its directory', async () => {
    const cluster = await oneBroker();
    const changes: RoleChange[] = [];
    cluster.node(1).replicas.onLeadership((change) => changes.push(change));
    cluster.node(1).disk.fault = (operation) => (operation === 'write' ? 'EIO' : null);
    await cluster.produced(1, ['a']);
    await cluster.clock.runFor(10);
    expect(changes).toEqual([{ topic: TOPIC, partition: 0, leaderEpoch: 0, role: 'stopped' }]);
  });
});

describe('an update of the metadata', () => {
  const update = (leaderEpoch: number, replicas: number[], topicId = TOPIC_ID) =>
    metadataDelta({
      topicIds: [[TOPIC, topicId]],
      partitions: [
        {
          topic: TOPIC,
          partition: 0,
          controllerEpoch: 1,
          leader: replicas[0] ?? -1,
          leaderEpoch,
          isr: replicas,
          partitionEpoch: 9,
          replicas,
          offlineReplicas: [],
        },
      ],
    });

  it('ends the lead of a broker whose replica was moved to others while it was away; its log stays', async () => {
    const cluster = await oneBroker();
    const { replicas } = cluster.node(1);
    const heard: string[] = [];
    replicas.onLeadership(({ role }) => heard.push(role));
    replicas.metadataUpdated(update(1, [2, 1]));
    replicas.metadataUpdated(update(0, [2, 3]));
    expect(cluster.partition(1).isLeader).toBe(true);
    replicas.metadataUpdated(update(1, [2, 3]));
    expect(cluster.partition(1).role).toBe('none');
    expect(heard).toEqual(['stopped']);
    expect((await cluster.produced(1, ['a'], { acks: 1 })).error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(cluster.node(1).logs.log(TOPIC, 0)).toBeDefined();
    cluster.truth().leaderEpoch = 2;
    cluster.tell();
    expect(cluster.partition(1).isLeader).toBe(true);
  });

  it('ends the lead in a topic that was made anew elsewhere, whatever its epoch', async () => {
    const cluster = await oneBroker();
    cluster.node(1).replicas.metadataUpdated(update(0, [2, 3], 'AAAAAAAAAAAAAAAAAAAAAg'));
    expect(cluster.partition(1).role).toBe('none');
  });

  it('ends the lead in a topic of which another, of the same name, was made elsewhere and deleted', async () => {
    const cluster = await oneBroker();
    const deleted = (topicId: string) =>
      metadataDelta({
        topicIds: [[TOPIC, topicId]],
        removed: [{ topic: TOPIC, partition: 0, replicas: [2, 3] }],
      });
    cluster.node(1).replicas.metadataUpdated(deleted(TOPIC_ID));
    expect(cluster.partition(1).isLeader).toBe(true);
    cluster.node(1).replicas.metadataUpdated(deleted('AAAAAAAAAAAAAAAAAAAAAg'));
    expect(cluster.partition(1).role).toBe('none');
  });

  it('tells coordinators of a partition that is another one now as of a deleted one', async () => {
    const cluster = await oneBroker();
    const heard: string[] = [];
    cluster.node(1).replicas.onLeadership(({ role }) => heard.push(role));
    cluster.node(1).replicas.metadataUpdated(update(0, [2, 3], 'AAAAAAAAAAAAAAAAAAAAAg'));
    expect(heard).toEqual(['deleted']);
  });

  it('ends the following of a broker that was moved away', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.clock.runFor(100);
    cluster.node(2).replicas.metadataUpdated(update(3, [1]));
    expect(cluster.partition(2).role).toBe('none');
    await cluster.produced(1, ['a'], { acks: 1 });
    await cluster.clock.runFor(1000);
    expect(cluster.log(2).endOffset).toBe(0);
  });
});
