/**
 * News of the cluster on their way through this broker: the one place that knows who hears of them, and in
 * which order. All of it happens in one synchronous piece, behind the fence.
 * Source: Kafka's BrokerMetadataPublisher; in ZooKeeper mode KafkaApis.handleUpdateMetadataRequest and
 * ReplicaManager.
 */
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import { ErrorCode } from '../errors.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import { type ClusterDelta, type DeltaOutcome, deltaOutcome } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { partitionKey, type TopicPartition } from '../types.ts';
import type { DynamicConfigs } from './dynamic-configs.ts';

/** Who is told. */
export interface PublisherParts {
  readonly fence: Pick<ControllerFence, 'check'>;
  readonly metadata: MetadataCache;
  readonly replicas: Pick<ReplicaManager, 'metadataUpdated' | 'apply'>;
  readonly peers: Pick<Peers, 'forget'>;
  readonly configs: Pick<DynamicConfigs, 'load' | 'forget'>;
  readonly groups: Pick<GroupCoordinator, 'forgetPartitions'>;
}

export class MetadataPublisher {
  readonly #parts: PublisherParts;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** What a feed calls with its news (metadata/metadata-feed.ts, Publish). */
  publish(delta: ClusterDelta): DeltaOutcome | Promise<DeltaOutcome> {
    const { replicas } = delta;
    if (replicas === null || replicas.lead.length + replicas.follow.length === 0) return this.#takeIn(delta);
    // A topic's overrides must be known before its log is made.
    const topics = [...replicas.lead, ...replicas.follow].map(({ topic }) => topic);
    return this.#parts.configs.load(topics).then(() => this.#takeIn(delta));
  }

  /**
   * The order: the fence first, and after every wait, as another controller may have taken office while
   * configs were read. Then the picture, in which all the others look up who is alive and what there is.
   * Then the replicas, which leave what has moved and lead and follow what they are told to. Only then the
   * connections to brokers that are gone: a replica that still followed one would dial it again. Configs and
   * offsets of deleted partitions go last, when nothing is made or written by them any more; offsets by a
   * write of their own, which nobody waits for.
   */
  #takeIn({ metadata, replicas, ...epochs }: ClusterDelta): DeltaOutcome {
    const parts = this.#parts;
    const fenced = parts.fence.check(epochs);
    if (fenced !== ErrorCode.NONE) return deltaOutcome(fenced);
    const before = parts.metadata.image.brokers;
    const deleted = metadata === null ? [] : parts.metadata.apply(metadata);
    if (metadata !== null) parts.replicas.metadataUpdated(metadata);
    const outcome = replicas === null ? deltaOutcome(ErrorCode.NONE) : parts.replicas.apply(replicas);
    this.#forgetBrokers(before);
    this.#forgetPartitions(deleted);
    return outcome;
  }

  /** Those that are gone, and those that have come back as another incarnation, perhaps elsewhere. */
  #forgetBrokers(before: MetadataImage['brokers']): void {
    const { metadata, peers } = this.#parts;
    if (before === metadata.image.brokers) return;
    for (const [id, known] of before) {
      if (metadata.broker(id)?.epoch !== known.epoch) peers.forget(id);
    }
  }

  #forgetPartitions(deleted: readonly TopicPartition[]): void {
    if (deleted.length === 0) return;
    const { metadata, configs, groups } = this.#parts;
    for (const { topic } of deleted) if (metadata.topic(topic) === undefined) configs.forget(topic);
    void groups.forgetPartitions(
      new Set(deleted.map(({ topic, partition }) => partitionKey(topic, partition))),
    );
  }
}
