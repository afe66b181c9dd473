/** An index in which a bit has turned over, found after a clean stop: it costs time, and no records. */
import { expect, it } from 'vitest';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { append, contents, fixture } from './support.ts';

const SMALL = { 'segment.bytes': '10000', 'index.interval.bytes': '50' };
const FILE = '/data/topic-0/00000000000000000000';
/** An offset and a position; a time and an offset. */
const ENTRY_BYTES = { index: 8, timeindex: 12 } as const;

const BITS = (['index', 'timeindex'] as const).flatMap((kind) =>
  Array.from({ length: 8 * ENTRY_BYTES[kind] }, (_, bit) => [bit, kind] as const),
);

/** Stopped cleanly, with twelve records, and what they are. */
async function stopped() {
  const made = fixture(SMALL);
  const logs = await made.start();
  const log = logs.create('topic', 0, { isNew: true, topicId: null });
  for (let index = 0; index < 12; index++) append(log, [`value ${index}`], { timestampMs: 1000 + index });
  const before = contents(log);
  logs.shutdown();
  made.disk.crash('all');
  return { made, before };
}

it.each(BITS)('is noticed, or does no harm (bit %i of the last entry of .%s)', async (bit, kind) => {
  const { made, before } = await stopped();
  const path = `${FILE}.${kind}`;
  const sizeBytes = made.disk.stat(path)?.sizeBytes ?? 0;
  made.disk.rot(path, sizeBytes - ENTRY_BYTES[kind] + (bit >> 3), bit & 7);
  const log = (await made.start()).log('topic', 0) as PartitionLog;
  expect(contents(log)).toEqual(before);
  for (let index = 12; index < 18; index++) append(log, [`value ${index}`], { timestampMs: 1000 + index });
  for (let offset = 0; offset < 18; offset++)
    expect(contents(log, offset)[0]).toBe(`${offset}:value ${offset}`);
  log.truncateTo(15);
  expect(contents(log, 12)).toEqual(['12:value 12', '13:value 13', '14:value 14']);
  log.roll();
  append(log, ['more']);
  expect(log.endOffset).toBe(16);
});

it('is noticed where its last entry points at the end of the file', async () => {
  const { made, before } = await stopped();
  const file = made.disk.open(`${FILE}.index`, 'write');
  const end = Buffer.alloc(4);
  end.writeInt32BE(made.disk.stat(`${FILE}.log`)?.sizeBytes ?? 0);
  file.write(end, 0, end.length, file.sizeBytes() - end.length);
  file.close();
  expect(contents((await made.start()).log('topic', 0) as PartitionLog)).toEqual(before);
});
