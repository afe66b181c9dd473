/** Topics that are made, grow and are deleted. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../broker/peers/envelope.ts';
import type { LeaderAndIsrRequest } from '../../../broker/peers/messages.ts';
import { assignment, success, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('topics', () => {
  it.each(['__proto__', 'constructor'])('keep their id whatever they are called (%s)', async (topic) => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    cluster.forget();
    await cluster.createTopic(topic, [2, 1]);
    const told = cluster
      .toldTo(2)
      .map((request) => decodeEnvelope(Buffer.concat(encodeEnvelope(request))).header);
    const ids = told.flatMap((request) => [...new Map((request as LeaderAndIsrRequest).topicIds)]);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids.map(([name, id]) => `${name} ${id}`))).toEqual(
      new Set([`${topic} AAAAAAAAAAAAAAAAAAAAAQ`]),
    );
  });

  it('get a leader, an ISR of the living, and LeaderAndIsr with isNew for its members', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    cluster.forget();
    await cluster.createTopic('t', [3, 2, 1]);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2, 1], leaderEpoch: 0 });
    const [request] = cluster.toldTo(1) as LeaderAndIsrRequest[];
    expect(request).toMatchObject({
      type: 'LeaderAndIsr',
      controllerEpoch: 1,
      brokerEpoch: cluster.member(1).epoch,
      topicIds: [['t', 'AAAAAAAAAAAAAAAAAAAAAQ']],
      partitions: [
        {
          topic: 't',
          partition: 0,
          leader: 2,
          leaderEpoch: 0,
          isr: [2, 1],
          partitionEpoch: 0,
          replicas: [3, 2, 1],
          addingReplicas: [],
          removingReplicas: [],
          isNew: true,
          leaderRecoveryState: 0,
        },
      ],
    });
    cluster.forget();
    await cluster.start(3);
    await cluster.until(() => cluster.toldTo(3).length >= 2);
    expect(
      cluster
        .toldTo(3)
        .map(({ type }) => type)
        .slice(0, 2),
    ).toEqual(['UpdateMetadata', 'LeaderAndIsr']);
  });

  it('whose replicas are all dead wait for the first to come', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    await cluster.any().topics.create('t', assignment([[2]]), new Map());
    await cluster.until(() => cluster.events('new-partitions-leaderless').length > 0);
    expect(cluster.events('new-partitions-leaderless')).toMatchObject([
      { why: 'no-living-replica', count: 1, partitions: ['t-0'] },
    ]);
    await cluster.start(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
  });

  it('grow by partitions that are added to the assignment', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    await cluster.any().topics.replaceAssignment(
      't',
      assignment([
        [1, 2],
        [2, 1],
      ]),
      0,
    );
    await cluster.until(() => cluster.state('t', 1)?.leader === 2);
    expect(cluster.state('t', 0)?.leaderEpoch).toBe(0);
  });

  it('are deleted once every replica has said so, with leader -2 told first', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => cluster.tree.read('/admin/delete_topics/t') === null);
    expect(cluster.tree.read('/brokers/topics/t')).toBeNull();
    expect(cluster.tree.read('/config/topics/t')).toBeNull();
    const [metadata, stop] = cluster.toldTo(2);
    expect(metadata).toMatchObject({ type: 'UpdateMetadata', partitions: [{ leader: -2 }] });
    expect(stop).toMatchObject({
      type: 'StopReplica',
      partitions: [{ topic: 't', partition: 0, leaderEpoch: -2, deletePartition: true }],
    });
    await cluster.createTopic('t', [2, 1]);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2, 1], leaderEpoch: 0 });
  });

  it('survive a failed deletion and are deleted when the broker returns', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.answers.set(2, (request) =>
      request.type === 'StopReplica'
        ? { error: 0, partitions: [{ topic: 't', partition: 0, error: ErrorCode.KAFKA_STORAGE_ERROR }] }
        : success(request),
    );
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => cluster.log.some((line) => line.includes('Broker 2 did not delete t-0')));
    await cluster.settle();
    expect(cluster.tree.read('/brokers/topics/t')).not.toBeNull();
    cluster.answers.clear();
    await cluster.kill(2);
    await cluster.start(2);
    await cluster.until(() => cluster.tree.read('/brokers/topics/t') === null);
  });

  it('are not deleted when unknown or when deletion is off; the request goes away', async () => {
    cluster = new TestCluster({ deleteTopicEnable: false });
    await cluster.startAll(1);
    await cluster.createTopic('t', [1]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.any().topics.requestDeletion('unknown');
    await cluster.until(() => cluster.tree.children('/admin/delete_topics')?.length === 0);
    expect(cluster.tree.read('/brokers/topics/t')).not.toBeNull();
  });

  it('that are being deleted do not grow: the assignment is written back', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1);
    await cluster.createTopic('t', [1, 2]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.settle();
    await cluster.any().topics.replaceAssignment(
      't',
      assignment([
        [1, 2],
        [1, 2],
      ]),
      0,
    );
    await cluster.until(() => cluster.tree.read('/brokers/topics/t')?.version === 2);
    expect((await cluster.any().topics.assignment('t'))?.partitions.size).toBe(1);
  });
});
