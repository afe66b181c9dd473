/**
 * One compaction of a log: notes the last offset of every key in the dirty part, then rewrites all
 * segments below its end without the records that a later one replaces. It works in slices, between
 * which the broker goes on (slices.ts); when the log's files change meanwhile (a truncation, a deletion) it
 * gives up and leaves everything as it was. (Kafka's Cleaner.)
 */
import type { Workers } from '../../platform/workers.ts';
import { batchIsControl, batchMagic, batchSizeBytes } from '../../records/batch.ts';
import type { Decompress } from '../../records/compression.ts';
import { readRecords } from '../../records/record.ts';
import { lastOffsetOf, maxTimestampOf } from '../files/batch-fields.ts';
import { CLEANED_SUFFIX, SWAP_SUFFIX } from '../files/file-names.ts';
import { Segment } from '../files/segment.ts';
import type { LogState } from '../log-state.ts';
import { abortedTransactions } from '../lookup.ts';
import { fateOf, leftOfBatch } from './batch-filter.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import { Guard } from './guard.ts';
import type { KeyMap } from './key-map.ts';
import { compactApart, noteApart } from './large-batches.ts';
import { type SliceLimits, type Visited, visitSlice } from './slices.ts';

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
  readonly workers: Workers;
  readonly limits: SliceLimits;
}

/** What its parts share. */
interface Compaction extends CompactionContext {
  readonly log: LogState;
  readonly guard: Guard;
}

/** Returns the new first dirty offset. Throws CompactionGivenUp. */
export async function compactLog(
  log: LogState,
  range: CompactionRange,
  context: CompactionContext,
): Promise<number> {
  const guard = new Guard(log, context);
  const compaction: Compaction = { ...context, log, guard };
  await noteKeys(compaction, range);
  const endOffset = context.keys.latestOffset + 1;
  const nowMs = log.clock.wallMs();
  let target: Segment | null = null;
  const transactions = new CleanedTransactions((aborted) => target?.indexes.aborted.append(aborted));
  const sources = log.segments.all.filter((segment) => segment.baseOffset < endOffset);
  for (const group of groupSegments(log, sources)) {
    const first = group[0];
    if (first === undefined) continue;
    const output = Segment.create(log, first.baseOffset, CLEANED_SUFFIX);
    target = output;
    try {
      for (const segment of group) {
        transactions.add(abortedTransactions(log, segment.baseOffset, endOfSegment(log, segment)));
        await rewrite({ ...compaction, segment, output, transactions, nowMs });
      }
      output.seal();
      await output.syncInBackground();
      guard.check();
    } catch (error) {
      // Before the next output of that name is begun.
      for (const path of output.retire()) await log.services.disk.removeInBackground(path);
      throw error;
    }
    swap(log, group, output);
    guard.accept();
  }
  return endOffset;
}

/** Fills the map from the dirty part, until it is full. */
async function noteKeys(compaction: Compaction, range: CompactionRange): Promise<void> {
  const { log, keys } = compaction;
  const { firstDirtyOffset, firstUncleanableOffset } = range;
  const transactions = new CleanedTransactions(() => {});
  transactions.add(abortedTransactions(log, firstDirtyOffset, firstUncleanableOffset));
  const noting = { ...compaction, transactions, firstDirtyOffset };
  for (const segment of log.segments.between(firstDirtyOffset, firstUncleanableOffset)) {
    if (!(await noteSegment(segment, noting))) return;
    keys.updateLatestOffset(endOfSegment(log, segment) - 1);
  }
}

interface Noting extends Compaction {
  readonly transactions: CleanedTransactions;
  readonly firstDirtyOffset: number;
}

/** False when the map has no room for another key. */
async function noteSegment(segment: Segment, noting: Noting): Promise<boolean> {
  const { log, keys, guard, limits, transactions, firstDirtyOffset } = noting;
  const first = segment.locate(Math.max(firstDirtyOffset, segment.baseOffset));
  let hasRoom = true;
  const goOn = (lastOffset: number): Visited => {
    if (!hasRoom) return 'end';
    if (lastOffset >= firstDirtyOffset) keys.updateLatestOffset(lastOffset);
    return 'next';
  };
  let position = first?.positionBytes ?? segment.sizeBytes;
  while (position < segment.sizeBytes && hasRoom) {
    const from = position;
    const end = visitSlice({ log, segment, fromBytes: from, limits }, (buffer, at, positionBytes, work) => {
      const lastOffset = lastOffsetOf(buffer, at);
      const isSkipped = batchMagic(buffer, at) < 2 || transactions.mayDiscard(buffer, at);
      if (isSkipped || batchIsControl(buffer, at)) return goOn(lastOffset);
      const batch = { segment, positionBytes, sizeBytes: batchSizeBytes(buffer, at) };
      const read = (decompress: Decompress): void => {
        hasRoom = noteBatch(keys, buffer, at, { firstDirtyOffset, decompress });
      };
      const apart = async (): Promise<void> => {
        hasRoom = await noteApart(batch, firstDirtyOffset, noting);
        goOn(lastOffset);
      };
      const visited = work.reading(buffer, at, read, apart);
      return visited === 'next' ? goOn(lastOffset) : visited;
    });
    position = end.position;
    await end.apart?.();
    await guard.pause(position - from);
  }
  return hasRoom;
}

/** False when the map has no room for another key. */
function noteBatch(
  keys: KeyMap,
  buffer: Buffer,
  at: number,
  { firstDirtyOffset, decompress }: { firstDirtyOffset: number; decompress: Decompress },
): boolean {
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
      offsetIndex: total.offsetIndex + segment.indexes.offset.file.sizeBytes,
      timeIndex: total.timeIndex + segment.indexes.time.file.sizeBytes,
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
      const { sizeBytes, indexes } = segment;
      total = {
        log: sizeBytes,
        offsetIndex: indexes.offset.file.sizeBytes,
        timeIndex: indexes.time.file.sizeBytes,
      };
    }
  }
  return groups;
}

interface Rewrite extends Compaction {
  readonly segment: Segment;
  readonly output: Segment;
  readonly transactions: CleanedTransactions;
  readonly nowMs: number;
}

/** Appends what is left of a segment to the output. */
async function rewrite(rewriting: Rewrite): Promise<void> {
  const { log, segment, output, keys, nowMs, guard, limits } = rewriting;
  const { deleteRetentionMs } = log.config;
  const parts = { ...rewriting, producer: log.producers.entry.bind(log.producers) };
  let position = 0;
  while (position < segment.sizeBytes) {
    const from = position;
    const sizeBefore = output.sizeBytes;
    const end = visitSlice({ log, segment, fromBytes: from, limits }, (buffer, at, positionBytes, work) => {
      const fate = fateOf(buffer, at, parts);
      const batch = { segment, positionBytes, sizeBytes: batchSizeBytes(buffer, at) };
      const read = (decompress: Decompress): void =>
        add(output, leftOfBatch(buffer, at, fate, { keys, nowMs, deleteRetentionMs, decompress }));
      if (batchMagic(buffer, at) >= 2 && !batchIsControl(buffer, at)) {
        const apart = async (): Promise<void> =>
          add(output, await compactApart(batch, { ...rewriting, fate }));
        return work.reading(buffer, at, read, apart);
      }
      read(log.decompress);
      return 'next';
    });
    position = end.position;
    await end.apart?.();
    await guard.pause(position - from + output.sizeBytes - sizeBefore);
  }
}

function add(output: Segment, left: Buffer | null): void {
  if (left === null) return;
  const lastOffset = lastOffsetOf(left, 0);
  output.append(left, {
    lastOffset,
    maxTimestampMs: maxTimestampOf(left, 0),
    offsetOfMaxTimestamp: lastOffset,
  });
}

/**
 * Puts the output, which is durable, in the place of its sources. The output gets its final suffix last, so that a load
 * at any moment finds either the sources or the finished output.
 */
function swap(log: LogState, sources: readonly Segment[], output: Segment): void {
  output.changeSuffix(SWAP_SUFFIX);
  log.disk.syncDirectory(log.directory);
  log.replaceSegments(sources, output);
  output.changeSuffix('');
  log.disk.syncDirectory(log.directory);
}

function endOfSegment(log: LogState, segment: Segment): number {
  return log.segments.after(segment.baseOffset)?.baseOffset ?? log.endOffset;
}
