/** Leaders that go back to the first replica, by the clock and on request. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { successOf } from '../../support/success-of.ts';
import { alter, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('preferred leaders', () => {
  async function imbalanced(): Promise<void> {
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [2, 1]);
    await loseTheFirst();
  }

  /** Broker 2 dies, and is in sync again, while 1 leads. */
  async function loseTheFirst(): Promise<void> {
    const partitionEpoch = (version() ?? 0) + 1;
    await cluster.kill(2);
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
    await cluster.start(2);
    await cluster.settle();
    const { leaderEpoch } = cluster.state('t', 0) ?? {};
    const change = alter(1, cluster.member(1).epoch, [1, 2], { leaderEpoch, partitionEpoch });
    const answer = await cluster.controller().alterPartition(change);
    expect(answer.partitions[0]?.error).toBe(0);
  }

  const version = () => cluster.tree.read('/brokers/topics/t/partitions/0/state')?.version;
  const leader = () => cluster.state('t', 0)?.leader;
  /** Virtual time begins with the election. */
  const passUntil = (timeMs: number) => cluster.pass(timeMs - cluster.world.clock.nowMs());

  it('get their partitions back at the periodic check, first after five seconds, then each interval', async () => {
    cluster = new TestCluster({ leaderImbalanceCheckIntervalSeconds: 300 });
    await imbalanced();
    await passUntil(4999);
    expect(leader()).toBe(1);
    await passUntil(5001);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [1, 2], leaderEpoch: 2 });
    await loseTheFirst();
    await passUntil(304_999);
    expect(leader()).toBe(1);
    await passUntil(305_001);
    expect(leader()).toBe(2);
  });

  it('can be asked for, and are refused where they are not needed or not possible', async () => {
    cluster = new TestCluster();
    await imbalanced();
    await cluster.createTopic('deleted', [1, 9]);
    await cluster.any().topics.requestDeletion('deleted');
    await cluster.createTopic('dead', [9, 1]);
    const asked = ['t', 'dead', 'unknown', 'deleted'].map((topic) => ({ topic, partition: 0 }));
    const answers = await successOf(cluster.controller().electLeaders('preferred', asked));
    expect(answers).toMatchObject([
      { topic: 't', error: 0 },
      { topic: 'dead', error: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE },
      { topic: 'unknown', error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { topic: 'deleted', error: ErrorCode.INVALID_TOPIC_EXCEPTION },
    ]);
    expect(await successOf(cluster.controller().electLeaders('preferred', asked.slice(0, 1)))).toMatchObject([
      { error: ErrorCode.ELECTION_NOT_NEEDED },
    ]);
    expect(await successOf(cluster.controller().electLeaders('unclean', asked.slice(0, 1)))).toMatchObject([
      { error: ErrorCode.ELECTION_NOT_NEEDED },
    ]);
    expect(await cluster.member(2).controller.electLeaders('preferred', null)).toEqual({
      ok: false,
      error: ErrorCode.NOT_CONTROLLER,
    });
  });

  it('can be asked for through the legacy znode, which is removed', async () => {
    cluster = new TestCluster();
    await imbalanced();
    const path = '/admin/preferred_replica_election';
    const data = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0}]}');
    cluster.tree.commit([{ op: 'create', path, data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.tree.read(path) === null);
    expect(cluster.state('t', 0)?.leader).toBe(2);
  });
});
