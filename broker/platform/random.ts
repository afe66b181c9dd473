/** Chance, behind an interface so that one seed replays a whole cluster. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Uuid } from '../types.ts';

export interface Random {
  /** An integer in [0, limitExclusive). */
  int(limitExclusive: number): number;
  /** A fraction in [0, 1). */
  fraction(): number;
  bytes(sizeBytes: number): Buffer;
}

export const systemRandom: Random = {
  int: (limitExclusive) => randomInt(limitExclusive),
  fraction: () => Math.random(),
  bytes: (sizeBytes) => randomBytes(sizeBytes),
};

/** A random UUID (version 4) in Kafka's text form; never one that starts with `-`, as in Kafka. */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const text = uuidBytes(random).toString('base64url');
    if (!text.startsWith('-')) return text;
  }
}

/** A random UUID (version 4) in the 36 characters of java.util.UUID. */
export function randomHexUuid(random: Random): string {
  const digits = uuidBytes(random).toString('hex');
  const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)];
  return [...groups, digits.slice(20)].join('-');
}

function uuidBytes(random: Random): Buffer {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
