/** xxHash32 with seed 0, the checksum of LZ4 frames. Source: the xxHash specification. */

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

export function xxHash32(data: Buffer): number {
  let at = 0;
  let hash: number;
  if (data.length >= 16) {
    let [one, two, three, four] = [(PRIME_1 + PRIME_2) | 0, PRIME_2, 0, -PRIME_1 | 0];
    for (; at + 16 <= data.length; at += 16) {
      one = round(one, data.readInt32LE(at));
      two = round(two, data.readInt32LE(at + 4));
      three = round(three, data.readInt32LE(at + 8));
      four = round(four, data.readInt32LE(at + 12));
    }
    hash = (rotate(one, 1) + rotate(two, 7) + rotate(three, 12) + rotate(four, 18)) | 0;
  } else {
    hash = PRIME_5;
  }
  hash = (hash + data.length) | 0;
  for (; at + 4 <= data.length; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(data.readInt32LE(at), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; at < data.length; at++) {
    hash = Math.imul(rotate((hash + Math.imul(data.readUInt8(at), PRIME_5)) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(accumulator: number, input: number): number {
  return Math.imul(rotate((accumulator + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
