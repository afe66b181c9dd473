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

/** In one turn, of all markers of a request: each may be the first record of a segment, which makes files. */
const WRITTEN_TOGETHER = 10;

/** Partitions that a marker is written to in one turn, and where their errors go. */
interface Part {
  readonly marker: Marker;
  readonly hosted: readonly TopicPartition[];
  readonly answer: PartitionError[];
}

export class MarkerReceiver {
  readonly #parts: MarkerReceiverParts;

  constructor(parts: MarkerReceiverParts) {
    this.#parts = parts;
  }

  /** What a broker that coordinates transactions is answered. */
  async answer(markers: readonly TransactionMarker[]): Promise<WriteTxnMarkersResponse> {
    const written = await this.write(markers, new Turns(this.#parts.clock));
    return {
      error: ErrorCode.NONE,
      markers: markers.map(({ producerId }, index) => ({ producerId, partitions: written[index] ?? [] })),
    };
  }

  /** The errors of the partitions of each marker; one that a marker names twice is written to once. Never rejects. */
  async write(markers: readonly Marker[], turns: Turns): Promise<readonly (readonly PartitionError[])[]> {
    const { together, answers } = await turns.take(this.#sorted(markers));
    const written = await turns.begin(together, (parts) => this.#writeTogether(parts), 1);
    await turns.take(answered(together, written));
    return answers;
  }

  /** Each marker by itself: what waits for one waits for no other. */
  #writeTogether(parts: readonly Part[]): Promise<PartitionError[][]> {
    return Promise.all(parts.map(({ marker, hosted }) => this.#write(marker, hosted)));
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

  /** What is written together, of all markers in their order; the answers have the errors of what is not here. */
  *#sorted(markers: readonly Marker[]): Steps<{ together: Part[][]; answers: PartitionError[][] }> {
    const together: Part[][] = [];
    const answers: PartitionError[][] = [];
    let room = 0;
    for (const marker of markers) {
      yield;
      const { hosted, errors: answer } = yield* this.#sortedOne(marker);
      answers.push(answer);
      for (let at = 0; at < hosted.length; ) {
        yield;
        if (room === 0) {
          together.push([]);
          room = WRITTEN_TOGETHER;
        }
        const some = hosted.slice(at, at + room);
        together.at(-1)?.push({ marker, hosted: some, answer });
        at += some.length;
        room -= some.length;
      }
    }
    return { together, answers };
  }

  /** The partitions that are here, each once, and the errors of the others. */
  *#sortedOne({ topics }: Marker): Steps<{ hosted: TopicPartition[]; errors: PartitionError[] }> {
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

/** Puts the errors of what was written together to the answers. */
function* answered(
  together: readonly (readonly Part[])[],
  written: readonly (readonly (readonly PartitionError[])[])[],
): Steps<void> {
  for (const [slice, parts] of together.entries()) {
    yield;
    for (const [index, { answer }] of parts.entries()) answer.push(...(written[slice]?.[index] ?? []));
  }
}
