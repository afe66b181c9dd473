/** What the journal has of the roles that one order of the controller gives, from its news to the replicas. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import { type ClusterDelta, deltaOutcome, type ReplicaState } from '../../../broker/metadata/delta.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { MetadataPublisher } from '../../../broker/node/metadata-publisher.ts';
import { GROUP_METADATA_TOPIC } from '../../../broker/types.ts';
import { replicaDelta } from '../../support/metadata-deltas.ts';
import { ReplicationCluster, TOPIC, TOPIC_ID } from './cluster-kit.ts';

const CAUSE = { brokerId: 9, id: 7 };

/** Broker 1 of two, behind a publisher. */
async function listening() {
  const cluster = await ReplicationCluster.start({ brokers: 2 });
  const { replicas, journal } = cluster.node(1);
  const publisher = new MetadataPublisher({
    clock: cluster.clock,
    fence: new ControllerFence(),
    metadata: new MetadataCache(cluster.clock),
    replicas,
    peers: { forget: () => {} },
    configs: { load: async () => {}, forget: () => {} },
    groups: { forgetPartitions: async () => {} },
  });
  const publish = (states: readonly ReplicaState[], own: Partial<ClusterDelta> = {}) =>
    publisher.publish({
      ...{ controllerEpoch: 1, brokerEpoch: -1, metadata: null },
      replicas: replicaDelta(1, states),
      ...own,
    });
  const published = async (...order: Parameters<typeof publish>) =>
    cluster.settled(Promise.resolve(publish(...order)));
  const recorded = () => {
    const kinds = new Map<string, number>();
    for (const { event } of journal.since(0)) kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
    return Object.fromEntries(kinds);
  };
  return { cluster, replicas, journal, publish, published, recorded };
}

function states(count: number, own: Partial<ReplicaState> = {}): ReplicaState[] {
  return Array.from({ length: count }, (_, partition) => ({
    ...{ topic: TOPIC, topicId: TOPIC_ID, partition, controllerEpoch: 1, leader: 1, leaderEpoch: 0 },
    ...{ isr: [1], replicas: [1, 2], partitionEpoch: 0, isNew: true, cause: CAUSE },
    ...{ addingReplicas: [], removingReplicas: [] },
    ...own,
  }));
}

describe('the roles of one order', () => {
  it('are an event each where they are few, with what the controller has recorded as its cause', async () => {
    const { published, recorded, journal, replicas } = await listening();
    expect(await published(states(30))).toEqual(deltaOutcome(ErrorCode.NONE));
    expect(recorded()).toEqual({ 'became-leader': 30 });
    const last = journal.since(0).at(-1);
    expect([last?.causeBrokerId, last?.causeId, replicas.partition(TOPIC, 29)?.roleEventId]).toEqual([
      9,
      7,
      last?.id,
    ]);
  });

  it('are one event where they are many, in however many turns they are taken', async () => {
    const { published, recorded, journal, replicas } = await listening();
    const all = states(300).map((state) => (state.partition < 200 ? state : { ...state, leader: 2 }));
    await published(all);
    expect(recorded()).toEqual({ 'roles-taken': 1 });
    const [taken] = journal.since(0);
    expect(taken).toMatchObject({ causeBrokerId: 9, causeId: 7, event: { leading: 200, following: 100 } });
    const ids = [0, 150, 299].map((partition) => replicas.partition(TOPIC, partition)?.roleEventId);
    expect(ids).toEqual([taken?.id, taken?.id, taken?.id]);
  });

  it('are an event each where only a few of many that were ordered are new', async () => {
    const { published, recorded } = await listening();
    await published(states(40));
    await published(states(60));
    expect(recorded()).toEqual({ 'became-leader': 60 });
  });

  it('are recorded at once where coordinators follow them, and those beside them together', async () => {
    const { published, recorded, replicas, journal } = await listening();
    const before: (number | undefined)[] = [];
    replicas.onLeadership(({ topic }) => {
      if (topic === GROUP_METADATA_TOPIC) before.push(journal.since(0).length);
    });
    await published([...states(2, { topic: GROUP_METADATA_TOPIC }), ...states(60)]);
    expect([before, recorded()]).toEqual([[1, 2], { 'became-leader': 2, 'roles-taken': 1 }]);
  });

  it('are recorded as far as they were taken when a later controller is obeyed midway', async () => {
    const { published, publish, recorded, journal, cluster } = await listening();
    cluster.clock.soon(() => publish([], { controllerEpoch: 2 }));
    expect(await published(states(1000))).toEqual(deltaOutcome(ErrorCode.STALE_CONTROLLER_EPOCH));
    expect(recorded()).toEqual({ 'roles-taken': 1 });
    const [taken] = journal.since(0);
    const leading = taken?.event.kind === 'roles-taken' ? taken.event.leading : 0;
    expect([leading > 50, leading < 1000]).toEqual([true, true]);
  });

  it('are recorded as far as they were taken when the work fails midway', async () => {
    const { published, recorded, cluster } = await listening();
    const { replicas } = cluster.node(1);
    replicas.follower.follow = () => {
      throw new RangeError('on demand');
    };
    replicas.onLeadership(({ partition }) => {
      if (partition === 70) replicas.follower.closeIdleStreams = replicas.follower.follow as () => never;
    });
    await expect(published(states(300))).rejects.toThrow('on demand');
    expect(recorded()).toEqual({ 'roles-taken': 1 });
  });
});
