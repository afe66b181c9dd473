/** What a leader concludes from acknowledgements: caught up, high watermark, who leaves, who joins. */
import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  effectiveMinIsr,
  type FollowerState,
  followAssignment,
  isCaughtUp,
  type LeaderView,
  mayJoin,
  nextHighWatermark,
  outOfSync,
  renewFollowers,
} from '../../../broker/replication/leader-state.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

const LAG_MS = 30_000;

function follower(endOffset: number, lastCaughtUpMs = 0): FollowerState {
  return { endOffset, startOffset: 0, markOffset: endOffset, markMs: lastCaughtUpMs, lastCaughtUpMs };
}

/** As a new leader knows it. */
function newFollower(inSync: boolean): FollowerState {
  const followers = new Map<number, FollowerState>();
  followAssignment(followers, [2], { isr: inSync ? [2] : [], nowMs: 0 });
  return followers.get(2) ?? follower(0);
}

function view(changed: Partial<LeaderView>): LeaderView {
  return {
    leaderEndOffset: 100,
    highWatermark: 0,
    leaderEpochStartOffset: 0,
    followers: new Map(),
    committedIsr: [1, 2, 3],
    maximalIsr: [1, 2, 3],
    effectiveMinIsr: 1,
    nowMs: 0,
    lagTimeMaxMs: LAG_MS,
    isEligible: () => true,
    ...changed,
  };
}

describe('an acknowledgement', () => {
  it('of the leader’s end makes the follower caught up now', () => {
    const state = newFollower(false);
    acknowledge(state, { endOffset: 10, startOffset: 2 }, 10, 5000);
    expect(state).toEqual({
      endOffset: 10,
      startOffset: 2,
      markOffset: 10,
      markMs: 5000,
      lastCaughtUpMs: 5000,
    });
  });

  it('that reaches the mark makes it caught up when the mark was set', () => {
    const state = newFollower(true);
    // [acknowledged, leader's end, time] -> last caught up
    const transcript: [number, number, number, number][] = [
      [0, 100, 1000, 0], // sets the mark at 100
      [50, 200, 2000, 0],
      [99, 300, 3000, 0],
      [100, 400, 4000, 1000], // reaches the mark of 1000 ms; the next is 400
      [350, 500, 5000, 1000],
      [450, 600, 6000, 4000],
      [600, 600, 7000, 7000],
      [600, 650, 7500, 7000], // a heartbeat: at the mark of 7000 ms, which tells nothing new
      [600, 700, 9000, 7000],
    ];
    for (const [endOffset, leaderEnd, nowMs, caughtUpMs] of transcript) {
      acknowledge(state, { endOffset, startOffset: 0 }, leaderEnd, nowMs);
      expect([nowMs, state.lastCaughtUpMs]).toEqual([nowMs, caughtUpMs]);
    }
  });

  it('under constant load keeps a follower in sync that is always a little behind', () => {
    const state = newFollower(true);
    const delayMs = 200;
    for (let nowMs = 0; nowMs < 200_000; nowMs += 10) {
      // One record a millisecond; what is acknowledged now was appended delayMs ago.
      acknowledge(state, { endOffset: Math.max(0, nowMs - delayMs), startOffset: 0 }, nowMs, nowMs);
      expect(isCaughtUp(state, nowMs + 1, nowMs, 3 * delayMs)).toBe(true);
    }
  });

  it('does not keep one in sync that falls further and further behind', () => {
    const state = newFollower(true);
    let nowMs = 0;
    for (; nowMs < 200_000; nowMs += 100) {
      acknowledge(state, { endOffset: nowMs / 2, startOffset: 0 }, nowMs, nowMs);
    }
    expect(isCaughtUp(state, nowMs, nowMs, LAG_MS)).toBe(false);
  });

  it('never puts the caught-up time in the future or back', () => {
    const random = simulatedRandom(3);
    for (let round = 0; round < 200; round++) {
      const state = newFollower(random.int(2) === 0);
      let [nowMs, leaderEnd, endOffset] = [0, 0, 0];
      for (let step = 0; step < 50; step++) {
        nowMs += random.int(1000);
        leaderEnd += random.int(10);
        endOffset = Math.min(leaderEnd, endOffset + random.int(12));
        const before = state.lastCaughtUpMs;
        acknowledge(state, { endOffset, startOffset: 0 }, leaderEnd, nowMs);
        expect(state.lastCaughtUpMs).toBeGreaterThanOrEqual(before);
        expect(state.lastCaughtUpMs).toBeLessThanOrEqual(nowMs);
      }
    }
  });
});

describe('a follower', () => {
  it('at the leader’s end is caught up however long ago it was heard of', () => {
    expect(isCaughtUp(follower(100, 0), 100, 1e9, LAG_MS)).toBe(true);
  });
  it('below it is caught up for the lag time, to the millisecond', () => {
    expect(isCaughtUp(follower(99, 1000), 100, 31_000, LAG_MS)).toBe(true);
    expect(isCaughtUp(follower(99, 1000), 100, 31_001, LAG_MS)).toBe(false);
  });
  it('of a leader that is elected again keeps its offsets, and its times start over', () => {
    const state = follower(50, 10);
    const followers = new Map([[2, state]]);
    renewFollowers(followers, { isr: [1, 2], leaderEndOffset: 80, nowMs: 9000 });
    expect(state).toMatchObject({ endOffset: 50, markOffset: 80, markMs: 9000, lastCaughtUpMs: 9000 });
    renewFollowers(followers, { isr: [1], leaderEndOffset: 80, nowMs: 9000 });
    expect(state.lastCaughtUpMs).toBe(Number.NEGATIVE_INFINITY);
  });
  it('that is no longer assigned is forgotten, and of a new one nothing is known but whether it is in sync', () => {
    const followers = new Map([
      [2, follower(50, 10)],
      [3, follower(60, 10)],
    ]);
    followAssignment(followers, [3, 4, 5], { isr: [3, 4], nowMs: 9000 });
    const unknown = { endOffset: -1, startOffset: -1, markOffset: -1, markMs: Number.NEGATIVE_INFINITY };
    expect(followers).toEqual(
      new Map([
        [3, follower(60, 10)],
        [4, { ...unknown, lastCaughtUpMs: 9000 }],
        [5, { ...unknown, lastCaughtUpMs: Number.NEGATIVE_INFINITY }],
      ]),
    );
  });
});

describe('the high watermark', () => {
  it('is the least end among the maximal ISR', () => {
    const followers = new Map([
      [2, follower(70)],
      [3, follower(90)],
    ]);
    expect(nextHighWatermark(view({ followers }))).toBe(70);
  });
  it('waits for a replica that is being added', () => {
    const followers = new Map([
      [2, follower(90)],
      [3, follower(70, Number.NEGATIVE_INFINITY)],
    ]);
    const state = { followers, committedIsr: [1, 2] };
    expect(nextHighWatermark(view({ ...state, maximalIsr: [1, 2] }))).toBe(90);
    expect(nextHighWatermark(view({ ...state, maximalIsr: [1, 2, 3] }))).toBe(70);
  });
  it('waits for one outside the ISR that is caught up and alive, so that it can join', () => {
    const followers = new Map([
      [2, follower(90)],
      [3, follower(70, 0)],
    ]);
    const isr = { committedIsr: [1, 2], maximalIsr: [1, 2], followers };
    expect(nextHighWatermark(view({ ...isr, nowMs: 1000 }))).toBe(70);
    expect(nextHighWatermark(view({ ...isr, nowMs: 31_000 }))).toBe(90);
    expect(nextHighWatermark(view({ ...isr, nowMs: 1000, isEligible: () => false }))).toBe(90);
  });
  it('does not move at all while the committed ISR is below min.insync.replicas', () => {
    const state = { committedIsr: [1], maximalIsr: [1, 2], followers: new Map([[2, follower(100)]]) };
    expect(nextHighWatermark(view({ ...state, highWatermark: 5, effectiveMinIsr: 2 }))).toBe(5);
    expect(nextHighWatermark(view({ ...state, highWatermark: 5, effectiveMinIsr: 1 }))).toBe(100);
  });
  it('does not move while a member of the ISR has not been heard of', () => {
    const followers = new Map([[2, newFollower(true)]]);
    expect(
      nextHighWatermark(view({ followers, committedIsr: [1, 2], maximalIsr: [1, 2], highWatermark: 7 })),
    ).toBe(7);
  });
  it('never falls, never passes the leader’s end or anyone it must wait for', () => {
    const random = simulatedRandom(11);
    for (let round = 0; round < 2000; round++) {
      const followers = new Map(
        [2, 3, 4].map((id) => [id, follower(random.int(120) - 1, random.int(60_000))] as const),
      );
      const maximalIsr = [1, 2, 3, 4].filter((id) => id === 1 || random.int(2) === 0);
      const highWatermark = random.int(100);
      const next = nextHighWatermark(
        view({ followers, maximalIsr, committedIsr: maximalIsr, highWatermark, nowMs: 60_000 }),
      );
      expect(next).toBeGreaterThanOrEqual(highWatermark);
      if (next === highWatermark) continue;
      expect(next).toBeLessThanOrEqual(100);
      for (const id of maximalIsr)
        if (id !== 1) expect(next).toBeLessThanOrEqual(followers.get(id)?.endOffset ?? -1);
    }
  });
});

describe('the in-sync replicas', () => {
  it('lose who is behind for longer than the lag time, and who is not a replica any more', () => {
    const followers = new Map([
      [2, follower(99, 0)],
      [3, follower(100, 0)],
    ]);
    const late = view({ followers, committedIsr: [1, 2, 3, 4], nowMs: 40_000 });
    expect(outOfSync(late, 1)).toEqual([2, 4]);
    expect(outOfSync({ ...late, nowMs: 20_000 }, 1)).toEqual([4]);
  });
  it.each([
    ['has all that is committed and all of this epoch’s start', 60, 50, true, true],
    ['lacks what is committed', 39, 0, true, false],
    ['has what is committed but not what this epoch began with', 45, 50, true, false],
    ['is not alive', 60, 50, false, false],
  ])('take one in that %s', (_what, endOffset, leaderEpochStartOffset, alive, expected) => {
    const followers = new Map([[3, follower(endOffset)]]);
    const state = {
      followers,
      committedIsr: [1, 2],
      maximalIsr: [1, 2],
      highWatermark: 40,
      leaderEpochStartOffset,
    };
    expect(mayJoin(view({ ...state, isEligible: () => alive }), 3)).toBe(expected);
  });
  it('do not take in who is in, or who is no replica', () => {
    const followers = new Map([[2, follower(100)]]);
    expect(mayJoin(view({ followers }), 2)).toBe(false);
    expect(mayJoin(view({ followers }), 9)).toBe(false);
  });
  it('need no more members than there are replicas', () => {
    expect([effectiveMinIsr(2, 1), effectiveMinIsr(2, 3), effectiveMinIsr(1, 3)]).toEqual([1, 2, 1]);
  });
});
