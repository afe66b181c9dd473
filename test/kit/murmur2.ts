/** Which partition Kafka's own producer gives a key. Source: org.apache.kafka.common.utils.Utils.murmur2. */

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;
const SHIFT = 24;

/** The positive hash of a key, to be taken modulo the number of partitions. */
export function murmur2(key: Buffer): number {
  let hash = SEED ^ key.length;
  const whole = key.length - (key.length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(key.readInt32LE(at), MIX);
    word = Math.imul(word ^ (word >>> SHIFT), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  const rest = key.length - whole;
  if (rest > 0) {
    for (let index = rest - 1; index >= 0; index--) hash ^= (key[whole + index] ?? 0) << (8 * index);
    hash = Math.imul(hash, MIX);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return (hash ^ (hash >>> 15)) & 0x7fffffff;
}
