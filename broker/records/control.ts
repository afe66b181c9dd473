/**
 * Control batches: one record that speaks to readers instead of carrying data. A marker ends the
 * transaction of a producer in a partition. Source: KIP-98; Kafka's ControlRecordType and
 * EndTransactionMarker.
 */
import type { Int64 } from '../int64.ts';
import { batchIsControl, CorruptBatch } from './batch.ts';
import { buildBatch } from './build.ts';
import { readRecords } from './record.ts';

const CONTROL_VERSION = 0;
const TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const;

type ControlType = (typeof TYPES)[number] | 'UNKNOWN';

/** What a marker of a transaction says, or a record of a kind that is left alone. */
interface ControlRecord {
  readonly type: ControlType;
  /** Of ABORT and COMMIT; -1 for the others. */
  readonly coordinatorEpoch: number;
}

/** The batch that commits or aborts what a producer has written to a partition. */
export function endTransactionMarker(marker: {
  readonly committed: boolean;
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
  readonly leaderEpoch?: number;
  readonly baseOffset?: number;
}): Buffer {
  const { committed, coordinatorEpoch, timestampMs, ...batch } = marker;
  const key = Buffer.alloc(4);
  key.writeInt16BE(CONTROL_VERSION, 0);
  key.writeInt16BE(TYPES.indexOf(committed ? 'COMMIT' : 'ABORT'), 2);
  const value = Buffer.alloc(6);
  value.writeInt16BE(CONTROL_VERSION, 0);
  value.writeInt32BE(coordinatorEpoch, 2);
  return buildBatch({ ...batch, transactional: true, control: true, records: [{ timestampMs, key, value }] });
}

/** What the control batch at `at` says; null when it is an ordinary batch or compaction has emptied it. */
export function readControl(buffer: Buffer, at: number): ControlRecord | null {
  if (!batchIsControl(buffer, at)) return null;
  const record = readRecords(buffer, at)[0];
  if (record === undefined) return null;
  if (record.key === null || record.key.length < 4) throw new CorruptBatch('A control record without a type');
  const type = TYPES[record.key.readInt16BE(2)] ?? 'UNKNOWN';
  if (type !== 'ABORT' && type !== 'COMMIT') return { type, coordinatorEpoch: -1 };
  if (record.value === null || record.value.length < 6) {
    throw new CorruptBatch('An end of transaction without the epoch of its coordinator');
  }
  return { type, coordinatorEpoch: record.value.readInt32BE(2) };
}
