/** What a new controller does first: it tells the living, moves what the dead led, repeats what was asked. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LeaderAndIsrRequest, UpdateMetadataRequest } from '../../../broker/peers/messages.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('a failover', () => {
  it('tells the living brokers before it tells leaders, and moves what the dead broker led', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2, 3], [2, 3, 1], [3, 1, 2]);
    const dead = cluster.controller().controllerId;
    cluster.forget();
    await cluster.kill(dead);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.settle();
    for (let partition = 0; partition < 3; partition++) {
      const state = cluster.state('t', partition);
      expect(state?.isr).not.toContain(dead);
      expect(state?.leader).not.toBe(dead);
      expect(state?.leaderEpoch).toBe(1);
    }
    const alive = [1, 2, 3].filter((id) => id !== dead);
    for (const id of alive) {
      const requests = cluster.toldTo(id).filter(({ controllerEpoch }) => controllerEpoch === 2);
      expect(requests.map(({ type }) => type)).toEqual(['UpdateMetadata', 'LeaderAndIsr', 'UpdateMetadata']);
      const first = requests[0] as UpdateMetadataRequest;
      expect(first.partitions).toEqual([]);
      expect(first.onlyTopics).toBeUndefined();
      expect(first.liveBrokers.map((broker) => broker.id)).toEqual(alive);
      // Only the last says that this is all: a broker that has just started must not take the first for it.
      expect(requests[2]).toMatchObject({ onlyTopics: ['t'], partitions: { length: 3 } });
      const leaders = requests[1] as LeaderAndIsrRequest;
      expect(leaders.partitions).toHaveLength(3);
      expect(leaders.brokerEpoch).toBe(cluster.member(id).epoch);
    }
    expect(cluster.controller().failoverTimeline).toMatchObject({
      epoch: 2,
      partitions: 3,
      partitionsMoved: 3,
    });
  });

  it('gives topics without an id one, and enables features', async () => {
    cluster = new TestCluster();
    await cluster.start(1);
    await cluster.until(() => cluster.active() !== undefined);
    const data = Buffer.from('{"version":1,"partitions":{"0":[1]}}');
    cluster.tree.commit([{ op: 'create', path: '/brokers/topics/old', data, lifetime: 'persistent' }], 0n, 0);
    await cluster.until(() => cluster.state('old', 0) !== null);
    expect((await cluster.any().topics.assignment('old'))?.topicId).toMatch(/^[\w-]{22}$/);
    expect(cluster.tree.read('/feature')?.data.toString()).toBe('{"features":{},"version":2,"status":1}');
  });

  it('repeats what was asked of the former controller: deletions, preferred elections', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    await cluster.createTopic('gone', [1, 2]);
    const first = cluster.controller().controllerId;
    const other = first === 1 ? 2 : 1;
    cluster.answers.set(first, () => null);
    cluster.answers.set(other, () => null);
    await cluster.any().topics.requestDeletion('gone');
    await cluster.settle();
    await cluster.kill(first);
    await cluster.until(() => cluster.active() !== undefined);
    cluster.answers.clear();
    expect(cluster.tree.read('/brokers/topics/gone')).not.toBeNull();
    await cluster.start(first);
    await cluster.until(() => cluster.tree.read('/admin/delete_topics/gone') === null);
    expect(cluster.tree.read('/brokers/topics/gone')).toBeNull();
  });
});

describe('many partitions', () => {
  it('a failover over a thousand partitions tells each broker in six requests, leadership in four of them', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    const lists = Array.from({ length: 1000 }, (_, i) => [1 + (i % 3), 1 + ((i + 1) % 3), 1 + ((i + 2) % 3)]);
    await cluster.createTopic('big', ...lists);
    cluster.forget();
    const dead = cluster.controller().controllerId;
    await cluster.kill(dead);
    await cluster.until(() => cluster.active() !== undefined);
    await cluster.settle();
    for (const id of [1, 2, 3].filter((one) => one !== dead)) {
      expect(cluster.toldTo(id).filter(({ controllerEpoch }) => controllerEpoch === 2)).toHaveLength(6);
    }
    expect(cluster.controller().failoverTimeline?.partitionsMoved).toBe(1000);
  });
});
