/** The picture of the cluster: what an update changes, and what it leaves alone. */

import { describe, expect, it, vi } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ControllerFence } from '../../../broker/metadata/controller-fence.ts';
import type { MetadataDelta } from '../../../broker/metadata/delta.ts';
import type { MetadataImage } from '../../../broker/metadata/image.ts';
import { LayeredMap } from '../../../broker/metadata/layered-map.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { metadataDelta, type Told, type ToldPartition } from '../../support/metadata-deltas.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg';

function partition(topic: string, index: number, leader = 1): ToldPartition {
  return {
    topic,
    partition: index,
    controllerEpoch: 1,
    leader,
    leaderEpoch: 0,
    isr: [1],
    partitionEpoch: 0,
    replicas: [1, 2],
    offlineReplicas: [],
  };
}

function update(
  partitions: readonly ToldPartition[],
  topicIds: NonNullable<Told['topicIds']> = [],
  { ids = [1, 2], ...more }: Told & { readonly ids?: readonly number[] } = {},
): MetadataDelta {
  const brokers = ids.map((id) => ({ id, epoch: 1, rack: null, endpoints: [] }));
  return metadataDelta({ brokers, partitions, topicIds, ...more });
}

function removal(topic: string, index: number): MetadataDelta {
  return update([], [], { removed: [{ topic, partition: index, replicas: [1, 2] }] });
}

describe('the metadata cache', () => {
  it('knows what it was told: topics, ids, brokers, controller', () => {
    const cache = new MetadataCache(new World().clock);
    expect(cache.image.controllerId).toBe(-1);
    expect(cache.apply(update([partition('t', 0), partition('t', 1, 2)], [['t', ID]]))).toEqual([]);
    expect(cache.topicId('t')).toBe(ID);
    expect(cache.topicName(ID)).toBe('t');
    expect(cache.partition('t', 1)?.leader).toBe(2);
    expect(cache.isAlive(2)).toBe(true);
    expect(cache.broker(3)).toBeUndefined();
    expect(cache.image.controllerId).toBe(1);
    expect(cache.topicId('unknown')).toBe(ZERO_UUID);
  });

  it('does not know a topic that is told of and said to be gone in one update', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([partition('t', 0)], [['t', ID]], { onlyTopics: [] }));
    expect([cache.topic('t'), cache.topicName(ID)]).toEqual([undefined, undefined]);
    cache.apply(update([partition('t', 0)], [['t', ID]]));
    cache.apply(update([partition('t', 0)], [['t', OTHER_ID]], { onlyTopics: ['u'] }));
    expect([cache.topicName(ID), cache.topicName(OTHER_ID)]).toEqual([undefined, undefined]);
  });

  it('replaces the live brokers and keeps partitions that an update does not name', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([partition('t', 0), partition('u', 0)], [['t', ID]]));
    cache.apply(update([], [], { ids: [2] }));
    expect([...cache.image.brokers.keys()]).toEqual([2]);
    expect([...cache.image.topics.keys()].sort()).toEqual(['t', 'u']);
    expect(cache.topicId('t')).toBe(ID);
  });

  it('is complete once an update has said that this is all, and stays so', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([]));
    cache.apply(update([partition('t', 0)]));
    expect(cache.image.complete).toBe(false);
    cache.apply(update([partition('u', 0)], [], { onlyTopics: ['t', 'u'] }));
    expect(cache.image.complete).toBe(true);
    cache.apply(update([]));
    expect(cache.image.complete).toBe(true);
  });

  it('forgets topics that an update of all topics does not name, and tells which partitions went', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(
      update(
        [partition('t', 0), partition('t', 1), partition('u', 0)],
        [
          ['t', ID],
          ['u', OTHER_ID],
        ],
      ),
    );
    const gone = [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ];
    const whole = update([partition('v', 0)], [], { onlyTopics: ['u', 'v', 'not seen yet'] });
    expect(cache.apply(whole)).toEqual(gone);
    expect([...cache.image.topics.keys()].sort()).toEqual(['u', 'v']);
    expect(cache.topicName(ID)).toBeUndefined();
    expect(cache.topicName(OTHER_ID)).toBe('u');
  });

  it('drops partitions of a topic that is being deleted, and the topic with the last', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([partition('t', 0), partition('t', 1)], [['t', ID]]));
    const gone = { topic: 't', partition: 0 };
    expect(cache.apply(removal('t', 0))).toEqual([gone]);
    expect(cache.topic('t')?.partitions.size).toBe(1);
    cache.apply(removal('t', 1));
    expect(cache.topic('t')).toBeUndefined();
    expect(cache.topicName(ID)).toBeUndefined();
    expect(cache.apply(removal('never', 0))).toHaveLength(1);
    expect(cache.topic('never')).toBeUndefined();
  });

  it('takes another id under the same name for another topic', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([partition('t', 0), partition('t', 1)], [['t', ID]]));
    cache.apply(update([partition('t', 0)], [['t', OTHER_ID]]));
    expect(cache.topic('t')?.partitions.size).toBe(1);
    expect(cache.topicName(ID)).toBeUndefined();
    expect(cache.topicName(OTHER_ID)).toBe('t');
  });

  it('keeps the partitions of a topic that gets its first id', () => {
    const cache = new MetadataCache(new World().clock);
    cache.apply(update([partition('t', 0), partition('t', 1)]));
    cache.apply(update([partition('t', 0)], [['t', ID]]));
    expect(cache.topic('t')?.partitions.size).toBe(2);
    expect(cache.topicId('t')).toBe(ID);
  });

  it('never changes an image that somebody holds', () => {
    const cache = new MetadataCache(new World().clock);
    const names = Array.from({ length: 200 }, (_, index) => `topic-${index}`);
    cache.apply(update(names.map((name) => partition(name, 0))));
    const before = cache.image;
    const topic = before.topics.get('topic-7');
    cache.apply(update([partition('topic-7', 0, 2), partition('new', 0)], [], { ids: [2] }));
    expect(before.topics.get('topic-7')).toBe(topic);
    expect(topic?.partitions.get(0)?.leader).toBe(1);
    expect(before.topics.has('new')).toBe(false);
    expect(before.brokers.has(1)).toBe(true);
    expect(cache.image.topics.get('topic-8')).toBe(before.topics.get('topic-8'));
    expect(cache.partition('topic-7', 0)?.leader).toBe(2);
  });

  it('copies far less than it holds for a small update', () => {
    const cache = new MetadataCache(new World().clock);
    const names = Array.from({ length: 10_000 }, (_, index) => `topic-${index}`);
    cache.apply(update(names.map((name) => partition(name, 0))));
    const copies = vi.spyOn(LayeredMap.prototype, 'entries');
    for (let round = 0; round < 300; round++) cache.apply(update([partition(`topic-${round}`, 0, 2)]));
    // All of it is gone through once in √n updates.
    expect(copies.mock.calls.length).toBeLessThanOrEqual(3);
    copies.mockRestore();
    expect(cache.partition('topic-299', 0)?.leader).toBe(2);
  });

  it('tells listeners of each new image until they have enough', () => {
    const cache = new MetadataCache(new World().clock);
    const seen: MetadataImage[] = [];
    const stop = cache.onChange((image) => seen.push(image));
    cache.apply(update([], [], { controllerId: 5 }));
    cache.apply(update([]));
    stop();
    cache.apply(update([], [], { controllerId: 6 }));
    expect(seen.map(({ controllerId }) => controllerId)).toEqual([5, 1]);
  });

  it('waits for a state of the cluster, but not for ever', async () => {
    const clock = new World().clock;
    const cache = new MetadataCache(clock);
    const hasTopic = (image: MetadataImage) => image.topics.has('t');
    const tooLate = cache.waitFor(hasTopic, 100);
    const inTime = cache.waitFor(hasTopic, 1000);
    await clock.runFor(500);
    cache.apply(update([partition('t', 0)]));
    expect(await Promise.all([tooLate, inTime, cache.waitFor(hasTopic, 0)])).toEqual([false, true, true]);
    expect(await cache.waitFor(() => false, 0)).toBe(false);
    expect(clock.pending).toBe(0);
  });
});

describe('a map in layers', () => {
  it('is at any time what a plain map would be', () => {
    const random = simulatedRandom(3);
    let layered = LayeredMap.of<number, number>(
      Array.from({ length: 300 }, (_, index) => [index, index] as const),
    );
    const plain = new Map(layered);
    for (let round = 0; round < 400; round++) {
      const changes = new Map<number, number | undefined>();
      for (let count = random.int(4); count >= 0; count--) {
        changes.set(random.int(400), random.int(3) === 0 ? undefined : round);
      }
      layered = layered.with(changes);
      for (const [key, value] of changes) {
        if (value === undefined) plain.delete(key);
        else plain.set(key, value);
      }
      expect(layered.size).toBe(plain.size);
    }
    const sorted = (map: Iterable<[number, number]>) => [...map].sort(([a], [b]) => a - b);
    expect(sorted(layered)).toEqual(sorted(plain));
    for (let key = 0; key < 400; key++) {
      expect(layered.get(key)).toBe(plain.get(key));
      expect(layered.has(key)).toBe(plain.has(key));
    }
  });
});

describe('the controller fence', () => {
  it('refuses what was meant for an earlier incarnation of the broker', () => {
    const fence = new ControllerFence();
    fence.registered(100);
    expect(fence.check({ controllerEpoch: 1, brokerEpoch: 99 })).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(fence.highestControllerEpoch).toBe(0);
    expect(fence.check({ controllerEpoch: 1, brokerEpoch: 100 })).toBe(ErrorCode.NONE);
    expect(fence.check({ controllerEpoch: 1, brokerEpoch: 101 })).toBe(ErrorCode.NONE);
    expect(fence.check({ controllerEpoch: 1, brokerEpoch: -1 })).toBe(ErrorCode.NONE);
  });

  it('refuses a controller older than one it has heard', () => {
    const fence = new ControllerFence();
    expect(fence.check({ controllerEpoch: 5, brokerEpoch: -1 })).toBe(ErrorCode.NONE);
    expect(fence.check({ controllerEpoch: 4, brokerEpoch: -1 })).toBe(ErrorCode.STALE_CONTROLLER_EPOCH);
    expect(fence.check({ controllerEpoch: 5, brokerEpoch: -1 })).toBe(ErrorCode.NONE);
    expect(fence.highestControllerEpoch).toBe(5);
  });
});
