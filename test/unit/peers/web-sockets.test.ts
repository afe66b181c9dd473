/** Peers over real WebSockets on the loopback: handshake, requests, a replication channel, plain HTTP. */
import { afterEach, describe, expect, it } from 'vitest';
import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { createPeers, type ListeningPeers } from '../../../broker/peers/peers.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { webSocketChannels } from '../../../broker/platform/web-socket-channels.ts';

const started: ListeningPeers[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((peers) => peers.close()));
});

async function node(
  id: number,
  sharedSecret: string,
): Promise<{ peers: ListeningPeers; info: BrokerInfo; port: number }> {
  const peers = createPeers({
    channels: webSocketChannels(),
    clock: systemClock,
    random: systemRandom,
    diagnostics: silent,
    brokerId: id,
    brokerEpoch: () => id,
    clusterId: 'cluster',
    sharedSecret,
    maxMessageBytes: 10_000_000,
    maxInFlightRequests: 10,
    maxHandshakes: 10,
    maxHandshakesPerAddress: 10,
    tls: null,
    handshakeTimeoutMs: 5000,
    http: async ({ path }) => ({ status: 200, contentType: 'text/plain', body: `you asked for ${path}` }),
  });
  started.push(peers);
  const { port } = await peers.listen({ host: '127.0.0.1', port: 0 });
  const endpoints = [{ listener: PEER_LISTENER, host: '127.0.0.1', port, securityProtocol: 'PLAINTEXT' }];
  return { peers, info: { id, epoch: id, rack: null, endpoints }, port };
}

describe('peers over WebSockets', () => {
  it('ask and answer, and refuse who does not know the secret', async () => {
    const [one, two, stranger] = [await node(1, 's'), await node(2, 's'), await node(3, 'x')];
    two.peers.handle('AllocateProducerIds', ({ brokerEpoch }, from) => ({
      error: from === 1 ? ErrorCode.NONE : ErrorCode.UNKNOWN_SERVER_ERROR,
      producerIdStart: brokerEpoch,
      producerIdLength: 1,
    }));
    const request = { type: 'AllocateProducerIds' as const, brokerId: 1, brokerEpoch: 2 ** 50 };
    expect(await one.peers.request(two.info, request, 5000)).toEqual({
      error: ErrorCode.NONE,
      producerIdStart: 2 ** 50,
      producerIdLength: 1,
    });
    await expect(stranger.peers.request(two.info, request, 5000)).rejects.toThrow(
      'the shared secrets differ',
    );
  });

  it('carry megabytes on a replication channel, unchanged', async () => {
    const [one, two] = [await node(1, ''), await node(2, '')];
    const data = systemRandom.bytes(3_000_000);
    let released = 0;
    two.peers.onStream((channel) => {
      channel.onMessage(() => {
        for (let at = 0; at < data.length; at += 1_000_000) {
          channel.send([Buffer.from('x'), data.subarray(at, at + 1_000_000)], () => {
            released += 1;
          });
        }
      });
    });
    const channel = await one.peers.openStream(two.info, 5000);
    const heard: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      channel.onMessage((message) => {
        heard.push(Buffer.from(message.subarray(1)));
        if (heard.length === 3) resolve();
      });
    });
    channel.send([Buffer.from('go')]);
    await all;
    expect(Buffer.concat(heard).equals(data)).toBe(true);
    expect(released).toBe(3);
  });

  it('leave plain HTTP to whoever answers it', async () => {
    const one = await node(1, '');
    const answer = await fetch(`http://127.0.0.1:${one.port}/metrics`);
    expect(await answer.text()).toBe('you asked for /metrics');
  });
});
