/** How much of answers may be in memory. */
import { describe, expect, it } from 'vitest';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';

const MIB = 1024 * 1024;

describe('the memory for answers', () => {
  it('is given in parts of what is left, so that it is never all taken by answers that nobody reads', () => {
    const memory = new AnswerMemory(128 * MIB);
    expect([memory.atOnceBytes, memory.pieceBytes]).toEqual([16 * MIB, MIB]);
    for (let unread = 0; unread < 1000; unread++) memory.add(memory.atOnceBytes);
    expect(memory.usedBytes).toBeLessThan(128 * MIB + 1000 * 64 * 1024);
    expect([memory.atOnceBytes, memory.pieceBytes, memory.leftBytes]).toEqual([64 * 1024, 64 * 1024, 0]);
  });

  it('is there again when answers have left', () => {
    const memory = new AnswerMemory(8 * MIB);
    memory.add(10 * MIB);
    memory.add(-10 * MIB);
    expect([memory.usedBytes, memory.atOnceBytes]).toEqual([0, MIB]);
  });
});
