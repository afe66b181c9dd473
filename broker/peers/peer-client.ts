/**
 * The dialling side of the peers: one control channel to one broker, opened when there is something to
 * ask and kept. Requests leave in call order, also those that were asked while the channel was still
 * being opened; whoever is not answered in time, or whose channel breaks, is told so with
 * PeerUnreachable. Nothing is asked twice here: whether to repeat is the asker's decision.
 * A request that times out closes the channel, as Kafka's NetworkClient does, because a peer that does
 * not answer may not be there any more.
 */
import type { Channel, ChannelNetwork } from '../platform/channels.ts';
import type { Timer } from '../platform/clock.ts';
import type { BrokerId } from '../types.ts';
import { asInteger, asMap, decodeEnvelope, encodeEnvelope, sizeOf } from './envelope.ts';
import {
  type Challenge,
  type ChannelRole,
  type HandshakeMessage,
  type Hello,
  MAX_HANDSHAKE_BYTES,
  NONCE_BYTES,
  proofOf,
  readHandshakeMessage,
  SECRETS_DIFFER,
  sameBytes,
} from './handshake.ts';
import type { PeerContext } from './peer-server.ts';
import { PeerUnreachable } from './peers.contract.ts';
import { rewirableChannel } from './rewirable-channel.ts';

export interface PeerAddress {
  readonly brokerId: BrokerId;
  readonly host: string;
  readonly port: number;
}

/** Dials a broker and runs the handshake; rejects with PeerUnreachable. */
export async function dialPeer(
  network: ChannelNetwork,
  context: PeerContext,
  to: PeerAddress & { readonly role: ChannelRole },
  timeoutMs: number,
): Promise<Channel> {
  const started = context.clock.nowMs();
  let dialled: Channel;
  try {
    dialled = await network.dial({
      host: to.host,
      port: to.port,
      timeoutMs,
      maxMessageBytes: MAX_HANDSHAKE_BYTES,
      brokerId: to.brokerId,
      ...(context.tls === null ? {} : { tls: context.tls.clientEnd() }),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (context.tls !== null && !isNobodyThere(error)) {
      const line = `No channel to broker ${to.brokerId} at ${to.host}:${to.port}: ${why}`;
      context.refusals.tell(calledOf(to), why, line);
    }
    throw new PeerUnreachable(`broker ${to.brokerId} at ${to.host}:${to.port} cannot be reached: ${why}`);
  }
  const leftMs = timeoutMs - (context.clock.nowMs() - started);
  return greet(rewirableChannel(dialled), context, to, Math.max(1, leftMs));
}

/** As while a broker is down, which others tell of. */
function isNobodyThere(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ECONNREFUSED' || code === 'ETIMEDOUT' || code === 'ECONNRESET';
}

function greet(
  channel: Channel,
  context: PeerContext,
  to: PeerAddress & { readonly role: ChannelRole },
  timeoutMs: number,
): Promise<Channel> {
  const hello: Hello = {
    type: 'hello',
    ...context.identity(),
    role: to.role,
    expectedBrokerId: to.brokerId,
    nonce: context.random.bytes(NONCE_BYTES),
  };
  return new Promise((resolve, reject) => {
    let challenge: Challenge | null = null;
    const timer = context.clock.after(timeoutMs, () => channel.close('the handshake took too long'));
    channel.onClose((reason) => {
      timer.cancel();
      reject(new PeerUnreachable(`broker ${to.brokerId} at ${to.host}:${to.port}: ${reason}`));
    });
    channel.onMessage((message) => {
      const said = readSafely(message);
      if (said?.type === 'challenge' && challenge === null) {
        challenge = said;
        const proof = proofOf('dial', hello, challenge, context.sharedSecret);
        channel.send(encodeEnvelope({ type: 'proof', proof }));
      } else if (said?.type === 'welcome' && challenge !== null) {
        const right = proofOf('answer', hello, challenge, context.sharedSecret);
        if (!sameBytes(right, said.proof)) return refuse(channel, context, to);
        timer.cancel();
        context.refusals.over(calledOf(to));
        channel.allowMessages(context.maxMessageBytes);
        channel.onMessage(() => {});
        resolve(channel);
      } else if (said?.type === 'refused') {
        const line = `Broker ${to.brokerId} at ${channel.remote} refuses us: ${said.reason}`;
        context.refusals.tell(calledOf(to), said.reason, line);
        channel.close(`refused: ${said.reason}`);
      } else {
        channel.close('unexpected handshake message');
      }
    });
    channel.send(encodeEnvelope(hello));
  });
}

function refuse(
  channel: Channel,
  context: PeerContext,
  to: PeerAddress & { readonly role: ChannelRole },
): void {
  const line = `Refused broker ${to.brokerId} at ${channel.remote}: ${SECRETS_DIFFER}`;
  context.refusals.tell(calledOf(to), `ours: ${SECRETS_DIFFER}`, line);
  channel.send(encodeEnvelope({ type: 'refused', reason: SECRETS_DIFFER }));
  channel.close(SECRETS_DIFFER);
}

/** Whom we dial, and for what: the one may be refused and the other not. */
function calledOf({ brokerId, host, port, role }: PeerAddress & { readonly role: ChannelRole }): string {
  return `${role} to ${brokerId} at ${host}:${port}`;
}

function readSafely(message: Buffer): HandshakeMessage | null {
  try {
    return readHandshakeMessage(decodeEnvelope(message).header);
  } catch {
    return null; // closed by the caller as unexpected
  }
}

interface Asked {
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: PeerUnreachable) => void;
  readonly timer: Timer;
}

/**
 * Every request that was accepted is in `#asked`, with a running timer, until it is answered, times out
 * or its channel breaks; those in `#unsent` wait for a channel that is being opened.
 */
export class PeerClient {
  readonly address: PeerAddress;
  readonly #network: ChannelNetwork;
  readonly #context: PeerContext;
  /** By request id, at most `maxInFlightRequests`. */
  readonly #asked = new Map<number, Asked>();
  /** null until the handshake is done, and after the channel broke: the next request opens another. */
  #channel: Channel | null = null;
  /** At most one dial is under way. */
  #dialling = false;
  /** In call order. Some may have timed out meanwhile: those are not sent. */
  #unsent: { id: number; parts: Uint8Array[] }[] = [];
  #nextId = 1;
  #closed = false;

  constructor(network: ChannelNetwork, context: PeerContext, address: PeerAddress) {
    this.#network = network;
    this.#context = context;
    this.address = address;
  }

  /**
   * The answer's `response`, as it came. Rejects with PeerUnreachable when there is none within
   * `timeoutMs`.
   */
  request(type: string, request: unknown, timeoutMs: number): Promise<unknown> {
    const { maxInFlightRequests, maxMessageBytes, clock } = this.#context;
    if (this.#closed) return Promise.reject(this.#unreachable('the connection was closed'));
    if (this.#asked.size >= maxInFlightRequests) {
      return Promise.reject(this.#unreachable(`${maxInFlightRequests} requests are in flight already`));
    }
    const id = this.#nextId++;
    const parts = encodeEnvelope({ id, type, request });
    if (sizeOf(parts) > maxMessageBytes) {
      return Promise.reject(this.#unreachable(`${type} exceeds peer.max.message.bytes`));
    }
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => this.#timedOut(id, type, timeoutMs));
      this.#asked.set(id, { resolve, reject, timer });
      if (this.#channel?.open === true) this.#channel.send(parts);
      else {
        this.#unsent.push({ id, parts });
        this.#open(timeoutMs);
      }
    });
  }

  /** Rejects what is under way and closes the channel for good. */
  close(reason: string): void {
    this.#closed = true;
    this.#failAll(this.#unreachable(reason));
    this.#channel?.close(reason);
    this.#channel = null;
  }

  #open(timeoutMs: number): void {
    if (this.#dialling) return;
    this.#dialling = true;
    dialPeer(this.#network, this.#context, { ...this.address, role: 'control' }, timeoutMs).then(
      (channel) => {
        this.#dialling = false;
        if (this.#closed) channel.close('no longer needed');
        else this.#opened(channel);
      },
      (error: unknown) => {
        this.#dialling = false;
        this.#failAll(error instanceof PeerUnreachable ? error : this.#unreachable(String(error)));
      },
    );
  }

  #opened(channel: Channel): void {
    this.#channel = channel;
    channel.onMessage((message) => this.#answered(channel, message));
    channel.onClose((reason) => {
      if (this.#channel !== channel) return;
      this.#channel = null;
      this.#failAll(this.#unreachable(`the connection broke: ${reason}`));
    });
    const unsent = this.#unsent;
    this.#unsent = [];
    // Who has timed out meanwhile must not be asked any more: the asker may have asked again.
    for (const { id, parts } of unsent) if (this.#asked.has(id)) channel.send(parts);
  }

  #answered(channel: Channel, message: Buffer): void {
    try {
      const map = asMap(decodeEnvelope(message).header);
      const asked = this.#take(asInteger(map['id']));
      asked?.resolve(map['response']);
    } catch (error) {
      this.#context.diagnostics.warn(`Broker ${this.address.brokerId} sent a malformed response`, error);
      channel.close('malformed response');
    }
  }

  #timedOut(id: number, type: string, timeoutMs: number): void {
    this.#take(id)?.reject(this.#unreachable(`no answer to ${type} within ${timeoutMs} ms`));
    const channel = this.#channel;
    if (channel === null) return;
    this.#channel = null;
    this.#failAll(this.#unreachable(`the connection was closed because ${type} timed out`));
    channel.close(`${type} timed out`);
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.timer.cancel();
    return asked;
  }

  #failAll(error: PeerUnreachable): void {
    this.#unsent = [];
    for (const id of [...this.#asked.keys()]) this.#take(id)?.reject(error);
  }

  #unreachable(reason: string): PeerUnreachable {
    return new PeerUnreachable(`broker ${this.address.brokerId}: ${reason}`);
  }
}
