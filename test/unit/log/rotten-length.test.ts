/**
 * A batch whose length has rotted, in the middle of a segment, found after a clean stop. Where it can't be a length,
 * readers are told so, as Kafka tells them. Where it reaches beyond the segment they go on with the next one, also as
 * in Kafka, and here it is said; where there is no next one, Kafka's readers wait for ever.
 */
import { describe, expect, it, vi } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { CorruptBatch } from '../../../broker/records/batch.ts';
import { append, contents, fixture } from './support.ts';

const LENGTH_AT = 8;
/** Four batches a segment. */
const TOPIC = { 'segment.bytes': '320' };
const BATCHES = 12;
/** The second batch of the second segment, and the last one of all but one. */
const SEALED = 5;
const ACTIVE = 10;
const AFTER_SEALED = 8;

const NO_LENGTH = [0, -1, -(2 ** 31), 13, 48];
const TOO_LONG = [2 ** 31 - 1, 100_000, 300];

/** A log of batches of one record each, of which the one at `offset` has this length now. */
async function rotten(offset: number, length: number, config: Readonly<Record<string, string>> = {}) {
  const made = fixture({ ...TOPIC, ...config });
  const logs = await made.start();
  const before = logs.create('topic', 0, { isNew: true, topicId: null });
  for (let index = 0; index < BATCHES; index++)
    append(before, [`key=value ${index % 10}`], { timestampMs: 1000 + index });
  const segment = before.state.segments.floor(offset);
  if (segment === undefined || before.state.segments.count !== 3) throw new Error('other segments');
  const positionBytes = segment.locate(offset)?.positionBytes ?? -1;
  const path = `/data/topic-0/${String(segment.baseOffset).padStart(20, '0')}.log`;
  logs.shutdown();
  const file = made.disk.open(path, 'write');
  const field = Buffer.alloc(4);
  field.writeInt32BE(length);
  file.write(field, 0, 4, positionBytes + LENGTH_AT);
  file.close();
  const log = (await made.start()).log('topic', 0) as PartitionLog;
  log.updateHighWatermark(log.endOffset);
  const damage = `no whole batch of this log begins at byte ${positionBytes} of the ${segment.sizeBytes} of segment ${segment.baseOffset}`;
  return { made, log, damage };
}

const range = (offset: number) => ({ offset, maxBytes: 1_000_000, upToOffset: BATCHES, minOneBatch: true });
const offsetsFrom = (log: PartitionLog, offset: number) =>
  contents(log, offset).map((each) => Number.parseInt(each, 10));

describe.each(NO_LENGTH)('a length of %i in a sealed segment', (length) => {
  it('is answered with CORRUPT_MESSAGE, whoever comes to it from wherever, and told once', async () => {
    const { made, log, damage } = await rotten(SEALED, length);
    expect(contents(log, 0, SEALED)).toHaveLength(SEALED);
    for (const offset of [SEALED, SEALED + 1, SEALED]) {
      expect(log.read(range(offset))).toBe(ErrorCode.CORRUPT_MESSAGE);
      expect(log.readToSend(range(offset), 0)).toBe(ErrorCode.CORRUPT_MESSAGE);
    }
    expect(made.said).toEqual([
      `[topic-0] of what is asked for, offsets ${SEALED} up to ${AFTER_SEALED} can't be read: ${damage}`,
    ]);
    expect(offsetsFrom(log, AFTER_SEALED)[0]).toBe(AFTER_SEALED);
  });

  it('is passed over for whoever wants to hear of that', async () => {
    const { log, damage } = await rotten(SEALED, length);
    const lost: string[] = [];
    const onLost = (what: string) => lost.push(what);
    expect(log.read({ ...range(SEALED), onLost })).toMatchObject({ firstOffset: AFTER_SEALED });
    expect(lost).toEqual([
      `of what is asked for, offsets ${SEALED} up to ${AFTER_SEALED} can't be read: ${damage}`,
    ]);
  });

  it('is an error of a search by time that comes to it, and of no other', async () => {
    const { log } = await rotten(SEALED, length);
    expect(log.offsetForTimestamp(1000 + SEALED - 1)?.offset).toBe(SEALED - 1);
    expect(() => log.offsetForTimestamp(1000 + SEALED)).toThrow(CorruptBatch);
    expect(log.offsetForTimestamp(1000 + AFTER_SEALED)?.offset).toBe(AFTER_SEALED);
  });
});

describe.each(TOO_LONG)('a length of %i in a sealed segment', (length) => {
  it('leads readers to the next segment, and what they miss is told once', async () => {
    const { made, log, damage } = await rotten(SEALED, length);
    const lost: string[] = [];
    const onLost = (what: string) => lost.push(what);
    for (let time = 0; time < 3; time++) {
      expect(offsetsFrom(log, SEALED)[0]).toBe(AFTER_SEALED);
      expect(log.readToSend({ ...range(SEALED), onLost }, 0)).toMatchObject({ nextOffset: BATCHES });
    }
    const what = `of what is asked for, offsets ${SEALED} up to ${AFTER_SEALED} can't be read: ${damage}`;
    expect(lost).toEqual([what, what, what]);
    expect(made.said).toEqual([`[topic-0] ${what}`]);
  });

  it('leads a search by time there as well', async () => {
    const { made, log, damage } = await rotten(SEALED, length);
    expect(log.offsetForTimestamp(1000 + SEALED)?.offset).toBe(AFTER_SEALED);
    expect(made.said.join()).toContain(damage);
  });

  it('is not compacted away', async () => {
    const { made, log, damage } = await rotten(SEALED, length, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
    });
    const sizeBytes = log.sizeBytes;
    await made.clock.runUntil(made.clock.nowMs() + 60_000);
    expect(log.sizeBytes).toBe(sizeBytes);
    expect(made.said.join('\n')).toContain('topic-0');
    expect(offsetsFrom(log, SEALED)[0]).toBe(AFTER_SEALED);
    expect(made.said.join('\n')).toContain(damage);
  });
});

describe.each([...NO_LENGTH, ...TOO_LONG])('a length of %i in the last segment', (length) => {
  it('found when the log is brought up costs what comes behind it there, and that is told', async () => {
    const { made, log } = await rotten(ACTIVE, length);
    expect(log.endOffset).toBe(ACTIVE);
    expect(made.said.join()).toMatch(/cut \d+ bytes from segment 8/);
  });

  it('that rots while the broker runs is answered with CORRUPT_MESSAGE', async () => {
    const made = fixture(TOPIC);
    const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
    for (let index = 0; index < BATCHES; index++) append(log, [`key=value ${index % 10}`]);
    const file = made.disk.open('/data/topic-0/00000000000000000008.log', 'write');
    const field = Buffer.alloc(4);
    field.writeInt32BE(length);
    file.write(field, 0, 4, (ACTIVE - 8) * (file.sizeBytes() / 4) + LENGTH_AT);
    for (const offset of [ACTIVE, ACTIVE + 1]) {
      log.state.cursors.clear();
      expect(log.read(range(offset))).toBe(ErrorCode.CORRUPT_MESSAGE);
      expect(log.readToSend(range(offset), 0)).toBe(ErrorCode.CORRUPT_MESSAGE);
    }
    expect(made.said).toHaveLength(1);
    // After a truncation it is told again.
    log.truncateTo(ACTIVE);
    for (let index = ACTIVE; index < BATCHES; index++) append(log, [`key=value ${index % 10}`]);
    expect(log.read(range(ACTIVE))).toMatchObject({ firstOffset: ACTIVE });
    file.write(field, 0, 4, (ACTIVE - 8) * (file.sizeBytes() / 4) + LENGTH_AT);
    log.state.cursors.clear();
    expect(log.read(range(ACTIVE))).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(made.said).toHaveLength(2);
  });
});

it('a damaged place far into a segment is searched for once, not at every read', async () => {
  const batches = 300;
  const made = fixture({ 'segment.bytes': '10000000', 'index.interval.bytes': '4096' });
  const log = (await made.start()).create('topic', 0, { isNew: true, topicId: null });
  for (let index = 0; index < batches; index++) append(log, [`key=${'x'.repeat(1000)}`]);
  log.updateHighWatermark(log.endOffset);
  const segment = log.state.segments.active;
  const damaged = 250;
  const { positionBytes = -1 } = segment.locate(damaged) ?? {};
  const file = segment.file();
  file.write(Buffer.alloc(4), 0, 4, positionBytes + LENGTH_AT);
  log.state.cursors.clear();
  const read = vi.spyOn(file, 'read');
  const readsOf = (work: () => unknown): number => {
    read.mockClear();
    work();
    return read.mock.calls.length;
  };
  const asked = { ...range(damaged), upToOffset: batches };
  expect(readsOf(() => expect(log.read(asked)).toBe(ErrorCode.CORRUPT_MESSAGE))).toBeGreaterThan(20);
  expect(readsOf(() => expect(log.read(asked)).toBe(ErrorCode.CORRUPT_MESSAGE))).toBeLessThan(5);
  expect(readsOf(() => log.readToSend(asked, 0))).toBeLessThan(5);
  append(log, ['key=more']);
  expect(readsOf(() => log.bytesBetween(damaged, log.endOffset))).toBeLessThan(5);
  // The batches before and behind it are found as ever.
  expect(segment.locate(damaged - 1)?.positionBytes).toBeLessThan(positionBytes);
  expect(segment.locate(damaged + 20)?.positionBytes).toBeGreaterThan(positionBytes);
  log.truncateTo(damaged - 100);
  append(log, ['key=anew']);
  expect(contents(log, damaged - 100)).toEqual([`${damaged - 100}:anew`]);
});
