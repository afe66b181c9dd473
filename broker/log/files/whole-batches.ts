/** Where a read of a segment that is limited by bytes ends, found without reading what it brings. */
import { lastOffsetOf } from './batch-fields.ts';
import { scanHeaders } from './scan.ts';
import type { Segment } from './segment.ts';

/** Where a batch ends, and the offset after it. */
export interface BatchesEnd {
  readonly positionBytes: number;
  readonly nextOffset: number;
}

interface Bounds {
  /** The beginning of a batch. */
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly upToOffset: number;
}

/** The end of the last batch that lies within the bounds as a whole; null when there is none. */
export function lastWholeBatch(segment: Segment, bounds: Bounds): BatchesEnd | null {
  const entry = segment.indexes.offset.lookupBelow(bounds.upToOffset - 1, bounds.toBytes);
  const isAhead = entry !== null && entry.positionBytes > bounds.fromBytes;
  const found = isAhead ? wholeBatchesFrom(segment, entry.positionBytes, entry.offset, bounds) : null;
  // Nothing fits after the entry, or it was damaged behind our back: then all headers are looked at.
  return found ?? wholeBatchesFrom(segment, bounds.fromBytes, bounds.upToOffset, bounds);
}

/** null: nothing fits, or the first batch ends after `firstUpTo`, which no entry of an index says of its own. */
function wholeBatchesFrom(
  segment: Segment,
  fromBytes: number,
  firstUpTo: number,
  { toBytes, upToOffset }: Bounds,
): BatchesEnd | null {
  let nextOffset: number | null = null;
  const positionBytes = scanHeaders(segment.file(), { fromBytes, toBytes }, (buffer, at) => {
    const lastOffset = lastOffsetOf(buffer, at);
    if (lastOffset >= upToOffset || (nextOffset === null && lastOffset > firstUpTo)) return 'stop';
    nextOffset = lastOffset + 1;
    return undefined;
  });
  return nextOffset === null ? null : { positionBytes, nextOffset };
}
