/**
 * The order in which Kafka's JVM writes the keys of a map into a znode. Kafka (built with Scala 2.13)
 * makes most of its znodes from hash maps, so the keys stand in the order of the table and not of the
 * source, and whoever compares znodes byte by byte sees it. Three kinds of map occur: Scala's mutable
 * HashMap, its immutable Map (a trie, for five keys and more) and java.util.Properties.
 */

/** Order of scala.collection.mutable.HashMap: a table that doubles when three quarters full; a bucket is sorted by hash. */
export function mutableMapOrder(keys: readonly string[]): string[] {
  const mask = tableSizeFor(keys.length) - 1;
  return keys
    .map((key) => ({ key, hash: foldHigh(javaStringHash(key)) }))
    .sort((a, b) => (a.hash & mask) - (b.hash & mask) || a.hash - b.hash)
    .map(({ key }) => key);
}

/** Order of scala.collection.immutable.Map: as inserted up to four keys, then a trie over five bits of the hash a level. */
export function immutableMapOrder(keys: readonly string[]): string[] {
  if (keys.length <= 4) return [...keys];
  const hashed = keys.map((key) => ({ key, hash: improve(javaStringHash(key)) }));
  return trieOrder(hashed, 0);
}

/** Order of java.util.Properties: the same table, but a bucket keeps the order of insertion. */
export function propertiesOrder(keys: readonly string[]): string[] {
  const mask = tableSizeFor(keys.length) - 1;
  return keys
    .map((key) => ({ key, slot: foldHigh(javaStringHash(key)) & mask }))
    .sort((a, b) => a.slot - b.slot)
    .map(({ key }) => key);
}

/** Java's String.hashCode, which Scala's maps use too. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

interface Hashed {
  readonly key: string;
  readonly hash: number;
}

function tableSizeFor(keyCount: number): number {
  let size = 16;
  while (keyCount >= size * 0.75) size *= 2;
  return size;
}

function foldHigh(hash: number): number {
  return hash ^ (hash >>> 16);
}

function improve(hash: number): number {
  let h = (hash + ~(hash << 9)) | 0;
  h ^= h >>> 14;
  h = (h + (h << 4)) | 0;
  return h ^ (h >>> 10);
}

/** A trie node lists its own keys first, then its subtries, each by the five bits of this level. */
function trieOrder(hashed: readonly Hashed[], shift: number): string[] {
  if (shift > 30) return hashed.map(({ key }) => key);
  const slots = new Map<number, Hashed[]>();
  for (const one of hashed) {
    const slot = (one.hash >>> shift) & 31;
    slots.set(slot, [...(slots.get(slot) ?? []), one]);
  }
  const sorted = [...slots].sort(([a], [b]) => a - b).map(([, inSlot]) => inSlot);
  const own = sorted
    .filter((inSlot) => inSlot.length === 1)
    .flatMap((inSlot) => inSlot.map(({ key }) => key));
  const below = sorted
    .filter((inSlot) => inSlot.length > 1)
    .flatMap((inSlot) => trieOrder(inSlot, shift + 5));
  return [...own, ...below];
}
