/** What one turn of the event loop may do. */
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../broker/platform/clock.ts';
import { SharedTurn, TurnBudget } from '../../../broker/platform/loop-turns.ts';
import { World } from '../../support/world.ts';

it('a turn has a budget, which the next one has again', async () => {
  const { clock } = new World();
  const turn = new TurnBudget(clock, 100);
  turn.spend(60);
  expect(turn.left).toBe(40);
  turn.spend(70);
  expect(turn.left).toBe(0);
  await clock.runFor(1);
  expect(turn.left).toBe(100);
  turn.spend(0);
  turn.spend(100);
  expect(turn.left).toBe(0);
  await clock.runFor(1);
  expect(turn.left).toBe(100);
});

describe('work that a turn has no budget left for', () => {
  /** A budget of 100 a turn, and who was given which turn. */
  function budget() {
    const { clock } = new World();
    const turn = new TurnBudget(clock, 100);
    const given: string[] = [];
    const wait = (amount: number, from: string): boolean => {
      const later = turn.later(amount, from);
      void later?.then(() => given.push(from));
      return later !== null;
    };
    return { clock, turn, given, wait };
  }

  it('has its place in the next one, with as much as that has room for, and the rest after it', async () => {
    const { clock, turn, given, wait } = budget();
    turn.spend(100);
    for (const from of ['a', 'b', 'c', 'd', 'e']) expect(wait(40, from)).toBe(true);
    expect(given).toEqual([]);
    await clock.runFor(0);
    expect(given.join('').startsWith('abc')).toBe(true);
    await clock.runFor(5);
    expect(given).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('is that of one after the other, whoever has the most of it', async () => {
    const { clock, given, wait } = budget();
    for (let piece = 0; piece < 3; piece++) wait(100, 'busy');
    wait(100, 'other');
    await clock.runFor(5);
    expect(given).toEqual(['busy', 'other', 'busy', 'busy']);
  });

  it('begins with the whole budget, also where nothing was spent before', async () => {
    const { clock, turn, wait, given } = budget();
    wait(1000, 'large');
    await clock.runFor(1);
    expect([given, turn.left]).toEqual([['large'], 100]);
  });

  it('is refused a place that would be long in coming, until the others have had theirs', async () => {
    const { clock, wait } = budget();
    let places = 0;
    while (wait(100, 'a')) places++;
    expect(places).toBe(32);
    expect(wait(1, 'b')).toBe(false);
    await clock.runFor(40);
    expect(wait(1, 'b')).toBe(true);
  });
});

describe('what very many have to do a little of', () => {
  /** Pieces of two milliseconds, and a turn that each of them is in. */
  function shared(mostPieces?: number) {
    let nowMs = 0;
    let turn = 0;
    const done: string[] = [];
    const soon: (() => void)[] = [];
    const slow: Clock = { ...systemClock, nowMs: () => nowMs, soon: (run) => void soon.push(run) };
    const turns = new SharedTurn(slow, mostPieces);
    const piece = (name: string) => (): void => {
      done.push(`${name}${turn}`);
      nowMs += 2;
    };
    const nextTurn = (): void => {
      turn++;
      for (const run of soon.splice(0)) run();
    };
    return { turns, piece, done, nextTurn };
  }

  it('is done at once until the turn is over, then in the next ones, in its order', () => {
    const { turns, piece, done, nextTurn } = shared();
    for (const name of 'abcdef') turns.run(piece(name));
    expect(done).toEqual(['a0', 'b0']);
    nextTurn();
    expect(done.slice(2)).toEqual(['c1', 'd1']);
    nextTurn();
    expect(done.slice(4)).toEqual(['e2', 'f2']);
  });

  it('waits behind those who wait already', () => {
    const { turns, piece, done, nextTurn } = shared();
    for (const name of 'abcde') turns.run(piece(name));
    nextTurn();
    turns.run(piece('f'));
    expect(done).toEqual(['a0', 'b0', 'c1', 'd1']);
    nextTurn();
    expect(done.slice(4)).toEqual(['e2', 'f2']);
    nextTurn();
    turns.run(piece('g'));
    expect(done.slice(6)).toEqual(['g3']);
  });

  it('is in turns of so many pieces at most, however little they are', () => {
    const { turns, done, nextTurn } = shared(3);
    for (let piece = 1; piece <= 8; piece++) turns.run(() => void done.push(`${piece}`));
    expect(done).toHaveLength(3);
    nextTurn();
    expect(done).toHaveLength(6);
    nextTurn();
    expect(done).toHaveLength(8);
    nextTurn();
    turns.run(() => void done.push('more'));
    expect(done).toHaveLength(9);
  });

  it('goes on after one that fails', () => {
    const { turns, piece, done, nextTurn } = shared();
    for (const name of 'ab') turns.run(piece(name));
    turns.run(() => {
      throw new Error('of this piece');
    });
    turns.run(piece('c'));
    expect(nextTurn).toThrow('of this piece');
    nextTurn();
    expect(done).toEqual(['a0', 'b0', 'c2']);
    turns.run(piece('d'));
    expect(done.at(-1)).toBe('d2');
  });

  it('goes on in its order however long there is always somebody who waits', () => {
    const { turns, done, nextTurn } = shared(3);
    let last = 0;
    const more = (): void => {
      const number = ++last;
      turns.run(() => void done.push(`${number}`));
    };
    for (let one = 0; one < 10; one++) more();
    for (let turn = 0; turn < 100; turn++) {
      for (let one = 0; one < 3; one++) more();
      nextTurn();
    }
    while (done.length < last) nextTurn();
    expect(done).toEqual(Array.from({ length: last }, (_, at) => `${at + 1}`));
  });

  it('may ask for another piece', () => {
    const { turns, piece, done, nextTurn } = shared();
    const again = piece('again');
    turns.run(piece('a'));
    turns.run(piece('b'));
    turns.run(() => turns.run(again));
    nextTurn();
    expect(done).toEqual(['a0', 'b0', 'again1']);
  });
});
