/** Room for handshakes: who gets in when all places are taken, and who gives way. */
import { describe, expect, it } from 'vitest';
import { HandshakeSlots } from '../../../broker/peers/handshake-slots.ts';

function setUp(max: number, maxPerAddress: number) {
  const slots = new HandshakeSlots(max, maxPerAddress);
  /** The names of those that were closed to make room. */
  const closed: string[] = [];
  const enter = (address: string, name = address) => slots.enter(address, () => closed.push(name));
  return { slots, closed, enter };
}

describe('places for handshakes', () => {
  it('are given as long as there are any, and again once one is free', () => {
    const { slots, closed, enter } = setUp(2, 2);
    const first = enter('a');
    enter('b');
    if (first === null) throw new Error('no place');
    slots.leave(first);
    slots.leave(first);
    enter('c');
    expect(closed).toEqual([]);
    enter('d');
    expect(closed).toEqual(['b']);
  });

  it('of one address go to its newest, which pushes out its own oldest and nobody else', () => {
    const { closed, enter } = setUp(10, 2);
    enter('b');
    for (const name of ['a1', 'a2', 'a3', 'a4']) enter('a', name);
    expect(closed).toEqual(['a1', 'a2']);
  });

  it('of strangers go to newcomers, the oldest first', () => {
    const { closed, enter } = setUp(3, 3);
    for (const address of ['a', 'b', 'c', 'd', 'e']) enter(address);
    expect(closed).toEqual(['a', 'b']);
  });

  it('of addresses a broker has come from are not given to strangers', () => {
    const { slots, closed, enter } = setUp(2, 2);
    slots.welcomed('broker');
    enter('broker', 'b1');
    enter('stranger', 's1');
    enter('stranger', 's2');
    expect(closed).toEqual(['s1']);
    enter('broker', 'b2');
    expect(closed).toEqual(['s1', 's2']);
    expect(enter('stranger', 's3')).toBeNull();
    expect(closed).toEqual(['s1', 's2']);
  });

  it('of brokers give way to another broker', () => {
    const { slots, closed, enter } = setUp(2, 2);
    for (const address of ['one', 'two', 'three']) slots.welcomed(address);
    for (const address of ['one', 'two', 'three']) enter(address);
    expect(closed).toEqual(['one']);
  });

  it('remember a thousand addresses of brokers, those that came last', () => {
    const { slots, enter } = setUp(1, 1);
    slots.welcomed('early');
    slots.welcomed('again');
    for (let index = 0; index < 997; index++) slots.welcomed(`broker${index}`);
    slots.welcomed('again');
    // With these three there are two too many.
    for (const address of ['late1', 'late2', 'late3']) slots.welcomed(address);
    enter('late1');
    expect(enter('early')).toBeNull();
    expect(enter('again')).not.toBeNull();
  });
});
