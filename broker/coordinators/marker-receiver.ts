/**
 * The end of transactions, where it is told: a marker in each partition that this broker leads. Whatever
 * coordinator asks, a marker of an older producer epoch or of an older coordinator is refused by the log, and
 * one is answered for when it is on all in-sync replicas. In partitions of `__consumer_offsets` the groups
 * learn of it as well, before the answer.
 * Source: KafkaApis.handleWriteTxnMarkersRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import type { PartitionError, TransactionMarker, WriteTxnMarkersResponse } from '../peers/messages.ts';
import type { Clock } from '../platform/clock.ts';
import { endTransactionMarker } from '../records/control.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import type { AppendOutcome } from '../replication/requests/replica-append.ts';
import { GROUP_METADATA_TOPIC, type TopicPartition } from '../types.ts';
import type { GroupCoordinator } from './group/group-coordinator.ts';

/** As brokers send it, or a tool, which may name any producer. */
export interface Marker extends Omit<TransactionMarker, 'producerId'> {
  readonly producerId: Int64;
}

interface MarkerReceiverParts {
  readonly clock: Clock;
  readonly replicas: Pick<ReplicaManager, 'append' | 'partition'>;
  readonly groups: Pick<GroupCoordinator, 'transactionEnding'>;
  /** `request.timeout.ms` */
  readonly timeoutMs: number;
}

/** What writes markers: the newest format there is. */
const PRODUCE_VERSION = 11;

export class MarkerReceiver {
  readonly #parts: MarkerReceiverParts;

  constructor(parts: MarkerReceiverParts) {
    this.#parts = parts;
  }

  /** The errors of each marker's partitions, in order; one that is named twice is written to once. Never rejects. */
  write(markers: readonly Marker[]): Promise<readonly (readonly PartitionError[])[]> {
    return Promise.all(markers.map((marker) => this.#writeOne(marker)));
  }

  /** What a broker that coordinates transactions is answered. */
  async answer(markers: readonly TransactionMarker[]): Promise<WriteTxnMarkersResponse> {
    const written = await this.write(markers);
    return {
      error: ErrorCode.NONE,
      markers: markers.map(({ producerId }, index) => ({ producerId, partitions: written[index] ?? [] })),
    };
  }

  async #writeOne(marker: Marker): Promise<readonly PartitionError[]> {
    const { replicas, groups, timeoutMs } = this.#parts;
    const errors: PartitionError[] = [];
    const hosted: TopicPartition[] = [];
    for (const at of partitionsOf(marker)) {
      if (replicas.partition(at.topic, at.partition) !== undefined) hosted.push(at);
      else errors.push({ ...at, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
    }
    // Before the markers are in the logs: commits that are under way now come before them.
    const endings = hosted.map(({ topic, partition }) =>
      topic === GROUP_METADATA_TOPIC ? groups.transactionEnding(partition, marker.producerId) : null,
    );
    const outcomes = await replicas.append({
      acks: -1,
      timeoutMs,
      origin: 'coordinator',
      apiVersion: PRODUCE_VERSION,
      entries: hosted.map((at) => ({ ...at, records: this.#batchOf(marker) })),
    });
    const written = outcomes.map(async (outcome: AppendOutcome, index): Promise<PartitionError> => {
      const { topic, partition, error, lastOffset } = outcome;
      if (error === ErrorCode.NONE) {
        await endings[index]?.({ committed: marker.committed, markerOffset: lastOffset });
      }
      return { topic, partition, error };
    });
    return [...errors, ...(await Promise.all(written))];
  }

  /** One for each partition, since offsets are stamped into it. */
  #batchOf({ producerId, producerEpoch, committed, coordinatorEpoch }: Marker): Buffer {
    const timestampMs = this.#parts.clock.wallMs();
    return endTransactionMarker({ producerId, producerEpoch, committed, coordinatorEpoch, timestampMs });
  }
}

function partitionsOf({ topics }: Marker): TopicPartition[] {
  const partitions = new Map<string, Set<number>>();
  for (const { topic, partitions: numbers } of topics) {
    const known = partitions.get(topic) ?? new Set();
    partitions.set(topic, known);
    for (const number of numbers) known.add(number);
  }
  return [...partitions].flatMap(([topic, numbers]) =>
    [...numbers].map((partition) => ({ topic, partition })),
  );
}
