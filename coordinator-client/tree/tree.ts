/**
 * The znodes by path, and the three indexes that belong to them: ephemerals by session, containers,
 * TTL nodes. Applies edits that are known to be valid, and hands back how to undo each, which is
 * how a refused multi leaves no trace. Source: org.apache.zookeeper.server.DataTree.
 */
import { OPEN_ACL, READ_ONLY_ACL } from './acl.ts';
import { CONTAINER_OWNER, kindOfOwner, PERSISTENT_OWNER, ttlMsOf } from './owner.ts';
import { childOf, nameOf, parentOf } from './path.ts';
import type { NodeEdit } from './transaction.ts';
import { newZnode, nextVersion, Znode, type ZnodeFields } from './znode.ts';

export type Undo = () => void;

/** Every tree has them and none can be deleted. */
export const SPECIAL_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
]);

const NO_PATHS: ReadonlySet<string> = new Set();

/**
 * Every node but the root has its parent in the tree and its name among the parent's children. Each
 * index holds just the paths of its kind of nodes.
 */
export class Tree {
  /** By path, each after its parent. */
  readonly #nodes = new Map<string, Znode>();
  /** By the session that owns them; no set is empty. */
  readonly #ephemerals = new Map<bigint, Set<string>>();
  readonly #containers = new Set<string>();
  readonly #ttls = new Set<string>();
  /** Sum of the lengths of all paths and data. */
  #dataBytes = 0;

  /** A tree with the special nodes only. */
  static fresh(): Tree {
    const tree = new Tree();
    for (const path of SPECIAL_PATHS) {
      const acl = path === '/zookeeper/config' ? READ_ONLY_ACL : OPEN_ACL;
      tree.#insert(path, newZnode({ data: Buffer.alloc(0), acl, owner: PERSISTENT_OWNER }, 0n, 0));
    }
    return tree;
  }

  get(path: string): Znode | undefined {
    return this.#nodes.get(path);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Bytes of paths and data, as ZooKeeper's approximateDataSize counts them. */
  get approximateBytes(): number {
    return this.#dataBytes;
  }

  /** All nodes, each after its parent. */
  entries(): Iterable<readonly [string, Znode]> {
    return this.#nodes;
  }

  ephemeralsOf(sessionId: bigint): ReadonlySet<string> {
    return this.#ephemerals.get(sessionId) ?? NO_PATHS;
  }

  get ephemeralCount(): number {
    let count = 0;
    for (const paths of this.#ephemerals.values()) count += paths.size;
    return count;
  }

  /** Nodes anywhere below the path. */
  countBelow(path: string): number {
    let count = 0;
    const pending = [path];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const name of this.#nodes.get(next)?.children ?? []) {
        count++;
        pending.push(childOf(next, name));
      }
    }
    return count;
  }

  /** Containers that have been emptied and childless TTL nodes whose time is over. */
  reapable(timeMs: number): readonly string[] {
    const paths: string[] = [];
    for (const path of this.#containers) {
      const node = this.#nodes.get(path);
      if (node && node.creations > 0 && node.children.size === 0) paths.push(path);
    }
    for (const path of this.#ttls) {
      const node = this.#nodes.get(path);
      if (node && node.children.size === 0 && timeMs - node.mtimeMs > ttlMsOf(node.owner)) paths.push(path);
    }
    return paths;
  }

  /** Puts a node of a snapshot back; parents come before their children. */
  restore(path: string, fields: ZnodeFields): void {
    this.#insert(path, new Znode(fields));
  }

  /** Carries out an edit that has been found valid. */
  apply(edit: NodeEdit, zxid: bigint, timeMs: number): Undo {
    switch (edit.kind) {
      case 'create':
        return this.#create(edit, zxid, timeMs);
      case 'delete':
        return this.#delete(edit.path, zxid);
      case 'setData':
        return this.#setData(edit, zxid, timeMs);
      case 'setAcl':
        return this.#setAcl(edit);
    }
  }

  #create(edit: NodeEdit & { kind: 'create' }, zxid: bigint, timeMs: number): Undo {
    const parent = this.#existing(parentOf(edit.path));
    const { pzxid, creations } = parent;
    this.#insert(edit.path, newZnode(edit, zxid, timeMs));
    parent.creations = (creations + 1) | 0;
    parent.pzxid = zxid;
    return () => {
      this.#take(edit.path);
      parent.creations = creations;
      parent.pzxid = pzxid;
    };
  }

  #delete(path: string, zxid: bigint): Undo {
    const parent = this.#existing(parentOf(path));
    const { pzxid } = parent;
    const node = this.#take(path);
    parent.pzxid = zxid;
    return () => {
      this.#insert(path, node);
      parent.pzxid = pzxid;
    };
  }

  #setData(edit: NodeEdit & { kind: 'setData' }, zxid: bigint, timeMs: number): Undo {
    const node = this.#existing(edit.path);
    const { data, version, mzxid, mtimeMs } = node;
    const growth = (edit.data?.length ?? 0) - (data?.length ?? 0);
    this.#dataBytes += growth;
    node.data = edit.data;
    node.version = nextVersion(version);
    node.mzxid = zxid;
    node.mtimeMs = timeMs;
    return () => {
      this.#dataBytes -= growth;
      node.data = data;
      node.version = version;
      node.mzxid = mzxid;
      node.mtimeMs = mtimeMs;
    };
  }

  #setAcl(edit: NodeEdit & { kind: 'setAcl' }): Undo {
    const node = this.#existing(edit.path);
    const { acl, aversion } = node;
    node.acl = edit.acl;
    node.aversion = nextVersion(aversion);
    return () => {
      node.acl = acl;
      node.aversion = aversion;
    };
  }

  #existing(path: string): Znode {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new Error(`${path} is not in the tree`);
    return node;
  }

  #insert(path: string, node: Znode): void {
    if (path !== '/') this.#existing(parentOf(path)).addChild(nameOf(path));
    this.#nodes.set(path, node);
    this.#dataBytes += path.length + (node.data?.length ?? 0);
    switch (kindOfOwner(node.owner)) {
      case 'ephemeral': {
        const paths = this.#ephemerals.get(node.owner);
        if (paths) paths.add(path);
        else this.#ephemerals.set(node.owner, new Set([path]));
        break;
      }
      case 'container':
        this.#containers.add(path);
        break;
      case 'ttl':
        this.#ttls.add(path);
        break;
      case 'persistent':
        break;
    }
  }

  #take(path: string): Znode {
    const node = this.#existing(path);
    this.#nodes.delete(path);
    this.#existing(parentOf(path)).removeChild(nameOf(path));
    this.#dataBytes -= path.length + (node.data?.length ?? 0);
    if (node.owner === PERSISTENT_OWNER) return node;
    if (node.owner === CONTAINER_OWNER) this.#containers.delete(path);
    else if (!this.#ttls.delete(path)) {
      const paths = this.#ephemerals.get(node.owner);
      paths?.delete(path);
      if (paths?.size === 0) this.#ephemerals.delete(node.owner);
    }
    return node;
  }
}
