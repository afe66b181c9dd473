/**
 * The order in which Kafka's JVM writes the keys of a map into a znode. Kafka (built with Scala 2.13)
 * makes most of its znodes from hash maps, so the keys stand in the order of the table and not of the
 * source, and whoever compares znodes byte by byte sees it. Three kinds of map occur: Scala's mutable
 * HashMap, its immutable Map (a trie, for five keys and more) and java.util.Properties.
 */
import { javaStringHash } from './java-string-hash.ts';

/**
 * Order of scala.collection.mutable.HashMap: a bucket is sorted by hash. The table doubles when three
 * quarters full; its first size is 16, or what the `madeOf` entries need that the map was made of at once.
 */
export function mutableMapOrder(keys: readonly string[], madeOf = 0): string[] {
  const mask = mutableTableSize(keys.length, madeOf) - 1;
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

/**
 * Order of java.util.Properties, which is a ConcurrentHashMap: a bucket keeps the order of insertion, but
 * when the table doubles some of a bucket turn round. `former` are keys that it held before, in their
 * order: a table does not shrink when they go.
 */
export function propertiesOrder(keys: readonly string[], former: readonly string[] = []): string[] {
  const wanted = new Set(keys);
  let buckets: Bucket[] = Array.from({ length: FIRST_TABLE_SIZE }, () => []);
  let count = 0;
  for (const key of new Set([...former, ...keys])) {
    const hash = foldHigh(javaStringHash(key));
    buckets[hash & (buckets.length - 1)]?.push({ key, hash });
    if (++count >= buckets.length * LOAD_FACTOR) buckets = doubled(buckets);
  }
  return buckets.flatMap((bucket) => bucket.map(({ key }) => key).filter((key) => wanted.has(key)));
}

interface Hashed {
  readonly key: string;
  readonly hash: number;
}

type Bucket = Hashed[];

const FIRST_TABLE_SIZE = 16;
const LOAD_FACTOR = 0.75;

function mutableTableSize(keyCount: number, madeOf: number): number {
  const needed = madeOf === 0 ? FIRST_TABLE_SIZE : Math.floor((madeOf + 1) / LOAD_FACTOR);
  let size = 8;
  while (size < needed || keyCount >= size * LOAD_FACTOR) size *= 2;
  return size;
}

/**
 * Each bucket becomes two. What stands at its end and stays together is taken over as it is; each key
 * before that is put in front of what its half has so far. Source: ConcurrentHashMap.transfer.
 */
function doubled(buckets: readonly Bucket[]): Bucket[] {
  const bit = buckets.length;
  const low: Bucket[] = [];
  const high: Bucket[] = [];
  for (const bucket of buckets) {
    let end = bucket.length - 1;
    while (end > 0 && ((bucket[end - 1]?.hash ?? 0) & bit) === ((bucket[end]?.hash ?? 0) & bit)) end--;
    const halves: [Bucket, Bucket] = [[], []];
    const halfOf = ({ hash }: Hashed) => halves[(hash & bit) === 0 ? 0 : 1];
    for (const one of bucket.slice(Math.max(0, end))) halfOf(one).push(one);
    for (const one of bucket.slice(0, Math.max(0, end))) halfOf(one).unshift(one);
    low.push(halves[0]);
    high.push(halves[1]);
  }
  return [...low, ...high];
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
