/** What is named again and again costs turns as what is named once does. */
import { expect, it, vi } from 'vitest';
import { namedOnce, onceEach, repeatedNames } from '../../../broker/handlers/shared/named-once.ts';
import type { Steps } from '../../../broker/platform/turns.ts';

const MANY = 10_000;

/** Of all steps: how many there are, and what comes of them. */
function walked<Result>(steps: Steps<Result>): { count: number; result: Result } {
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done === true) return { count, result: step.value };
  }
}

const again = Array.from({ length: MANY }, () => 'again');

it('things that are named once each, or all by one name, are looked at in steps', () => {
  const different = again.map((name, index) => `${name}-${index}`);
  for (const [names, once] of [
    [different, MANY],
    [again, 1],
  ] as const) {
    const { count, result } = walked(onceEach(names, (name) => name));
    expect(result).toHaveLength(once);
    expect(count).toBeGreaterThan(MANY * 0.9);
  }
  const { count, result } = walked(onceEach([...different, ...again], (name) => name));
  expect(result).toHaveLength(MANY + 1);
  // Those that are left are listed in steps as well.
  expect(count).toBeGreaterThan(MANY * 2);
  expect(walked(repeatedNames(again, (name) => name)).count).toBe(MANY);
});

it('partitions that are named again and again are looked at in steps', () => {
  interface Topic {
    readonly name: string;
    readonly partitions: readonly number[];
  }
  const shape = {
    partitionsOf: ({ partitions }: Topic) => partitions,
    indexOf: (partition: number) => partition,
    topic: (name: string, partitions: readonly number[]): Topic => ({ name, partitions }),
  };
  const partitions = again.map(() => 7);
  const { count, result } = walked(namedOnce([{ name: 't', partitions }], shape));
  expect(result).toEqual([{ name: 't', partitions: [7] }]);
  expect(count).toBeGreaterThan(MANY * 0.9);
});

it('what a name costs does not grow with those that are as long', () => {
  // Of a map of 1500 texts that V8 does not hash each would be compared with all others: a million times 32 KB.
  const names = Array.from({ length: 1500 }, (_, index) => String(index).padStart(32_000, 'n'));
  const keys = vi.spyOn(Map.prototype, 'set');
  try {
    expect(walked(onceEach(names, (name) => name)).result).toEqual(names);
    const set = keys.mock.calls.map(([key]) => String(key).length);
    expect(Math.max(...set)).toBeLessThan(250);
  } finally {
    keys.mockRestore();
  }
  const [first = '', second = ''] = names;
  const repeated = walked(repeatedNames([first, second, first], (name) => name)).result;
  expect([repeated.size, repeated.has(first), repeated.has(second)]).toEqual([1, true, false]);
});
