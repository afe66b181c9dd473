/**
 * The record as nearly all are: short lengths, no headers. Its framing is read in one stretch, with
 * nothing but local numbers, in a third of the time that {@link RecordCursor} takes for it: a broker
 * looks at the framing of every record that is produced, ten million of them in a gigabyte of small
 * ones. Whatever is not plain, or wrong, is left to the cursor, which alone says what is wrong.
 */

import type { Int64 } from '../int64.ts';
import type { RecordCursor } from './varint.ts';

/** What a walk tells of each record. */
export interface WalkedRecord {
  index: number;
  offsetDelta: number;
  timestampDeltaMs: Int64;
  hasKey: boolean;
}

/** Takes the next record if it is a plain one; otherwise returns false and has changed nothing. */
export function takePlainRecord(cursor: RecordCursor, record: WalkedRecord): boolean {
  const { buffer } = cursor;
  const size = shortVarint(buffer, cursor.at);
  if (size === 0) return false;
  const start = cursor.at + lengthIn(size);
  const end = start + valueIn(size);
  const timestamp = shortVarint(buffer, start + 1); // behind the attributes, which are unused
  if (timestamp === 0) return false;
  let at = start + 1 + lengthIn(timestamp);
  const offset = shortVarint(buffer, at);
  if (offset === 0) return false;
  at += lengthIn(offset);
  const key = shortVarint(buffer, at);
  if (key === 0) return false;
  at += lengthIn(key) + Math.max(valueIn(key), 0);
  const value = shortVarint(buffer, at);
  if (value === 0) return false;
  at += lengthIn(value) + Math.max(valueIn(value), 0);
  // The number of headers is the last byte. Positions only rose: whoever ends inside has stayed inside.
  if (at + 1 !== end || end > cursor.end || buffer[at] !== 0) return false;
  cursor.at = end;
  record.timestampDeltaMs = valueIn(timestamp);
  record.offsetDelta = valueIn(offset);
  record.hasKey = valueIn(key) >= 0;
  return true;
}

/** A varint of up to three bytes with its length: the raw bits times four, plus 1 to 3; 0 for a longer one. */
function shortVarint(buffer: Buffer, at: number): number {
  const first = buffer[at] as number;
  if (first < 0x80) return (first << 2) | 1;
  const second = buffer[at + 1] as number;
  if (second < 0x80) return ((first & 0x7f) << 2) | (second << 9) | 2;
  const third = buffer[at + 2] as number;
  return third < 0x80 ? ((first & 0x7f) << 2) | ((second & 0x7f) << 9) | (third << 16) | 3 : 0;
}

function lengthIn(packed: number): number {
  return packed & 3;
}

/** Undoes the zigzag. */
function valueIn(packed: number): number {
  return (packed >>> 3) ^ -((packed >>> 2) & 1);
}
