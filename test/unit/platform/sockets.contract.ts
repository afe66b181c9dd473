/** What every SocketNetwork promises; run against TCP, read in both ways, and the simulated network. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteSocket, SocketListener, SocketNetwork } from '../../../broker/platform/sockets.ts';
import { Bell, Ends } from './ends.ts';

interface SocketsUnderTest {
  readonly near: SocketNetwork;
  readonly far: SocketNetwork;
  /** Where `far` listens, as `near` sees it. */
  readonly host: string;
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

/** Everything that happens to a socket. */
class Witness {
  readonly socket: ByteSocket;
  closedWith: Error | null | undefined;
  readEnds = 0;
  drains = 0;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #bell = new Bell();

  constructor(socket: ByteSocket) {
    this.socket = socket;
    socket.on({
      data: (chunk) => {
        this.#chunks.push(Buffer.from(chunk));
        this.#bytes += chunk.length;
      },
      readEnd: () => {
        this.readEnds++;
        this.#bell.ring();
      },
      drain: () => {
        this.drains++;
      },
      close: (error) => {
        expect(this.closedWith).toBeUndefined();
        this.closedWith = error;
        this.#bell.ring();
      },
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  async bytes(count: number): Promise<Buffer> {
    await this.#bell.until(() => this.#bytes >= count || this.closedWith !== undefined);
    return this.received;
  }

  async closed(): Promise<Error | null> {
    await this.#bell.until(() => this.closedWith !== undefined);
    return this.closedWith ?? null;
  }
}

export function socketsContract(name: string, prepare: () => SocketsUnderTest): void {
  describe(`sockets (${name})`, () => {
    let world: SocketsUnderTest;
    let listener: SocketListener;
    let ends: Ends<ByteSocket>;

    beforeEach(async () => {
      world = prepare();
      ends = new Ends();
      listener = await world.settle(listen(0));
    });

    afterEach(async () => {
      for (const socket of ends.all()) socket.destroy();
      await world.settle(listener.close());
    });

    function listen(port: number): Promise<SocketListener> {
      return world.far.listen({ host: world.host, port, backlog: 50, accept: ends.accept });
    }

    function dial(port = listener.port): Promise<ByteSocket> {
      return world.settle(world.near.dial({ host: world.host, port, timeoutMs: 20_000 }));
    }

    function pair(): Promise<{ near: ByteSocket; far: ByteSocket }> {
      return ends.pair(dial, (promise) => world.settle(promise));
    }

    /** A connection, and what happens at both of its ends. */
    async function watchedPair() {
      const { near, far } = await pair();
      return { near, far, one: new Witness(near), other: new Witness(far) };
    }

    /** Writes that have come through a connection of their own: whatever was sent before them had the time to come. */
    async function roundTrips(count: number): Promise<void> {
      const { near, other } = await watchedPair();
      for (let round = 1; round <= count; round++) {
        near.write([Buffer.from('x')]);
        await world.settle(other.bytes(round));
      }
    }

    it('carry bytes both ways and know who is at the other end', async () => {
      const { near, far, one, other } = await watchedPair();
      near.write([Buffer.from('produce '), Buffer.from('this')]);
      expect((await world.settle(other.bytes(12))).toString()).toBe('produce this');
      far.write([Buffer.from('done')]);
      expect((await world.settle(one.bytes(4))).toString()).toBe('done');
      expect([near.remotePort, far.localPort]).toEqual([listener.port, listener.port]);
      expect([near.localPort, far.remoteHost.length > 0]).toEqual([far.remotePort, true]);
      expect([near.open, far.open]).toEqual([true, true]);
      expect(other.readEnds).toBeGreaterThan(0);
    });

    it('carry megabytes in order, and say of each write that it has left, in order', async () => {
      const { near, other } = await watchedPair();
      const data = Buffer.alloc(3_000_000);
      for (let at = 0; at + 4 <= data.length; at += 4) data.writeUInt32BE(at, at);
      const flushed: number[] = [];
      for (let index = 0; index < 30; index++) {
        const part = data.subarray(index * 100_000, (index + 1) * 100_000);
        near.write([part.subarray(0, 7), part.subarray(7, 50_000), part.subarray(50_000)], () =>
          flushed.push(index),
        );
      }
      expect((await world.settle(other.bytes(data.length))).equals(data)).toBe(true);
      near.end();
      await world.settle(other.closed());
      expect(flushed).toEqual(Array.from({ length: 30 }, (_, index) => index));
      expect(near.bufferedBytes).toBe(0);
    });

    it('keep what arrives before somebody listens', async () => {
      const { near, far } = await pair();
      near.write([Buffer.from('early')]);
      await roundTrips(1);
      expect((await world.settle(new Witness(far).bytes(5))).toString()).toBe('early');
    });

    it('stop reading when paused and lose nothing', async () => {
      const { near, far, other } = await watchedPair();
      far.pause();
      const data = Buffer.alloc(12_000_000, 7);
      near.write([data]);
      await roundTrips(20);
      // What was on its way when the pause came may still arrive, but no more than one read of it.
      expect(other.received.length).toBeLessThanOrEqual(1024 * 1024);
      expect(near.bufferedBytes).toBeGreaterThan(0);
      far.resume();
      expect((await world.settle(other.bytes(data.length))).length).toBe(data.length);
    });

    it('can be paused from within a read', async () => {
      const { near, far } = await pair();
      new Witness(near);
      let received = 0;
      let reads = 0;
      const all = new Promise<void>((resolve) => {
        far.on({
          data: (chunk) => {
            received += chunk.length;
            reads++;
            far.pause();
            setImmediate(() => far.resume());
            if (received === 2_000_000) resolve();
          },
          close: () => {},
        });
      });
      for (let part = 0; part < 20; part++) near.write([Buffer.alloc(100_000)]);
      await world.settle(all);
      expect(reads).toBeGreaterThan(1);
    });

    it('send what was written before they end, and close at both ends', async () => {
      const { near, far, one, other } = await watchedPair();
      near.write([Buffer.alloc(500_000, 1)]);
      near.end();
      expect(near.open).toBe(false);
      expect(await world.settle(other.closed())).toBeNull();
      expect(other.received).toHaveLength(500_000);
      expect(await world.settle(one.closed())).toBeNull();
      expect([near.open, far.open]).toEqual([false, false]);
    });

    it('close at once when destroyed, and still answer for every write', async () => {
      const { near, far, one, other } = await watchedPair();
      far.pause();
      let flushed = 0;
      for (let part = 0; part < 10; part++) near.write([Buffer.alloc(2_000_000)], () => flushed++);
      near.destroy();
      near.destroy();
      await world.settle(one.closed());
      near.write([Buffer.from('too late')], () => flushed++);
      far.resume();
      await world.settle(other.closed());
      expect(flushed).toBe(11);
    });

    it('refuse a dial to a port where nobody listens', async () => {
      const free = await world.settle(
        world.far.listen({ host: world.host, port: 0, backlog: 1, accept: () => {} }),
      );
      await world.settle(free.close());
      await expect(dial(free.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('can not listen twice at one port', async () => {
      await expect(world.settle(listen(listener.port))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    });

    it('stay when their listener closes, and the port is free again', async () => {
      const { near, other } = await watchedPair();
      await world.settle(listener.close());
      await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      near.write([Buffer.from('still here')]);
      expect((await world.settle(other.bytes(10))).toString()).toBe('still here');
      listener = await world.settle(listen(listener.port));
      expect((await pair()).near.open).toBe(true);
    });
  });
}
