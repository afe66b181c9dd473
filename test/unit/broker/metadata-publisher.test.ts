/** Who hears of news of the cluster, in which order, and that outdated news reach nobody. */

import { describe, expect, it } from 'vitest';
import type { BrokerInfo } from '../../../broker/cluster.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import {
  type ClusterDelta,
  deltaOutcome,
  type ReplicaDelta,
  type ReplicaState,
} from '../../../broker/metadata/delta.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { MetadataPublisher } from '../../../broker/node/metadata-publisher.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import { partitionKey } from '../../../broker/types.ts';
import { metadataDelta, replicaDelta } from '../../support/metadata-deltas.ts';
import { World } from '../../support/world.ts';

const IMAGE = {
  partition: 0,
  controllerEpoch: 1,
  leader: 1,
  leaderEpoch: 0,
  isr: [1],
  partitionEpoch: 0,
  replicas: [1],
  offlineReplicas: [],
};

const STATE: ReplicaState = {
  ...IMAGE,
  topic: 't',
  topicId: null,
  addingReplicas: [],
  removingReplicas: [],
  isNew: true,
};

/** `replicaMs`: how long the loop is busy with each replica. */
function setUp({ replicaMs = 0 } = {}) {
  const heard: string[] = [];
  const taken: string[] = [];
  const world = World.flowing();
  let busyMs = 0;
  const clock: Clock = {
    wallMs: () => world.clock.wallMs(),
    nowMs: () => world.clock.nowMs() + busyMs,
    after: (delayMs, run) => world.clock.after(delayMs, run),
    soon: (run) => world.clock.soon(run),
  };
  const metadata = new MetadataCache(world.clock);
  metadata.onChange(({ topics }) => heard.push(`image ${[...topics.keys()]}`));
  const fence = new ControllerFence();
  fence.registered(9);
  const loading: (() => void)[] = [];
  const publisher = new MetadataPublisher({
    clock,
    fence,
    metadata,
    replicas: {
      metadataUpdated: ({ topics }) => heard.push(`replicas hear of ${[...topics.keys()]}`),
      *apply({ lead, follow, stop }) {
        const topics = (some: readonly { readonly topic: string }[]) => some.map(({ topic }) => topic);
        heard.push(`replicas lead ${topics(lead)} stop ${topics(stop)}`);
        for (const topic of topics([...lead, ...follow, ...stop])) {
          taken.push(topic);
          busyMs += replicaMs;
          yield;
        }
        const failed = [...lead, ...follow].filter(({ topic }) => topic.endsWith('7'));
        return {
          error: ErrorCode.NONE,
          failed: new Map(failed.map(({ topic }) => [partitionKey(topic, 0), ErrorCode.KAFKA_STORAGE_ERROR])),
        };
      },
    },
    peers: { forget: (id) => heard.push(`peers forget ${id}`) },
    configs: {
      load: (topics) => {
        heard.push(`configs load ${[...topics]}`);
        return new Promise((resolve) => loading.push(resolve));
      },
      forget: (topic) => heard.push(`configs forget ${topic}`),
    },
    groups: {
      forgetPartitions: async (keys) => {
        heard.push(`groups forget ${[...keys]}`);
      },
    },
  });
  const publish = (delta: Partial<ClusterDelta>) => {
    heard.length = 0;
    return publisher.publish({
      controllerEpoch: 1,
      brokerEpoch: 9,
      metadata: null,
      replicas: null,
      ...delta,
    });
  };
  return { world, metadata, loading, heard, taken, publish };
}

function broker(id: number, epoch = 1): BrokerInfo {
  return { id, epoch, rack: null, endpoints: [] };
}

const known = metadataDelta({
  brokers: [broker(1), broker(2), broker(3)],
  partitions: [
    { topic: 'gone', ...IMAGE },
    { topic: 'shrunk', ...IMAGE },
    { topic: 'shrunk', ...IMAGE, partition: 1 },
  ],
});

/** 2 is gone, and 3 is another incarnation. */
const next = metadataDelta({
  brokers: [broker(1), broker(3, 2)],
  partitions: [{ topic: 't', ...IMAGE }],
  removed: [
    { topic: 'gone', partition: 0, replicas: [1] },
    { topic: 'shrunk', partition: 1, replicas: [1] },
  ],
});

describe('news of the cluster', () => {
  it('reach the picture, the replicas, the peers, the configs and the groups, in this order', async () => {
    const { heard, publish, loading } = setUp();
    publish({ metadata: known });
    const publishing = publish({ metadata: next, replicas: replicaDelta(1, [STATE]) });
    expect(heard).toEqual(['configs load t']);
    loading[0]?.();
    expect(await publishing).toEqual(deltaOutcome(ErrorCode.NONE));
    expect(heard).toEqual([
      'configs load t',
      'image shrunk,t',
      'replicas hear of t,gone,shrunk',
      'replicas lead t stop ',
      'peers forget 2',
      'peers forget 3',
      'configs forget gone',
      'groups forget gone-0,shrunk-1',
    ]);
  });

  it('are taken in before publish returns, unless configs have to be read', () => {
    const { heard, publish } = setUp();
    expect(publish({ metadata: known })).toEqual(deltaOutcome(ErrorCode.NONE));
    expect(heard).toEqual(['image gone,shrunk', 'replicas hear of gone,shrunk']);
    const stop = [{ topic: 't', partition: 0, leaderEpoch: 1, deletePartition: true }];
    expect(publish({ replicas: { lead: [], follow: [], stop } })).toEqual(deltaOutcome(ErrorCode.NONE));
    expect(heard).toEqual(['replicas lead  stop t']);
  });

  it('for a former incarnation of this broker reach nobody', async () => {
    const { heard, publish, loading } = setUp();
    publish({ metadata: known });
    expect(publish({ metadata: next, brokerEpoch: 8 })).toEqual(deltaOutcome(ErrorCode.STALE_BROKER_EPOCH));
    const order = publish({ replicas: replicaDelta(1, [STATE]), brokerEpoch: 8 });
    loading[0]?.();
    expect(await order).toEqual(deltaOutcome(ErrorCode.STALE_BROKER_EPOCH));
    expect(heard).toEqual(['configs load t']);
  });

  it('reach nobody when a later controller was obeyed while configs were read', async () => {
    const { heard, publish, loading } = setUp();
    const order = publish({ replicas: replicaDelta(1, [STATE]) });
    publish({ metadata: known, controllerEpoch: 2 });
    heard.length = 0;
    loading[0]?.();
    expect(await order).toEqual(deltaOutcome(ErrorCode.STALE_CONTROLLER_EPOCH));
    expect(heard).toEqual([]);
  });
});

describe('replicas by the hundred', () => {
  const many = (count: number, prefix: string): ReplicaState[] =>
    Array.from({ length: count }, (_, at) => ({ ...STATE, topic: `${prefix}${at}` }));
  const delta = {
    lead: many(25, 'lead'),
    follow: many(15, 'follow'),
    stop: many(5, 'stop').map(({ topic }) => ({
      topic,
      partition: 0,
      leaderEpoch: 1,
      deletePartition: true,
    })),
  };

  /** How many of them each turn of the event loop has taken. */
  async function perTurn(replicaMs: number, replicas: ReplicaDelta): Promise<number[]> {
    const { publish, loading, taken, world } = setUp({ replicaMs });
    const order = publish({ replicas });
    loading[0]?.();
    await Promise.resolve();
    const seen: number[] = [];
    const look = (): void => {
      if (taken.length > (seen.at(-1) ?? 0)) seen.push(taken.length);
    };
    const lookEachTurn = (): void => {
      look();
      if (taken.length < replicaCount(replicas)) world.clock.soon(lookEachTurn);
    };
    lookEachTurn();
    await order;
    look();
    return seen.map((count, at) => count - (seen[at - 1] ?? 0));
  }
  const replicaCount = ({ lead, follow, stop }: ReplicaDelta) => lead.length + follow.length + stop.length;

  it('that take long, as their logs have to be made, have turns of some milliseconds', async () => {
    const turns = await perTurn(1, delta);
    expect(Math.max(...turns)).toBeLessThanOrEqual(5);
    expect(turns.length).toBeLessThanOrEqual(12);
    expect(await perTurn(10, replicaDelta(1, many(6, 'slow')))).toEqual([2, 1, 1, 1, 1]);
  });

  it('that only have another leader are taken in as many as the time allows, up to a hundred a turn', async () => {
    expect(await perTurn(0.02, delta)).toEqual([45]);
    expect(await perTurn(0.02, replicaDelta(1, many(250, 'led')))).toEqual([100, 100, 50]);
  });

  it('are taken in before who is gone is forgotten, and those that failed are told', async () => {
    const { publish, loading, taken, heard } = setUp({ replicaMs: 1 });
    publish({ metadata: known });
    const order = publish({ metadata: next, replicas: delta });
    loading[0]?.();
    const { error, failed } = await order;
    expect(taken).toEqual([...delta.lead, ...delta.follow, ...delta.stop].map(({ topic }) => topic));
    expect([error, failed.size, failed.get(partitionKey('follow7', 0))]).toEqual([
      ErrorCode.NONE,
      3,
      ErrorCode.KAFKA_STORAGE_ERROR,
    ]);
    // The connections to brokers that are gone, configs and offsets only after all of them.
    expect(heard.slice(-4)).toEqual([
      'peers forget 2',
      'peers forget 3',
      'configs forget gone',
      'groups forget gone-0,shrunk-1',
    ]);
  });

  it('are left where they are when a later controller is obeyed between two turns', async () => {
    const { publish, loading, taken, world } = setUp({ replicaMs: 1 });
    const order = publish({ replicas: delta });
    loading[0]?.();
    await Promise.resolve();
    world.clock.soon(() => publish({ metadata: known, controllerEpoch: 2 }));
    expect(await order).toEqual(deltaOutcome(ErrorCode.STALE_CONTROLLER_EPOCH));
    expect(taken.length).toBeLessThan(20);
  });
});
