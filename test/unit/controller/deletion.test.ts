/** Deletion of topics while a broker that holds replicas of them is not there. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { brokerZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { successOf } from '../../support/success-of.ts';
import { success, TestCluster } from './cluster.ts';

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

/**
 * Broker 3 is told to delete, and comes back under a new epoch before it has answered. The controller hears
 * of that, but stands still until `former` has answered what was meant for the former self.
 */
async function bouncesMeanwhile(former: ErrorCode): Promise<void> {
  cluster = new TestCluster();
  const [one] = await cluster.startAll(1);
  await cluster.start(2);
  await cluster.start(3);
  await cluster.settle();
  await cluster.createTopic('t', [1, 2, 3]);
  let isAnswering = false;
  cluster.answers.set(3, (request) => {
    if (request.type !== 'StopReplica' || (isAnswering && former === ErrorCode.NONE)) return success(request);
    return isAnswering ? { error: former, partitions: [] } : null;
  });
  await cluster.any().topics.requestDeletion('t');
  await cluster.until(() =>
    cluster.log.some((line) => line.includes('StopReplica to broker 3 got no answer')),
  );
  const { coordinator } = one ?? cluster.member(1);
  const children = coordinator.children.bind(coordinator);
  let goOn = (): void => {};
  const standing = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  coordinator.children = async (path) => {
    if (path === brokerZnode.parent) await standing;
    return children(path);
  };
  await cluster.kill(3);
  await cluster.start(3);
  isAnswering = true;
  await cluster.settle();
  cluster.answers.set(3, () => null);
  cluster.forget();
  goOn();
  await cluster.settle();
}

describe('the deletion of a topic of which a broker comes back before it has answered', () => {
  it('ends, although its former self has refused after it was back', async () => {
    await bouncesMeanwhile(ErrorCode.STALE_BROKER_EPOCH);
    cluster.answers.delete(3);
    await cluster.until(isGone);
    expect(toldOf(3).at(-1)).toBe('StopReplica t-0 delete true');
  });

  it('does not end before it has answered itself', async () => {
    await bouncesMeanwhile(ErrorCode.NONE);
    expect(isGone()).toBe(false);
    cluster.answers.delete(3);
    await cluster.until(isGone);
  });
});

const REPAIR_INTERVAL_MS = 60_000;
const stopsOf = (id: number): string[] => toldOf(id).filter((what) => what.startsWith('StopReplica'));

describe('the deletion of a topic that a living broker has failed to delete', () => {
  /** What broker 2 answers of each partition that it is told to delete. */
  async function failing(error: ErrorCode, ...more: number[]): Promise<void> {
    await oneDead([1, 2, ...more]);
    cluster.answers.set(2, (request) => {
      if (request.type !== 'StopReplica') return success(request);
      return { error: 0, partitions: request.partitions.map((one) => ({ ...one, error })) };
    });
    await cluster.any().topics.requestDeletion('t');
    await cluster.until(() => stopsOf(2).length > 0);
    await cluster.settle();
    cluster.forget();
  }

  it('is tried again from time to time', async () => {
    await failing(ErrorCode.UNKNOWN_SERVER_ERROR);
    await cluster.pass(REPAIR_INTERVAL_MS);
    expect(stopsOf(2)).toEqual(['StopReplica t-0 delete true']);
    expect(stopsOf(1)).toEqual([]);
    expect(isGone()).toBe(false);
    cluster.answers.clear();
    await cluster.pass(REPAIR_INTERVAL_MS);
    await cluster.until(isGone);
  });

  it('waits where its disk has failed, or where only the dead have to delete', async () => {
    await failing(ErrorCode.KAFKA_STORAGE_ERROR);
    await cluster.pass(2 * REPAIR_INTERVAL_MS);
    expect(cluster.told).toEqual([]);
    await cluster.stop();
    await failing(ErrorCode.NONE, 3);
    await cluster.pass(2 * REPAIR_INTERVAL_MS);
    expect(cluster.told).toEqual([]);
    expect(isGone()).toBe(false);
  });
});

it('a broker that tells of a failed disk does not get back what it has deleted', async () => {
  await oneDead([1, 2, 3]);
  await cluster.createTopic('u', [2, 1]);
  await cluster.any().topics.requestDeletion('t');
  await cluster.until(() => stopsOf(2).length > 0);
  await cluster.settle();
  cluster.forget();
  await cluster.member(2).store.notifyLogDirFailure(2);
  await cluster.until(() => toldOf(2).length >= 2);
  await cluster.settle();
  expect(toldOf(2)).toEqual(['LeaderAndIsr u-0 leader 2', 'UpdateMetadata u-0 leader 2']);
});
