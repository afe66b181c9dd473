/** Virtual time: order, cancelling, settling of promises. */
import { describe, expect, it } from 'vitest';
import { every, sleep } from '../../broker/platform/clock.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { simulatedRandom } from './simulated-random.ts';

describe('the simulated clock', () => {
  it('runs timers in the order of their times, then of their making', async () => {
    const clock = new SimulatedClock();
    const seen: string[] = [];
    const random = simulatedRandom(1);
    const delays = Array.from({ length: 200 }, () => random.int(50));
    delays.forEach((delayMs, index) => {
      clock.after(delayMs, () => seen.push(`${delayMs}/${index}`));
    });
    const expected = delays
      .map((delayMs, index) => ({ delayMs, index }))
      .sort((one, other) => one.delayMs - other.delayMs || one.index - other.index)
      .map(({ delayMs, index }) => `${delayMs}/${index}`);
    await clock.runUntil(100);
    expect(seen).toEqual(expected);
    expect([clock.nowMs(), clock.pending]).toEqual([100, 0]);
  });

  it('runs `soon` before timers that are due, and microtasks before both', async () => {
    const clock = new SimulatedClock();
    const seen: string[] = [];
    clock.after(5, () => {
      clock.after(0, () => seen.push('timer'));
      clock.soon(() => seen.push('soon'));
      Promise.resolve().then(() => seen.push('microtask'));
      seen.push('callback');
    });
    clock.after(5, () => seen.push('next'));
    await clock.runUntil(5);
    expect(seen).toEqual(['callback', 'microtask', 'soon', 'next', 'timer']);
  });

  it('does not run what was cancelled', async () => {
    const clock = new SimulatedClock();
    let ran = false;
    const timer = clock.after(5, () => {
      ran = true;
    });
    timer.cancel();
    await clock.runFor(10);
    expect([ran, clock.pending]).toEqual([false, 0]);
  });

  it('lets code that waits and repeats see virtual time', async () => {
    const clock = new SimulatedClock(1_000_000);
    const times: number[] = [];
    const timer = every(
      clock,
      10,
      () => times.push(clock.wallMs()),
      (error) => expect(error).toBeNull(),
    );
    const slept = sleep(clock, 35).then(() => clock.nowMs());
    expect(await clock.runUntilSettled(slept, 100)).toBe(35);
    timer.cancel();
    clock.stepWallClock(-500);
    await clock.runFor(100);
    expect([times, clock.wallMs()]).toEqual([[1_000_010, 1_000_020, 1_000_030], 999_635]);
  });

  it('says when a condition does not come true', async () => {
    const clock = new SimulatedClock();
    await expect(clock.runUntilTrue(() => false, 50)).rejects.toThrow('50 ms');
  });

  it('that flows does what is due as soon as somebody waits, and lets no time pass', async () => {
    const clock = new SimulatedClock();
    const seen: string[] = [];
    clock.after(0, () => seen.push('before it flowed'));
    clock.flow();
    await sleep(clock, 0);
    clock.after(1, () => seen.push('later'));
    await new Promise<void>((resolve) => clock.soon(resolve));
    expect([seen, clock.nowMs()]).toEqual([['before it flowed'], 0]);
    await clock.runFor(1);
    expect(seen).toEqual(['before it flowed', 'later']);
  });

  it('that flows goes on with what a run has left', async () => {
    const clock = new SimulatedClock();
    clock.flow();
    const turns: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const turn = (): void => {
      if (turns.push(turns.length) < 5) clock.after(0, turn);
      else resolve();
    };
    clock.after(3, turn);
    await clock.runUntilTrue(() => turns.length === 1, 3);
    await promise;
    expect([turns.length, clock.nowMs()]).toEqual([5, 3]);
  });
});

describe('simulated chance', () => {
  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: number) => {
      const random = simulatedRandom(seed);
      return [random.int(1000), random.fraction(), random.bytes(4).toString('hex')];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('covers its range evenly', () => {
    const random = simulatedRandom(3);
    const tally = new Map<number, number>();
    for (let draw = 0; draw < 5000; draw++) {
      const value = random.int(5);
      tally.set(value, (tally.get(value) ?? 0) + 1);
    }
    expect([...tally.keys()].sort()).toEqual([0, 1, 2, 3, 4]);
    expect([...tally.values()].every((count) => count > 900 && count < 1100)).toBe(true);
  });
});
