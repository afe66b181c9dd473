/** Where histories part: the leader's verdict, the follower's cut, and that the two come to an end. */

import { describe, expect, it } from 'vitest';
import { EpochHistory } from '../../../broker/log/files/epoch-history.ts';
import { cutFor, judgePosition, repairFor } from '../../../broker/replication/truncation.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';

/** A history of `epoch@startOffset` entries. */
function history(text: string): EpochHistory {
  const disk = new World().disk();
  disk.makeDirectory('/x');
  const entries = text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const [epoch = 0, startOffset = 0] = part.split('@').map(Number);
      return { epoch, startOffset };
    });
  return new EpochHistory(disk, '/x/epochs', entries);
}

function leader(text: string, endOffset: number, startOffset = 0) {
  const epochs = history(text);
  return { startOffset, endOffset, endOffsetFor: (epoch: number) => epochs.endOffsetFor(epoch, endOffset) };
}

function local(text: string, endOffset: number) {
  const epochs = history(text);
  return {
    endOffset,
    fetchOffset: endOffset,
    endOffsetFor: (epoch: number) => epochs.endOffsetFor(epoch, endOffset),
  };
}

describe('the leader’s verdict on a position', () => {
  it.each([
    ['the same epoch, within the log', '0@0 3@10', 20, 0, 15, 3, 'accepted'],
    ['the very end', '0@0 3@10', 20, 0, 20, 3, 'accepted'],
    ['an older epoch, not beyond its end', '0@0 3@10', 20, 0, 10, 0, 'accepted'],
    ['an older epoch, beyond its end', '0@0 3@10', 20, 0, 11, 0, 'diverging'],
    ['an epoch the leader skipped', '0@0 3@10', 20, 0, 5, 2, 'diverging'],
    ['an epoch the leader has not reached', '0@0 3@10', 20, 0, 5, 4, 'out-of-range'],
    ['the last epoch, beyond the end', '0@0 3@10', 20, 0, 21, 3, 'diverging'],
    ['below the start', '0@0 3@10', 20, 12, 11, 3, 'out-of-range'],
    ['a leader without history', '', 20, 0, 5, 0, 'out-of-range'],
    ['no epoch told, within', '0@0', 20, 0, 20, -1, 'accepted'],
    ['no epoch told, beyond', '0@0', 20, 0, 21, -1, 'out-of-range'],
    ['no epoch told, below', '0@0', 20, 5, 4, -1, 'out-of-range'],
  ])('%s', (_what, text, endOffset, startOffset, offset, lastEpoch, kind) => {
    expect(judgePosition(leader(text, endOffset, startOffset), { offset, lastEpoch }).kind).toBe(kind);
  });

  it('tells where the follower’s epoch, or the one below it, ended', () => {
    const log = leader('0@0 3@10', 20);
    expect(judgePosition(log, { offset: 15, lastEpoch: 2 })).toEqual({
      kind: 'diverging',
      leaderEnd: { epoch: 0, endOffset: 10 },
    });
  });
});

describe('the follower’s cut', () => {
  it.each([
    ['the leader’s end of the same epoch', { epoch: 2, endOffset: 12 }, '0@0 2@5', 20, 12],
    ['its own end when that is less', { epoch: 2, endOffset: 30 }, '0@0 2@5', 20, 20],
    ['the end of its own epoch below, to ask again', { epoch: 2, endOffset: 9 }, '0@0 3@7', 20, 7],
    ['the leader’s end when it knows no such epoch', { epoch: 1, endOffset: 9 }, '', 20, 9],
    ['where it stands when the leader knows nothing', { epoch: -1, endOffset: -1 }, '0@0', 20, 20],
    ['the leader’s end without an epoch', { epoch: -1, endOffset: 8 }, '0@0', 20, 8],
  ])('is at %s', (_what, leaderEnd, text, endOffset, expected) => {
    expect(cutFor(leaderEnd, local(text, endOffset))).toBe(expected);
  });

  it('applied until the leader accepts leaves exactly what both have', () => {
    const random = simulatedRandom(21);
    for (let round = 0; round < 500; round++) {
      // Two logs of epochs per offset: common first, then each its own.
      const common = grow([], random.int(12), 0, random);
      const ours = grow(common, random.int(12), 1, random);
      const theirs = grow(common, 1 + random.int(12), 2, random);
      const top = Math.max(-1, ...ours, ...theirs) + 1;
      theirs.push(top + (top % 2)); // the leader's epoch is above all
      let mine = [...ours];
      for (let steps = 0; ; steps++) {
        expect(steps).toBeLessThan(30);
        const theirHistory = leader(historyOf(theirs), theirs.length);
        const verdict = judgePosition(theirHistory, { offset: mine.length, lastEpoch: mine.at(-1) ?? -1 });
        if (verdict.kind === 'accepted') break;
        if (verdict.kind === 'out-of-range') {
          const repair = repairFor(theirHistory, mine.length);
          if (repair.kind !== 'truncate') throw new Error(`round ${round}: ${repair.kind}`);
          mine = mine.slice(0, repair.offset);
          continue;
        }
        const cut = cutFor(verdict.leaderEnd, local(historyOf(mine), mine.length));
        expect(cut).toBeLessThan(mine.length);
        mine = mine.slice(0, cut);
      }
      expect(mine).toEqual(theirs.slice(0, mine.length));
      expect(mine.length).toBeGreaterThanOrEqual(common.length);
    }
  });
});

describe('a position outside the leader’s log', () => {
  it.each([
    [{ startOffset: 0, endOffset: 10 }, 15, { kind: 'truncate', offset: 10 }],
    [{ startOffset: 20, endOffset: 30 }, 15, { kind: 'start-over', offset: 20 }],
    [{ startOffset: 0, endOffset: 30 }, 15, { kind: 'ask-again' }],
  ])('of %o and own end %i: %o', (log, end, expected) => {
    expect(repairFor(log, end)).toEqual(expected);
  });
});

/** Epochs per offset; side 1 leads odd epochs, side 2 even ones, so that no epoch has two leaders. */
function grow(
  base: readonly number[],
  count: number,
  side: number,
  random: { int(limit: number): number },
): number[] {
  const log = [...base];
  let epoch = log.at(-1) ?? 0;
  for (let index = 0; index < count; index++) {
    const isNew = index === 0 || random.int(3) === 0;
    if (isNew) {
      epoch += 1 + random.int(3);
      if (side > 0 && epoch % 2 !== side % 2) epoch += 1;
    }
    log.push(epoch);
  }
  return log;
}

function historyOf(log: readonly number[]): string {
  return log
    .map((epoch, offset) => (offset === 0 || log[offset - 1] !== epoch ? `${epoch}@${offset}` : ''))
    .filter((part) => part !== '')
    .join(' ');
}
