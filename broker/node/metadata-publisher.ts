/**
 * News of the cluster on their way through this broker: the one place that knows who hears of them, and in
 * which order. All of it happens in one synchronous piece, behind the fence; only replicas that take long, as
 * where logs have to be made or opened, are taken in over several turns, as the event loop is everybody's.
 * Source: Kafka's BrokerMetadataPublisher; in ZooKeeper mode KafkaApis.handleUpdateMetadataRequest and
 * ReplicaManager.
 */
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import { ErrorCode } from '../errors.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import { type ClusterDelta, type DeltaOutcome, deltaOutcome, type ReplicaDelta } from '../metadata/delta.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { Clock } from '../platform/clock.ts';
import { nextTurn } from '../platform/loop-turns.ts';
import { type Steps, Turns, unless } from '../platform/turns.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { partitionKey, type TopicPartition } from '../types.ts';
import type { DynamicConfigs } from './dynamic-configs.ts';

/** Who is told. */
export interface PublisherParts {
  readonly clock: Clock;
  readonly fence: Pick<ControllerFence, 'check'>;
  readonly metadata: MetadataCache;
  readonly replicas: Pick<ReplicaManager, 'metadataUpdated' | 'apply'>;
  readonly peers: Pick<Peers, 'forget'>;
  readonly configs: Pick<DynamicConfigs, 'load' | 'forget'>;
  readonly groups: Pick<GroupCoordinator, 'forgetPartitions'>;
}

/**
 * A turn is over after some milliseconds (platform/turns.ts): a log that is made takes half a millisecond to a
 * whole one, and several where the disk is busy; a new leader of one that is there some hundredths. So many are
 * a turn in any case.
 */
const REPLICAS_A_TURN = 100;

export class MetadataPublisher {
  readonly #parts: PublisherParts;
  readonly #turns: Turns;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.clock, undefined, nextTurn);
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
  #takeIn(delta: ClusterDelta): DeltaOutcome | Promise<DeltaOutcome> {
    const { metadata, replicas } = delta;
    const parts = this.#parts;
    const fenced = parts.fence.check(delta);
    if (fenced !== ErrorCode.NONE) return deltaOutcome(fenced);
    const before = parts.metadata.image.brokers;
    const deleted = metadata === null ? [] : parts.metadata.apply(metadata);
    if (metadata !== null) parts.replicas.metadataUpdated(metadata);
    const forget = (): void => {
      this.#forgetBrokers(before);
      this.#forgetPartitions(deleted);
    };
    if (replicas === null) {
      forget();
      return deltaOutcome(ErrorCode.NONE);
    }
    const outcome = this.#turns.take(this.#replicasOf(delta, replicas), REPLICAS_A_TURN);
    if (outcome instanceof Promise) return outcome.finally(forget);
    forget();
    return outcome;
  }

  /** What another controller has taken over meanwhile is left to that one, which tells all of it anew. */
  #replicasOf(delta: ClusterDelta, replicas: ReplicaDelta): Steps<DeltaOutcome> {
    return unless(this.#parts.replicas.apply(replicas), () => {
      const fenced = this.#parts.fence.check(delta);
      return fenced === ErrorCode.NONE ? null : deltaOutcome(fenced);
    });
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
