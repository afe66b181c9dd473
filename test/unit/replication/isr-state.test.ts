/** The in-sync replicas as their leader sees them, with one change on its way at most (KIP-497). */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import {
  afterRefusal,
  committed,
  committedIsr,
  expand,
  maximalIsr,
  proposedIsr,
  shrink,
} from '../../../broker/replication/isr-state.ts';

const STATE = committed([1, 2, 3]);

describe('a set of in-sync replicas', () => {
  it('that is committed is all that counts', () => {
    expect([committedIsr(STATE), maximalIsr(STATE)]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('that grows counts the new one already, as the controller may have decided so', () => {
    const growing = expand(STATE, 4);
    if (growing === null) throw new Error('not proposed');
    expect([committedIsr(growing), maximalIsr(growing), proposedIsr(growing)]).toEqual([
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  });

  it('that shrinks counts the old ones still', () => {
    const shrinking = shrink(STATE, [2, 3]);
    if (shrinking === null) throw new Error('not proposed');
    expect([committedIsr(shrinking), maximalIsr(shrinking), proposedIsr(shrinking)]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1],
    ]);
  });

  it('does not change for nothing', () => {
    expect([expand(STATE, 2), shrink(STATE, [])]).toEqual([null, null]);
  });

  it('has one change on its way at most', () => {
    for (const pending of [expand(STATE, 4), shrink(STATE, [3])]) {
      if (pending === null) throw new Error('not proposed');
      expect([expand(pending, 5), shrink(pending, [1])]).toEqual([null, null]);
    }
  });

  it('that is refused is taken back, or waits for a state that knows better, or is proposed again', () => {
    expect(
      [
        ErrorCode.INELIGIBLE_REPLICA,
        ErrorCode.OPERATION_NOT_ATTEMPTED,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.INVALID_UPDATE_VERSION,
        ErrorCode.UNKNOWN_SERVER_ERROR,
        ErrorCode.NOT_CONTROLLER,
      ].map(afterRefusal),
    ).toEqual(['take back', 'take back', 'stay pending', 'stay pending', 'propose again', 'propose again']);
  });
});
