/**
 * The arithmetic of SCRAM: keys made of a password, proofs and signatures made of keys. Passwords are
 * taken as UTF-8, as Kafka takes them, without the preparation of RFC 4013.
 * Source: RFC 5802, section 3; ScramMechanism and ScramFormatter of Kafka.
 */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

export const SCRAM_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type ScramMechanism = (typeof SCRAM_MECHANISMS)[number];

/** Fewer would make stolen keys cheap to guess passwords by; Kafka's admin API takes no more than the second. */
export const MIN_SCRAM_ITERATIONS = 4096;
export const MAX_SCRAM_ITERATIONS = 16_384;

const DIGESTS: Readonly<Record<ScramMechanism, { readonly name: string; readonly sizeBytes: number }>> = {
  'SCRAM-SHA-256': { name: 'sha256', sizeBytes: 32 },
  'SCRAM-SHA-512': { name: 'sha512', sizeBytes: 64 },
};

/** What the server keeps: enough to check a password, and not enough to log in with. */
export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const derive = promisify(pbkdf2);

/** Takes milliseconds of a thread that is not the event loop's. */
export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  const { name, sizeBytes } = DIGESTS[mechanism];
  return derive(Buffer.from(password, 'utf8'), salt, iterations, sizeBytes, name);
}

export function scramKeys(mechanism: ScramMechanism, salted: Buffer): ScramKeys {
  return {
    storedKey: hash(mechanism, clientKey(mechanism, salted)),
    serverKey: hmac(mechanism, salted, 'Server Key'),
  };
}

export function clientKey(mechanism: ScramMechanism, salted: Buffer): Buffer {
  return hmac(mechanism, salted, 'Client Key');
}

/** What only who knows the client key can send; applied again it gives the key back. */
export function proofOrKey(
  mechanism: ScramMechanism,
  storedKey: Buffer,
  authMessage: string,
  keyOrProof: Buffer,
): Buffer {
  const signature = hmac(mechanism, storedKey, authMessage);
  return Buffer.from(keyOrProof.map((byte, index) => byte ^ (signature[index] ?? 0)));
}

export function serverSignature(mechanism: ScramMechanism, serverKey: Buffer, authMessage: string): Buffer {
  return hmac(mechanism, serverKey, authMessage);
}

export function hash(mechanism: ScramMechanism, bytes: Buffer): Buffer {
  return createHash(DIGESTS[mechanism].name).update(bytes).digest();
}

function hmac(mechanism: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(DIGESTS[mechanism].name, key).update(text, 'utf8').digest();
}
