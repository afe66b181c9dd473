/** Names as keys of maps: short ones are themselves, long ones short, and no two are taken for one. */
import { expect, it } from 'vitest';
import { boundedName, LONGEST_TOPIC_NAME, NameMap, NameSet } from '../../../broker/bounded-name.ts';
import { partitionKey } from '../../../broker/types.ts';

const LONG = 'n'.repeat(LONGEST_TOPIC_NAME + 1);

it('is the name itself as far as a topic can have it', () => {
  const name = 'n'.repeat(LONGEST_TOPIC_NAME);
  expect([boundedName(''), boundedName(name)]).toEqual(['', name]);
});

it('is short for long names, and different for different ones', () => {
  const names = [LONG, `${LONG}1`, `${LONG}2`, `1${LONG}`, LONG.repeat(100), LONG];
  const bounded = names.map(boundedName);
  expect(Math.max(...bounded.map(({ length }) => length))).toBeLessThan(50);
  expect(new Set(bounded).size).toBe(5);
  expect(bounded[5]).toBe(bounded[0]);
});

it('is nothing that a client can send as a name', () => {
  const bounded = boundedName(LONG);
  expect(Buffer.from(bounded).toString()).not.toBe(bounded);
});

it('bounds the keys of partitions', () => {
  expect(partitionKey('t', 1)).toBe('t-1');
  expect(partitionKey(LONG.repeat(100), 7).length).toBeLessThan(60);
  expect(partitionKey(LONG, 7)).not.toBe(partitionKey(`${LONG}7`, 7));
});

it('is how a map of names keeps them, which tells them as they are', () => {
  const others = ['short', LONG, `${LONG}2`];
  const map = new NameMap(others.map((name, at) => [name, at]));
  expect([map.size, map.get(LONG), map.has(`${LONG}3`)]).toEqual([3, 1, false]);
  expect([...map.keys()]).toEqual(others);
  expect([...map]).toEqual(others.map((name, at) => [name, at]));
  const visited: unknown[] = [];
  map.forEach((value, name) => {
    visited.push([name, value]);
  });
  expect(visited).toEqual([...map.entries()]);
  expect([map.delete(LONG), map.delete(LONG), map.size]).toEqual([true, false, 2]);
  map.set(LONG, 7);
  expect([...map.keys()]).toEqual(['short', `${LONG}2`, LONG]);
  map.clear();
  expect([...map]).toEqual([]);
});

it('is how names are asked for', () => {
  const set = new NameSet([LONG]);
  expect([set.has(LONG), set.has(`${LONG}2`), set.add(LONG).size]).toEqual([true, false, 1]);
  for (const key of set) expect([set.has(key), set.delete(key), set.size]).toEqual([true, true, 0]);
  expect(set.add(LONG).delete(LONG)).toBe(true);
});
