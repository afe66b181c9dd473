/** The simulated network keeps the contracts of the real ones; cuts and crashes behave as they do outside. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../broker/platform/channels.ts';
import type { ByteSocket } from '../../broker/platform/sockets.ts';
import { ChannelWitness, channelsContract } from '../unit/platform/channels.contract.ts';
import { socketsContract } from '../unit/platform/sockets.contract.ts';
import { inMemoryChannelPair } from './in-memory-channels.ts';
import { inMemorySocketPair } from './in-memory-sockets.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { simulatedRandom } from './simulated-random.ts';

function world(seed = 1) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, random: simulatedRandom(seed), silenceLimitMs: 1000 });
  const settle = <T>(promise: Promise<T>): Promise<T> => clock.runUntilSettled(promise, 60_000);
  return { clock, network, settle };
}

socketsContract('simulated', () => {
  const { network, settle } = world();
  return { near: network.host('near').sockets, far: network.host('far').sockets, host: 'far', settle };
});

channelsContract('simulated', () => {
  const { network, settle } = world();
  return { near: network.host('near').channels, far: network.host('far').channels, host: 'far', settle };
});

describe('pairs without a network', () => {
  it('are two ends of a socket, whose chunks must be copied to be kept', async () => {
    const clock = new SimulatedClock();
    const [one, other] = inMemorySocketPair(clock);
    const kept: Buffer[] = [];
    other.on({ data: (chunk) => kept.push(chunk), close: () => {} });
    one.write([Buffer.from('abc')]);
    await clock.runFor(1);
    expect(kept.map((chunk) => chunk.toString('hex'))).toEqual(['dddddd']);
  });

  it('are two ends of a channel', async () => {
    const clock = new SimulatedClock();
    const [one, other] = inMemoryChannelPair(clock);
    const witness = new ChannelWitness(other);
    one.send([Buffer.from('a'), Buffer.from('b')]);
    await clock.runFor(1);
    expect(witness.messages.map(String)).toEqual(['ab']);
  });
});

describe('the simulated network', () => {
  let clock: SimulatedClock;
  let network: SimulatedNetwork;
  let near: Channel;
  let far: Channel;
  let one: ChannelWitness;
  let other: ChannelWitness;

  beforeEach(async () => {
    ({ clock, network } = world());
    const accepted: Channel[] = [];
    await listen((channel) => accepted.push(channel));
    near = await clock.runUntilSettled(dial(), 100);
    const [first] = accepted;
    if (first === undefined) throw new Error('nothing was accepted');
    far = first;
    [one, other] = [new ChannelWitness(near), new ChannelWitness(far)];
  });

  const listen = (accept: (channel: Channel) => void) =>
    network.host('b').channels.listen({
      host: 'b',
      port: 9,
      maxMessageBytes: 100,
      accept,
      http: async ({ path }) => ({ status: 200, contentType: 'text/plain', body: path }),
    });
  const dial = (timeoutMs = 500) =>
    network.host('a').channels.dial({ host: 'b', port: 9, timeoutMs, maxMessageBytes: 100 });

  it('takes its time, within the latency of the link', async () => {
    near.send([Buffer.from('x')]);
    await clock.runFor(0.05);
    expect(other.messages).toHaveLength(0);
    await clock.runFor(1);
    expect(other.messages).toHaveLength(1);
  });

  it('holds traffic up during a short cut, and delivers it afterwards in order', async () => {
    network.cut('a', 'b');
    for (const text of ['1', '2', '3']) near.send([Buffer.from(text)]);
    await clock.runFor(900);
    expect([other.messages.length, near.bufferedBytes, near.open]).toEqual([0, 3, true]);
    network.heal('a', 'b');
    await clock.runFor(200);
    expect([other.messages.map(String), near.open, far.open]).toEqual([['1', '2', '3'], true, true]);
  });

  it('closes channels at both ends when a cut lasts beyond the limit of silence', async () => {
    network.cut('a', 'b');
    await clock.runFor(1001);
    expect([one.closedWith, other.closedWith]).toEqual([
      'nothing heard for 1000 ms',
      'nothing heard for 1000 ms',
    ]);
  });

  it('lets a cut of one direction be noticed by the end that hears nothing', async () => {
    network.cutOneWay('a', 'b');
    near.send([Buffer.from('lost')]);
    far.send([Buffer.from('heard')]);
    await clock.runFor(1010);
    expect([one.messages.map(String), other.closedWith]).toEqual([['heard'], 'nothing heard for 1000 ms']);
    expect(one.closedWith).toBe('ECONNRESET');
    expect(other.messages).toEqual([]);
  });

  it('lets dials time out during a cut', async () => {
    network.cut('a', 'b');
    const startMs = clock.nowMs();
    await expect(clock.runUntilSettled(dial(), 1000)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(clock.nowMs() - startMs).toBe(500);
  });

  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('sends the packets of a dial again that a cut has lost, from %s to %s', async (from, to) => {
    network.cutOneWay(from, to);
    const dialled = dial(30_000);
    await clock.runFor(1500);
    network.heal(from, to);
    expect((await clock.runUntilSettled(dialled, 2000)).open).toBe(true);
  });

  it('tells of a crashed process at once, and refuses dials until it listens again', async () => {
    network.crash('b');
    far.send([Buffer.from('from the dead')]);
    await clock.runFor(2);
    expect([one.closedWith, one.messages, other.closedWith]).toEqual(['ECONNRESET', [], undefined]);
    await expect(clock.runUntilSettled(dial(), 1000)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await listen(() => {});
    expect((await clock.runUntilSettled(dial(), 1000)).open).toBe(true);
  });

  it('tells nothing of a crashed machine until the silence is noticed', async () => {
    network.crash('b', 'machine');
    await clock.runFor(900);
    expect(near.open).toBe(true);
    await clock.runFor(101);
    expect(one.closedWith).toBe('nothing heard for 1000 ms');
    await expect(clock.runUntilSettled(dial(), 1000)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('ends old connections when a machine is back before anybody noticed', async () => {
    network.crash('b', 'machine');
    await clock.runFor(100);
    network.restart('b');
    await clock.runFor(5);
    expect(one.closedWith).toBe('ECONNRESET');
  });

  it('answers HTTP', async () => {
    expect(await network.get('b', 9, '/metrics')).toMatchObject({ status: 200, body: '/metrics' });
    await expect(network.get('a', 9, '/metrics')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('does the same things at the same times for the same seed', async () => {
    const run = async (seed: number): Promise<string[]> => {
      const { clock: time, network: other_ } = world(seed);
      const seen: string[] = [];
      const echo = (socket: ByteSocket): void =>
        socket.on({
          data: (chunk) => {
            seen.push(`${time.nowMs()} ${chunk.toString()}`);
            socket.write([Buffer.from(chunk)]);
          },
          close: () => {},
        });
      await other_.host('b').sockets.listen({ host: 'b', port: 1, backlog: 1, accept: echo });
      const socket = await time.runUntilSettled(
        other_.host('a').sockets.dial({ host: 'b', port: 1, timeoutMs: 100 }),
        100,
      );
      socket.on({ data: (chunk) => seen.push(`${time.nowMs()} ${chunk}`), close: () => {} });
      for (let index = 0; index < 20; index++) socket.write([Buffer.from(`message ${index};`)]);
      await time.runFor(100);
      return seen;
    };
    const first = await run(5);
    expect(first.length).toBeGreaterThan(40);
    expect(await run(5)).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });
});
