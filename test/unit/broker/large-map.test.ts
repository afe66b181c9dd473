/** Maps and sets of very many keys: in several tables, of which nobody sees anything. */
import { expect, it, vi } from 'vitest';
import { NameMap, NameSet } from '../../../broker/bounded-name.ts';
import { LargeMap, LargeSet } from '../../../broker/large-map.ts';

/** That one table holds. */
const PAGE_KEYS = 65_536;
const MANY = 3 * PAGE_KEYS + 7;
const keys = Array.from({ length: MANY }, (_, at) => `key-${at}`);

/** The keys of the largest table that `fill` has anything put into. */
function largestTable(fill: () => void): number {
  const sizes = [0];
  const [set, add] = [Map.prototype.set, Set.prototype.add];
  const sizeOf = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get;
  const setSizeOf = Object.getOwnPropertyDescriptor(Set.prototype, 'size')?.get;
  const note = (size: number): void => {
    sizes[0] = Math.max(sizes[0] ?? 0, size);
  };
  const spies = [
    vi.spyOn(Map.prototype, 'set').mockImplementation(function (this: Map<unknown, unknown>, key, value) {
      set.call(this, key, value);
      note(sizeOf?.call(this));
      return this;
    }),
    vi.spyOn(Set.prototype, 'add').mockImplementation(function (this: Set<unknown>, key) {
      add.call(this, key);
      note(setSizeOf?.call(this));
      return this;
    }),
  ];
  try {
    fill();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return sizes[0] ?? 0;
}

it.each([
  ['map', () => new LargeMap(keys.map((key, at) => [key, at]))],
  ['set', () => new LargeSet(keys)],
  ['map of names', () => new NameMap(keys.map((key, at) => [key, at]))],
  ['set of names', () => new NameSet(keys)],
])('no table of a %s is larger than one page', (_what, fill) => {
  expect(largestTable(() => expect(fill().size).toBe(MANY))).toBe(PAGE_KEYS);
});

it('a large map is like any other', () => {
  const entries = keys.map((key, at) => [key, at] as const);
  const map = new LargeMap(entries);
  expect([...map.keys()]).toEqual(keys);
  expect([...map.values()]).toEqual(entries.map(([, at]) => at));
  expect([...map]).toEqual(entries);
  const visited: string[] = [];
  map.forEach((_value, key) => {
    visited.push(key);
  });
  expect(visited).toEqual(keys);
  for (const at of [0, PAGE_KEYS - 1, PAGE_KEYS, MANY - 1]) {
    const key = `key-${at}`;
    expect([map.has(key), map.get(key)]).toEqual([true, at]);
    expect(map.set(key, -1).get(key)).toBe(-1);
    expect([map.delete(key), map.delete(key), map.has(key), map.get(key)]).toEqual([
      true,
      false,
      false,
      undefined,
    ]);
  }
  expect(map.size).toBe(MANY - 4);
  map.clear();
  expect([map.size, ...map]).toEqual([0]);
});

it('a large set is like any other', () => {
  const set = new LargeSet(keys);
  expect([...set]).toEqual(keys);
  expect([...set.values()].at(-1)).toBe(keys.at(-1));
  expect([...set.entries()][MANY - 1]).toEqual([keys.at(-1), keys.at(-1)]);
  const visited: string[] = [];
  set.forEach((key) => {
    visited.push(key);
  });
  expect(visited).toEqual(keys);
  for (const at of [0, PAGE_KEYS - 1, PAGE_KEYS, MANY - 1]) {
    const key = `key-${at}`;
    expect([set.has(key), set.add(key).size]).toEqual([true, MANY]);
    expect([set.delete(key), set.delete(key), set.has(key)]).toEqual([true, false, false]);
    set.add(key);
  }
  set.clear();
  expect([set.size, ...set]).toEqual([0]);
});

it.each([
  ['map', new LargeMap(keys.map((key, at) => [key, at] as const))],
  ['set', new LargeSet(keys)],
])('who walks through a large %s sees nothing more once it is cleared', (_what, large) => {
  const walk = large.keys();
  for (let at = 0; at <= PAGE_KEYS; at++) walk.next();
  large.clear();
  expect(walk.next().done).toBe(true);
});

it('what was deleted makes room for others, so that tables do not become many', () => {
  const [map, set] = [new LargeMap<number, number>(), new LargeSet<number>()];
  const made = vi.spyOn(Array.prototype, 'push');
  try {
    for (let key = 0; key < 6 * PAGE_KEYS; key++) {
      map.set(key, key);
      set.add(key);
      map.delete(key - PAGE_KEYS);
      set.delete(key - PAGE_KEYS);
    }
    // Beyond the first there are two of each.
    expect(made.mock.calls.length).toBeLessThanOrEqual(6);
  } finally {
    made.mockRestore();
  }
  expect([map.size, set.size]).toEqual([PAGE_KEYS, PAGE_KEYS]);
});
