/**
 * What a follower does to its log with what the leader sends: append, go back, start over. Synchronous;
 * throws what the log throws (StorageError, CorruptBatch). Source: Kafka's ReplicaFetcherThread and
 * Partition.doAppendRecordsToFollowerOrFutureReplica.
 */

import type { EpochEnd } from '../../log/files/epoch-history.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { EventOf } from '../../platform/cluster-events.ts';
import {
  batchBaseOffset,
  batchLastOffset,
  batchSizeBytes,
  CorruptBatch,
  completeBatches,
} from '../../records/batch.ts';
import { decompressSnappy } from '../../records/snappy.ts';
import type { Partition } from '../partition.ts';
import { logTruncated } from '../replica-events.ts';
import { cutFor, repairFor } from '../truncation.ts';
import type { MarksItem, RecordsItem } from './stream-messages.ts';

/** The leader sent what does not follow on our log. */
class UnexpectedOffset extends Error {
  override readonly name = 'UnexpectedOffset';
}

/** Appends what the leader has sent and takes over its marks. */
export function applyRecords(partition: Partition, log: PartitionLog, item: RecordsItem): void {
  const records = plainRecords(item);
  if (records.length > 0) appendFollowed(log, records);
  applyMarks(partition, log, item);
}

/** High watermark first: a log start beyond it would be refused. */
export function applyMarks(partition: Partition, log: PartitionLog, marks: MarksItem): void {
  partition.followHighWatermark(marks.highWatermark);
  if (marks.startOffset > log.startOffset && marks.startOffset <= log.highWatermark) {
    partition.raiseStartOffset(marks.startOffset);
  }
}

/** Takes down that a log is cut. */
export interface TruncationRecorder {
  record(event: EventOf<'log-truncated'>): unknown;
}

/**
 * Without an epoch history there is nothing to compare with the leader's: only what is known to be
 * committed may stay.
 */
export function truncateWithoutEpochs(log: PartitionLog, journal: TruncationRecorder): void {
  if (log.epochs.latestEpoch() >= 0 || log.endOffset <= log.highWatermark) return;
  journal.record(logTruncated(log, log.highWatermark, { rule: 'no-epochs' }));
  log.truncateTo(log.highWatermark);
}

/**
 * A log that has lost records in its middle, and not those behind, goes back to where it is whole: the leader has
 * them all. Without a leader all is kept, which may be all that there is.
 */
export function truncateAtHole(log: PartitionLog, journal: TruncationRecorder): void {
  const { holeOffset } = log;
  if (holeOffset === null || holeOffset >= log.endOffset) return;
  journal.record(logTruncated(log, holeOffset, { rule: 'hole' }));
  log.truncateTo(holeOffset);
}

/** Goes back to where the histories part. False when nothing changed: to ask again would end the same way. */
export function truncateToLeader(
  log: PartitionLog,
  leaderEnd: EpochEnd,
  journal: TruncationRecorder,
): boolean {
  const { endOffset } = log;
  const latestEpoch = log.epochs.latestEpoch();
  const cut = cutFor(leaderEnd, {
    endOffset,
    fetchOffset: endOffset,
    endOffsetFor: (epoch) => log.epochs.endOffsetFor(epoch, endOffset),
  });
  const why = { rule: 'leader-epoch', epoch: leaderEnd.epoch, endOffset: leaderEnd.endOffset } as const;
  if (cut < endOffset) journal.record(logTruncated(log, cut, why));
  // Also at the log's end: an epoch that has no records must leave the history.
  log.truncateTo(cut);
  return log.endOffset !== endOffset || log.epochs.latestEpoch() !== latestEpoch;
}

/** Our position is outside the leader's log. False when nothing could be done about it. */
export function repairRange(
  log: PartitionLog,
  leader: { readonly startOffset: number; readonly endOffset: number },
  journal: TruncationRecorder,
): boolean {
  const repair = repairFor(leader, log.endOffset);
  switch (repair.kind) {
    case 'truncate':
      journal.record(logTruncated(log, repair.offset, { rule: 'leader-end' }));
      log.truncateTo(repair.offset);
      return true;
    case 'start-over':
      journal.record(logTruncated(log, repair.offset, { rule: 'leader-start' }));
      log.truncateFullyAndStartAt(repair.offset);
      return true;
    case 'ask-again':
      return false;
  }
}

/** Appends what another log holds, which may begin within a batch. Throws UnexpectedOffset or CorruptBatch. */
export function appendFollowed(log: PartitionLog, records: Buffer): void {
  const nextOffset = offsetAfter(records);
  const baseOffset = batchBaseOffset(records, 0);
  if (baseOffset < log.endOffset) {
    // The leader's log may start within a batch (DeleteRecords); an empty log takes all of that batch.
    const startsWithin = log.endOffset === log.startOffset && nextOffset > log.endOffset;
    if (!startsWithin) {
      throw new UnexpectedOffset(`expected offset ${log.endOffset}, the leader sent ${baseOffset}`);
    }
    log.truncateFullyAndStartAt(baseOffset);
  }
  log.appendAsFollower(records);
}

function plainRecords(item: RecordsItem): Buffer {
  if (item.plainBytes === 0) return item.bytes;
  const plain = decompressSnappy(item.bytes, item.plainBytes);
  if (plain.length !== item.plainBytes) throw new CorruptBatch('Snappy data of an unexpected size');
  return plain;
}

/** The offset after the last batch; throws CorruptBatch when the bytes are not whole batches. */
function offsetAfter(records: Buffer): number {
  let end = 0;
  let nextOffset = -1;
  for (const at of completeBatches(records)) {
    end = at + batchSizeBytes(records, at);
    nextOffset = batchLastOffset(records, at) + 1;
  }
  if (end !== records.length) throw new CorruptBatch('The leader sent a partial batch');
  return nextOffset;
}
