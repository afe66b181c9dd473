/**
 * How two brokers learn whom they talk to before anything else is said:
 *
 *     dialling side                           answering side
 *     hello {identity, role, nonce}      →
 *                                        ←    challenge {identity, nonce, proof}   or refused {reason}
 *     proof {proof}  or refused {reason} →
 *                                        ←    welcome   or refused {reason}
 *
 * Each proof is an HMAC-SHA256 under the shared secret over both identities and both nonces, with the
 * side's own label, so that neither a recording nor a reflection of the other's proof helps. With an
 * empty secret the same messages run under an empty key: nothing is proven, but a broker with a secret
 * still refuses one without. Source: RFC 2104; ISO/IEC 9798-4 three-pass mutual authentication.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BrokerId } from '../types.ts';
import { asBytes, asInteger, asMap, asText } from './envelope.ts';

/** Raised whenever a broker of the revision before could misunderstand what is said. */
export const PROTOCOL_REVISION = 1;
export const NONCE_BYTES = 32;
/** No handshake message is longer; checked before anything is decoded. */
export const MAX_HANDSHAKE_BYTES = 4096;

/** `control` carries requests and answers, `stream` belongs to replication. */
export type ChannelRole = 'control' | 'stream';

export interface PeerIdentity {
  readonly revision: number;
  readonly clusterId: string;
  readonly brokerId: BrokerId;
  readonly brokerEpoch: number;
}

export interface Hello extends PeerIdentity {
  readonly type: 'hello';
  readonly role: ChannelRole;
  /** Whom the dialling side means to reach. */
  readonly expectedBrokerId: BrokerId;
  readonly nonce: Buffer;
}

export interface Challenge extends PeerIdentity {
  readonly type: 'challenge';
  readonly nonce: Buffer;
  readonly proof: Buffer;
}

export type HandshakeMessage =
  | Hello
  | Challenge
  | { readonly type: 'proof'; readonly proof: Buffer }
  | { readonly type: 'welcome' }
  | { readonly type: 'refused'; readonly reason: string };

/** Reads a handshake message; throws MalformedMessage. */
export function readHandshakeMessage(header: unknown): HandshakeMessage {
  const map = asMap(header);
  switch (map['type']) {
    case 'hello':
      return {
        type: 'hello',
        ...readIdentity(map),
        role: map['role'] === 'stream' ? 'stream' : 'control',
        expectedBrokerId: asInteger(map['expectedBrokerId']),
        nonce: Buffer.from(asBytes(map['nonce'])),
      };
    case 'challenge':
      return {
        type: 'challenge',
        ...readIdentity(map),
        nonce: Buffer.from(asBytes(map['nonce'])),
        proof: Buffer.from(asBytes(map['proof'])),
      };
    case 'proof':
      return { type: 'proof', proof: Buffer.from(asBytes(map['proof'])) };
    case 'welcome':
      return { type: 'welcome' };
    default:
      return { type: 'refused', reason: asText(map['reason']).slice(0, 512) };
  }
}

/** Why the answering side `own` does not want to go on with `hello`, or null. */
export function refusalOfHello(own: PeerIdentity, hello: Hello): string | null {
  const refusal = refusalOfIdentity(own, hello);
  if (refusal !== null) return refusal;
  if (hello.expectedBrokerId !== own.brokerId) {
    return `this is broker ${own.brokerId}, not broker ${hello.expectedBrokerId}`;
  }
  return hello.nonce.length === NONCE_BYTES ? null : `a nonce has ${NONCE_BYTES} bytes`;
}

/** Why the dialling side does not want to go on, or null; checks the answering side's proof last. */
export function refusalOfChallenge(hello: Hello, challenge: Challenge, sharedSecret: string): string | null {
  const refusal = refusalOfIdentity(hello, challenge);
  if (refusal !== null) return refusal;
  if (challenge.brokerId !== hello.expectedBrokerId) {
    return `reached broker ${challenge.brokerId}, expected broker ${hello.expectedBrokerId}`;
  }
  const right = proofOf('answer', hello, challenge, sharedSecret);
  return sameBytes(right, challenge.proof) ? null : 'the shared secrets differ';
}

/** The proof of one side over everything both have said. */
export function proofOf(
  side: 'dial' | 'answer',
  hello: Hello,
  challenge: PeerIdentity & { readonly nonce: Buffer },
  sharedSecret: string,
): Buffer {
  const said = JSON.stringify([
    side,
    hello.revision,
    hello.clusterId,
    hello.brokerId,
    hello.brokerEpoch,
    hello.role,
    hello.expectedBrokerId,
    hello.nonce.toString('hex'),
    challenge.brokerId,
    challenge.brokerEpoch,
    challenge.nonce.toString('hex'),
  ]);
  return createHmac('sha256', sharedSecret).update(said).digest();
}

/** Compares without telling by its duration where the first difference is. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function refusalOfIdentity(own: PeerIdentity, other: PeerIdentity): string | null {
  if (other.revision !== own.revision) {
    return `protocol revision ${other.revision} is not supported, only ${own.revision}`;
  }
  if (other.clusterId !== own.clusterId) {
    return `cluster id ${other.clusterId} does not match ${own.clusterId}`;
  }
  return null;
}

function readIdentity(map: Readonly<Record<string, unknown>>): PeerIdentity {
  return {
    revision: asInteger(map['revision']),
    clusterId: asText(map['clusterId']),
    brokerId: asInteger(map['brokerId']),
    brokerEpoch: asInteger(map['brokerEpoch']),
  };
}
