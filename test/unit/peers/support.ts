/** Peers on a simulated network, and a stranger who speaks the handshake by hand. */

import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { asMap, decodeEnvelope, encodeEnvelope } from '../../../broker/peers/envelope.ts';
import { type Hello, PROTOCOL_REVISION, proofOf } from '../../../broker/peers/handshake.ts';
import type { AllocateProducerIdsRequest } from '../../../broker/peers/messages.ts';
import { createPeers, type ListeningPeers, type PeersOptions } from '../../../broker/peers/peers.ts';
import type { Channel } from '../../../broker/platform/channels.ts';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import { World } from '../../support/world.ts';

export interface Node {
  readonly peers: ListeningPeers;
  readonly info: BrokerInfo;
  readonly lines: string[];
}

export class PeerWorld extends World {
  async node(id: number, changed: Partial<PeersOptions> = {}): Promise<Node> {
    const lines: string[] = [];
    const diagnostics = lineDiagnostics(this.clock, (line) => lines.push(line), 'info');
    const peers = createPeers({
      ...this.platform(`host${id}`, { diagnostics }),
      brokerId: id,
      brokerEpoch: () => 2 ** 40 + id,
      clusterId: 'cluster',
      sharedSecret: 'secret',
      maxMessageBytes: 100_000,
      maxInFlightRequests: 10,
      maxHandshakes: 10,
      maxHandshakesPerAddress: 5,
      tls: null,
      handshakeTimeoutMs: 1000,
      http: async ({ path }) => ({ status: 200, contentType: 'text/plain', body: path }),
      ...changed,
    });
    const { port } = await peers.listen({ host: '', port: 0 });
    const endpoints = [{ listener: PEER_LISTENER, host: `host${id}`, port, securityProtocol: 'PLAINTEXT' }];
    return { peers, info: { id, epoch: 2 ** 40 + id, rack: null, endpoints }, lines };
  }

  /** Somebody on `host` who has opened a channel to a broker, and said nothing yet. */
  async stranger(host: string, to: Node): Promise<Stranger> {
    const endpoint = to.info.endpoints[0];
    const target = { host: endpoint?.host ?? '', port: endpoint?.port ?? 0 };
    const dialled = this.network
      .host(host)
      .channels.dial({ ...target, timeoutMs: 1000, maxMessageBytes: 1_000_000 });
    return new Stranger(await this.clock.runUntilSettled(dialled, 1000));
  }
}

export class Stranger {
  readonly channel: Channel;
  readonly heard: Readonly<Record<string, unknown>>[] = [];
  #answer: (message: Readonly<Record<string, unknown>>) => void = () => {};

  constructor(channel: Channel) {
    this.channel = channel;
    channel.onMessage((message) => {
      const said = asMap(structuredClone(decodeEnvelope(message).header));
      this.heard.push(said);
      this.#answer(said);
    });
  }

  say(header: unknown): void {
    this.channel.send(encodeEnvelope(header));
  }

  /** Says hello and, challenged, proves to know `secret`; then says `afterwards`. */
  greet(hello: Hello, secret: string, afterwards: readonly unknown[] = []): void {
    this.#answer = (said) => {
      if (said['type'] !== 'challenge') return;
      const nonce = Buffer.from(said['nonce'] as Uint8Array);
      this.say({ type: 'proof', proof: proofOf('dial', hello, { type: 'challenge', nonce }, secret) });
      for (const message of afterwards) this.say(message);
    };
    this.say(hello);
  }
}

/** The hello of broker 1 to broker 2. */
export function helloWith(changed: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    revision: PROTOCOL_REVISION,
    clusterId: 'cluster',
    brokerId: 1,
    brokerEpoch: 2 ** 40 + 1,
    role: 'control',
    expectedBrokerId: 2,
    nonce: Buffer.alloc(32, 9),
    ...changed,
  };
}

export function ask(brokerEpoch: number, brokerId = 1): AllocateProducerIdsRequest {
  return { type: 'AllocateProducerIds', brokerId, brokerEpoch };
}

/** Answers, and keeps what it was asked. */
export function answering({ peers }: Node): AllocateProducerIdsRequest[] {
  const asked: AllocateProducerIdsRequest[] = [];
  peers.handle('AllocateProducerIds', (request) => {
    asked.push(request);
    return { error: 0, producerIdStart: request.brokerEpoch * 1000, producerIdLength: 1000 };
  });
  return asked;
}
