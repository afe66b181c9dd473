/** Frames, queues and connect strings. */
import { describe, expect, it } from 'vitest';
import { parseConnectString } from '../../../../coordinator-client/zookeeper/connect-string.ts';
import { Fifo } from '../../../../coordinator-client/zookeeper/fifo.ts';
import { FrameSplitter } from '../../../../coordinator-client/zookeeper/frames.ts';

function framed(...bodies: string[]): Buffer {
  return Buffer.concat(
    bodies.map((body) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      return Buffer.concat([length, Buffer.from(body)]);
    }),
  );
}

describe('a frame splitter', () => {
  it('finds the same frames wherever the stream is cut', () => {
    const bodies = ['', 'a', 'hello', 'x'.repeat(100)];
    const bytes = framed(...bodies);
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = new FrameSplitter();
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const frame of splitter.push(bytes.subarray(at, at + size))) found.push(frame.toString());
      }
      expect(found).toEqual(bodies);
    }
  });

  it('refuses an impossible length', () => {
    expect(() => new FrameSplitter().push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow();
    expect(() => new FrameSplitter().push(Buffer.from([0x7f, 0, 0, 0]))).toThrow();
  });
});

describe('a fifo', () => {
  it('gives back in order what was put in, also over many', () => {
    const fifo = new Fifo<{ n: number }>();
    const out: number[] = [];
    for (let n = 0; n < 10_000; n++) {
      fifo.push({ n });
      if (n % 3 !== 0) out.push(fifo.shift()?.n ?? -1);
    }
    expect(out).toEqual(out.map((_, index) => index));
    expect(fifo.peek()?.n).toBe(out.length);
    const waiting = fifo.length;
    const even = fifo.take(({ n }) => n % 2 === 0);
    expect(even.every(({ n }) => n % 2 === 0)).toBe(true);
    expect(fifo.length + even.length).toBe(waiting);
    while (fifo.length > 0) expect((fifo.shift()?.n ?? 0) % 2).toBe(1);
    expect(fifo.shift()).toBeUndefined();
  });
});

describe('a connect string', () => {
  it('names servers with and without port, IPv6 literals, and a chroot', () => {
    expect(parseConnectString('a:1, b ,[::1]:3,[fe80::2]/kafka/one')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
        { host: 'fe80::2', port: 2181 },
      ],
      chroot: '/kafka/one',
    });
    expect(parseConnectString('a:1/').chroot).toBe('');
    expect(parseConnectString('a:1').chroot).toBe('');
  });

  it('is refused with the faulty part named', () => {
    for (const [text, part] of [
      ['', 'no server'],
      ['a:b', "'a:b'"],
      ['a:0', "'a:0'"],
      ['a:70000', "'a:70000'"],
      ['::1:2181', "'::1:2181'"],
      ['a:1/x/', "'/x/'"],
      ['a:1//x', "'//x'"],
    ] as const) {
      expect(() => parseConnectString(text)).toThrow(part);
    }
  });
});
