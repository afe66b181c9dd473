/** How soon a refused follower asks again. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { pauseAfterRefusal } from '../../../broker/replication/stream/followed-partition.ts';

describe('a follower that was refused', () => {
  it('asks a leader that has not heard of its office again soon, and ever more slowly', () => {
    const pauses = [0, 1, 2, 6, 7, 50].map((refusals) =>
      pauseAfterRefusal(ErrorCode.NOT_LEADER_OR_FOLLOWER, refusals, 1000),
    );
    expect(pauses).toEqual([10, 20, 40, 640, 1000, 1000]);
    expect(pauseAfterRefusal(ErrorCode.UNKNOWN_LEADER_EPOCH, 0, 1000)).toBe(10);
    expect(pauseAfterRefusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0, 5)).toBe(5);
  });

  it('leaves one that has another reason alone for the configured pause', () => {
    expect(pauseAfterRefusal(ErrorCode.KAFKA_STORAGE_ERROR, 0, 1000)).toBe(1000);
    expect(pauseAfterRefusal(ErrorCode.FENCED_LEADER_EPOCH, 3, 1000)).toBe(1000);
  });
});
