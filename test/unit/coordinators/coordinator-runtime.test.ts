/** The runtime under every coordinator, with the smallest shard there is: sums by name. */

import { describe, expect, it } from 'vitest';
import { CoordinatorRuntime } from '../../../broker/coordinators/runtime/coordinator-runtime.ts';
import type { RecordCodec, Shard } from '../../../broker/coordinators/runtime/shard.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { World } from '../../support/world.ts';
import { MemoryStateLog } from './memory-state-log.ts';

interface Added {
  readonly name: string;
  readonly amount: number;
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
  const runtime = new CoordinatorRuntime<Added, Sums>(
    {
      clock,
      diagnostics: { ...silent, warn: (message) => warnings.push(message) },
      log,
      codec,
      newShard: () => new Sums(),
      partitionCount: 1,
      loaded: ({ partition }) => events.push(`loaded ${partition}`),
      unloaded: ({ partition }) => events.push(`unloaded ${partition}`),
    },
    { loadBufferSizeBytes: 1024, writeTimeoutMs: 5000 },
  );
  return { clock, log, runtime, events, warnings };
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
    expect(second.warnings).toEqual(['Skipped an unreadable record of __sums at offset 1']);
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
