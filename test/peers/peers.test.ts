/** Peers on a simulated network: handshakes and their refusals, requests in order, limits, breakage. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AllocateProducerIdsRequest, BrokerInfo } from '../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../broker/peers/peers.contract.ts';
import { createPeers, type ListeningPeers, type PeersOptions } from '../../broker/peers/peers.ts';
import type { Channel } from '../../broker/platform/channels.ts';
import { lineDiagnostics } from '../../broker/platform/diagnostics.ts';
import { ErrorCode } from '../../broker/protocol/errors.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { SimulatedNetwork } from '../support/simulated-network.ts';
import { simulatedRandom } from '../support/simulated-random.ts';

interface Node {
  readonly peers: ListeningPeers;
  readonly info: BrokerInfo;
  readonly lines: string[];
}

let clock: SimulatedClock;
let network: SimulatedNetwork;

beforeEach(() => {
  clock = new SimulatedClock();
  network = new SimulatedNetwork({ clock, random: simulatedRandom(7) });
});

async function node(id: number, changed: Partial<PeersOptions> = {}): Promise<Node> {
  const lines: string[] = [];
  const peers = createPeers({
    channels: network.host(`host${id}`).channels,
    clock,
    random: simulatedRandom(id),
    diagnostics: lineDiagnostics(clock, (line) => lines.push(line), 'info'),
    brokerId: id,
    brokerEpoch: () => 2 ** 40 + id,
    clusterId: 'cluster',
    sharedSecret: 'secret',
    maxMessageBytes: 100_000,
    maxInFlightRequests: 10,
    handshakeTimeoutMs: 1000,
    http: async (path) => ({ status: 200, contentType: 'text/plain', body: path }),
    ...changed,
  });
  const { port } = await peers.listen({ host: '', port: 0 });
  const endpoints = [{ listener: 'PEER', host: `host${id}`, port, securityProtocol: 'PLAINTEXT' }];
  return { peers, info: { id, epoch: 2 ** 40 + id, rack: null, endpoints }, lines };
}

const ask = (brokerEpoch: number): AllocateProducerIdsRequest => ({
  type: 'AllocateProducerIds',
  brokerId: 1,
  brokerEpoch,
});

function answering({ peers }: Node): AllocateProducerIdsRequest[] {
  const asked: AllocateProducerIdsRequest[] = [];
  peers.handle('AllocateProducerIds', (request) => {
    asked.push(request);
    return { error: 0, producerIdStart: request.brokerEpoch * 1000, producerIdLength: 1000 };
  });
  return asked;
}

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
    const failed = failure(one.peers.request(two.info, ask(1), 60_000));
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
    ['no secret', { sharedSecret: '' }, 'shared secrets differ'],
    ['another broker id', { brokerId: 3 }, 'not broker 2'],
  ])('refuses %s, and both sides say why', async (_what, changed, reason) => {
    const one = await node(1);
    const two = await node(2, changed);
    answering(two);
    const refused = await failure(one.peers.request(two.info, ask(1), 1000));
    expect(refused).not.toBe('answered');
    await clock.runFor(10);
    expect(one.lines.join('\n')).toContain(reason);
    expect(two.lines.join('\n')).toContain(reason);
  });

  it('refuses a peer of another protocol revision', async () => {
    const { encodeEnvelope, decodeEnvelope } = await import('../../broker/peers/envelope.ts');
    const two = await node(2);
    const port = two.info.endpoints[0]?.port ?? 0;
    const dialled = network
      .host('host1')
      .channels.dial({ host: 'host2', port, timeoutMs: 1000, maxMessageBytes: 1e6 });
    const channel = await clock.runUntilSettled(dialled, 1000);
    const heard: unknown[] = [];
    channel.onMessage((message) => heard.push(decodeEnvelope(message).header));
    const identity = { revision: 2, clusterId: 'cluster', brokerId: 1, brokerEpoch: 1 };
    const rest = { role: 'control', expectedBrokerId: 2, nonce: Buffer.alloc(32) };
    channel.send(encodeEnvelope({ type: 'hello', ...identity, ...rest }));
    await clock.runFor(100);
    expect(heard).toEqual([{ type: 'refused', reason: expect.stringContaining('revision 2') }]);
    expect(channel.open).toBe(false);
  });

  it('does not let a stranger in who repeats what he has heard', async () => {
    const { encodeEnvelope, decodeEnvelope, asMap } = await import('../../broker/peers/envelope.ts');
    const two = await node(2);
    const asked = answering(two);
    const port = two.info.endpoints[0]?.port ?? 0;
    const dialled = network
      .host('host1')
      .channels.dial({ host: 'host2', port, timeoutMs: 1000, maxMessageBytes: 1e6 });
    const channel = await clock.runUntilSettled(dialled, 1000);
    channel.onMessage((message) => {
      const map = asMap(decodeEnvelope(message).header);
      if (map['type'] !== 'challenge') return;
      // The other side's own proof, sent back.
      const proof = Buffer.from(map['proof'] as Buffer);
      channel.send(encodeEnvelope({ type: 'proof', proof }));
      channel.send(encodeEnvelope({ id: 1, type: 'AllocateProducerIds', request: ask(1) }));
    });
    const identity = { revision: 1, clusterId: 'cluster', brokerId: 1, brokerEpoch: 1 };
    const rest = { role: 'control', expectedBrokerId: 2, nonce: Buffer.alloc(32) };
    channel.send(encodeEnvelope({ type: 'hello', ...identity, ...rest }));
    await clock.runFor(100);
    expect(asked).toEqual([]);
    expect(channel.open).toBe(false);
    expect(two.lines.join('\n')).toContain('shared secrets differ');
  });

  it('closes a channel on which nobody says who he is', async () => {
    const two = await node(2);
    const port = two.info.endpoints[0]?.port ?? 0;
    const dialled = network
      .host('host1')
      .channels.dial({ host: 'host2', port, timeoutMs: 1000, maxMessageBytes: 1e6 });
    const channel = await clock.runUntilSettled(dialled, 1000);
    channel.onMessage(() => {});
    await clock.runFor(900);
    expect(channel.open).toBe(true);
    await clock.runFor(200);
    expect(channel.open).toBe(false);
  });

  it('closes a channel on bytes that are no handshake', async () => {
    const two = await node(2);
    const port = two.info.endpoints[0]?.port ?? 0;
    for (const bytes of [Buffer.alloc(3), Buffer.alloc(5000), Buffer.from('00000001ff', 'hex')]) {
      const dialled = network
        .host('host1')
        .channels.dial({ host: 'host2', port, timeoutMs: 1000, maxMessageBytes: 1e6 });
      const channel = await clock.runUntilSettled(dialled, 1000);
      channel.onMessage(() => {});
      channel.send([bytes]);
      await clock.runFor(100);
      expect(channel.open).toBe(false);
    }
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
