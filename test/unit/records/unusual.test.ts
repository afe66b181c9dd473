/** Unusual frames and batches are answered as Kafka answers them, and what is let in can be read. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { greaterInt64, type Int64 } from '../../../broker/int64.ts';
import { batchCodec, batchMaxTimestampMs, CODECS, type Codec } from '../../../broker/records/batch.ts';
import { decompress } from '../../../broker/records/compression.ts';
import type { RecordRules } from '../../../broker/records/produce-context.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { validateProduced } from '../../../broker/records/validate.ts';
import { BATCH_TIME_MS, batchAround, UNUSUAL_BATCHES } from './unusual-batches.ts';
import { UNUSUAL_FRAMES } from './unusual-frames.ts';

const LIMIT_BYTES = 1 << 24;

function produce(batch: Buffer, config: Partial<RecordRules> = {}) {
  return validateProduced(batch, {
    apiVersion: 9,
    nowMs: BATCH_TIME_MS,
    origin: 'client',
    config: {
      maxMessageBytes: 1 << 20,
      segmentBytes: 1 << 30,
      cleanupPolicy: { compact: false },
      compressionType: 'producer',
      messageTimestampType: 'CreateTime',
      messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
      messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
      ...config,
    },
  });
}

const errorOf = (outcome: ReturnType<typeof produce>) => (outcome.ok ? ErrorCode.NONE : outcome.error);

describe.each(CODECS.filter((codec) => codec !== 'none'))('a produced %s frame', (codec) => {
  const cases = UNUSUAL_FRAMES.filter((each) => each.codec === codec);

  it.each(cases)('with $what is answered as by Kafka', ({ frame, content, answer, answerDiffersHere }) => {
    for (const compressionType of ['producer', 'uncompressed'] as const) {
      const outcome = produce(batchAround(frame, content.count, { codec }), { compressionType });
      if (answerDiffersHere) expect(errorOf(outcome)).not.toBe(ErrorCode.NONE);
      else expect(errorOf(outcome)).toBe(answer);
      if (!outcome.ok) continue;
      expect(batchCodec(outcome.bytes, 0)).toBe(compressionType === 'producer' ? codec : 'none');
      expect(readRecords(outcome.bytes, 0)).toHaveLength(content.count);
      expect(outcome.maxTimestampMs).toBe(BATCH_TIME_MS + content.count - 1);
    }
  });

  it('that is let in decompresses to what was packed', () => {
    for (const { what, frame, content, answer } of cases) {
      if (answer !== ErrorCode.NONE) continue;
      expect(decompress(codec, frame, LIMIT_BYTES).equals(content.bytes), what).toBe(true);
    }
  });
});

describe.each<Codec>([...CODECS])('a produced batch (%s)', (codec) => {
  it.each(UNUSUAL_BATCHES)('with $what is answered as by Kafka', ({ of, answer, refusedHere }) => {
    const batch = of(codec);
    const outcome = produce(batch);
    expect(errorOf(outcome)).toBe(refusedHere ? ErrorCode.INVALID_RECORD : answer(codec));
    if (!outcome.ok) return;
    const records = readRecords(outcome.bytes, 0);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1]);
    const latestMs = records.reduce<Int64>(
      (latest, { timestampMs }) => greaterInt64(latest, timestampMs),
      -1,
    );
    expect(batchMaxTimestampMs(outcome.bytes, 0)).toBe(latestMs);
  });
});
