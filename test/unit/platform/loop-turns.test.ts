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
