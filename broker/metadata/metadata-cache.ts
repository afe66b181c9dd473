/**
 * The broker's copy of the cluster metadata, fed by the controller's UpdateMetadata. Each update
 * names all live brokers and the partitions that changed; a partition with leader -2 belongs to a
 * topic that is being deleted and is dropped. Fencing is the caller's (controller-fence.ts).
 * Source: ZkMetadataCache.updateMetadata.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { UpdateMetadataRequest, UpdatePartitionMessage } from '../peers/messages.ts';
import type { Clock } from '../platform/clock.ts';
import { type BrokerId, LEADER_DURING_DELETE, type TopicPartition, type Uuid, ZERO_UUID } from '../types.ts';
import type { MetadataImage, PartitionImage, TopicImage } from './image.ts';
import { LayeredMap } from './layered-map.ts';

export class MetadataCache {
  readonly #clock: Clock;
  readonly #listeners = new Set<(image: MetadataImage) => void>();
  #controllerId: BrokerId = -1;
  #complete = false;
  #brokers: ReadonlyMap<BrokerId, BrokerInfo> = new Map();
  #topics = LayeredMap.of<string, TopicImage>();
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

  /** Takes in an update; the partitions that vanished with their topics. */
  apply(update: UpdateMetadataRequest): readonly TopicPartition[] {
    this.#controllerId = Math.max(-1, update.controllerId);
    this.#brokers = new Map(update.liveBrokers.map((broker) => [broker.id, broker]));
    const deleted: TopicPartition[] = [];
    const topics = new Map<string, TopicImage | undefined>();
    const names = new Map<Uuid, string | undefined>();
    const ids = new Map(update.topicIds);
    for (const [name, changes] of byTopic(update.partitions)) {
      const old = this.#topics.get(name);
      const topic = nextTopic(name, old, changes, ids.get(name));
      topics.set(name, topic);
      if (old !== undefined && old.topicId !== topic?.topicId) names.set(old.topicId, undefined);
      if (topic !== undefined) names.set(topic.topicId, name);
      for (const { partition, leader } of changes) {
        if (leader === LEADER_DURING_DELETE) deleted.push({ topic: name, partition });
      }
    }
    this.#complete ||= update.onlyTopics !== undefined;
    const only = update.onlyTopics === undefined ? null : new Set(update.onlyTopics);
    for (const [name, gone] of only === null ? [] : this.#topics) {
      if (only?.has(name) !== false) continue;
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

  /** What the broker learns by itself from the controller znode, ahead of the next update. */
  setController(id: BrokerId): void {
    if (id === this.#controllerId) return;
    this.#controllerId = id;
    this.#changed();
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

function byTopic(
  partitions: readonly UpdatePartitionMessage[],
): ReadonlyMap<string, UpdatePartitionMessage[]> {
  const topics = new Map<string, UpdatePartitionMessage[]>();
  for (const partition of partitions) {
    const changes = topics.get(partition.topic);
    if (changes === undefined) topics.set(partition.topic, [partition]);
    else changes.push(partition);
  }
  return topics;
}

/** The topic after `changes`; undefined when no partition is left of it. */
function nextTopic(
  name: string,
  old: TopicImage | undefined,
  changes: readonly UpdatePartitionMessage[],
  givenId: Uuid | undefined,
): TopicImage | undefined {
  const topicId = givenId ?? old?.topicId ?? ZERO_UUID;
  // Another id under the same name is another topic: nothing of the old one is valid for it.
  const sameTopic = old !== undefined && (old.topicId === topicId || old.topicId === ZERO_UUID);
  const known = sameTopic ? old.partitions : LayeredMap.of<number, PartitionImage>();
  const next = new Map<number, PartitionImage | undefined>();
  for (const change of changes) {
    const removed = change.leader === LEADER_DURING_DELETE;
    next.set(change.partition, removed ? undefined : partitionImage(change));
  }
  const layered = known instanceof LayeredMap ? known : LayeredMap.of(known);
  const partitions = layered.with(next);
  return partitions.size === 0 ? undefined : { name, topicId, partitions };
}

function partitionImage(change: UpdatePartitionMessage): PartitionImage {
  return {
    partition: change.partition,
    leader: change.leader,
    leaderEpoch: change.leaderEpoch,
    partitionEpoch: change.partitionEpoch,
    isr: change.isr,
    replicas: change.replicas,
    offlineReplicas: change.offlineReplicas,
    controllerEpoch: change.controllerEpoch,
  };
}
