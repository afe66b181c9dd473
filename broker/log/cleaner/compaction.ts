/**
 * One compaction of a log: notes the last offset of every key in the dirty part, then rewrites all
 * segments below its end without the records that a later one replaces. It works in slices, between
 * which the broker goes on; when the log's files change meanwhile (a truncation, a deletion) it gives
 * up and leaves everything as it was. (Kafka's Cleaner.)
 */
import type { Int64 } from '../../int64.ts';
import { batchIsControl, batchMagic, batchSizeBytes } from '../../records/batch.ts';
import type { Decompress } from '../../records/compression.ts';
import { readRecords } from '../../records/record.ts';
import { lastOffsetOf, maxTimestampOf } from '../files/batch-fields.ts';
import { CLEANED_SUFFIX, SWAP_SUFFIX } from '../files/file-names.ts';
import { scanBatches } from '../files/scan.ts';
import { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';
import { abortedTransactions } from '../lookup.ts';
import { filterBatch } from './batch-filter.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import type { KeyMap } from './key-map.ts';

export interface CompactionRange {
  readonly firstDirtyOffset: number;
  /** Exclusive; the base of a segment that is not touched. */
  readonly firstUncleanableOffset: number;
}

interface CompactionContext {
  readonly keys: KeyMap;
  /** Lets others run, and holds back when more than the allowed bytes were moved. */
  readonly pause: (movedBytes: number) => Promise<void>;
  /** False once the cleaner was stopped. */
  readonly running: () => boolean;
}

/** The log's files changed under the compaction; it is tried again later. */
export class CompactionGivenUp extends Error {
  override readonly name = 'CompactionGivenUp';
}

const SLICE_BYTES = 1024 * 1024;

/** Returns the new first dirty offset. Throws CompactionGivenUp. */
export async function compactLog(
  log: LogState,
  range: CompactionRange,
  context: CompactionContext,
): Promise<number> {
  const guard = new Guard(log, context);
  await noteKeys(log, range, context.keys, guard);
  const endOffset = context.keys.latestOffset + 1;
  const nowMs = log.clock.wallMs();
  let target: Segment | null = null;
  const transactions = new CleanedTransactions((aborted) => target?.abortedIndex.append(aborted));
  const sources = log.segments.all.filter((segment) => segment.baseOffset < endOffset);
  for (const group of groupSegments(log, sources)) {
    const first = group[0];
    if (first === undefined) continue;
    const output = Segment.create(log, first.baseOffset, CLEANED_SUFFIX);
    target = output;
    try {
      for (const segment of group) {
        transactions.add(abortedTransactions(log, segment.baseOffset, endOfSegment(log, segment)));
        await rewrite({ log, segment, output, transactions, keys: context.keys, nowMs, guard });
      }
    } catch (error) {
      output.removeFiles();
      throw error;
    }
    swap(log, group, output);
    guard.accept();
  }
  return endOffset;
}

/** Fails once the log is not what it was when the guard was made, or last accepted a change. */
class Guard {
  readonly #log: LogState;
  readonly #context: CompactionContext;
  /** As `log.changes` was when the compaction last knew all of its files. */
  #changes: number;

  constructor(log: LogState, context: CompactionContext) {
    this.#log = log;
    this.#context = context;
    this.#changes = log.changes;
  }

  accept(): void {
    this.#changes = this.#log.changes;
  }

  async pause(movedBytes: number): Promise<void> {
    await this.#context.pause(movedBytes);
    const log = this.#log;
    if (this.#context.running() && !log.closed && log.changes === this.#changes) return;
    throw new CompactionGivenUp(`${log.name} changed while it was compacted`);
  }
}

/** Fills the map from the dirty part, until it is full. */
async function noteKeys(log: LogState, range: CompactionRange, keys: KeyMap, guard: Guard): Promise<void> {
  const { firstDirtyOffset, firstUncleanableOffset } = range;
  const transactions = new CleanedTransactions(() => {});
  transactions.add(abortedTransactions(log, firstDirtyOffset, firstUncleanableOffset));
  for (const segment of log.segments.between(firstDirtyOffset, firstUncleanableOffset)) {
    let position =
      segment.locate(Math.max(firstDirtyOffset, segment.baseOffset))?.positionBytes ?? segment.sizeBytes;
    let full = false;
    while (position < segment.sizeBytes && !full) {
      const from = position;
      position = slice(log, segment, position, (buffer, at) => {
        const discard = batchMagic(buffer, at) >= 2 && transactions.mayDiscard(buffer, at);
        if (!discard) full = !noteBatch(keys, buffer, at, { firstDirtyOffset, decompress: log.decompress });
        if (!full && lastOffsetOf(buffer, at) >= firstDirtyOffset)
          keys.updateLatestOffset(lastOffsetOf(buffer, at));
        return !full;
      });
      await guard.pause(position - from);
    }
    if (full) return;
    keys.updateLatestOffset(endOfSegment(log, segment) - 1);
  }
}

/** False when the map has no room for another key. */
function noteBatch(
  keys: KeyMap,
  buffer: Buffer,
  at: number,
  { firstDirtyOffset, decompress }: { firstDirtyOffset: number; decompress: Decompress },
): boolean {
  if (batchMagic(buffer, at) < 2 || batchIsControl(buffer, at)) return true;
  for (const record of readRecords(buffer, at, decompress)) {
    if (record.key === null || record.offset < firstDirtyOffset) continue;
    if (keys.isFull) return false;
    keys.put(record.key, record.offset);
    keys.updateLatestOffset(record.offset);
  }
  return true;
}

/** Neighbours that together stay within the limits of one segment, so that small remains are joined. */
function groupSegments(log: LogState, sources: readonly Segment[]): Segment[][] {
  const { segmentBytes, segmentIndexBytes } = log.config;
  const groups: Segment[][] = [];
  let total = { log: 0, offsetIndex: 0, timeIndex: 0 };
  for (const segment of sources) {
    const next = {
      log: total.log + segment.sizeBytes,
      offsetIndex: total.offsetIndex + segment.offsetIndex.file.sizeBytes,
      timeIndex: total.timeIndex + segment.timeIndex.file.sizeBytes,
    };
    const group = groups.at(-1);
    const fits =
      group?.[0]?.holdsRelative(endOfSegment(log, segment) - 1) === true &&
      next.log <= segmentBytes &&
      next.offsetIndex <= segmentIndexBytes &&
      next.timeIndex <= segmentIndexBytes;
    if (group !== undefined && fits) {
      group.push(segment);
      total = next;
    } else {
      groups.push([segment]);
      const { sizeBytes, offsetIndex, timeIndex } = segment;
      total = {
        log: sizeBytes,
        offsetIndex: offsetIndex.file.sizeBytes,
        timeIndex: timeIndex.file.sizeBytes,
      };
    }
  }
  return groups;
}

interface Rewrite {
  readonly log: LogState;
  readonly segment: Segment;
  readonly output: Segment;
  readonly transactions: CleanedTransactions;
  readonly keys: KeyMap;
  readonly nowMs: number;
  readonly guard: Guard;
}

/** Appends what is left of a segment to the output. */
async function rewrite({ log, segment, output, transactions, keys, nowMs, guard }: Rewrite): Promise<void> {
  const options = {
    keys,
    transactions,
    producer: (producerId: Int64) => log.producers.entry(producerId),
    nowMs,
    deleteRetentionMs: log.config.deleteRetentionMs,
    decompress: log.decompress,
  };
  let position = 0;
  while (position < segment.sizeBytes) {
    const from = position;
    let written = 0;
    position = slice(log, segment, position, (buffer, at) => {
      const left = filterBatch(buffer, at, options);
      if (left === null) return true;
      const lastOffset = lastOffsetOf(left, 0);
      output.append(left, {
        lastOffset,
        maxTimestampMs: maxTimestampOf(left, 0),
        offsetOfMaxTimestamp: lastOffset,
      });
      written += left.length;
      return true;
    });
    await guard.pause(position - from + written);
  }
}

/**
 * Visits the batches of about a megabyte, at least one; `visit` ends the slice with false. Returns
 * where to go on. A batch that can't be read makes the partition uncleanable.
 */
function slice(
  log: LogState,
  segment: Segment,
  fromBytes: number,
  visit: (buffer: Buffer, at: number) => boolean,
): number {
  let stopped = false;
  const range = { fromBytes, toBytes: segment.sizeBytes };
  const end = scanBatches(segment.file(), range, log.buffers, (buffer, at, positionBytes) => {
    if (
      stopped ||
      (positionBytes > fromBytes && positionBytes - fromBytes + batchSizeBytes(buffer, at) > SLICE_BYTES)
    ) {
      stopped = true;
      return 'stop';
    }
    if (!visit(buffer, at)) stopped = true;
    return undefined;
  });
  if (!stopped && end < segment.sizeBytes) {
    throw new Error(`${log.name} has an unreadable batch at ${end} of segment ${segment.baseOffset}`);
  }
  return end;
}

/**
 * Puts the output in the place of its sources. The output gets its final suffix last, so that a load
 * at any moment finds either the sources or the finished output.
 */
function swap(log: LogState, sources: readonly Segment[], output: Segment): void {
  output.seal();
  output.sync();
  output.changeSuffix(SWAP_SUFFIX);
  log.disk.syncDirectory(log.directory);
  log.replaceSegments(sources, output);
  output.changeSuffix('');
  log.disk.syncDirectory(log.directory);
}

function endOfSegment(log: LogState, segment: Segment): number {
  return log.segments.after(segment.baseOffset)?.baseOffset ?? log.endOffset;
}
