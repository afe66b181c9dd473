/** What administrators ask of the controller: each partition counts once, and refusals are Kafka's to the word. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { successOf } from '../../support/success-of.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

const MANY = 100_000;
const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function started(): Promise<void> {
  cluster = new TestCluster();
  await cluster.startAll(1);
  await cluster.start(2);
  await cluster.settle();
  await cluster.createTopic('t', [1, 2]);
}

const ofT = { topic: 't', partition: 0 };

describe('a partition that is named very often in one request', () => {
  it('is reassigned once, to what was asked last', async () => {
    await started();
    const requests = times(MANY, (index) => ({ ...ofT, replicas: index % 2 === 0 ? [1] : [2, 1] }));
    const version = cluster.tree.read('/brokers/topics/t')?.version;
    expect(await successOf(cluster.controller().alterReassignments(requests))).toEqual([
      { ...ofT, error: ErrorCode.NONE, message: null },
    ]);
    await cluster.settle();
    expect(cluster.state('t', 0)).toMatchObject({ isr: [1, 2] });
    // Written when the move begins, and when it is over.
    expect((cluster.tree.read('/brokers/topics/t')?.version ?? 0) - (version ?? 0)).toBeLessThanOrEqual(2);
  });

  it('is answered by what was asked last, also where that is refused', async () => {
    await started();
    const last = { ...ofT, replicas: [] };
    expect(
      await successOf(cluster.controller().alterReassignments([{ ...ofT, replicas: [1] }, last])),
    ).toMatchObject([{ ...ofT, error: ErrorCode.INVALID_REPLICA_ASSIGNMENT }]);
    expect(
      await successOf(cluster.controller().alterReassignments([last, { ...ofT, replicas: [1, 2] }])),
    ).toMatchObject([{ ...ofT, error: ErrorCode.NONE }]);
  });

  it('is elected and listed once', async () => {
    await started();
    await cluster.createTopic('u', [9, 1]);
    const asked = times(MANY, () => ofT);
    expect(await successOf(cluster.controller().electLeaders('preferred', asked))).toHaveLength(1);
    const moving = { topic: 'u', partition: 0 };
    expect(
      await successOf(cluster.controller().alterReassignments([{ ...moving, replicas: [2, 1] }])),
    ).toMatchObject([{ error: ErrorCode.NONE }]);
    expect(await successOf(cluster.controller().listReassignments(times(MANY, () => moving)))).toHaveLength(
      1,
    );
  });
});

describe('very many partitions that are not there', () => {
  it('are all refused, and others have their turn in between', async () => {
    await started();
    let turns = 0;
    cluster.world.clock.afterStep = () => turns++;
    const requests = times(MANY, (partition) => ({ topic: 'none', partition, replicas: [1] }));
    const answers = await successOf(cluster.controller().alterReassignments(requests));
    expect(answers).toHaveLength(MANY);
    expect(turns).toBeGreaterThan(10);
  });
});

describe('refusals', () => {
  it('of reassignments are in the words of Kafka', async () => {
    await started();
    const refusalOf = async (replicas: number[] | null, topic = 't') => {
      const answers = await successOf(
        cluster.controller().alterReassignments([{ topic, partition: 0, replicas }]),
      );
      return answers?.[0]?.message;
    };
    expect(await refusalOf([1], 'none')).toBe('The partition does not exist.');
    expect(await refusalOf(null)).toBe('No partition reassignment is in progress.');
    expect(await refusalOf([])).toBe('Empty replica list specified in partition reassignment.');
    expect(await refusalOf([1, 1])).toBe(
      'Duplicate replica ids in partition reassignment replica list: ArrayBuffer(1, 1)',
    );
    expect(await refusalOf([-1])).toBe('Invalid broker id in replica list: ArrayBuffer(-1)');
    expect(await refusalOf([1, 9, 8])).toBe(
      'Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(9, 8), live broker list: Set(1, 2)',
    );
    expect((await refusalOf(times(MANY, (index) => index)))?.length).toBeLessThan(10_000);
  });

  it('of elections are in the words of Kafka', async () => {
    await started();
    await cluster.createTopic('dead', [9, 1]);
    await cluster.createTopic('leaving', [1, 9]);
    await cluster.any().topics.requestDeletion('leaving');
    await cluster.settle();
    const asked = ['t', 'dead', 'leaving', 'none'].map((topic) => ({ topic, partition: 0 }));
    const messages = async (type: 'preferred' | 'unclean') => {
      const answers = await successOf(cluster.controller().electLeaders(type, asked));
      return answers?.map(({ message }) => message);
    };
    const notNeeded = 'Leader election not needed for topic partition.';
    const others = ['The topic is being deleted', 'The partition does not exist.'];
    expect(await messages('preferred')).toEqual([
      notNeeded,
      'Failed to elect leader for partition dead-0 under strategy PreferredReplicaPartitionLeaderElectionStrategy',
      ...others,
    ]);
    expect(await messages('unclean')).toEqual([notNeeded, notNeeded, ...others]);
  });
});
