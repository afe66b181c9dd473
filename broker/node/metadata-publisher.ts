/**
 * News of the cluster on their way through this broker: the one place that knows who hears of them, and in
 * which order. All of it happens in one synchronous piece, behind the fence; only replicas by the hundred, whose
 * logs have to be made or opened, are taken in by pieces, as the event loop is everybody's.
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
import { type Clock, sleep } from '../platform/clock.ts';
import type { PieceOfDelta } from '../replication/leadership.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import { type PartitionKey, partitionKey, type TopicPartition } from '../types.ts';
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

/** A log that is made takes half a millisecond to a whole one, and several where the disk is busy. */
const REPLICAS_A_PIECE = 4;

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
    if (replicas !== null && replicaCount(replicas) > REPLICAS_A_PIECE) {
      return this.#takeInPieces(delta, replicas).finally(forget);
    }
    const outcome = replicas === null ? deltaOutcome(ErrorCode.NONE) : parts.replicas.apply(replicas, 'last');
    forget();
    return outcome;
  }

  /** What another controller has taken over meanwhile is left to that one, which tells all of it anew. */
  async #takeInPieces(delta: ClusterDelta, replicas: ReplicaDelta): Promise<DeltaOutcome> {
    const { clock, fence, replicas: replicaManager } = this.#parts;
    const failed = new Map<PartitionKey, ErrorCode>();
    for (const { piece, which } of piecesOf(replicas)) {
      const fenced = fence.check(delta);
      if (fenced !== ErrorCode.NONE) return deltaOutcome(fenced);
      const outcome = replicaManager.apply(piece, which);
      if (outcome.error !== ErrorCode.NONE) return outcome;
      for (const [key, error] of outcome.failed) failed.set(key, error);
      if (which !== 'last') await sleep(clock, 0);
    }
    return { error: ErrorCode.NONE, failed };
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

const NO_REPLICAS: ReplicaDelta = { lead: [], follow: [], stop: [] };

function replicaCount({ lead, follow, stop }: ReplicaDelta): number {
  return lead.length + follow.length + stop.length;
}

/** The same delta in pieces: those that lead first, then those that follow, then those that stop. */
function* piecesOf(
  delta: ReplicaDelta,
): Generator<{ readonly piece: ReplicaDelta; readonly which: PieceOfDelta }, void> {
  let left = replicaCount(delta);
  for (const part of ['lead', 'follow', 'stop'] as const) {
    const all = delta[part];
    for (let at = 0; at < all.length; at += REPLICAS_A_PIECE) {
      const some = all.slice(at, at + REPLICAS_A_PIECE);
      left -= some.length;
      yield { piece: { ...NO_REPLICAS, [part]: some }, which: left === 0 ? 'last' : 'more follow' };
    }
  }
}
