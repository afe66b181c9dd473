/** Very many fenced writes at once: none may be made before what it stands on. */

import { describe, expect, it } from 'vitest';
import type { Change, Coordinator } from '../../../coordinator-client/coordinator.ts';
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

/** Changes that were under way at once, and those that were begun between two turns of the event loop. */
function counted(coordinator: Coordinator) {
  let [underWay, mostUnderWay, begun, mostBegun] = [0, 0, 0, 0];
  const counting = new Proxy(coordinator, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name, target);
      if (typeof own !== 'function') return own;
      if (name !== 'commit') return own.bind(target);
      return async (changes: readonly Change[]) => {
        underWay += changes.length;
        begun += changes.length;
        mostUnderWay = Math.max(mostUnderWay, underWay);
        mostBegun = Math.max(mostBegun, begun);
        const answer = await target.commit(changes);
        underWay -= changes.length;
        return answer;
      };
    },
  });
  const turn = async (): Promise<void> => {
    begun = 0;
  };
  return { coordinator: counting, turn, mostUnderWay: () => mostUnderWay, mostBegun: () => mostBegun };
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
    const commits = counted(store.coordinator);
    const results = await new FencedStore(commits.coordinator, 1, 1).createPartitionStates(writes);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(commits.mostUnderWay()).toBeLessThanOrEqual(500);
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

describe('new states of thousands of partitions, as when a broker has died', () => {
  it('are all on their way at once, with turns of the event loop between those that are put into bytes', async () => {
    const { store } = await controller();
    const writes = await makeTopics(store);
    await new FencedStore(store.coordinator, 1, 1).createPartitionStates(writes);
    const commits = counted(store.coordinator);
    const fenced = new FencedStore(commits.coordinator, 1, 1, commits.turn);
    const results = await fenced.updatePartitionStates(writes.map((write) => ({ ...write, version: 0 })));
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(commits.mostUnderWay()).toBeGreaterThanOrEqual(TOPICS);
    expect(commits.mostBegun()).toBeLessThanOrEqual(300);
  });
});
