/**
 * Tells partitions how a transaction ended: the broker that leads each is asked to write a marker, until it
 * has done so. One request at a time goes to a broker, with all that waits for it. A partition whose leader
 * moves is followed, one without a leader is waited for, one that is deleted need not be told.
 * Source: Kafka's TransactionMarkerChannelManager, TransactionMarkerRequestCompletionHandler.
 */
import { ErrorCode, errorName } from '../../errors.ts';
import type { MetadataCache } from '../../metadata/metadata-cache.ts';
import type { WriteTxnMarkersResponse } from '../../peers/messages.ts';
import type { Peers } from '../../peers/peers.contract.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Distribution, Metrics } from '../../platform/metrics.ts';
import { type BrokerId, partitionKey } from '../../types.ts';
import { batchOf, type MarkerBatch, takeBatch } from './marker-batch.ts';
import type { EndToTell, MarkerTarget, Telling } from './marker-target.ts';

interface MarkerSenderParts {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly metrics: Metrics;
  readonly metadata: Pick<MetadataCache, 'image' | 'partition' | 'broker' | 'onChange'>;
  readonly peers: Pick<Peers, 'request'>;
}

export interface MarkerSettings {
  readonly requestTimeoutMs: number;
  /** A request is smaller. */
  readonly maxRequestBytes: number;
}

interface Queue {
  readonly waiting: MarkerTarget[];
  isBusy: boolean;
}

const RETRY_BACKOFF_MS = 100;
const LATENCY_BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];
/** What passes by itself, without a word to the operator. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
]);
const METRICS = 'kafka_coordinator_transaction_transactionmarkerchannelmanager';

export class MarkerSender {
  readonly #parts: MarkerSenderParts;
  readonly #settings: MarkerSettings;
  readonly #queues = new Map<BrokerId, Queue>();
  /** Of partitions that have no living leader at the moment: new metadata may name one. */
  #leaderless: MarkerTarget[] = [];
  /** Could not be told; tried again soon. */
  #again: MarkerTarget[] = [];
  #retry: Timer | null = null;
  readonly #latencyMs: Distribution;
  readonly #stopListening: () => void;

  constructor(parts: MarkerSenderParts, settings: MarkerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { metrics, metadata } = parts;
    metrics.gauge(
      `${METRICS}_unknowndestinationqueuesize`,
      'Transaction markers for partitions without a leader',
      () => this.#leaderless.length,
    );
    metrics.gauge(`${METRICS}_queuesize`, 'Transaction markers that wait to be sent', () => this.#queued());
    this.#latencyMs = metrics.distribution(
      `${METRICS}_latencyms`,
      'From sending transaction markers to a broker to its answer',
      LATENCY_BUCKETS_MS,
    );
    this.#stopListening = metadata.onChange(() => {
      const waiting = this.#leaderless;
      this.#leaderless = [];
      this.#route(waiting);
    });
  }

  /** Tells all of the transaction's partitions. Calls back later, never at once. */
  send(end: EndToTell): void {
    const targets: MarkerTarget[] = [];
    const telling: Telling = { end, left: 0, isFenced: false };
    for (const [topic, partitions] of end.partitions) {
      for (const partition of partitions) targets.push({ telling, topic, partition });
    }
    telling.left = targets.length;
    this.#parts.clock.soon(() => {
      if (targets.length === 0) end.told();
      else this.#route(targets);
    });
  }

  /** Nobody is told anything any more. */
  shutdown(): void {
    this.#stopListening();
    this.#retry?.cancel();
    this.#queues.clear();
    this.#leaderless = [];
    this.#again = [];
  }

  #route(targets: readonly MarkerTarget[]): void {
    const leaders = new Set<BrokerId>();
    for (const target of targets) {
      const leader = this.#enqueue(target);
      if (leader !== null) leaders.add(leader);
    }
    for (const leader of leaders) this.#sendNext(leader);
  }

  /** The leader whose queue it is in now; null when there is none, or nobody to be told. */
  #enqueue(target: MarkerTarget): BrokerId | null {
    const { metadata } = this.#parts;
    if (!isWanted(target)) return null;
    const known = metadata.partition(target.topic, target.partition);
    if (known === undefined && metadata.image.complete) {
      settle(target);
      return null;
    }
    if (known === undefined || metadata.broker(known.leader) === undefined) {
      this.#leaderless.push(target);
      return null;
    }
    let queue = this.#queues.get(known.leader);
    if (queue === undefined) {
      queue = { waiting: [], isBusy: false };
      this.#queues.set(known.leader, queue);
    }
    queue.waiting.push(target);
    return known.leader;
  }

  #sendNext(leader: BrokerId): void {
    const queue = this.#queues.get(leader);
    if (queue === undefined || queue.isBusy) return;
    const { brokerId, clock, metadata, peers } = this.#parts;
    const { requestTimeoutMs, maxRequestBytes } = this.#settings;
    const targets = takeBatch(queue.waiting, maxRequestBytes).filter(isWanted);
    if (targets.length === 0) {
      if (queue.waiting.length > 0) this.#sendNext(leader);
      else this.#queues.delete(leader);
      return;
    }
    const broker = metadata.broker(leader);
    if (broker === undefined) {
      this.#queues.delete(leader);
      this.#route([...targets, ...queue.waiting]);
      return;
    }
    queue.isBusy = true;
    const batch = batchOf(targets);
    const sentMs = clock.nowMs();
    const request = { type: 'WriteTxnMarkers', brokerId, markers: batch.markers } as const;
    peers
      .request(broker, request, requestTimeoutMs)
      .then(
        (response) => {
          this.#latencyMs.observe(clock.nowMs() - sentMs);
          this.#answered(batch, response);
        },
        () => this.#tryAgain(targets),
      )
      .catch((error) => this.#parts.diagnostics.error('Transaction markers could not be dealt with', error))
      .finally(() => {
        queue.isBusy = false;
        this.#sendNext(leader);
      });
  }

  #answered({ targets }: MarkerBatch, { error, markers }: WriteTxnMarkersResponse): void {
    const again: MarkerTarget[] = [];
    for (const [index, asked] of targets.entries()) {
      const left = new Map(asked);
      for (const one of error === ErrorCode.NONE ? (markers[index]?.partitions ?? []) : []) {
        const key = partitionKey(one.topic, one.partition);
        const target = left.get(key);
        if (target === undefined || !this.#isOver(target, one.error)) continue;
        left.delete(key);
      }
      again.push(...left.values());
    }
    this.#tryAgain(again);
  }

  /** Whether the answer ends it, so that the partition is not asked again. */
  #isOver(target: MarkerTarget, error: ErrorCode): boolean {
    const { telling, topic, partition } = target;
    switch (error) {
      case ErrorCode.NONE:
      // A log of an old format holds nothing of any transaction.
      case ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      case ErrorCode.UNSUPPORTED_VERSION:
        settle(target);
        return true;
      case ErrorCode.INVALID_PRODUCER_EPOCH:
      case ErrorCode.TRANSACTION_COORDINATOR_FENCED:
        if (!telling.isFenced) {
          telling.isFenced = true;
          telling.end.fenced(error);
        }
        return true;
      default:
        if (!EXPECTED.has(error)) {
          this.#parts.diagnostics.warn(
            `The marker of ${telling.end.transactionalId} for ${partitionKey(topic, partition)} was refused with ${errorName(error)}; trying again`,
          );
        }
        return false;
    }
  }

  #tryAgain(targets: readonly MarkerTarget[]): void {
    for (const target of targets) if (isWanted(target)) this.#again.push(target);
    if (this.#again.length === 0 || this.#retry !== null) return;
    this.#retry = this.#parts.clock.after(RETRY_BACKOFF_MS, () => {
      this.#retry = null;
      const due = this.#again;
      this.#again = [];
      this.#route(due);
    });
  }

  #queued(): number {
    return [...this.#queues.values()].reduce((sum, { waiting }) => sum + waiting.length, this.#again.length);
  }
}

/** One partition less. */
function settle({ telling }: MarkerTarget): void {
  telling.left--;
  if (telling.left === 0) telling.end.told();
}

function isWanted({ telling }: MarkerTarget): boolean {
  return !telling.isFenced && telling.end.isOurs();
}
