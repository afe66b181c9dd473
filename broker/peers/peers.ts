/**
 * The peers of one broker: the server others dial, a client for each broker it has asked, and the
 * short way to itself. One WebSocket endpoint serves both control and replication channels, and the
 * plain HTTP paths that broker.ts hands in (metrics, health).
 */

import { type BrokerInfo, PEER_LISTENER } from '../cluster.ts';
import { ErrorCode } from '../errors.ts';
import type {
  Channel,
  ChannelListener,
  ChannelNetwork,
  HttpAnswer,
  HttpRequest,
} from '../platform/channels.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Random } from '../platform/random.ts';
import type { BrokerId } from '../types.ts';
import { MAX_HANDSHAKE_BYTES, PROTOCOL_REVISION } from './handshake.ts';
import { secretAdvice } from './loopback.ts';
import type { PeerRequest, PeerRequestType, PeerResponseTo } from './messages.ts';
import { dialPeer, type PeerAddress, PeerClient } from './peer-client.ts';
import { type PeerContext, PeerServer } from './peer-server.ts';
import type { PeerTls } from './peer-tls.ts';
import { type PeerHandler, type Peers, PeerUnreachable } from './peers.contract.ts';
import { Refusals } from './refusals.ts';
import { rewirableChannel } from './rewirable-channel.ts';

export interface PeersOptions {
  readonly channels: ChannelNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly brokerId: BrokerId;
  /** czxid of the current registration, -1 before the first. */
  readonly brokerEpoch: () => number;
  readonly clusterId: string;
  /** `peer.shared.secret` */
  readonly sharedSecret: string;
  /** `peer.max.message.bytes` */
  readonly maxMessageBytes: number;
  /** `queued.max.requests`: requests in flight per peer. */
  readonly maxInFlightRequests: number;
  /** `peer.max.handshakes` */
  readonly maxHandshakes: number;
  /** `peer.max.handshakes.per.ip` */
  readonly maxHandshakesPerAddress: number;
  /** `socket.connection.setup.timeout.ms` */
  readonly handshakeTimeoutMs: number;
  /** null: nothing is encrypted. */
  readonly tls: PeerTls | null;
  /** Answers plain HTTP requests on the peer endpoint. */
  readonly http: (request: HttpRequest) => Promise<HttpAnswer>;
}

/** Peers that can be started and stopped. */
export interface ListeningPeers extends Peers {
  /** Binds the peer endpoint; rejects with Node's listen error. */
  listen(endpoint: { host: string; port: number }): Promise<{ port: number }>;
  /** Closes the endpoint and every channel; requests under way are rejected. */
  close(): Promise<void>;
}

type AnyHandler = (request: never, from: BrokerId) => unknown;

/** Makes the peers of a broker; nothing is bound or dialled yet. */
export function createPeers(options: PeersOptions): ListeningPeers {
  const context: PeerContext = {
    clock: options.clock,
    random: options.random,
    diagnostics: options.diagnostics,
    refusals: new Refusals(options.diagnostics, options.clock),
    sharedSecret: options.sharedSecret,
    tls: options.tls,
    maxMessageBytes: options.maxMessageBytes,
    maxInFlightRequests: options.maxInFlightRequests,
    maxHandshakes: options.maxHandshakes,
    maxHandshakesPerAddress: options.maxHandshakesPerAddress,
    handshakeTimeoutMs: options.handshakeTimeoutMs,
    identity: () => ({
      revision: PROTOCOL_REVISION,
      clusterId: options.clusterId,
      brokerId: options.brokerId,
      brokerEpoch: options.brokerEpoch(),
    }),
  };
  return new ChannelPeers(options, context);
}

class ChannelPeers implements ListeningPeers {
  readonly #options: PeersOptions;
  readonly #context: PeerContext;
  readonly #server: PeerServer;
  /** One for each broker asked so far, at the endpoint it was last asked at. */
  readonly #clients = new Map<BrokerId, PeerClient>();
  /** Open replication channels that this broker has dialled, with their leader. */
  readonly #streams = new Map<Channel, BrokerId>();
  readonly #handlers = new Map<string, AnyHandler>();
  #listener: ChannelListener | null = null;
  /** Turns streams away until replication has called `onStream`. */
  #acceptStream: (channel: Channel, follower: { id: BrokerId; epoch: number }) => void;
  #closed = false;

  constructor(options: PeersOptions, context: PeerContext) {
    this.#options = options;
    this.#context = context;
    this.#acceptStream = (channel) => channel.close('replication is not ready');
    this.#server = new PeerServer(context, {
      answer: (type, request, from) => this.#answer(type, request, from),
      takeStream: (channel, follower) => this.#acceptStream(channel, follower),
    });
  }

  async listen(endpoint: { host: string; port: number }): Promise<{ port: number }> {
    const { sharedSecret, tls, diagnostics, maxHandshakes, handshakeTimeoutMs } = this.#options;
    const advice = secretAdvice(sharedSecret, endpoint.host, tls?.serverEnd().clientAuth === 'required');
    if (advice !== null) diagnostics.warn(advice);
    this.#listener = await this.#options.channels.listen({
      ...endpoint,
      maxMessageBytes: MAX_HANDSHAKE_BYTES,
      accept: (channel) => this.#server.accept(channel),
      ...(tls === null
        ? {}
        : {
            tls: {
              end: tls.serverEnd,
              handshakeTimeoutMs,
              mostHandshakes: maxHandshakes,
              refused: (host, reason) => this.#refused(host, reason),
            },
          }),
      http: this.#options.http,
    });
    return { port: this.#listener.port };
  }

  #refused(host: string, reason: string): void {
    this.#context.refusals.tell(`${host} tls`, reason, `Refused a peer from ${host}: ${reason}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#clients.values()) client.close('the broker is shutting down');
    this.#clients.clear();
    for (const channel of [...this.#streams.keys()]) channel.close('the broker is shutting down');
    this.#server.close();
    await this.#listener?.close();
  }

  request<R extends PeerRequest>(to: BrokerInfo, request: R, timeoutMs: number): Promise<PeerResponseTo<R>> {
    if (to.id === this.#options.brokerId) {
      return this.#askOneself(request, timeoutMs) as Promise<PeerResponseTo<R>>;
    }
    const client = this.#clientOf(to);
    if (client instanceof PeerUnreachable) return Promise.reject(client);
    return client.request(request.type, request, timeoutMs) as Promise<PeerResponseTo<R>>;
  }

  handle<T extends PeerRequestType>(type: T, handler: PeerHandler<T>): void {
    this.#handlers.set(type, handler);
  }

  async openStream(to: BrokerInfo, timeoutMs: number): Promise<Channel> {
    const address = peerAddress(to);
    if (address === null) throw new PeerUnreachable(`broker ${to.id} has no ${PEER_LISTENER} endpoint`);
    if (this.#closed) throw new PeerUnreachable('the broker is shutting down');
    const dialled = { ...address, role: 'stream' as const };
    const channel = await dialPeer(this.#options.channels, this.#context, dialled, timeoutMs);
    if (this.#closed) {
      channel.close('the broker is shutting down');
      throw new PeerUnreachable('the broker is shutting down');
    }
    this.#streams.set(channel, to.id);
    return rewirableChannel(channel, () => this.#streams.delete(channel));
  }

  onStream(accept: (channel: Channel, follower: { id: BrokerId; epoch: number }) => void): void {
    this.#acceptStream = accept;
  }

  forget(broker: BrokerId): void {
    this.#clients.get(broker)?.close('the broker has gone');
    this.#clients.delete(broker);
    this.#server.forget(broker);
    for (const [channel, id] of [...this.#streams]) if (id === broker) channel.close('the broker has gone');
  }

  #clientOf(to: BrokerInfo): PeerClient | PeerUnreachable {
    const address = peerAddress(to);
    if (address === null) return new PeerUnreachable(`broker ${to.id} has no ${PEER_LISTENER} endpoint`);
    if (this.#closed) return new PeerUnreachable('the broker is shutting down');
    const known = this.#clients.get(to.id);
    if (known !== undefined) {
      if (known.address.host === address.host && known.address.port === address.port) return known;
      known.close('the endpoint of the broker has changed');
    }
    const client = new PeerClient(this.#options.channels, this.#context, address);
    this.#clients.set(to.id, client);
    return client;
  }

  #askOneself(request: PeerRequest, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(timeoutMs, () => {
        reject(new PeerUnreachable(`no answer to ${request.type} from this broker within ${timeoutMs} ms`));
      });
      // Through the queue of microtasks, so that nobody is called back while still asking.
      void Promise.resolve()
        .then(() => this.#answer(request.type, request, this.#options.brokerId))
        .then((response) => {
          timer.cancel();
          resolve(response);
        });
    });
  }

  /** Never rejects: a handler that fails, or is missing, is an answer too. */
  async #answer(type: string, request: unknown, from: BrokerId): Promise<unknown> {
    try {
      const handler = this.#handlers.get(type);
      if (handler === undefined) throw new Error(`there is no handler of ${type}`);
      return await handler(request as never, from);
    } catch (error) {
      this.#options.diagnostics.error(`Could not answer ${type} of broker ${from}`, error);
      return { error: ErrorCode.UNKNOWN_SERVER_ERROR, partitions: [] };
    }
  }
}

/** Where a broker's peers listen, or null when it has not registered that. */
function peerAddress(broker: BrokerInfo): PeerAddress | null {
  const endpoint = broker.endpoints.find((candidate) => candidate.listener === PEER_LISTENER);
  return endpoint === undefined ? null : { brokerId: broker.id, host: endpoint.host, port: endpoint.port };
}
