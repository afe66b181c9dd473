/**
 * How two brokers learn whom they talk to before anything else is said:
 *
 *     dialling side                                 answering side
 *     hello {identity, whom, role, nonce}      →
 *                                              ←    challenge {nonce}   or refused {reason}
 *     proof {proof}                            →
 *                                              ←    welcome {proof}     or refused {reason}
 *
 * Each proof is an HMAC-SHA256 under the shared secret over the hello and both nonces, with the side's own
 * label, so that neither a recording nor a reflection of the other's proof helps. The dialling side proves
 * first: whoever merely dials learns nothing, neither who is there nor bytes to try secrets on, and no
 * refusal names what would have been right. Whom it reaches is proven as well, as the hello says whom it
 * means and only that broker welcomes it.
 * With an empty secret the same messages run under an empty key: nothing is proven, so only brokers of the
 * same machine are taken. Source: RFC 2104; ISO/IEC 9798-4 three-pass mutual authentication.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BrokerId } from '../types.ts';
import { asBytes, asInteger, asMap, asText, MalformedMessage } from './envelope.ts';

/** Raised whenever a broker of the revision before could misunderstand what is said. */
export const PROTOCOL_REVISION = 2;
export const NONCE_BYTES = 32;
/** No handshake message is longer; a channel takes nothing larger before its welcome. */
export const MAX_HANDSHAKE_BYTES = 4096;
export const SECRETS_DIFFER = 'the shared secrets differ';

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

/** What the accepting side wants the secret proved for. */
export interface Challenge {
  readonly type: 'challenge';
  readonly nonce: Buffer;
}

export type HandshakeMessage =
  | Hello
  | Challenge
  | { readonly type: 'proof'; readonly proof: Buffer }
  | { readonly type: 'welcome'; readonly proof: Buffer }
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
        nonce: readNonce(map),
      };
    case 'challenge':
      return { type: 'challenge', nonce: readNonce(map) };
    case 'proof':
      return { type: 'proof', proof: Buffer.from(asBytes(map['proof'])) };
    case 'welcome':
      return { type: 'welcome', proof: Buffer.from(asBytes(map['proof'])) };
    default:
      return { type: 'refused', reason: asText(map['reason']).slice(0, 512) };
  }
}

/** Why a handshake ends: what the peer is told, which names nothing of ours, and what the log adds. */
export interface HandshakeRefusal {
  readonly reason: string;
  readonly detail: string;
}

/** Why `hello` is not answered with a challenge, or null: nobody has proven anything yet. */
export function refusalBeforeProof(own: PeerIdentity, hello: Hello): HandshakeRefusal | null {
  if (hello.revision === own.revision) return null;
  const reason = `protocol revision ${hello.revision} is not supported, only ${own.revision}`;
  return { reason, detail: '' };
}

/** Why the answering side `own` does not welcome one who knows the secret, or null. */
export function refusalOfHello(own: PeerIdentity, hello: Hello): HandshakeRefusal | null {
  if (hello.clusterId !== own.clusterId) {
    return { reason: 'the cluster ids differ', detail: `${hello.clusterId} and ${own.clusterId}` };
  }
  if (hello.expectedBrokerId !== own.brokerId) {
    return {
      reason: 'another broker is meant',
      detail: `broker ${hello.expectedBrokerId}, and this is broker ${own.brokerId}`,
    };
  }
  if (hello.brokerId === own.brokerId) {
    return { reason: 'the broker ids are the same', detail: `this is broker ${own.brokerId} as well` };
  }
  return null;
}

/** The proof of one side over everything both have said. */
export function proofOf(
  side: 'dial' | 'answer',
  hello: Hello,
  challenge: Challenge,
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
    challenge.nonce.toString('hex'),
  ]);
  return createHmac('sha256', sharedSecret).update(said).digest();
}

/** Compares without telling by its duration where the first difference is. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function readNonce(map: Readonly<Record<string, unknown>>): Buffer {
  const nonce = asBytes(map['nonce']);
  if (nonce.length !== NONCE_BYTES) throw new MalformedMessage(`a nonce has ${NONCE_BYTES} bytes`);
  return Buffer.from(nonce);
}

function readIdentity(map: Readonly<Record<string, unknown>>): PeerIdentity {
  return {
    revision: asInteger(map['revision']),
    clusterId: asText(map['clusterId']),
    brokerId: asInteger(map['brokerId']),
    brokerEpoch: asInteger(map['brokerEpoch']),
  };
}
