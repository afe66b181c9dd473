/**
 * Appending. A leader checks the batches, gives them offsets and its epoch in place, and writes them
 * with one synchronous write; a follower writes its leader's batches as they are. What is returned as
 * appended has been handed to the operating system. (Kafka's UnifiedLog.append.)
 */

import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import {
  batchBaseOffset,
  batchCrcIsValid,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchSizeBytes,
  CorruptBatch,
  completeBatches,
} from '../records/batch.ts';
import type { DecompressionAllowance } from '../records/decompression-allowance.ts';
import type { RefusedBatches } from '../records/refused-batches.ts';
import { stampBatches, type ValidBatches, validateProduced } from '../records/validate.ts';
import { hasProducerId, lastOffsetOf, maxTimestampOf } from './files/batch-fields.ts';
import { flush } from './flusher.ts';
import type { LogState } from './log-state.ts';
import { firstOffsetOf, type RetainedBatch } from './producers/producer-entry.ts';
import { ProducerUpdate, type ProducerVerdict } from './producers/producer-update.ts';
import type { VerificationGuard } from './producers/verifications.ts';
import { segmentFor } from './roll.ts';

export interface LeaderAppendOptions {
  readonly leaderEpoch: number;
  readonly origin: 'client' | 'coordinator';
  readonly apiVersion: number;
  readonly nowMs?: number;
  /** What the request may still have decompressed. */
  readonly decompression?: DecompressionAllowance | undefined;
  /** Given when a transaction may only begin here after its coordinator has confirmed it. */
  readonly verification?: Verification | undefined;
  /** What came of the check of the records, where that has been done already. */
  readonly prepared?: ValidBatches | RefusedBatches | undefined;
}

/** null where no guard was needed, since the transaction was under way. */
export interface Verification {
  readonly guard: VerificationGuard | null;
}

/** Of them what comes with the request; the leader adds the rest. */
export type RequestedAppendOptions = Omit<LeaderAppendOptions, 'leaderEpoch' | 'nowMs'>;

export interface AppendInfo {
  readonly error: ErrorCode;
  readonly errorMessage?: string;
  readonly recordErrors?: readonly { readonly batchIndex: number; readonly message: string | null }[];
  /** -1 with an error. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly logAppendTimeMs: Int64;
  readonly logStartOffset: number;
  /** A retry of a batch that is in the log already, whose offsets these are. */
  readonly duplicate: boolean;
}

/** A follower was sent records that it can't have next. */
export class UnexpectedAppendOffset extends Error {
  readonly firstOffset: number;
  readonly lastOffset: number;

  constructor(message: string, firstOffset: number, lastOffset: number) {
    super(message);
    this.name = 'UnexpectedAppendOffset';
    this.firstOffset = firstOffset;
    this.lastOffset = lastOffset;
  }
}

/**
 * Changes offsets and epochs in `records`, also of an append that is refused in the end. A refusal has
 * written nothing.
 */
export function appendAsLeader(log: LogState, records: Buffer, options: LeaderAppendOptions): AppendInfo {
  const nowMs = options.nowMs ?? log.clock.wallMs();
  const valid =
    options.prepared ??
    validateProduced(records, {
      config: log.rules,
      apiVersion: options.apiVersion,
      nowMs,
      origin: options.origin === 'client' ? 'client' : 'coordinator',
      decompression: options.decompression,
    });
  if (!valid.ok) {
    const refusal = refuse(log, valid.error, valid.message);
    return valid.recordErrors.length === 0 ? refusal : { ...refusal, recordErrors: valid.recordErrors };
  }
  const firstOffset = log.endOffset;
  if (valid.offsetCount === 0) return accept(log, firstOffset, firstOffset - 1, -1);
  stampBatches(valid, { firstOffset, leaderEpoch: options.leaderEpoch });
  if (valid.bytes.length > log.config.segmentBytes) {
    const message = `${valid.bytes.length} bytes at once are more than a segment of ${log.config.segmentBytes} bytes holds`;
    return refuse(log, ErrorCode.RECORD_LIST_TOO_LARGE, message);
  }
  const { update, verdict } = judge(log, valid, options);
  if (verdict?.kind === 'duplicate') return acceptAgain(log, verdict.batch);
  if (verdict?.kind === 'refused') return refuse(log, ErrorCode[verdict.refusal], verdict.message);
  log.epochs.assign(options.leaderEpoch, firstOffset);
  write(log, describe(valid.bytes, valid.positions), { update, nowMs });
  return accept(log, firstOffset, log.endOffset - 1, valid.logAppendTimeMs);
}

/**
 * Writes batches that have their offsets. Throws UnexpectedAppendOffset when they don't continue this
 * log, CorruptBatch when they are damaged; then nothing was written.
 */
export function appendAsFollower(log: LogState, records: Buffer): { lastOffset: number } {
  const positions = [...completeBatches(records)];
  if (positions.length === 0) return { lastOffset: log.endOffset - 1 };
  checkReplicated(log, records, positions);
  const nowMs = log.clock.wallMs();
  const whole = describe(records, positions);
  const chunks =
    whole.bytes.length <= log.config.segmentBytes ? [whole] : positions.map((at) => describe(records, [at]));
  for (const chunk of chunks) {
    const update = new ProducerUpdate(log.producers, { origin: 'replication' });
    for (const at of chunk.positions) {
      noteEpoch(log, chunk.bytes, at);
      if (hasProducerId(chunk.bytes, at)) update.add(chunk.bytes, at);
    }
    write(log, chunk, { update, nowMs });
  }
  return { lastOffset: log.endOffset - 1 };
}

interface Chunk {
  readonly bytes: Buffer;
  /** Within `bytes`. */
  readonly positions: readonly number[];
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: Int64;
  /** The last offset of the batch that has the largest timestamp. */
  readonly offsetOfMaxTimestamp: number;
}

function judge(
  log: LogState,
  valid: ValidBatches,
  options: LeaderAppendOptions,
): { update: ProducerUpdate | null; verdict: ProducerVerdict | null } {
  let update: ProducerUpdate | null = null;
  for (const at of valid.positions) {
    if (!hasProducerId(valid.bytes, at)) continue;
    update ??= new ProducerUpdate(log.producers, {
      origin: options.origin === 'client' ? 'client' : 'coordinator',
      verification: options.verification,
    });
    const verdict = update.add(valid.bytes, at);
    if (verdict.kind !== 'accepted') return { update: null, verdict };
  }
  return { update, verdict: null };
}

function describe(bytes: Buffer, positions: readonly number[]): Chunk {
  const [first = 0] = positions;
  const last = positions.at(-1) ?? first;
  let maxTimestampMs: Int64 = -1;
  let offsetOfMaxTimestamp = lastOffsetOf(bytes, first);
  for (const at of positions) {
    const timestampMs = maxTimestampOf(bytes, at);
    if (timestampMs <= maxTimestampMs) continue;
    maxTimestampMs = timestampMs;
    offsetOfMaxTimestamp = lastOffsetOf(bytes, at);
  }
  return {
    bytes: bytes.subarray(first, last + batchSizeBytes(bytes, last)),
    positions: first === 0 ? positions : positions.map((at) => at - first),
    firstOffset: batchBaseOffset(bytes, first),
    lastOffset: lastOffsetOf(bytes, last),
    maxTimestampMs,
    offsetOfMaxTimestamp,
  };
}

function write(
  log: LogState,
  chunk: Chunk,
  { update, nowMs }: { update: ProducerUpdate | null; nowMs: number },
): void {
  // Records of an unknown topic would be taken for those of another that has the name later.
  if (!log.topicIdIsSaved) log.saveTopicId();
  const segment = segmentFor(log, {
    sizeBytes: chunk.bytes.length,
    firstOffset: chunk.firstOffset,
    lastOffset: chunk.lastOffset,
    maxTimestampMs: chunk.maxTimestampMs,
    nowMs,
  });
  segment.append(chunk.bytes, chunk);
  update?.commit((aborted, lastStableOffset) => {
    const { producerId, firstOffset, lastOffset } = aborted;
    segment.indexes.aborted.append({ producerId, firstOffset, lastOffset, lastStableOffset });
  });
  log.unflushedRecords += chunk.lastOffset + 1 - log.endOffset;
  log.endOffset = chunk.lastOffset + 1;
  log.producers.updateMapEndOffset(log.endOffset);
  if (update !== null) log.refreshFirstUnstable();
  log.cursors.note(log.endOffset, segment, segment.sizeBytes);
  if (log.unflushedRecords >= log.config.flushMessages) flush(log);
}

function checkReplicated(log: LogState, records: Buffer, positions: readonly number[]): void {
  let previousLastOffset = -1;
  for (const at of positions) {
    const lastOffset = lastOffsetOf(records, at);
    if (!batchCrcIsValid(records, at)) {
      throw new CorruptBatch(`The batch at offset ${batchBaseOffset(records, at)} of ${log.name} is corrupt`);
    }
    if (
      lastOffset <= previousLastOffset ||
      (batchMagic(records, at) >= 2 && batchLastOffset(records, at) < 0)
    ) {
      throw new CorruptBatch(`Out of order offsets found in append to ${log.name}: ${lastOffset}`);
    }
    previousLastOffset = lastOffset;
  }
  const [first = 0] = positions;
  const firstOffset = batchBaseOffset(records, first);
  if (firstOffset >= log.endOffset) return;
  throw new UnexpectedAppendOffset(
    `Unexpected offset in append to ${log.name}. First offset ${firstOffset} is less than the next offset ${log.endOffset}`,
    firstOffset,
    previousLastOffset,
  );
}

function noteEpoch(log: LogState, bytes: Buffer, at: number): void {
  if (batchMagic(bytes, at) >= 2) log.epochs.assign(batchLeaderEpoch(bytes, at), batchBaseOffset(bytes, at));
  else log.epochs.clear();
}

function accept(log: LogState, firstOffset: number, lastOffset: number, logAppendTimeMs: Int64): AppendInfo {
  return {
    error: ErrorCode.NONE,
    firstOffset,
    lastOffset,
    logAppendTimeMs,
    logStartOffset: log.startOffset,
    duplicate: false,
  };
}

/** A retry is answered with the time of the batch that is in the log, also where its producer gave that time. */
function acceptAgain(log: LogState, batch: RetainedBatch): AppendInfo {
  const { lastOffset, timestampMs } = batch;
  return { ...accept(log, firstOffsetOf(batch), lastOffset, timestampMs), duplicate: true };
}

function refuse(log: LogState, error: ErrorCode, errorMessage: string): AppendInfo {
  return { ...accept(log, -1, -1, -1), error, errorMessage };
}
