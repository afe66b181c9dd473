/** Requests that wait: completed by their partitions or by their deadline, once. */

import { describe, expect, it } from 'vitest';
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
