/**
 * The answering side of the peers: takes channels that other brokers dial, runs the handshake, answers
 * requests on control channels in the order of their arrival, and hands stream channels to replication.
 * A new control channel of a broker replaces its old one, so that nothing that was sent on the old one
 * can be acted on after something sent on the new one.
 */

import { ErrorCode } from '../errors.ts';
import type { Channel } from '../platform/channels.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Random } from '../platform/random.ts';
import type { BrokerId } from '../types.ts';
import {
  asInteger,
  asMap,
  asText,
  decodeEnvelope,
  encodeEnvelope,
  MalformedMessage,
  sizeOf,
} from './envelope.ts';
import {
  type Challenge,
  type HandshakeMessage,
  type HandshakeRefusal,
  type Hello,
  NONCE_BYTES,
  type PeerIdentity,
  proofOf,
  readHandshakeMessage,
  refusalBeforeProof,
  refusalOfHello,
  SECRETS_DIFFER,
  sameBytes,
} from './handshake.ts';
import { HandshakeSlots } from './handshake-slots.ts';
import { isLoopback, NO_BROKERS_CERTIFICATE, SECRET_NEEDED } from './loopback.ts';
import type { PeerTls } from './peer-tls.ts';
import type { Refusals } from './refusals.ts';
import { rewirableChannel } from './rewirable-channel.ts';

/** What both sides of the peers need to know and to use. */
export interface PeerContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly refusals: Refusals;
  readonly identity: () => PeerIdentity;
  readonly sharedSecret: string;
  readonly tls: PeerTls | null;
  readonly maxMessageBytes: number;
  readonly maxInFlightRequests: number;
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number;
  readonly handshakeTimeoutMs: number;
}

interface PeerServerHooks {
  /** Answers one request; never rejects. */
  readonly answer: (type: string, request: unknown, from: BrokerId) => Promise<unknown>;
  readonly takeStream: (channel: Channel, follower: { id: BrokerId; epoch: number }) => void;
}

export class PeerServer {
  readonly #context: PeerContext;
  readonly #hooks: PeerServerHooks;
  /** All open channels that others have dialled, whatever stage they are in. */
  readonly #channels = new Set<Channel>();
  /** The welcomed control channel of each broker: one at most. */
  readonly #control = new Map<BrokerId, Channel>();
  readonly #slots: HandshakeSlots;

  constructor(context: PeerContext, hooks: PeerServerHooks) {
    this.#context = context;
    this.#slots = new HandshakeSlots(context.maxHandshakes, context.maxHandshakesPerAddress);
    this.#hooks = hooks;
  }

  /** Takes a channel that was just opened to this broker. */
  accept(opened: Channel): void {
    const channel = rewirableChannel(opened, () => this.#channels.delete(channel));
    this.#channels.add(channel);
    const stranger = this.#refusalOfStranger(channel);
    if (stranger !== null) {
      this.#refuse(channel, { reason: stranger, detail: '' });
      return;
    }
    const slot = this.#slots.enter(channel.remoteAddress, (reason) => channel.close(reason));
    if (slot === null) channel.close('too many handshakes at once');
    else this.#greet(channel, () => this.#slots.leave(slot));
  }

  /** Why somebody may not even try; null when a certificate, this machine, or soon the secret speaks for it. */
  #refusalOfStranger({ remoteAddress, peerCertificate }: Channel): string | null {
    const { sharedSecret, tls } = this.#context;
    if (sharedSecret !== '') return null;
    if (peerCertificate !== null && tls !== null) {
      return tls.isBrokers(peerCertificate) ? null : NO_BROKERS_CERTIFICATE;
    }
    return isLoopback(remoteAddress) ? null : SECRET_NEEDED;
  }

  /** Closes the control channel that `broker` has opened to this one. */
  forget(broker: BrokerId): void {
    this.#control.get(broker)?.close('the broker has gone');
  }

  close(): void {
    for (const channel of [...this.#channels]) channel.close('the broker is shutting down');
  }

  #greet(channel: Channel, over: () => void): void {
    const { clock, handshakeTimeoutMs } = this.#context;
    const timer = clock.after(handshakeTimeoutMs, () => channel.close('the handshake took too long'));
    const finish = (): void => {
      timer.cancel();
      over();
    };
    channel.onClose(finish);
    let hello: Hello | null = null;
    let challenge: Challenge | null = null;
    channel.onMessage((message) => {
      const said = this.#read(channel, message);
      if (said === null) return;
      if (said.type === 'refused') {
        const line = `Peer ${channel.remote} refuses us: ${said.reason}`;
        this.#context.refusals.tell(callerOf(channel, hello), said.reason, line);
        channel.close('refused by the peer');
      } else if (said.type === 'hello' && hello === null) {
        hello = said;
        challenge = this.#challenge(channel, said);
      } else if (said.type === 'proof' && hello !== null && challenge !== null) {
        const refusal = this.#refusalOfProof(hello, challenge, said.proof);
        if (refusal !== null) return this.#refuse(channel, refusal, hello);
        finish();
        this.#welcome(channel, hello, challenge);
      } else {
        channel.close('unexpected handshake message');
      }
    });
  }

  #read(channel: Channel, message: Buffer): HandshakeMessage | null {
    try {
      return readHandshakeMessage(decodeEnvelope(message).header);
    } catch (error) {
      const why = error instanceof MalformedMessage ? error.message : String(error);
      const line = `Peer ${channel.remote} sent a malformed handshake: ${why}`;
      this.#context.refusals.tell(callerOf(channel, null), why, line);
      channel.close('malformed handshake');
      return null;
    }
  }

  #challenge(channel: Channel, hello: Hello): Challenge | null {
    const refusal = refusalBeforeProof(this.#context.identity(), hello);
    if (refusal !== null) {
      this.#refuse(channel, refusal, hello);
      return null;
    }
    const challenge: Challenge = { type: 'challenge', nonce: this.#context.random.bytes(NONCE_BYTES) };
    channel.send(encodeEnvelope(challenge));
    return challenge;
  }

  #refusalOfProof(hello: Hello, challenge: Challenge, proof: Buffer): HandshakeRefusal | null {
    const right = proofOf('dial', hello, challenge, this.#context.sharedSecret);
    if (!sameBytes(right, proof)) return { reason: SECRETS_DIFFER, detail: '' };
    return refusalOfHello(this.#context.identity(), hello);
  }

  #refuse(channel: Channel, { reason, detail }: HandshakeRefusal, hello?: Hello): void {
    const what = hello === undefined ? 'a channel' : `${hello.role} channel of broker ${hello.brokerId}`;
    const more = detail === '' ? '' : ` (${detail})`;
    const line = `Refused ${what} from ${channel.remote}: ${reason}${more}`;
    this.#context.refusals.tell(callerOf(channel, hello), reason + more, line);
    channel.send(encodeEnvelope({ type: 'refused', reason }));
    channel.close(reason);
  }

  #welcome(channel: Channel, hello: Hello, challenge: Challenge): void {
    this.#slots.welcomed(channel.remoteAddress);
    this.#context.refusals.over(callerOf(channel, hello));
    channel.allowMessages(this.#context.maxMessageBytes);
    const proof = proofOf('answer', hello, challenge, this.#context.sharedSecret);
    channel.send(encodeEnvelope({ type: 'welcome', proof }));
    channel.identified?.(hello.brokerId);
    if (hello.role === 'stream') {
      this.#hooks.takeStream(channel, { id: hello.brokerId, epoch: hello.brokerEpoch });
      return;
    }
    this.#control.get(hello.brokerId)?.close('replaced by a newer channel');
    this.#control.set(hello.brokerId, channel);
    channel.onClose(() => {
      if (this.#control.get(hello.brokerId) === channel) this.#control.delete(hello.brokerId);
    });
    this.#serve(channel, hello.brokerId);
  }

  #serve(channel: Channel, from: BrokerId): void {
    let inFlight = 0;
    channel.onMessage((message) => {
      if (!channel.open) return;
      let id: number;
      let type: string;
      let request: unknown;
      try {
        const map = asMap(decodeEnvelope(message).header);
        id = asInteger(map['id']);
        type = asText(map['type']);
        request = map['request'];
        const sender = senderOf(asMap(request));
        if (sender !== from) throw new MalformedMessage(`it speaks for broker ${sender}`);
      } catch (error) {
        this.#context.diagnostics.warn(`Broker ${from} sent a malformed request`, error);
        channel.close('malformed request');
        return;
      }
      if (inFlight >= this.#context.maxInFlightRequests) {
        channel.close('too many requests in flight');
        return;
      }
      inFlight += 1;
      void this.#hooks.answer(type, request, from).then((response) => {
        inFlight -= 1;
        channel.send(this.#encodeResponse(id, type, response));
      });
    });
  }

  #encodeResponse(id: number, type: string, response: unknown): Uint8Array[] {
    const parts = encodeEnvelope({ id, response });
    if (sizeOf(parts) <= this.#context.maxMessageBytes) return parts;
    this.#context.diagnostics.error(`The response to ${type} exceeds peer.max.message.bytes`);
    return encodeEnvelope({ id, response: { error: ErrorCode.UNKNOWN_SERVER_ERROR, partitions: [] } });
  }
}

/** Whoever dials us, without the port, which is another one each time. */
function callerOf({ remoteAddress }: Channel, hello: Hello | null | undefined): string {
  return hello == null ? remoteAddress : `${remoteAddress} ${hello.role} of ${hello.brokerId}`;
}

/** Whom a request claims to come from. */
function senderOf(request: Readonly<Record<string, unknown>>): BrokerId {
  return asInteger(request['controllerId'] ?? request['brokerId']);
}
