/** What every ChannelNetwork promises; run against WebSockets and the simulated network. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Channel, ChannelListener, ChannelNetwork } from '../../../broker/platform/channels.ts';
import { Bell, Ends } from './ends.ts';

interface ChannelsUnderTest {
  readonly near: ChannelNetwork;
  readonly far: ChannelNetwork;
  /** Where `far` listens, as `near` sees it. */
  readonly host: string;
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

const MAX_MESSAGE_BYTES = 2_000_000;

/** Everything that happens to a channel. */
export class ChannelWitness {
  readonly messages: Buffer[] = [];
  closedWith: string | undefined;
  drains = 0;
  readonly #bell = new Bell();

  constructor(channel: Channel) {
    channel.onMessage((message) => {
      this.messages.push(Buffer.from(message));
      this.#bell.ring();
    });
    channel.onDrain(() => {
      this.drains++;
      this.#bell.ring();
    });
    channel.onClose((reason) => {
      expect(this.closedWith).toBeUndefined();
      this.closedWith = reason;
      this.#bell.ring();
    });
  }

  until(condition: () => boolean): Promise<void> {
    return this.#bell.until(condition);
  }

  async closed(): Promise<string> {
    await this.until(() => this.closedWith !== undefined);
    return this.closedWith ?? '';
  }
}

/** Sizes of what came, and a limit that is raised while the first message is received. */
class Recorder {
  readonly sizes: number[] = [];
  #limitAfterFirst: number | null = null;
  #isClosed = false;
  readonly #bell = new Bell();

  constructor(channel: Channel) {
    channel.onMessage((message) => {
      this.sizes.push(message.length);
      if (this.#limitAfterFirst !== null) channel.allowMessages(this.#limitAfterFirst);
      this.#limitAfterFirst = null;
      this.#bell.ring();
    });
    channel.onClose(() => {
      this.#isClosed = true;
      this.#bell.ring();
    });
  }

  allowAfterFirst(maxMessageBytes: number): void {
    this.#limitAfterFirst = maxMessageBytes;
  }

  until(messages: number): Promise<void> {
    return this.#bell.until(() => this.sizes.length >= messages || this.#isClosed);
  }

  closed(): Promise<void> {
    return this.#bell.until(() => this.#isClosed);
  }
}

export function channelsContract(name: string, prepare: () => ChannelsUnderTest): void {
  describe(`channels (${name})`, () => {
    let world: ChannelsUnderTest;
    let listener: ChannelListener;
    let ends: Ends<Channel>;

    beforeEach(async () => {
      world = prepare();
      ends = new Ends();
      listener = await world.settle(listen(0));
    });

    afterEach(async () => {
      for (const channel of ends.all()) channel.close('end of test');
      await world.settle(listener.close());
    });

    function listen(port: number): Promise<ChannelListener> {
      return world.far.listen({
        host: world.host,
        port,
        maxMessageBytes: MAX_MESSAGE_BYTES,
        accept: ends.accept,
        http: async ({ path }) => ({ status: 200, contentType: 'text/plain', body: `you asked for ${path}` }),
      });
    }

    function pair(): Promise<{ near: Channel; far: Channel }> {
      const { host } = world;
      const { port } = listener;
      const to = { host, port, timeoutMs: 20_000, maxMessageBytes: MAX_MESSAGE_BYTES };
      return ends.pair(
        () => world.near.dial(to),
        (promise) => world.settle(promise),
      );
    }

    /** A connection, and what happens at both of its ends. */
    async function watchedPair() {
      const { near, far } = await pair();
      return { near, far, one: new ChannelWitness(near), other: new ChannelWitness(far) };
    }

    it('carry messages whole and in order, both ways, of every size of frame', async () => {
      const { near, far, one, other } = await watchedPair();
      const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1_500_000, 3];
      const messages = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      for (const message of messages) {
        const third = Math.floor(message.length / 3);
        near.send([
          message.subarray(0, third),
          message.subarray(third, 2 * third),
          message.subarray(2 * third),
        ]);
        far.send([message]);
      }
      await world.settle(other.until(() => other.messages.length === sizes.length));
      await world.settle(one.until(() => one.messages.length === sizes.length));
      for (const [index, message] of messages.entries()) {
        expect(other.messages[index]?.equals(message)).toBe(true);
        expect(one.messages[index]?.equals(message)).toBe(true);
      }
      expect([near.open, far.open, near.remote]).toEqual([true, true, `${world.host}:${listener.port}`]);
    });

    it('say when the parts may be used again, and when all has gone out', async () => {
      const { near, one, other } = await watchedPair();
      const part = Buffer.alloc(1_000_000, 1);
      const sent: number[] = [];
      for (let index = 0; index < 5; index++) near.send([part], () => sent.push(index));
      await world.settle(other.until(() => other.messages.length === 5));
      await world.settle(one.until(() => one.drains > 0));
      expect([sent, near.bufferedBytes]).toEqual([[0, 1, 2, 3, 4], 0]);
    });

    it('keep messages until somebody listens', async () => {
      const { near, far } = await pair();
      const one = new ChannelWitness(near);
      near.send([Buffer.from('first')]);
      near.send([Buffer.from('second')]);
      const probe = await pair();
      const echo = new ChannelWitness(probe.far);
      probe.near.send([Buffer.from('x')]);
      await world.settle(echo.until(() => echo.messages.length === 1));
      const other = new ChannelWitness(far);
      await world.settle(other.until(() => other.messages.length === 2));
      expect(other.messages.map(String)).toEqual(['first', 'second']);
      expect(one.closedWith).toBeUndefined();
    });

    it('tell both ends why they were closed, after what was sent before', async () => {
      const { near, far, one, other } = await watchedPair();
      far.send([Buffer.from('last words')]);
      far.close('not the controller any more');
      expect(far.open).toBe(false);
      expect(await world.settle(one.closed())).toBe('not the controller any more');
      expect(await world.settle(other.closed())).toBe('not the controller any more');
      expect(one.messages.map(String)).toEqual(['last words']);
      near.close('again');
    });

    it('do nothing with messages for a closed channel but give their parts back', async () => {
      const { near, far, one, other } = await watchedPair();
      near.close('done');
      let given = 0;
      near.send([Buffer.from('too late')], () => given++);
      await world.settle(one.closed());
      await world.settle(other.closed());
      far.send([Buffer.from('too late')], () => given++);
      await world.settle(Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve))));
      expect([given, one.messages, other.messages]).toEqual([2, [], []]);
    });

    it('close when a message is larger than the receiver allows', async () => {
      const { near, one, other } = await watchedPair();
      near.send([Buffer.alloc(MAX_MESSAGE_BYTES)]);
      near.send([Buffer.alloc(MAX_MESSAGE_BYTES + 1)]);
      await world.settle(one.closed());
      await world.settle(other.closed());
      expect(other.messages.map((message) => message.length)).toEqual([MAX_MESSAGE_BYTES]);
    });

    it('take larger messages once they are allowed, beginning with the next, at either end', async () => {
      const { near, far } = await pair();
      const [one, other] = [new Recorder(near), new Recorder(far)];
      for (const recorder of [one, other]) recorder.allowAfterFirst(MAX_MESSAGE_BYTES + 1);
      for (const channel of [near, far]) {
        channel.send([Buffer.from('welcome')]);
        channel.send([Buffer.alloc(MAX_MESSAGE_BYTES + 1)]);
      }
      await world.settle(one.until(2));
      await world.settle(other.until(2));
      expect([one.sizes, other.sizes]).toEqual([
        [7, MAX_MESSAGE_BYTES + 1],
        [7, MAX_MESSAGE_BYTES + 1],
      ]);
      near.send([Buffer.alloc(MAX_MESSAGE_BYTES + 2)]);
      await world.settle(other.closed());
      expect(other.sizes).toHaveLength(2);
    });

    it('refuse a dial to a port where nobody listens, and a second listener', async () => {
      await expect(world.settle(listen(listener.port))).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await world.settle(listener.close());
      await expect(pair()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    it('stay when their listener closes, and the port is free again', async () => {
      const { near, far } = await pair();
      const other = new ChannelWitness(far);
      await world.settle(listener.close());
      near.send([Buffer.from('still here')]);
      await world.settle(other.until(() => other.messages.length === 1));
      listener = await world.settle(listen(listener.port));
      expect((await pair()).near.open).toBe(true);
    });
  });
}
