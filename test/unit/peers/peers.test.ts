/** Peers on a simulated network: handshakes and their refusals, requests in order, limits, breakage. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import { Refusals } from '../../../broker/peers/refusals.ts';
import type { Channel } from '../../../broker/platform/channels.ts';
import { answering, ask, PeerWorld } from './support.ts';

let world: PeerWorld;
let clock: PeerWorld['clock'];
let network: PeerWorld['network'];

beforeEach(() => {
  world = new PeerWorld();
  ({ clock, network } = world);
});

const node: PeerWorld['node'] = (id, changed) => world.node(id, changed);

async function failure(promise: Promise<unknown>, limitMs = 60_000): Promise<string> {
  const outcome = promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof PeerUnreachable ? error.message : `not expected: ${error}`),
  );
  return clock.runUntilSettled(outcome, limitMs);
}

describe('requests between peers', () => {
  it('are answered in the order they were asked, with numbers beyond 2^32 intact', async () => {
    const one = await node(1);
    const two = await node(2);
    const asked = answering(two);
    const epochs = [2 ** 40, 2, 3, 4, 5];
    const answers = Promise.all(epochs.map((epoch) => one.peers.request(two.info, ask(epoch), 1000)));
    const starts = (await clock.runUntilSettled(answers, 5000)).map(({ producerIdStart }) => producerIdStart);
    expect(asked.map(({ brokerEpoch }) => brokerEpoch)).toEqual(epochs);
    expect(starts).toEqual(epochs.map((epoch) => epoch * 1000));
  });

  it('to oneself are handed over in process, not before the asker goes on', async () => {
    const one = await node(1);
    const asked = answering(one);
    const answer = one.peers.request(one.info, ask(7), 1000);
    expect(asked).toEqual([]);
    expect(await clock.runUntilSettled(answer, 0)).toMatchObject({ producerIdStart: 7000 });
  });

  it('without a handler, or with one that throws, get UNKNOWN_SERVER_ERROR', async () => {
    const one = await node(1);
    const two = await node(2);
    for (const to of [one, two]) {
      const answer = await clock.runUntilSettled(one.peers.request(to.info, ask(1), 1000), 5000);
      expect(answer.error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    }
    two.peers.handle('AllocateProducerIds', () => {
      throw new Error('no');
    });
    const answer = await clock.runUntilSettled(one.peers.request(two.info, ask(1), 1000), 5000);
    expect(answer.error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });

  it('time out, which breaks the connection; the next request opens another', async () => {
    const one = await node(1);
    const two = await node(2);
    two.peers.handle('AllocateProducerIds', () => new Promise(() => {}));
    expect(await failure(one.peers.request(two.info, ask(1), 200))).toContain('within 200 ms');
    answering(two);
    const answer = await clock.runUntilSettled(one.peers.request(two.info, ask(2), 1000), 5000);
    expect(answer.producerIdStart).toBe(2000);
  });

  it('that are under way fail when the peer dies, and succeed again when it is back', async () => {
    const one = await node(1);
    const two = await node(2);
    two.peers.handle('AllocateProducerIds', () => new Promise(() => {}));
    const asked = one.peers.request(two.info, ask(1), 60_000);
    const failed = failure(asked);
    await clock.runFor(10);
    network.crash('host2');
    expect(await failed).toContain('broke');
    const reborn = await node(2);
    answering(reborn);
    const answer = await clock.runUntilSettled(one.peers.request(reborn.info, ask(3), 1000), 5000);
    expect(answer.producerIdStart).toBe(3000);
  });

  it('are refused beyond the limit of requests in flight, and beyond the limit of bytes', async () => {
    const one = await node(1, { maxInFlightRequests: 2 });
    const two = await node(2);
    two.peers.handle('AllocateProducerIds', () => new Promise(() => {}));
    const under = [1, 2].map((epoch) => failure(one.peers.request(two.info, ask(epoch), 500)));
    expect(await failure(one.peers.request(two.info, ask(3), 500), 0)).toContain('in flight');
    await Promise.all(under.map((each) => clock.runUntilSettled(each, 5000)));
    const large = { ...ask(1), padding: 'x'.repeat(100_000) };
    expect(await failure(one.peers.request(two.info, large, 500), 0)).toContain('peer.max.message.bytes');
  });

  it('to a broker without a peer endpoint fail at once', async () => {
    const one = await node(1);
    const nowhere = { id: 9, epoch: 1, rack: null, endpoints: [] };
    expect(await failure(one.peers.request(nowhere, ask(1), 500), 0)).toContain('no PEER endpoint');
  });

  it('to a broker that has moved go to its new endpoint', async () => {
    const one = await node(1);
    const old = await node(2);
    answering(old);
    await clock.runUntilSettled(one.peers.request(old.info, ask(1), 1000), 5000);
    const moved = await node(2);
    const asked = answering(moved);
    await clock.runUntilSettled(one.peers.request(moved.info, ask(2), 1000), 5000);
    expect(asked.length).toBe(1);
  });

  it('are all rejected by close()', async () => {
    const one = await node(1);
    const two = await node(2);
    two.peers.handle('AllocateProducerIds', () => new Promise(() => {}));
    // Its own time-out is far: nobody runs the clock up to it.
    const failed = one.peers.request(two.info, ask(1), 60_000).catch((error: Error) => error.message);
    await clock.runFor(10);
    await clock.runUntilSettled(one.peers.close(), 1000);
    expect(await failed).toContain('shutting down');
    expect(await failure(one.peers.request(two.info, ask(1), 60_000))).toContain('shutting down');
  });
});

describe('the handshake', () => {
  it.each([
    ['another cluster', { clusterId: 'other' }, 'cluster id'],
    ['another secret', { sharedSecret: 'guess' }, 'shared secrets differ'],
    ['no secret', { sharedSecret: '' }, 'without a shared secret only brokers of the same machine'],
    ['another broker id', { brokerId: 3 }, 'another broker is meant'],
    ['its own broker id', { brokerId: 1 }, 'another broker is meant'],
  ])('refuses %s, and both sides say why', async (_what, changed, reason) => {
    const one = await node(1);
    const two = await node(2, changed);
    answering(two);
    const refused = await failure(one.peers.request(two.info, ask(1), 1000));
    expect(refused).not.toBe('answered');
    await clock.runFor(10);
    expect(one.lines.join('\n')).toContain(reason);
    expect(two.lines.join('\n')).toContain(reason);
    // Who asks again and again tells it no more.
    const said = [one.lines.length, two.lines.length];
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await failure(one.peers.request(two.info, ask(1), 1000))).not.toBe('answered');
      await clock.runFor(10);
    }
    expect([one.lines.length, two.lines.length]).toEqual(said);
  });

  it('tells a refusal again once the two have come together in between', () => {
    const lines: string[] = [];
    const refusals = new Refusals({ warn: (line) => lines.push(line) }, clock);
    refusals.tell('b', 'secret', '1');
    refusals.tell('b', 'secret', '2');
    refusals.tell('b', 'cluster', '3');
    refusals.over('b');
    refusals.tell('b', 'cluster', '4');
    expect(lines).toEqual(['1', '3', '4']);
  });
});

describe('replication channels', () => {
  it('are handed over with the identity of the follower, and carry bytes both ways', async () => {
    const one = await node(1);
    const two = await node(2);
    let taken: { channel: Channel; follower: { id: number; epoch: number } } | null = null;
    two.peers.onStream((channel, follower) => {
      taken = { channel, follower };
      channel.onMessage((message) => channel.send([Buffer.from(message), Buffer.from('!')]));
    });
    const channel = await clock.runUntilSettled(one.peers.openStream(two.info, 1000), 5000);
    expect(taken).toMatchObject({ follower: { id: 1, epoch: 2 ** 40 + 1 } });
    const heard: string[] = [];
    channel.onMessage((message) => heard.push(message.toString()));
    channel.send([Buffer.from('hel'), Buffer.from('lo')]);
    await clock.runFor(10);
    expect(heard).toEqual(['hello!']);
  });

  it('end when the peer is forgotten', async () => {
    const one = await node(1);
    const two = await node(2);
    two.peers.onStream((channel) => channel.onMessage(() => {}));
    const channel = await clock.runUntilSettled(one.peers.openStream(two.info, 1000), 5000);
    let reason = '';
    channel.onClose((why) => {
      reason = why;
    });
    one.peers.forget(2);
    await clock.runFor(10);
    expect(reason).toContain('gone');
  });
});

describe('the peer endpoint', () => {
  it('answers plain HTTP with what it was handed', async () => {
    const two = await node(2);
    const port = two.info.endpoints[0]?.port ?? 0;
    expect(await network.get('host2', port, '/metrics')).toMatchObject({ status: 200, body: '/metrics' });
  });
});
