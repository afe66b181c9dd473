/** The runtime under every coordinator, with the smallest shard there is: sums by name. */

import { describe, expect, it } from 'vitest';
import { CoordinatorRuntime } from '../../../broker/coordinators/runtime/coordinator-runtime.ts';
import type { RecordCodec, Shard } from '../../../broker/coordinators/runtime/shard.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { sealBatch } from '../../../broker/records/batch.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { World } from '../../support/world.ts';
import { MemoryStateLog } from './memory-state-log.ts';

/** Where a batch says where it ends, and how many records it has. */
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;

interface Added {
  readonly name: string;
  readonly amount: number;
}

/** Three batches at a time. */
class SlicedLog extends MemoryStateLog {
  override read(partition: number, offset: number) {
    const list = this.batches.get(partition) ?? [];
    const from = list.findIndex((each) => each.offset >= offset);
    const slice = from < 0 ? [] : list.slice(from, from + 3).map(({ batch }) => batch);
    return { bytes: Buffer.concat(slice), lost: null, release() {} };
  }
}

class Sums implements Shard<Added> {
  readonly sums = new Map<string, number>();
  readonly offsets: number[] = [];

  replay({ name, amount }: Added, offset: number): void {
    this.sums.set(name, (this.sums.get(name) ?? 0) + amount);
    this.offsets.push(offset);
  }
}

const codec: RecordCodec<Added> = {
  encode({ name, amount }) {
    if (name === 'unwritable') throw new RangeError('no bytes for that');
    return { key: Buffer.from(name), value: Buffer.from(String(amount)) };
  },
  decode({ key, value }) {
    const name = key.toString();
    if (name === 'unreadable') throw new RangeError('not one of ours');
    return name === 'newer' ? null : { name, amount: Number(value) };
  },
};

function setUp(log = new MemoryStateLog('__sums')) {
  const clock = new World().clock;
  const events: string[] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const said = {
    ...silent,
    warn: (message: string) => warnings.push(message),
    error: (message: string) => errors.push(message),
  };
  const runtime = new CoordinatorRuntime<Added, Sums>(
    {
      clock,
      diagnostics: said,
      log,
      codec,
      newShard: () => new Sums(),
      partitionCount: () => 1,
      loaded: ({ partition }) => events.push(`loaded ${partition}`),
      failed: ({ partition }, reason) => events.push(`failed ${partition}: ${reason}`),
      unloaded: ({ partition }) => events.push(`unloaded ${partition}`),
    },
    { loadBufferSizeBytes: 1024, writeTimeoutMs: 5000 },
  );
  return { clock, log, runtime, events, warnings, errors };
}

type Runtime = ReturnType<typeof setUp>;

async function owned(world: Runtime, leaderEpoch = 1) {
  const elected = world.runtime.elect(0, leaderEpoch);
  await world.clock.runFor(1);
  await elected;
  const { owner } = world.runtime.locate('anything');
  if (owner === null) throw new Error('not owned');
  return owner;
}

describe('writing', () => {
  it('replays records with their offsets once they are replicated, and not before', async () => {
    const world = setUp();
    const owner = await owned(world);
    world.log.held = [];
    const written = world.runtime.write(owner, [
      { name: 'a', amount: 1 },
      { name: 'a', amount: 2 },
    ]);
    await Promise.resolve();
    expect(owner.shard.sums.size).toBe(0);
    for (const release of world.log.held) release();
    expect(await written).toBe(ErrorCode.NONE);
    expect(owner.shard.sums.get('a')).toBe(3);
    expect(owner.shard.offsets).toEqual([0, 1]);
  });

  it('that fails has not happened', async () => {
    const world = setUp();
    const owner = await owned(world);
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    const error = await world.runtime.write(owner, [{ name: 'a', amount: 1 }]);
    expect(error).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(owner.shard.sums.size).toBe(0);
    expect(await world.runtime.write(owner, [{ name: 'unwritable', amount: 1 }])).toBe(
      ErrorCode.UNKNOWN_SERVER_ERROR,
    );
  });

  it('in slices makes as many batches as fit, in one go', async () => {
    const world = setUp();
    const owner = await owned(world);
    world.log.largestBytes = 200;
    const records = Array.from({ length: 10 }, (_, index) => ({ name: `n${index}`, amount: index }));
    expect(await world.runtime.writeInSlices(owner, records)).toBe(ErrorCode.NONE);
    expect(owner.shard.offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const batches = world.log.batches.get(0) ?? [];
    expect(batches.length).toBeGreaterThan(2);
    for (const { batch } of batches) expect(batch.length).toBeLessThanOrEqual(200);
  });
});

describe('loading', () => {
  it('replays the whole log into a new shard before anything is answered', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (let amount = 1; amount <= 4; amount++) await first.runtime.write(owner, [{ name: 'a', amount }]);
    const second = setUp(first.log);
    const elected = second.runtime.elect(0, 2);
    expect(second.runtime.locate('a').error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    await second.clock.runFor(1);
    await elected;
    expect(second.events).toEqual(['loaded 0']);
    expect(second.runtime.locate('a').owner?.shard.sums.get('a')).toBe(10);
  });

  it('passes over what it cannot read, and over what something newer wrote', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (const name of ['a', 'unreadable', 'newer', 'b']) {
      await first.runtime.write(owner, [{ name, amount: 1 }]);
    }
    const second = setUp(first.log);
    const again = await owned(second);
    expect([...again.shard.sums.keys()]).toEqual(['a', 'b']);
    expect(second.warnings).toEqual([
      'Skipped an unreadable record at offset 1 of __sums-0',
      'Skipped a record of an unknown kind at offset 2 of __sums-0',
    ]);
  });

  it('passes over a batch that is damaged, whatever it seems to say, where there is no other copy', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (const name of ['a', 'b', 'c', 'd']) await first.runtime.write(owner, [{ name, amount: 1 }]);
    const batches = first.log.batches.get(0)?.map(({ batch }) => batch) ?? [];
    batches[1]?.writeUInt8((batches[1]?.at(-2) ?? 0) ^ 1, batches[1].length - 2);
    // One record more than there is, under a checksum of its own.
    batches[2]?.writeInt32BE(2, RECORD_COUNT_AT);
    sealBatch(batches[2] ?? Buffer.alloc(0), 0);
    const second = setUp(first.log);
    const again = await owned(second);
    expect([...again.shard.sums]).toEqual([
      ['a', 1],
      ['d', 1],
    ]);
    expect(second.warnings).toEqual([
      'Skipped an unreadable batch at offset 1 of __sums-0',
      'Skipped an unreadable batch at offset 2 of __sums-0',
    ]);
  });

  it.each([1, 2])(
    'does not believe a damaged batch that says it ends much later (batch %i of three)',
    async (damaged) => {
      const log = new SlicedLog('__sums');
      const first = setUp(log);
      const owner = await owned(first);
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
        await first.runtime.write(owner, [{ name, amount: 1 }]);
      log.batches.get(0)?.[damaged]?.batch.writeInt32BE(3, LAST_OFFSET_DELTA_AT);
      const second = setUp(log);
      const again = await owned(second);
      const sound = ['a', 'b', 'c', 'd', 'e', 'f'].filter((_, offset) => offset !== damaged);
      expect([...again.shard.sums.keys()]).toEqual(sound);
      expect(second.warnings).toEqual([`Skipped an unreadable batch at offset ${damaged} of __sums-0`]);
    },
  );

  it('tells what it passes over where nothing but a damaged batch says where to go on', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (const name of ['a', 'b', 'c', 'd']) await first.runtime.write(owner, [{ name, amount: 1 }]);
    first.log.batches.get(0)?.[1]?.batch.writeInt32BE(1, LAST_OFFSET_DELTA_AT);
    const second = setUp(first.log);
    const again = await owned(second);
    expect([...again.shard.sums.keys()]).toEqual(['a', 'd']);
    expect(second.warnings).toEqual([
      'Skipped an unreadable batch, and all up to offset 2, at offset 1 of __sums-0',
    ]);
  });

  it('tells of ten that it passes over, and how many more there were', async () => {
    const first = setUp();
    const owner = await owned(first);
    const records = Array.from({ length: 5000 }, () => ({ name: 'unreadable', amount: 1 }));
    await first.runtime.write(owner, records);
    const second = setUp(first.log);
    await owned(second);
    expect(second.warnings).toHaveLength(11);
    expect(second.warnings.at(-1)).toBe('Skipped 4990 more of __sums-0');
  });

  it('ends where the log can not be read on, with what was read until then, where there is no other copy', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (const name of ['a', 'b']) await first.runtime.write(owner, [{ name, amount: 1 }]);
    first.log.unreadableFrom = 1;
    const second = setUp(first.log);
    const again = await owned(second);
    expect([...again.shard.sums.keys()]).toEqual(['a']);
    expect(second.events).toEqual(['loaded 0']);
    expect(second.errors).toEqual(['Error loading __sums-0']);
  });

  it('of a log of which others have sound copies ends where it is damaged: nobody is answered until the partition is taken anew', async () => {
    const first = setUp();
    first.log.isCopied = true;
    const owner = await owned(first);
    for (const name of ['a', 'b']) await first.runtime.write(owner, [{ name, amount: 1 }]);
    const damaged = first.log.batches.get(0)?.[1]?.batch ?? Buffer.alloc(0);
    const flip = () => damaged.writeUInt8(damaged.readUInt8(damaged.length - 2) ^ 1, damaged.length - 2);
    flip();
    const second = setUp(first.log);
    const elected = second.runtime.elect(0, 2);
    await second.clock.runFor(1);
    await elected;
    expect(second.runtime.locate('a')).toEqual({ owner: null, error: ErrorCode.NOT_COORDINATOR });
    const failed = 'failed 0: The batch at offset 1 does not match its checksum';
    expect(second.events).toEqual([failed]);
    expect([second.runtime.failedCount, second.runtime.listError]).toEqual([
      1,
      ErrorCode.KAFKA_STORAGE_ERROR,
    ]);
    flip();
    first.log.unreadableFrom = 1;
    const third = second.runtime.elect(0, 3);
    expect([second.runtime.failedCount, second.runtime.listError]).toEqual([
      0,
      ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ]);
    await second.clock.runFor(1);
    await third;
    expect(second.runtime.locate('a').error).toBe(ErrorCode.NOT_COORDINATOR);
    expect(second.events.splice(0)).toEqual([failed, 'failed 0: no batch']);
    first.log.unreadableFrom = Number.POSITIVE_INFINITY;
    const again = await owned(second, 4);
    expect([...again.shard.sums.keys()]).toEqual(['a', 'b']);
    expect(second.events).toEqual(['loaded 0']);
    expect([second.runtime.failedCount, second.runtime.listError]).toEqual([0, ErrorCode.NONE]);
  });

  it('that can not read the rest of a segment goes on with the next one and says so, where there is no other copy', async () => {
    const first = setUp();
    const owner = await owned(first);
    for (const name of ['a', 'b', 'c', 'd']) await first.runtime.write(owner, [{ name, amount: 1 }]);
    first.log.missing = { from: 1, to: 3, what: 'two records' };
    const second = setUp(first.log);
    const again = await owned(second);
    expect([...again.shard.sums.keys()]).toEqual(['a', 'd']);
    expect(second.warnings).toEqual(['Loading __sums-0 without what is lost: two records']);
    first.log.isCopied = true;
    const third = setUp(first.log);
    const elected = third.runtime.elect(0, 2);
    await third.clock.runFor(1);
    await elected;
    expect(third.runtime.locate('a').error).toBe(ErrorCode.NOT_COORDINATOR);
    expect(third.events).toEqual(['failed 0: two records']);
  });

  it('of many records, compressed or not, takes turns with everybody else', async () => {
    const world = setUp();
    for (const codec of ['none', 'zstd'] as const) {
      const records = Array.from({ length: 5000 }, (_, index) => ({
        timestampMs: 1,
        key: Buffer.from(`n${index}`),
        value: Buffer.from('1'),
      }));
      await world.log.append(0, buildBatch({ codec, records }));
    }
    const elected = world.runtime.elect(0, 1);
    let turns = 0;
    const other = (): void => {
      turns += 1;
      if (world.runtime.locate('n1').error !== ErrorCode.NONE) world.clock.soon(other);
    };
    other();
    await world.clock.runFor(1);
    await elected;
    expect(turns).toBeGreaterThanOrEqual(10);
    expect(world.log.decompressed).toBe(1);
    expect(world.runtime.locate('n1').owner?.shard.sums.get('n4999')).toBe(2);
  });

  it('stops among the records of a batch when the partition is lost', async () => {
    const world = setUp();
    const records = Array.from({ length: 5000 }, () => ({
      timestampMs: 1,
      key: Buffer.from('a'),
      value: Buffer.from('1'),
    }));
    await world.log.append(0, buildBatch({ records }));
    const elected = world.runtime.elect(0, 1);
    const owner = world.runtime.ownedPartition(0);
    world.clock.soon(() => world.clock.soon(() => world.clock.soon(() => world.runtime.resign(0, 'moved'))));
    await world.clock.runFor(1);
    await elected;
    expect(owner?.shard.offsets.length).toBeGreaterThan(0);
    expect(owner?.shard.offsets.length).toBeLessThan(5000);
    expect(world.events).toEqual(['unloaded 0']);
  });

  it('ends when the partition is lost meanwhile', async () => {
    const world = setUp();
    const elected = world.runtime.elect(0, 1);
    world.runtime.resign(0, 'moved');
    await world.clock.runFor(1);
    await elected;
    expect(world.events).toEqual(['unloaded 0']);
    expect(world.runtime.locate('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  });
});

describe('leadership', () => {
  it('of an older epoch is no news, a newer one keeps the shard', async () => {
    const world = setUp();
    const owner = await owned(world, 5);
    await world.runtime.elect(0, 7);
    expect(owner.leaderEpoch).toBe(7);
    world.runtime.resign(0, 'moved');
    await world.runtime.elect(0, 6);
    expect(world.runtime.locate('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('begins anew after the partition was deleted', async () => {
    const world = setUp();
    await owned(world, 5);
    world.runtime.resign(0, 'deleted');
    expect((await owned(world, 0)).leaderEpoch).toBe(0);
  });
});
