/**
 * Valid inputs made wrong: bits turned, pieces cut out, doubled and exchanged, lengths that lie, words of the
 * language in the wrong place. All by chance from a seed, so that an input is made again from its number.
 */
import type { Random } from '../../broker/platform/random.ts';

/** Numbers at which lengths and counts go wrong. */
const EDGES = [0, 1, -1, 4, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, -0x8000_0000];
/** A piece is repeated up to this; seldom, for it is slow. */
const MOST_BYTES = 64 * 1024;
const SELDOM = 200;

type Mutation = (random: Random, bytes: Buffer, words: readonly string[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (random, bytes) => changed(random, bytes, (byte) => byte ^ (1 << random.int(8))),
  (random, bytes) => changed(random, bytes, () => random.int(256)),
  (random, bytes) => changed(random, bytes, () => 0x20 + random.int(0x5f)),
  (random, bytes) => bytes.subarray(0, random.int(bytes.length + 1)),
  (random, bytes) => replaced(random, bytes, () => Buffer.alloc(0)),
  (random, bytes) => replaced(random, bytes, (piece) => Buffer.concat([piece, piece])),
  (random, bytes) => replaced(random, bytes, (piece) => random.bytes(random.int(piece.length + 8))),
  (random, bytes, words) => {
    const word = Buffer.from(words[random.int(words.length)] ?? '');
    const at = random.int(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
  },
  edgeWritten,
  (random, bytes) => (random.int(SELDOM) === 0 ? repeated(random, bytes) : bytes.subarray(random.int(2))),
];

/** One to four mutations of an input, which stays as it is. `words` are of its language. */
export function mutated(random: Random, input: Buffer, words: readonly string[] = []): Buffer {
  let bytes = Buffer.from(input);
  for (let left = 1 + random.int(4); left > 0; left -= 1) {
    const mutate = MUTATIONS[random.int(MUTATIONS.length)];
    if (mutate !== undefined) bytes = Buffer.from(mutate(random, bytes, words));
  }
  return bytes;
}

/** The same for a text. */
export function mutatedText(random: Random, text: string, words: readonly string[] = []): string {
  return mutated(random, Buffer.from(text), words).toString('utf8');
}

/** One of several. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[random.int(choices.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

function changed(random: Random, bytes: Buffer, change: (byte: number) => number): Buffer {
  const at = random.int(Math.max(1, bytes.length));
  const byte = bytes[at];
  if (byte !== undefined) bytes[at] = change(byte);
  return bytes;
}

function replaced(random: Random, bytes: Buffer, other: (piece: Buffer) => Buffer): Buffer {
  const from = random.int(bytes.length + 1);
  const to = Math.min(bytes.length, from + random.int(40));
  return Buffer.concat([bytes.subarray(0, from), other(bytes.subarray(from, to)), bytes.subarray(to)]);
}

function edgeWritten(random: Random, bytes: Buffer): Buffer {
  const edge = oneOf(random, EDGES);
  const sizeBytes = oneOf(random, [1, 2, 4] as const);
  if (bytes.length < sizeBytes) return bytes;
  const at = random.int(bytes.length - sizeBytes + 1);
  const four = Buffer.alloc(4);
  four.writeInt32BE(edge);
  four.copy(bytes, at, 4 - sizeBytes);
  return bytes;
}

function repeated(random: Random, bytes: Buffer): Buffer {
  const from = random.int(bytes.length + 1);
  const piece = bytes.subarray(from, from + 1 + random.int(12));
  if (piece.length === 0) return bytes;
  const times = Math.floor(MOST_BYTES / piece.length);
  return Buffer.concat([
    bytes.subarray(0, from),
    ...Array.from({ length: times }, () => piece),
    bytes.subarray(from),
  ]);
}
