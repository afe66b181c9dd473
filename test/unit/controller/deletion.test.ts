/** Deletion of topics while a broker that holds replicas of them is not there. */
import { afterEach, describe, expect, it } from 'vitest';
import { successOf } from '../../support/success-of.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

/** Three brokers, of which the third, which is not the controller, is dead. */
async function oneDead(...partitions: number[][]): Promise<void> {
  cluster = new TestCluster();
  await cluster.startAll(1);
  await cluster.start(2);
  await cluster.start(3);
  await cluster.settle();
  await cluster.createTopic('t', ...partitions);
  await cluster.kill(3);
  await cluster.until(() =>
    partitions.every((_, index) => cluster.state('t', index)?.isr.includes(3) === false),
  );
  await cluster.settle();
  cluster.forget();
}

const isGone = (): boolean => cluster.tree.read('/brokers/topics/t') === null;

/** What a broker was told of the topic, in order. */
function toldOf(id: number): string[] {
  return cluster.toldTo(id).flatMap((request) =>
    request.partitions.map((one) => {
      const more = 'leader' in one ? ` leader ${one.leader}` : ` delete ${one.deletePartition}`;
      return `${request.type} ${one.topic}-${one.partition}${more}`;
    }),
  );
}

const DELETED_FIRST = ['UpdateMetadata t-0 leader -2', 'StopReplica t-0 delete true'];

describe('the deletion of a topic of which a replica is on a dead broker', () => {
  it('takes it from all metadata and from the living brokers at once, and keeps its znodes', async () => {
    await oneDead([1, 2, 3]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => toldOf(1).length >= 2 && toldOf(2).length >= 2);
    await cluster.settle();
    expect(toldOf(1)).toEqual(DELETED_FIRST);
    expect(toldOf(2)).toEqual(DELETED_FIRST);
    expect(isGone()).toBe(false);
    expect(cluster.tree.read('/admin/delete_topics/t')).not.toBeNull();
  });

  it('ends when the broker returns: it gets no leadership of it, and is told to delete', async () => {
    await oneDead([1, 2, 3]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => toldOf(2).length >= 2);
    await cluster.settle();
    cluster.forget();
    await cluster.start(3);
    await cluster.until(isGone);
    expect(toldOf(3)).toEqual(DELETED_FIRST);
    expect(toldOf(2).filter((what) => what.startsWith('StopReplica'))).toEqual([]);
    expect(cluster.tree.read('/admin/delete_topics/t')).toBeNull();
    await cluster.createTopic('t', [3, 1]);
    expect(cluster.state('t', 0)).toEqual({ leader: 3, isr: [3, 1], leaderEpoch: 0 });
  });

  it('is taken up again by the next controller, and ends when the broker returns', async () => {
    await oneDead([1, 2, 3]);
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => toldOf(2).length >= 2);
    await cluster.settle();
    cluster.forget();
    await cluster.kill(1);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.until(() => toldOf(2).includes('StopReplica t-0 delete true'));
    await cluster.settle();
    expect(toldOf(2).filter((what) => what.startsWith('LeaderAndIsr'))).toEqual([]);
    expect(toldOf(2).indexOf(DELETED_FIRST[0] ?? '')).toBe(0);
    await cluster.start(3);
    await cluster.settle();
    expect(isGone()).toBe(false);
    await cluster.start(1);
    await cluster.until(isGone);
  });

  it('that nobody has begun because the controller died is begun by the next one', async () => {
    await oneDead([1, 2, 3]);
    for (const id of [1, 2]) cluster.answers.set(id, () => null);
    await cluster.any().topics.requestDeletion('t');
    await cluster.settle();
    expect(toldOf(2)).toEqual([]);
    await cluster.kill(1);
    cluster.answers.clear();
    await cluster.until(() => toldOf(2).length >= 2);
    await cluster.settle();
    expect(toldOf(2)).toEqual(DELETED_FIRST);
  });

  it('waits for the end of a move, or for a broker of the topic to come', async () => {
    await oneDead([1, 2]);
    await cluster.start(3);
    await cluster.settle();
    const moves = [{ topic: 't', partition: 0, replicas: [3, 1] }];
    expect(await successOf(cluster.controller().alterReassignments(moves))).toMatchObject([{ error: 0 }]);
    await cluster.settle();
    cluster.forget();
    await cluster.any().topics.requestDeletion('t');
    await cluster.settle();
    expect(toldOf(2)).toEqual([]);
    await cluster.kill(3);
    await cluster.start(3);
    await cluster.until(isGone);
  });
});
