/** How much memory requests that are arriving may take, on all connections together. */
import { describe, expect, it } from 'vitest';
import { RequestMemory, requestMemoryBytes } from '../../../broker/network/request-memory.ts';
import { connect, echo, FETCH, frame, settled } from './one-connection.ts';

describe('queued.max.request.bytes', () => {
  it('frames that begin when it is used up wait until the one that goes on is complete', async () => {
    const memory = new RequestMemory(100);
    const [first, second, third] = [
      connect(echo, {}, { memory }),
      connect(echo, {}, { memory }),
      connect(echo, {}, { memory }),
    ];
    const large = frame(FETCH, 'x'.repeat(200));
    first.socket.arrive(large.subarray(0, 120));
    expect(memory.usedBytes).toBe(120);
    expect(first.socket.paused).toBe(false);
    for (const { socket } of [second, third]) {
      socket.arrive(frame(FETCH, 'other').subarray(0, 6));
      expect(socket.paused).toBe(true);
      socket.arrive(frame(FETCH, 'other').subarray(6));
    }
    await settled();
    expect(second.socket.written.length + third.socket.written.length).toBe(0);
    first.socket.arrive(large.subarray(120));
    await settled();
    expect(second.socket.written.toString()).toBe('<other>');
    expect(third.socket.written.toString()).toBe('<other>');
    expect(memory.usedBytes).toBe(0);
  });

  it('what is announced and has not come is not counted', () => {
    const memory = new RequestMemory(100);
    const one = connect(echo, {}, { memory });
    one.socket.arrive(frame(FETCH, 'x'.repeat(900)).subarray(0, 20));
    expect(memory.usedBytes).toBe(20);
  });

  it('who goes on beyond it and is gone, or whose frame may not start, makes way for the next', async () => {
    for (const leave of ['gone', 'refused'] as const) {
      const memory = new RequestMemory(10);
      const first = connect(leave === 'gone' ? echo : () => new Promise(() => {}), {}, { memory });
      const second = connect(echo, {}, { memory });
      const stream = Buffer.concat([frame(FETCH, 'one'), frame(FETCH, 'another one')]);
      first.socket.arrive(stream.subarray(0, 24));
      second.socket.arrive(frame(FETCH, 'other').subarray(0, 6));
      second.socket.arrive(frame(FETCH, 'other').subarray(6));
      expect(second.socket.paused).toBe(true);
      if (leave === 'gone') first.socket.destroy();
      else first.socket.arrive(stream.subarray(24));
      await settled();
      expect(second.socket.written.toString(), leave).toBe('<other>');
    }
  });

  it('frames that arrive whole need none of it, and a closed connection gives its part back', () => {
    const memory = new RequestMemory(1);
    const one = connect(echo, {}, { memory });
    one.socket.arrive(frame(FETCH, 'whole'));
    expect(one.socket.written.toString()).toBe('<whole>');
    one.socket.arrive(frame(FETCH, 'partial').subarray(0, 8));
    expect(memory.usedBytes).toBeGreaterThan(0);
    one.socket.destroy();
    expect(memory.usedBytes).toBe(0);
  });
});

describe('the limit', () => {
  it('is what is configured, and without that enough for the largest frame', () => {
    const MIB = 1024 * 1024;
    const limit = (queuedMaxRequestBytes: number, socketRequestMaxBytes: number) =>
      requestMemoryBytes({ queuedMaxRequestBytes, socketRequestMaxBytes });
    expect(limit(150 * MIB, 100 * MIB)).toBe(150 * MIB);
    expect([limit(-1, 100 * MIB), limit(0, 100 * MIB)]).toEqual([256 * MIB, 256 * MIB]);
    expect(limit(-1, 1000 * MIB)).toBe(1000 * MIB);
  });
});
