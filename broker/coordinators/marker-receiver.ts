/**
 * The end of transactions, where it is told: a marker in each partition that this broker leads. Whatever
 * coordinator asks, a marker of an older producer epoch or of an older coordinator is refused by the log, and
 * one is answered for when it is on all in-sync replicas. In partitions of `__consumer_offsets` the groups
 * learn of it as well, before the answer.
 * Source: KafkaApis.handleWriteTxnMarkersRequest.
 */

import { NameMap } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import { LargeSet } from '../large-map.ts';
import type { PartitionError, TransactionMarker, WriteTxnMarkersResponse } from '../peers/messages.ts';
import type { Clock } from '../platform/clock.ts';
import { type Steps, Turns } from '../platform/turns.ts';
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

/** In one turn: a marker may be the first record of a segment, which makes files. */
const WRITTEN_TOGETHER = 10;

export class MarkerReceiver {
  readonly #parts: MarkerReceiverParts;

  constructor(parts: MarkerReceiverParts) {
    this.#parts = parts;
  }

  /** What a broker that coordinates transactions is answered. */
  async answer(markers: readonly TransactionMarker[]): Promise<WriteTxnMarkersResponse> {
    const turns = new Turns(this.#parts.clock);
    const written = await Promise.all(markers.map((marker) => this.write(marker, turns)));
    return {
      error: ErrorCode.NONE,
      markers: markers.map(({ producerId }, index) => ({ producerId, partitions: written[index] ?? [] })),
    };
  }

  /** The errors of the marker's partitions; one that is named twice is written to once. Never rejects. */
  async write(marker: Marker, turns: Turns): Promise<readonly PartitionError[]> {
    const { hosted, errors } = await turns.take(this.#sorted(marker));
    const together: TopicPartition[][] = [];
    for (let at = 0; at < hosted.length; at += WRITTEN_TOGETHER) {
      together.push(hosted.slice(at, at + WRITTEN_TOGETHER));
    }
    const written = await turns.begin(together, (some) => this.#write(marker, some), 1);
    return [...errors, ...written.flat()];
  }

  async #write(marker: Marker, hosted: readonly TopicPartition[]): Promise<PartitionError[]> {
    const { replicas, groups, timeoutMs } = this.#parts;
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
    return Promise.all(written);
  }

  /** The partitions that are here, each once, and the errors of the others. */
  *#sorted({ topics }: Marker): Steps<{ hosted: TopicPartition[]; errors: PartitionError[] }> {
    const hosted: TopicPartition[] = [];
    const errors: PartitionError[] = [];
    const named = new NameMap<Set<number>>();
    for (const { topic, partitions } of topics) {
      yield;
      if (partitions.length === 0) continue;
      const ofTopic = named.get(topic) ?? new LargeSet();
      named.set(topic, ofTopic);
      for (const partition of partitions) {
        yield;
        if (ofTopic.size === ofTopic.add(partition).size) continue;
        if (this.#parts.replicas.partition(topic, partition) !== undefined) hosted.push({ topic, partition });
        else errors.push({ topic, partition, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
      }
    }
    return { hosted, errors };
  }

  /** One for each partition, since offsets are stamped into it. */
  #batchOf({ producerId, producerEpoch, committed, coordinatorEpoch }: Marker): Buffer {
    const timestampMs = this.#parts.clock.wallMs();
    return endTransactionMarker({ producerId, producerEpoch, committed, coordinatorEpoch, timestampMs });
  }
}
