/** Peers over TLS: who is taken by a certificate, who is not and why, and pages on the same port. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PeerTls } from '../../../broker/peers/peer-tls.ts';
import { createPeers, type ListeningPeers } from '../../../broker/peers/peers.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import type { TlsClientEnd, TlsServerEnd } from '../../../broker/platform/tls.ts';
import { webSocketChannels } from '../../../broker/platform/web-socket-channels.ts';
import { subjectName } from '../../../broker/security/tls/certificate-name.ts';
import { createAuthority, issue } from '../../../scripts/cli/certs/authority.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { BROKER, clientCertificate, clientEnd, EXPIRED, serverEnd, VALID } from '../platform/tls-ends.ts';

/** Of those that say nothing; others have their time on a busy machine. */
const HANDSHAKE_TIMEOUT_MS = 3000;
const LIMIT_MS = 60_000;
const MOST_HANDSHAKES = 20;
const REQUEST = { type: 'AllocateProducerIds' as const, brokerId: 1, brokerEpoch: 1 };

const started: ListeningPeers[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((peers) => peers.close()));
});

interface Ends {
  server: TlsServerEnd;
  client: TlsClientEnd;
}

const mutual = (shown = BROKER): Ends => ({
  server: serverEnd({ clientAuth: 'required' }, shown),
  client: clientEnd({}, shown),
});

async function node(id: number, ends: Ends | null, sharedSecret = '') {
  const lines: string[] = [];
  const tls: PeerTls | null = ends && {
    serverEnd: () => ends.server,
    clientEnd: () => ends.client,
    isBrokers: (certificate) => !subjectName(certificate).includes('mallory'),
  };
  const peers = createPeers({
    channels: webSocketChannels(),
    clock: systemClock,
    random: systemRandom,
    diagnostics: recordingDiagnostics((_level, message) => lines.push(message)),
    brokerId: id,
    brokerEpoch: () => id,
    clusterId: 'cluster',
    sharedSecret,
    tls,
    maxMessageBytes: 10_000_000,
    maxInFlightRequests: 10,
    maxHandshakes: MOST_HANDSHAKES,
    maxHandshakesPerAddress: MOST_HANDSHAKES,
    handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
    http: async ({ path }) => ({ status: 200, contentType: 'text/plain', body: path }),
  });
  started.push(peers);
  peers.handle('AllocateProducerIds', () => ({
    error: ErrorCode.NONE,
    producerIdStart: 7,
    producerIdLength: 1,
  }));
  const { port } = await peers.listen({ host: '127.0.0.1', port: 0 });
  const endpoints = [{ listener: PEER_LISTENER, host: '127.0.0.1', port, securityProtocol: 'SSL' }];
  const info: BrokerInfo = { id, epoch: id, rack: null, endpoints };
  return { peers, info, port, lines };
}

describe('peers over TLS', () => {
  it('ask, answer and stream, by certificates alone or with a secret', async () => {
    for (const secret of ['', 's']) {
      const [one, two] = [await node(1, mutual(), secret), await node(2, mutual(), secret)];
      expect(await one.peers.request(two.info, REQUEST, LIMIT_MS)).toMatchObject({ producerIdStart: 7 });
      const taken = new Promise<Buffer>((resolve) => {
        two.peers.onStream((channel) => {
          channel.onMessage((message) => {
            channel.send([Buffer.from(message)]);
            if (message.length === 1) resolve(Buffer.from(message));
          });
        });
      });
      const channel = await one.peers.openStream(two.info, LIMIT_MS);
      const back: number[] = [];
      channel.onMessage((message) => back.push(message.length));
      for (const size of [3_000_000, 100, 1]) channel.send([Buffer.alloc(size, 1)]);
      await taken;
      await eventually('all comes back', () => back.length === 3);
      expect(back).toEqual([3_000_000, 100, 1]);
    }
  });

  it('are refused without a certificate, with a bad one, and with one that is nobody’s who may', async () => {
    const two = await node(2, mutual());
    const other = await createAuthority('another', VALID);
    const shown = { commonName: 'broker', hosts: ['127.0.0.1'], validity: VALID };
    const cases: [TlsClientEnd, RegExp][] = [
      [clientEnd(), /shown no certificate/],
      [clientEnd({}, await clientCertificate('broker', EXPIRED)), /no good: CERT_HAS_EXPIRED/],
      [clientEnd({}, await issue(other, shown)), /no good/],
      [clientEnd({}, await clientCertificate('mallory')), /nobody in super.users/],
    ];
    for (const [client, reason] of cases) {
      const one = await node(1, { ...mutual(), client });
      await expect(one.peers.request(two.info, REQUEST, LIMIT_MS)).rejects.toThrow();
      await eventually(`a line that says ${reason}`, () => two.lines.some((line) => reason.test(line)));
    }
  });

  it('don’t believe an authority that they don’t know, and say so once', async () => {
    const other = await createAuthority('another', VALID);
    const [one, two] = [
      await node(1, { ...mutual(), client: clientEnd({ trusted: [other.certificate] }, BROKER) }),
      await node(2, mutual()),
    ];
    for (let times = 0; times < 2; times += 1) {
      await expect(one.peers.request(two.info, REQUEST, LIMIT_MS)).rejects.toThrow(/certificate/);
    }
    expect(one.lines.filter((line) => line.includes('No channel to broker 2'))).toHaveLength(1);
  });

  it('take nobody in the clear, nor speak to one who does; pages are for everybody', async () => {
    const [one, two] = [await node(1, null, 's'), await node(2, mutual(), 's')];
    await expect(one.peers.request(two.info, REQUEST, LIMIT_MS)).rejects.toThrow('403');
    expect(two.lines).toContainEqual(expect.stringContaining('it does not speak TLS'));
    await expect(two.peers.request(one.info, { ...REQUEST, brokerId: 2 }, LIMIT_MS)).rejects.toThrow();
    expect(await (await fetch(`http://127.0.0.1:${two.port}/metrics`)).text()).toBe('/metrics');
  });

  it('show a new certificate to whoever comes after it was replaced', async () => {
    const ends = mutual();
    const two = await node(2, ends);
    const [before, after] = [await node(1, mutual()), await node(3, mutual())];
    await before.peers.request(two.info, REQUEST, LIMIT_MS);
    ends.server = serverEnd({ clientAuth: 'required' }, await clientCertificate('elsewhere'));
    await before.peers.request(two.info, REQUEST, LIMIT_MS);
    await expect(after.peers.request(two.info, { ...REQUEST, brokerId: 3 }, LIMIT_MS)).rejects.toThrow(
      /altnames|match/,
    );
  });

  it('cut off who says nothing, or stops in the middle, and serve others meanwhile', async () => {
    const [one, two] = [await node(1, mutual()), await node(2, mutual())];
    const ended = Array.from({ length: 3 * MOST_HANDSHAKES }, (_, at) => {
      const socket = connect(two.port, '127.0.0.1');
      socket.on('error', () => {});
      if (at % 2 === 0) socket.write(Buffer.from([22, 3, 1, 2, 0]));
      return new Promise((resolve) => socket.once('close', resolve));
    });
    expect(await one.peers.request(two.info, REQUEST, LIMIT_MS)).toMatchObject({ producerIdStart: 7 });
    await Promise.all(ended);
  });
});
