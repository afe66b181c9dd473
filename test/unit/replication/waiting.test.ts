/** Requests that wait: completed by their partitions or by their deadline, once. */

import { describe, expect, it } from 'vitest';
import { FEW, Turns } from '../../../broker/platform/turns.ts';
import { type Waiting, WaitingRoom } from '../../../broker/replication/requests/waiting.ts';
import { World } from '../../support/world.ts';

function operation(ready: () => boolean): Waiting & { log: string[] } {
  const log: string[] = [];
  return {
    log,
    tryComplete() {
      if (!ready()) return false;
      log.push('completed');
      return true;
    },
    expire() {
      log.push('expired');
    },
  };
}

describe('the waiting room', () => {
  it('keeps nothing that can be completed at once', () => {
    const room = new WaitingRoom(new World().clock);
    const done = operation(() => true);
    expect(room.tryCompleteElseWait(done, ['a'], 100)).toBe(true);
    expect([done.log, room.size]).toEqual([['completed'], 0]);
  });

  it('completes what waits when any of its partitions allows it, and then forgets it everywhere', async () => {
    const clock = new World().clock;
    const room = new WaitingRoom(clock);
    let ready = false;
    const waiting = operation(() => ready);
    expect(room.tryCompleteElseWait(waiting, ['a', 'b'], 100)).toBe(false);
    room.check('a');
    room.check('c');
    expect([waiting.log, room.size]).toEqual([[], 1]);
    ready = true;
    room.check('b');
    room.check('a');
    expect([waiting.log, room.size, clock.pending]).toEqual([['completed'], 0, 0]);
    await clock.runFor(1000);
    expect(waiting.log).toEqual(['completed']);
  });

  it('completes who has waited longest for a partition, and nobody else, when that is what is asked', () => {
    const room = new WaitingRoom(new World().clock);
    let ready = false;
    const [first, second] = [operation(() => ready), operation(() => ready)];
    for (const one of [first, second]) room.tryCompleteElseWait(one, ['a'], 100);
    expect([room.checkFirst('a'), room.checkFirst('b'), room.size]).toEqual([false, false, 2]);
    ready = true;
    expect([room.checkFirst('a'), first.log, second.log]).toEqual([true, ['completed'], []]);
    expect([room.checkFirst('a'), second.log]).toEqual([true, ['completed']]);
    expect(room.checkFirst('a')).toBe(false);
  });

  it('ends a wait at its deadline, not before, and shares timers', async () => {
    const clock = new World().clock;
    const room = new WaitingRoom(clock);
    const all = [100, 100, 250].map((timeoutMs) => {
      const waiting = operation(() => false);
      room.tryCompleteElseWait(waiting, ['a'], timeoutMs);
      return waiting;
    });
    expect(clock.pending).toBe(2);
    await clock.runFor(99);
    expect(all.map(({ log }) => log.length)).toEqual([0, 0, 0]);
    await clock.runFor(1);
    expect(all.map(({ log }) => log.join())).toEqual(['expired', 'expired', '']);
    await clock.runFor(150);
    expect([room.size, all[2]?.log]).toEqual([0, ['expired']]);
  });

  it('tells an operation which of its partitions has changed, so that it need not look at all', () => {
    const room = new WaitingRoom(new World().clock);
    const told: (string | null)[] = [];
    const waiting: Waiting = {
      tryComplete(changed) {
        told.push(changed);
        return false;
      },
      expire() {},
    };
    room.tryCompleteElseWait(waiting, ['a', 'b'], 100);
    room.check('b');
    expect(told).toEqual([null, 'b']);
  });

  it('lets an operation that completes another do so', () => {
    const room = new WaitingRoom(new World().clock);
    let ready = false;
    const second = operation(() => ready);
    const first: Waiting = {
      tryComplete() {
        if (!ready) return false;
        room.check('a');
        return true;
      },
      expire() {},
    };
    room.tryCompleteElseWait(first, ['a', 'b'], 100);
    room.tryCompleteElseWait(second, ['a'], 100);
    ready = true;
    expect(() => room.check('b')).not.toThrow();
    expect([second.log, room.size]).toEqual([['completed'], 0]);
  });

  it('ends all waits at shutdown', () => {
    const room = new WaitingRoom(new World().clock);
    const waiting = operation(() => false);
    room.tryCompleteElseWait(waiting, ['a'], 1e6);
    room.expireAll();
    expect([waiting.log, room.size]).toEqual([['expired'], 0]);
  });
});

describe('an operation with very many partitions', () => {
  const KEYS = Array.from({ length: 1000 }, (_, n) => `p-${n}`);
  const PER_TURN = 100;

  /** One that begins to wait for all of them, a hundred a turn, and what it was asked of and when. */
  function beginning(isReady: (changed: string | null) => boolean = () => false) {
    const { clock } = World.flowing();
    const room = new WaitingRoom(clock);
    const looked: (string | null)[] = [];
    const log: string[] = [];
    const waiting: Waiting = {
      tryComplete(changed) {
        looked.push(changed);
        if (!isReady(changed)) return false;
        log.push('completed');
        return true;
      },
      expire: () => log.push('expired'),
    };
    let asked = 0;
    function* keys(): Generator<string> {
      for (const key of KEYS) {
        asked++;
        yield key;
      }
    }
    const askedPerPiece: number[] = [];
    const turns = new Turns(clock, (piece) => {
      const before = asked;
      const result = piece();
      askedPerPiece.push(asked - before);
      return result;
    });
    const begun = turns.take(room.waitInSteps(waiting, keys(), 1000), PER_TURN);
    return { room, clock, looked, log, askedPerPiece, begun };
  }

  it('begins to wait in turns, and looks at each as it does', async () => {
    const { room, looked, log, askedPerPiece, begun } = beginning();
    expect([room.size, looked]).toEqual([1, KEYS.slice(0, PER_TURN)]);
    await begun;
    expect(Math.max(...askedPerPiece)).toBe(PER_TURN);
    expect(looked).toEqual(KEYS);
    room.check('p-0');
    room.check('p-999');
    expect([looked.slice(KEYS.length), log]).toEqual([['p-0', 'p-999'], []]);
  });

  it('is woken by one that it waits for already, and looks at no more', async () => {
    let ready = '';
    const { room, looked, log, begun } = beginning((changed) => changed === ready);
    ready = 'p-7';
    room.check(ready);
    expect([log, room.size]).toEqual([['completed'], 0]);
    await begun;
    for (const key of KEYS) room.check(key);
    expect([log, looked.length, room.keyCount]).toEqual([['completed'], PER_TURN + 1, 0]);
  });

  it('misses nothing of one that it comes to later', async () => {
    let ready = '';
    const { room, log, begun } = beginning((changed) => changed === ready);
    ready = 'p-700';
    room.check(ready); // nobody waits for it yet
    expect([log, room.size]).toEqual([[], 1]);
    await begun;
    expect([log, room.size]).toEqual([['completed'], 0]);
  });

  it('ends when its time is over, also while it begins', async () => {
    const { room, looked, log, begun } = beginning();
    room.expireAll();
    expect([log, room.size]).toEqual([['expired'], 0]);
    await begun;
    for (const key of KEYS) room.check(key);
    expect([log, looked.length, room.keyCount]).toEqual([['expired'], PER_TURN, 0]);
  });

  it('leaves in turns, and nobody meets it meanwhile', async () => {
    const clock = new World().clock;
    const room = new WaitingRoom(clock);
    let ready = false;
    const waiting = operation(() => ready);
    const keys = KEYS.slice(0, FEW + 1);
    room.tryCompleteElseWait(waiting, keys, 1000);
    expect(room.keyCount).toBe(keys.length);
    room.expireAll();
    expect([waiting.log, room.size, room.keyCount]).toEqual([['expired'], 0, keys.length]);
    ready = true;
    for (const key of keys) room.check(key);
    expect(waiting.log).toEqual(['expired']);
    await clock.runFor(1);
    expect(room.keyCount).toBe(0);
  });
});
