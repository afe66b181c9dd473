/** Work in turns. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../broker/platform/clock.ts';
import { nextTurn } from '../../../broker/platform/loop-turns.ts';
import { atOnce, type Steps, sorted, Turns } from '../../../broker/platform/turns.ts';
import { World } from '../../support/world.ts';

/** How many of `steps` each turn has had. */
function counting(items: number) {
  const perTurn: number[] = [];
  const { clock } = World.flowing();
  let isOver = false;
  const turn = (): void => {
    perTurn.push(0);
    if (!isOver) clock.soon(turn);
  };
  turn();
  const did = (): void => {
    perTurn[perTurn.length - 1] = (perTurn.at(-1) ?? 0) + 1;
  };
  function* steps(): Steps<string> {
    for (let item = 0; item < items; item++) {
      did();
      yield;
    }
    return 'done';
  }
  const busy = (): readonly number[] => {
    isOver = true;
    return perTurn.filter((count) => count > 0);
  };
  return { clock, turns: new Turns(clock), steps, did, busy };
}

describe('work in turns', () => {
  it('that must not wait for its place among others has a piece in every turn', async () => {
    const { clock, steps } = counting(40);
    const order: string[] = [];
    const named = (name: string, next?: typeof nextTurn) => {
      const noted = <Result>(piece: () => Result): Result => {
        order.push(name);
        return piece();
      };
      return new Turns(clock, noted, next);
    };
    const others = ['a', 'b', 'c'].map((name) => named(name));
    const urgent = named('urgent', nextTurn);
    await Promise.all([...others, urgent].map((turns) => turns.take(steps(), 10)));
    expect(order.filter((name) => name === 'urgent').length).toBe(5);
    // By its place among the four it would be over with the last of them.
    expect(order.length - order.lastIndexOf('urgent')).toBeGreaterThan(5);
  });

  it('is done at once where it is little', () => {
    const { turns, steps, busy } = counting(9);
    expect(turns.take(steps(), 10)).toBe('done');
    expect(turns.each([1, 2], (item) => item * 2, 2)).toEqual([2, 4]);
    expect(busy()).toEqual([9]);
    expect(atOnce(steps())).toBe('done');
  });

  it('of more steps has so many of them in each turn, the first ones at once', async () => {
    const { turns, steps, busy } = counting(25);
    expect(await turns.take(steps(), 10)).toBe('done');
    expect(busy()).toEqual([10, 10, 5]);
  });

  it.each([0, 1, 99, 1234])('sorts %s texts as they are sorted at once', async (count) => {
    const { clock } = World.flowing();
    const texts = Array.from({ length: count }, (_, at) => `name-${(at * 7919) % 997}`);
    expect(await new Turns(clock).take(sorted(texts), 3)).toEqual([...texts].sort());
  });

  it('waits for promises, and what is there already is no turn', async () => {
    const { turns, did, busy } = counting(0);
    const seen: number[] = [];
    function* waiting(): Steps<readonly number[]> {
      for (let item = 0; item < 25; item++) {
        did();
        yield Promise.resolve(item).then((each) => seen.push(each));
      }
      return seen;
    }
    expect(await turns.take(waiting(), 10)).toEqual(Array.from({ length: 25 }, (_, item) => item));
    expect(busy()).toEqual([10, 10, 5]);
  });

  it('fails with what it throws, or a promise of it rejects with', async () => {
    const { turns } = counting(0);
    function* failing(how: () => Promise<unknown> | undefined): Steps<void> {
      yield;
      yield how();
    }
    const error = new Error('no');
    const thrown = (): never => {
      throw error;
    };
    expect(() => turns.take(failing(thrown))).toThrow(error);
    await expect(turns.take(failing(thrown), 1)).rejects.toThrow(error);
    await expect(turns.take(failing(() => Promise.reject(error)))).rejects.toThrow(error);
  });

  it('tells whoever measures it of each piece', async () => {
    const { clock } = World.flowing();
    let pieces = 0;
    const turns = new Turns(clock, (piece) => {
      pieces++;
      return piece();
    });
    await turns.each(Array.from({ length: 25 }), () => {}, 10);
    expect(pieces).toBe(3);
    // There is no turn in which nothing is left to do.
    await turns.each(Array.from({ length: 20 }), () => {}, 10);
    expect(pieces).toBe(5);
  });

  it('that fails gives back what it has taken', async () => {
    const { turns } = counting(0);
    let isTaken = false;
    function* taking(): Steps<void> {
      isTaken = true;
      try {
        yield Promise.reject(new Error('no'));
      } finally {
        isTaken = false;
      }
    }
    await expect(turns.take(taking())).rejects.toThrow('no');
    expect(isTaken).toBe(false);
  });

  it('that can not be begun loses nothing of what was begun with it', async () => {
    const { turns } = counting(0);
    const work = (item: number): Promise<never> => {
      if (item === 2) throw new Error('at once');
      return Promise.reject(new Error('later'));
    };
    await expect(turns.begin([1, 2], work)).rejects.toThrow('at once');
  });

  it('is in shorter turns where its steps take long, with a few in each', async () => {
    const { steps, did, busy, clock } = counting(30);
    let nowMs = 0;
    const slow = new Turns({ ...systemClock, nowMs: () => nowMs, soon: (run) => clock.soon(run) });
    function* slowSteps(): Steps<string> {
      for (const inner = steps(); ; ) {
        nowMs += 0.5;
        const { done, value } = inner.next();
        if (done === true) return value;
        yield;
      }
    }
    expect(await slow.take(slowSteps())).toBe('done');
    // Of a turn that has few steps anyway each may be long.
    await slow.begin(Array.from({ length: 20 }), () => {
      did();
      nowMs += 1;
    });
    await slow.each(Array.from({ length: 20 }), () => {
      did();
      nowMs += 1;
    });
    expect(busy()).toEqual([16, 8, 6 + 10, 5, 5 + 16, 4]);
  });

  it('begins some in each turn, and does not wait for them before the next', async () => {
    const { turns, did, busy } = counting(0);
    const items = Array.from({ length: 250 }, (_, at) => at);
    let begun = 0;
    const results = await turns.begin(items, async (item) => {
      did();
      begun++;
      // Only the last one lets the first ones go on.
      while (item < 100 && begun < items.length) await new Promise((resolve) => setImmediate(resolve));
      return item * 2;
    });
    expect(results).toEqual(items.map((item) => item * 2));
    expect(busy()).toEqual([100, 100, 50]);
  });

  it('of several who have some is done for one in each turn', async () => {
    const { clock } = World.flowing();
    const turns = new Turns(clock);
    const taken: string[] = [];
    function* work(name: string): Steps<string> {
      for (let step = 1; step <= 3; step++) {
        taken.push(`${name}${step}`);
        yield;
      }
      return name;
    }
    let isOver = false;
    const turn = (): void => {
      taken.push('|');
      if (!isOver) clock.soon(turn);
    };
    clock.soon(turn);
    const results = await Promise.all([turns.take(work('a'), 1), turns.take(work('b'), 1)]);
    isOver = true;
    expect(results).toEqual(['a', 'b']);
    expect(taken.join('')).toMatch(/^a1b1\|+a2\|+b2\|+a3\|+b3/);
  });
});
