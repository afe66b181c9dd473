/** Answers on their way out: in order, and records that are read late a piece at a time. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Reply } from '../../../broker/network/outcome.ts';
import { Outgoing } from '../../../broker/network/outgoing.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { LateBytes, type MessagePart } from '../../../broker/protocol/late-bytes.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import { MemorySocket } from './memory-socket.ts';

const MIB = 1024 * 1024;
const SMALL_PIECE_BYTES = 64 * 1024;

class Records extends LateBytes {
  readonly content: Buffer;
  readonly reads: number[] = [];
  error: Error | null = null;
  /** Given out at the next question, once. */
  warming: Promise<void> | null = null;

  constructor(length: number, seed = 7) {
    super();
    this.content = Buffer.alloc(length);
    for (let at = 0; at < length; at++) this.content[at] = (at * 31 + (at >> 8) * seed) & 0xff;
  }

  get length(): number {
    return this.content.length;
  }

  read(into: Buffer, at: number, lengthBytes: number, fromByte: number): void {
    if (this.error !== null) throw this.error;
    this.reads.push(lengthBytes);
    this.content.copy(into, at, fromByte, fromByte + lengthBytes);
  }

  override warm(): Promise<void> | null {
    const { warming } = this;
    this.warming = null;
    return warming;
  }
}

let socket: MemorySocket;
let memory: AnswerMemory;
let outgoing: Outgoing;
let broken: unknown[];
let sent: string[];

beforeEach(() => {
  memory = new AnswerMemory(8 * MIB);
  make();
});

function make(): void {
  socket = new MemorySocket();
  socket.stalled = true;
  [broken, sent] = [[], []];
  outgoing = new Outgoing({
    ...{ socket, memory, clock: systemClock, pool: new BufferPool(MIB) },
    onWritten() {},
    onSent() {},
    onBroken: (error) => broken.push(error),
  });
}

function reply(name: string, ...parts: MessagePart[]): Reply {
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0);
  return { parts, sizeBytes, sent: () => sent.push(name) };
}

/** The client takes what was written, again and again, until nothing more comes. */
async function readAll(): Promise<void> {
  for (let writes = -1; writes !== socket.writes; ) {
    writes = socket.writes;
    socket.read();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

describe('answers', () => {
  it('leave in order, late records where they belong', async () => {
    const [one, two] = [new Records(3 * MIB), new Records(5)];
    const text = (of: string): Buffer => Buffer.from(of);
    outgoing.add(reply('a', text('a1')));
    outgoing.add(reply('b', text('b1'), one, text('b2'), two, text('b3')));
    outgoing.add(reply('c', text('c1')));
    outgoing.flush();
    await readAll();
    const expected = Buffer.concat([text('a1b1'), one.content, text('b2'), two.content, text('b3c1')]);
    expect(socket.written.equals(expected)).toBe(true);
    expect(sent).toEqual(['a', 'b', 'c']);
    expect(outgoing).toMatchObject({ unsentBytes: 0, heldBytes: 0, isHandedOver: true });
    expect(memory.usedBytes).toBe(0);
  });

  it('hold one piece, and the next is read when the last has left', async () => {
    const records = new Records(5 * MIB + 3);
    outgoing.add(reply('a', Buffer.alloc(10), records));
    outgoing.flush();
    expect(records.reads).toEqual([MIB]);
    outgoing.flush();
    expect(records.reads).toEqual([MIB]);
    expect(memory.usedBytes).toBe(MIB + 10);
    expect(outgoing).toMatchObject({ heldBytes: MIB + 10, unsentBytes: 10 + records.length });
    await readAll();
    expect(records.reads).toEqual([MIB, MIB, MIB, MIB, MIB, 3]);
  });

  it('are told when they count, and never twice at once', () => {
    const claim = memory.claim(1000);
    const used: number[] = [];
    const counted = () => {
      claim.end();
      used.push(memory.usedBytes);
    };
    outgoing.add({ ...reply('a', Buffer.alloc(1000)), counted });
    expect(used).toEqual([1000]);
    outgoing.flush();
    socket.read();
    expect(memory.usedBytes).toBe(0);
  });

  it('share a piece when they are small', async () => {
    const many = Array.from({ length: 100 }, (_, index) => new Records(1000, index));
    outgoing.add(reply('a', ...many.flatMap((records) => [Buffer.from('x'), records])));
    outgoing.flush();
    expect(socket.writes).toBe(1);
    await readAll();
    const expected = Buffer.concat(many.flatMap(({ content }) => [Buffer.from('x'), content]));
    expect(socket.written.equals(expected)).toBe(true);
  });

  it('are read in small pieces while others hold all the memory, and in large ones again afterwards', async () => {
    memory.add(8 * MIB);
    const records = new Records(4 * MIB);
    outgoing.add(reply('a', records));
    outgoing.flush();
    expect(records.reads).toEqual([SMALL_PIECE_BYTES]);
    expect(memory.usedBytes).toBe(8 * MIB + SMALL_PIECE_BYTES);
    memory.add(-8 * MIB);
    await readAll();
    expect(records.reads[1]).toBe(MIB);
    expect(memory.usedBytes).toBe(0);
  });

  it('that are not sent any more are given back once', async () => {
    outgoing.add(reply('a', Buffer.alloc(100)));
    outgoing.add(reply('b', Buffer.alloc(100), new Records(3 * MIB)));
    outgoing.flush();
    outgoing.add(reply('c', Buffer.alloc(1000)));
    outgoing.close();
    expect(sent).toEqual(['b', 'c']);
    socket.destroy();
    expect(sent).toEqual(['b', 'c', 'a']);
    expect(memory.usedBytes).toBe(0);
    await readAll();
    expect(socket.writes).toBe(1);
  });

  it('that can not be completed are the last', async () => {
    const records = new Records(3 * MIB);
    outgoing.add(reply('a', Buffer.alloc(100), records));
    outgoing.add(reply('b', Buffer.alloc(100)));
    outgoing.flush();
    records.error = new Error('cut away');
    await readAll();
    expect(broken).toEqual([records.error]);
    expect(sent).toEqual(['a', 'b']);
    expect(socket.written.length).toBe(100 + MIB);
    expect(memory.usedBytes).toBe(0);
    outgoing.flush();
    expect(socket.writes).toBe(1);
  });

  it('wait for what the disk has to bring, after those before them', async () => {
    const disk = Promise.withResolvers<void>();
    const records = new Records(2 * MIB);
    records.warming = disk.promise;
    outgoing.add(reply('a', Buffer.from('a')));
    outgoing.add(reply('b', Buffer.from('b'), records));
    outgoing.flush();
    outgoing.add(reply('c', Buffer.from('c')));
    outgoing.flush();
    await readAll();
    expect([socket.written.toString(), records.reads]).toEqual(['ab', []]);
    expect(memory.usedBytes).toBe(1);
    disk.resolve();
    await disk.promise;
    await readAll();
    expect(socket.written.equals(Buffer.concat([Buffer.from('ab'), records.content, Buffer.from('c')]))).toBe(
      true,
    );
    expect([records.reads, sent, memory.usedBytes]).toEqual([[MIB, MIB], ['a', 'b', 'c'], 0]);
  });

  it('that wait for the disk when the connection ends are given back', async () => {
    const disk = Promise.withResolvers<void>();
    const records = new Records(2 * MIB);
    records.warming = disk.promise;
    outgoing.add(reply('a', records));
    outgoing.flush();
    expect(socket.writes).toBe(0);
    outgoing.close();
    disk.resolve();
    await disk.promise;
    expect([records.reads, sent, memory.usedBytes, broken]).toEqual([[], ['a'], 0, []]);
  });
});
