/** How a large frame finds room as it arrives: little is copied at once, and nothing is taken that was only announced. */
import { expect, it } from 'vitest';
import { FrameSplitter } from '../../../broker/network/frame-splitter.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';

const MIB = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** Notes what is taken. */
class NotedPool extends BufferPool {
  readonly taken: number[] = [];

  override take(sizeBytes: number): Buffer {
    this.taken.push(sizeBytes);
    return super.take(sizeBytes);
  }
}

function setUp() {
  const pool = new NotedPool(16 * MIB);
  const frames: Buffer[] = [];
  const limit = { maxBytes: 100 * MIB, config: 'socket.request.max.bytes' };
  const splitter = new FrameSplitter(
    pool,
    () => limit,
    (frame) => {
      frames.push(Buffer.from(frame));
      return 'taken';
    },
  );
  /** Sends so much of a stream, chunk by chunk. */
  const send = (stream: Buffer): void => {
    for (let at = 0; at < stream.length; at += CHUNK_BYTES)
      splitter.push(stream.subarray(at, at + CHUNK_BYTES));
  };
  return { pool, frames, splitter, send };
}

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

it('a large frame is whole, and so is what comes after it', () => {
  const { frames, send, splitter } = setUp();
  const body = Buffer.alloc(20 * MIB + 5);
  for (let at = 0; at < body.length; at += 1000) body[at] = at % 251;
  send(Buffer.concat([framed(body), framed(Buffer.from('next')), framed(Buffer.from('last'))]));
  expect(frames.map(({ length }) => length)).toEqual([body.length, 4, 4]);
  expect(frames[0]?.equals(body)).toBe(true);
  expect(frames.slice(1).map(String)).toEqual(['next', 'last']);
  expect([splitter.heldBytes, splitter.isArriving]).toEqual([0, false]);
});

it('of a large frame no more than a few megabytes are ever copied at once', () => {
  const { pool, send } = setUp();
  send(framed(Buffer.alloc(90 * MIB)));
  // Each time room is taken, what the last one held is copied into it.
  expect(Math.max(...pool.taken.slice(0, -1))).toBe(4 * MIB);
  expect(pool.taken.at(-1)).toBe(90 * MIB + 4);
});

it('nobody gets room for what was announced before some of it has come', () => {
  const { pool, send } = setUp();
  send(framed(Buffer.alloc(90 * MIB)).subarray(0, 3 * MIB));
  expect(Math.max(...pool.taken)).toBe(4 * MIB);
});
