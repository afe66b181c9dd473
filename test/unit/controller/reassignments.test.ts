/** Reassignments: by the API, by the legacy znode, across failovers, and against other writers. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionStateZnode, topicZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { successOf } from '../../support/success-of.ts';
import { alter, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('reassignments', () => {
  const moveTo = (replicas: number[] | null) => [{ topic: 't', partition: 0, replicas }];

  it('add replicas, wait until they are in sync, then drop and delete the others', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    expect(await successOf(one?.controller.alterReassignments(moveTo([3, 2])))).toMatchObject([{ error: 0 }]);
    expect(await successOf(one?.controller.listReassignments(null))).toEqual([
      { topic: 't', partition: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] },
    ]);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1, 2], leaderEpoch: 1 });
    expect(cluster.toldTo(3)[0]).toMatchObject({
      type: 'LeaderAndIsr',
      partitions: [{ isNew: true, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] }],
    });
    cluster.forget();
    const joined = alter(1, one?.epoch ?? 0, [1, 2, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    expect((await one?.controller.alterPartition(joined))?.partitions[0]?.error).toBe(0);
    await cluster.until(() => cluster.events('reassignment-finished').length > 0);
    expect(cluster.events('reassignment-finished')).toMatchObject([
      { topic: 't', partition: 0, replicas: [3, 2] },
    ]);
    await cluster.settle();
    expect(cluster.state('t', 0)).toEqual({ leader: 3, isr: [2, 3], leaderEpoch: 3 });
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)).toEqual({
      replicas: [3, 2],
      addingReplicas: [],
      removingReplicas: [],
    });
    expect(cluster.toldTo(1)).toContainEqual(
      expect.objectContaining({
        type: 'StopReplica',
        partitions: [{ topic: 't', partition: 0, leaderEpoch: 3, deletePartition: true }],
      }),
    );
  });

  it('end although the topic grows at that moment, and it keeps what it has grown', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    await successOf(one?.controller.alterReassignments(moveTo([3, 2])));
    await cluster.settle();
    const { tree } = cluster;
    const path = topicZnode.path('t');
    const commit = tree.commit.bind(tree);
    let grown = false;
    tree.commit = (changes, ...rest) => {
      const answer = commit(changes, ...rest);
      const ending = changes.some((change) => 'data' in change && change.data.includes('"leader":3'));
      const node = tree.read(path);
      if (grown || !ending || node === null) return answer;
      grown = true;
      const stored = topicZnode.decode('t', node.data);
      const added = { replicas: [2], addingReplicas: [], removingReplicas: [] };
      const data = topicZnode.encode({ ...stored, partitions: new Map([...stored.partitions, [1, added]]) });
      expect(commit([{ op: 'put', path, data, version: node.version }], 0n, 0)).toMatchObject({ ok: true });
      return answer;
    };
    const joined = alter(1, one?.epoch ?? 0, [1, 2, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    await one?.controller.alterPartition(joined);
    await cluster.until(() => cluster?.state('t', 1)?.leader === 2);
    await cluster.settle();
    expect(grown).toBe(true);
    const { partitions = new Map() } = (await cluster.any().topics.assignment('t')) ?? {};
    expect([...partitions]).toEqual([
      [0, { replicas: [3, 2], addingReplicas: [], removingReplicas: [] }],
      [1, { replicas: [2], addingReplicas: [], removingReplicas: [] }],
    ]);
    expect(await successOf(one?.controller.listReassignments(null))).toEqual([]);
    expect(await successOf(one?.controller.alterReassignments(moveTo([2, 3])))).toMatchObject([{ error: 0 }]);
  });

  it('do not end, and delete nothing, when their last step meets a state in which nobody of the target can lead', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1]);
    await successOf(one?.controller.alterReassignments(moveTo([3])));
    await cluster.settle();
    const { tree } = cluster;
    const path = partitionStateZnode.path('t', 0);
    const commit = tree.commit.bind(tree);
    tree.commit = (changes, ...rest) => {
      const ending = changes.some((change) => 'data' in change && change.data.includes('"leader":3'));
      const node = tree.read(path);
      if (!ending || node === null) return commit(changes, ...rest);
      tree.commit = commit;
      const shrunk = { ...partitionStateZnode.decode('t', 0, node.data), isr: [1] };
      const data = partitionStateZnode.encode(shrunk);
      commit([{ op: 'put', path, data, version: node.version }], 0n, 0);
      return commit(changes, ...rest);
    };
    cluster.forget();
    const joined = alter(1, one?.epoch ?? 0, [1, 3], { leaderEpoch: 1, partitionEpoch: 1 });
    await one?.controller.alterPartition(joined);
    await cluster.settle();
    expect(tree.commit).toBe(commit);
    expect(cluster.state('t', 0)).toMatchObject({ leader: 1, isr: [1] });
    expect(cluster.toldTo(1).filter(({ type }) => type === 'StopReplica')).toEqual([]);
    expect(await successOf(one?.controller.listReassignments(null))).toEqual([
      { topic: 't', partition: 0, replicas: [3, 1], addingReplicas: [3], removingReplicas: [1] },
    ]);
  });

  it('can be cancelled, and are refused when they make no sense', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2]);
    const error = async (replicas: number[] | null) => {
      const answers = await successOf(one?.controller.alterReassignments(moveTo(replicas)));
      return answers?.[0]?.error;
    };
    expect(await error(null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
    expect(await error([])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 1])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(await error([1, 3])).toBe(0);
    expect(await error(null)).toBe(0);
    expect(await successOf(one?.controller.listReassignments(null))).toEqual([]);
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)?.replicas).toEqual([1, 2]);
    expect(cluster.state('t', 0)?.isr).toEqual([1, 2]);
  });

  it('survive a failover, and come from the legacy znode too', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [2, 3]);
    const path = '/admin/reassign_partitions';
    const data = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3]}]}');
    cluster.answers.set(3, () => null);
    cluster.tree.commit([{ op: 'create', path, data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.tree.read(path) === null);
    expect(cluster.state('t', 0)?.leader).toBe(3);
    await cluster.kill(cluster.controller().controllerId);
    cluster.answers.clear();
    await cluster.until(() => cluster.active() !== undefined);
    expect((await cluster.any().topics.assignment('t'))?.partitions.get(0)?.replicas).toEqual([3]);
  });
});
