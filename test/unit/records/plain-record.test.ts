/** The short way through the framing of a record finds what the long way finds, and refuses what it refuses. */
import { describe, expect, it } from 'vitest';
import { BATCH_HEADER_BYTES, batchBaseTimestampMs } from '../../../broker/records/batch.ts';
import { buildBatch, type RecordInput } from '../../../broker/records/build.ts';
import { readRecords, walkRecords } from '../../../broker/records/record.ts';

const TIME_MS = 1_700_000_000_000;

/** Plain ones and others in turn: no key, no value, empty ones, long ones, late ones, with headers. */
const RECORDS: readonly RecordInput[] = [
  { timestampMs: TIME_MS, key: null, value: Buffer.from('v') },
  { timestampMs: TIME_MS + 1, key: Buffer.alloc(0), value: null },
  { timestampMs: TIME_MS - 70, key: Buffer.from('key'), value: Buffer.alloc(0) },
  { timestampMs: TIME_MS + 9_000, key: null, value: Buffer.alloc(100, 1) },
  { timestampMs: TIME_MS, value: Buffer.alloc(9_000, 2), headers: [{ key: 'h', value: null }] },
  { timestampMs: TIME_MS + 2 ** 40, key: Buffer.from('far'), value: Buffer.from('later') },
  { timestampMs: TIME_MS, key: Buffer.alloc(70, 3), value: Buffer.from('w') },
];
const BATCH = buildBatch({ records: RECORDS });

/** What both ways say of the batch: its records, or that they don't add up. */
function walked(batch: Buffer): unknown {
  const found: unknown[] = [];
  try {
    walkRecords(
      batch,
      0,
      (_codec, data) => data,
      (record) => {
        found.push([record.offsetDelta, record.timestampDeltaMs, record.hasKey]);
        return undefined;
      },
    );
  } catch (error) {
    return (error as Error).message;
  }
  return found;
}

function read(batch: Buffer): unknown {
  try {
    return readRecords(batch, 0).map(({ offset, timestampMs, key }) => [
      offset,
      Number(timestampMs) - Number(batchBaseTimestampMs(batch, 0)),
      key !== null,
    ]);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a walk over the records of a batch', () => {
  it('finds in each what reading it finds', () => {
    expect(walked(BATCH)).toEqual(read(BATCH));
    expect(walked(BATCH)).toHaveLength(RECORDS.length);
  });

  it('finds in a batch with any one byte changed what reading it finds, or refuses it with the same words', () => {
    let refused = 0;
    for (let at = BATCH_HEADER_BYTES; at < BATCH.length; at += at < 400 ? 1 : 37) {
      for (const flip of [0x01, 0x02, 0x10, 0x80, 0xff]) {
        const changed = Buffer.from(BATCH);
        changed[at] = (changed[at] as number) ^ flip;
        const found = walked(changed);
        expect(found, `byte ${at} ^ ${flip}`).toEqual(read(changed));
        if (typeof found === 'string') refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
  });

  it('never looks beyond the end of the batch, however the buffer goes on', () => {
    for (let cut = BATCH_HEADER_BYTES; cut < 400; cut++) {
      const shorter = Buffer.from(BATCH);
      shorter.writeInt32BE(cut - 12, 8);
      expect(walked(shorter), `cut at ${cut}`).toEqual(read(shorter));
      expect(typeof walked(shorter)).toBe('string');
    }
  });
});
