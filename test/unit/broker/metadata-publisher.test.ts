/** Who hears of news of the cluster, in which order, and that outdated news reach nobody. */

import { describe, expect, it } from 'vitest';
import type { BrokerInfo } from '../../../broker/cluster.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import { type ClusterDelta, deltaOutcome, type ReplicaState } from '../../../broker/metadata/delta.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { MetadataPublisher } from '../../../broker/node/metadata-publisher.ts';
import type { PieceOfDelta } from '../../../broker/replication/leadership.ts';
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

interface Piece {
  readonly lead: readonly string[];
  readonly follow: readonly string[];
  readonly stop: readonly string[];
  readonly piece: PieceOfDelta | undefined;
}

function setUp() {
  const heard: string[] = [];
  const pieces: Piece[] = [];
  const world = World.flowing();
  const metadata = new MetadataCache(world.clock);
  metadata.onChange(({ topics }) => heard.push(`image ${[...topics.keys()]}`));
  const fence = new ControllerFence();
  fence.registered(9);
  const loading: (() => void)[] = [];
  const publisher = new MetadataPublisher({
    clock: world.clock,
    fence,
    metadata,
    replicas: {
      metadataUpdated: ({ topics }) => heard.push(`replicas hear of ${[...topics.keys()]}`),
      apply: ({ lead, follow, stop }, piece) => {
        const topics = (some: readonly { readonly topic: string }[]) => some.map(({ topic }) => topic);
        pieces.push({ lead: topics(lead), follow: topics(follow), stop: topics(stop), piece });
        heard.push(`replicas lead ${topics(lead)} stop ${topics(stop)}`);
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
  return { world, metadata, loading, heard, pieces, publish };
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

  it('are taken in by pieces, leaders first, with a turn of the event loop between two of them', async () => {
    const { publish, loading, pieces, world, heard } = setUp();
    publish({ metadata: known });
    const order = publish({ metadata: next, replicas: delta });
    loading[0]?.();
    const seen: number[] = [];
    const look = (): void => {
      seen.push(pieces.length);
      if (seen.length < 10) world.clock.after(0, look);
    };
    await Promise.resolve();
    look();
    const { error, failed } = await order;
    const sizes = pieces.map((one) => [one.lead.length, one.follow.length, one.stop.length]);
    expect(sizes).toEqual([
      ...Array(6).fill([4, 0, 0]),
      [1, 0, 0],
      ...Array(3).fill([0, 4, 0]),
      [0, 3, 0],
      [0, 0, 4],
      [0, 0, 1],
    ]);
    // Whoever comes between two pieces finds only some of them done.
    expect(new Set(seen).size).toBeGreaterThan(3);
    expect(pieces.flatMap(({ lead }) => lead)).toEqual(delta.lead.map(({ topic }) => topic));
    expect(pieces.map(({ piece }) => piece)).toEqual([...Array(12).fill('more follow'), 'last']);
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

  it('are left where they are when a later controller is obeyed between two pieces', async () => {
    const { publish, loading, pieces, world } = setUp();
    const order = publish({ replicas: delta });
    world.clock.after(0, () => publish({ metadata: known, controllerEpoch: 2 }));
    loading[0]?.();
    expect(await order).toEqual(deltaOutcome(ErrorCode.STALE_CONTROLLER_EPOCH));
    expect(pieces.length).toBeLessThan(6);
  });
});
