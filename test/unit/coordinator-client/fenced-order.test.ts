/** Very many fenced writes at once: none may be made before what it stands on. */

import { describe, expect, it } from 'vitest';
import type { Change } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { FencedStore, type PartitionWrite } from '../../../coordinator-client/stores/fenced-store.ts';
import { World } from '../../support/world.ts';

/** More than one batch of requests under way. */
const TOPICS = 2500;

async function controller(): Promise<{ store: ClusterStore; fenced: FencedStore; source: LocalSource }> {
  const world = World.flowing();
  const source = world.source({ reconnectMs: 0 });
  const store = await world.store(source);
  const election = await store.electController(1, 5);
  if (!election.won) throw new Error('lost');
  const fenced = new FencedStore(store.coordinator, election.epoch, election.epochVersion);
  return { store, fenced, source };
}

async function makeTopics(store: ClusterStore): Promise<PartitionWrite[]> {
  const names = Array.from({ length: TOPICS }, (_, index) => `t${index}`);
  const partitions = new Map([[0, { replicas: [1], addingReplicas: [], removingReplicas: [] }]]);
  const assignment = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions };
  await Promise.all(names.map((name) => store.topics.create(name, assignment, new Map())));
  const state = { leader: 1, leaderEpoch: 0, isr: [1], controllerEpoch: 1, leaderRecoveryState: 0 };
  return names.map((topic) => ({ topic, partition: 0, state }));
}

describe('the states of thousands of new topics', () => {
  it('are all made, each after the directories above it', async () => {
    const { store, fenced } = await controller();
    const writes = await makeTopics(store);
    const results = await fenced.createPartitionStates(writes);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(await store.topics.partitionState('t2499', 0)).not.toBeNull();
  });

  it('are on their way some hundreds at a time, as to put thousands into bytes would hold the event loop', async () => {
    const { store } = await controller();
    const writes = await makeTopics(store);
    let [underWay, most] = [0, 0];
    const counting = new Proxy(store.coordinator, {
      get(coordinator, name) {
        const own: unknown = Reflect.get(coordinator, name, coordinator);
        if (typeof own !== 'function') return own;
        if (name !== 'commit') return own.bind(coordinator);
        return async (changes: readonly Change[]) => {
          underWay += changes.length;
          most = Math.max(most, underWay);
          const answer = await coordinator.commit(changes);
          underWay -= changes.length;
          return answer;
        };
      },
    });
    const results = await new FencedStore(counting, 1, 1).createPartitionStates(writes);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(most).toBeLessThanOrEqual(500);
  });

  it('are all made although the connection breaks on the way', async () => {
    const { store, fenced, source } = await controller();
    const writes = await makeTopics(store);
    for (const what of ['dropNextAnswer', 'dropNextRequest'] as const) {
      source[what](store.coordinator.sessionId);
      const results = await fenced.createPartitionStates(writes);
      expect(results.filter((result) => !result.ok && result.reason !== 'exists')).toEqual([]);
    }
    expect(await store.topics.partitionState('t0', 0)).not.toBeNull();
  });
});
