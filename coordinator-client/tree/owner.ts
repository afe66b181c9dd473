/**
 * ZooKeeper keeps the kind of a znode in its `ephemeralOwner`: 0 is persistent, the smallest long a
 * container, 0xff in the top byte a TTL node with its milliseconds below, anything else the owning
 * session. Source: org.apache.zookeeper.server.EphemeralType.
 */

export type NodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl';

export const PERSISTENT_OWNER = 0n;
export const CONTAINER_OWNER = -0x8000000000000000n;
/** The two bytes below 0xff are reserved by ZooKeeper; five bytes are left for the duration. */
export const LONGEST_TTL_MS = 0xff_ffff_ffff;

const TTL_MARK = 0xffn << 56n;

export function kindOfOwner(owner: bigint): NodeKind {
  if (owner === PERSISTENT_OWNER) return 'persistent';
  if (owner === CONTAINER_OWNER) return 'container';
  return BigInt.asUintN(64, owner) >> 56n === 0xffn ? 'ttl' : 'ephemeral';
}

/** `ttlMs` is from 1 to `LONGEST_TTL_MS`. */
export function ttlOwner(ttlMs: number): bigint {
  return BigInt.asIntN(64, TTL_MARK | BigInt(ttlMs));
}

/** Of a TTL node's owner; of any other it means nothing. */
export function ttlMsOf(owner: bigint): number {
  return Number(owner & BigInt(LONGEST_TTL_MS));
}
