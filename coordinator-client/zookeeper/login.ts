/**
 * How a connection proves who it is, right behind the handshake: digest credentials first, then SASL. One
 * packet at a time; synchronous, what is to be sent comes out.
 * Source: ClientCnxn.primeConnection, ZooKeeperSaslClient.
 */
import { DigestClient, type DigestCredentials } from '../sasl/digest-client.ts';
import { DigestError } from '../sasl/digest-formula.ts';
import { Opcode, ReservedXid, ServerCode } from './opcodes.ts';
import { REPLY_HEADER_BYTES, readReplyHeader } from './replies.ts';

export interface ZookeeperCredentials {
  /** `user:password` of the scheme `digest`. */
  readonly digest: readonly string[];
  /** By DIGEST-MD5. */
  readonly sasl: DigestCredentials | null;
}

type LoginStep =
  | { readonly kind: 'send'; readonly frame: Buffer }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string };

/** No request of the session is under way yet, so a number that none of them has will do. */
const SASL_XID = 0;
const NOTHING = Buffer.alloc(0);

export class Login {
  /** Digest credentials that are still to be sent, and below, the login by SASL that follows them. */
  readonly #digest: string[];
  readonly #sasl: DigestClient | null;
  /** What the server owes us an answer to. */
  #asked: 'digest' | 'sasl' | null = null;

  constructor({ digest, sasl }: ZookeeperCredentials) {
    this.#digest = [...digest];
    this.#sasl = sasl === null ? null : new DigestClient(sasl);
  }

  /** The step that follows a frame of the server; null in its place begins. */
  next(answer: Buffer | null): LoginStep {
    if (answer === null) return this.#begin();
    const { xid, err } = readReplyHeader(answer);
    if (xid !== (this.#asked === 'sasl' ? SASL_XID : ReservedXid.auth)) return { kind: 'waiting' };
    if (err !== ServerCode.ok) {
      return {
        kind: 'refused',
        reason: `ZooKeeper does not take these credentials (${this.#asked}, ${err})`,
      };
    }
    return this.#asked === 'sasl' ? this.#saslAnswered(answer) : this.#begin();
  }

  #begin(): LoginStep {
    const credential = this.#digest.shift();
    if (credential !== undefined) {
      this.#asked = 'digest';
      return { kind: 'send', frame: authFrame('digest', credential) };
    }
    if (this.#sasl === null) return { kind: 'done' };
    this.#asked = 'sasl';
    return { kind: 'send', frame: saslFrame(NOTHING) };
  }

  #saslAnswered(answer: Buffer): LoginStep {
    const token = tokenOf(answer);
    if (token === null || this.#sasl === null) {
      return {
        kind: 'refused',
        reason: 'this ZooKeeper has no SASL login (authProvider, JAAS section Server)',
      };
    }
    try {
      const reply = this.#sasl.next(token);
      return reply === null ? { kind: 'done' } : { kind: 'send', frame: saslFrame(reply) };
    } catch (error) {
      if (!(error instanceof DigestError)) throw error;
      return { kind: 'refused', reason: `SASL: ${error.message}` };
    }
  }
}

/** null: the server has sent none. */
function tokenOf(answer: Buffer): Buffer | null {
  if (answer.length < REPLY_HEADER_BYTES + 4) return null;
  const length = answer.readInt32BE(REPLY_HEADER_BYTES);
  return length < 0 ? null : answer.subarray(REPLY_HEADER_BYTES + 4, REPLY_HEADER_BYTES + 4 + length);
}

function authFrame(scheme: string, credential: string): Buffer {
  const type = Buffer.alloc(4);
  return frameOf(ReservedXid.auth, Opcode.auth, [
    type,
    ...juteBuffer(Buffer.from(scheme)),
    ...juteBuffer(Buffer.from(credential)),
  ]);
}

function saslFrame(token: Buffer): Buffer {
  return frameOf(SASL_XID, Opcode.sasl, juteBuffer(token));
}

function juteBuffer(bytes: Buffer): readonly [Buffer, Buffer] {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return [length, bytes];
}

function frameOf(xid: number, opcode: number, body: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeInt32BE(8 + body.reduce((sum, part) => sum + part.length, 0), 0);
  head.writeInt32BE(xid, 4);
  head.writeInt32BE(opcode, 8);
  return Buffer.concat([head, ...body]);
}
