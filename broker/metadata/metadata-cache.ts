/**
 * The broker's copy of the cluster metadata, changed by deltas. Fencing is the caller's
 * (controller-fence.ts). Source: ZkMetadataCache.updateMetadata.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { Clock } from '../platform/clock.ts';
import { type BrokerId, type TopicPartition, type Uuid, ZERO_UUID } from '../types.ts';
import type { MetadataDelta, TopicDelta } from './delta.ts';
import type { MetadataImage, PartitionImage, TopicImage } from './image.ts';
import { LayeredMap } from './layered-map.ts';

/** `#image` shows what the other fields hold; it is drawn anew at the end of each change. */
export class MetadataCache {
  readonly #clock: Clock;
  readonly #listeners = new Set<(image: MetadataImage) => void>();
  #controllerId: BrokerId = -1;
  /** Once true it stays so. */
  #complete = false;
  #brokers: ReadonlyMap<BrokerId, BrokerInfo> = new Map();
  /** By name; none without a partition. */
  #topics = LayeredMap.of<string, TopicImage>();
  /** The name of every topic in `#topics` that has an id. */
  #topicNames = LayeredMap.of<Uuid, string>();
  #image: MetadataImage;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#image = this.#draw();
  }

  get image(): MetadataImage {
    return this.#image;
  }

  topic(name: string): TopicImage | undefined {
    return this.#topics.get(name);
  }

  partition(topic: string, partition: number): PartitionImage | undefined {
    return this.#topics.get(topic)?.partitions.get(partition);
  }

  /** ZERO_UUID for a topic that is unknown or has no id. */
  topicId(name: string): Uuid {
    return this.#topics.get(name)?.topicId ?? ZERO_UUID;
  }

  topicName(id: Uuid): string | undefined {
    return this.#topicNames.get(id);
  }

  isAlive(id: BrokerId): boolean {
    return this.#brokers.has(id);
  }

  broker(id: BrokerId): BrokerInfo | undefined {
    return this.#brokers.get(id);
  }

  /** Takes in a delta; the partitions that vanished, with their topics or alone. */
  apply({ controllerId, brokers, topics: changed, onlyTopics }: MetadataDelta): readonly TopicPartition[] {
    this.#controllerId = Math.max(-1, controllerId);
    this.#brokers = new Map(brokers.map((broker) => [broker.id, broker]));
    const deleted: TopicPartition[] = [];
    const topics = new Map<string, TopicImage | undefined>();
    const names = new Map<Uuid, string | undefined>();
    for (const [name, delta] of changed) {
      const old = this.#topics.get(name);
      // What is told of it may be old, where others have been told since that it is gone.
      const topic = onlyTopics?.has(name) === false ? undefined : nextTopic(name, old, delta);
      topics.set(name, topic);
      if (old !== undefined && old.topicId !== topic?.topicId) names.set(old.topicId, undefined);
      if (topic !== undefined) names.set(topic.topicId, name);
      for (const { partition } of delta.removed) deleted.push({ topic: name, partition });
    }
    this.#complete ||= onlyTopics !== null;
    for (const [name, gone] of onlyTopics === null ? [] : this.#topics) {
      if (onlyTopics?.has(name) !== false) continue;
      topics.set(name, undefined);
      names.set(gone.topicId, undefined);
      for (const partition of gone.partitions.keys()) deleted.push({ topic: name, partition });
    }
    names.delete(ZERO_UUID);
    this.#topics = this.#topics.with(topics);
    this.#topicNames = this.#topicNames.with(names);
    this.#changed();
    return deleted;
  }

  /** Calls `changed` with each new image; the returned function ends that. */
  onChange(changed: (image: MetadataImage) => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  /** True as soon as the image satisfies `predicate`, false when `timeoutMs` have passed without. */
  waitFor(predicate: (image: MetadataImage) => boolean, timeoutMs: number): Promise<boolean> {
    if (predicate(this.#image)) return Promise.resolve(true);
    if (timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (satisfied: boolean): void => {
        stop();
        timer.cancel();
        resolve(satisfied);
      };
      const stop = this.onChange((image) => {
        if (predicate(image)) settle(true);
      });
      const timer = this.#clock.after(timeoutMs, () => settle(false));
    });
  }

  #changed(): void {
    this.#image = this.#draw();
    for (const listener of [...this.#listeners]) listener(this.#image);
  }

  #draw(): MetadataImage {
    return {
      complete: this.#complete,
      controllerId: this.#controllerId,
      brokers: this.#brokers,
      topics: this.#topics,
      topicNames: this.#topicNames,
    };
  }
}

/** The topic after `delta`; undefined when no partition is left of it. */
function nextTopic(name: string, old: TopicImage | undefined, delta: TopicDelta): TopicImage | undefined {
  const topicId = delta.topicId ?? old?.topicId ?? ZERO_UUID;
  // Another id under the same name is another topic: nothing of the old one is valid for it.
  const sameTopic = old !== undefined && (old.topicId === topicId || old.topicId === ZERO_UUID);
  const known = sameTopic ? old.partitions : LayeredMap.of<number, PartitionImage>();
  const next = new Map<number, PartitionImage | undefined>();
  for (const image of delta.changed) next.set(image.partition, image);
  for (const { partition } of delta.removed) next.set(partition, undefined);
  const layered = known instanceof LayeredMap ? known : LayeredMap.of(known);
  const partitions = layered.with(next);
  return partitions.size === 0 ? undefined : { name, topicId, partitions };
}
