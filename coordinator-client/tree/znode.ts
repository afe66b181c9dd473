/**
 * One znode and the figures that ZooKeeper reports about it. Two of them are easily got wrong: the
 * number behind a sequential name counts creations only, and the `cversion` that clients see is
 * twice that number minus the children there are. Source: DataNode.copyStat.
 */
import type { Acl } from './acl.ts';
import { kindOfOwner } from './owner.ts';

/** As clients see it. */
export interface Stat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly pzxid: bigint;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** Everything about a node but its name and its children. */
export interface ZnodeFields {
  data: Buffer | null;
  acl: readonly Acl[];
  readonly owner: bigint;
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  readonly ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  /** Children ever created here; the next sequential name takes it. Wraps at 32 bits. */
  creations: number;
}

const NO_CHILDREN: ReadonlySet<string> = new Set();

export class Znode implements ZnodeFields {
  data: Buffer | null;
  acl: readonly Acl[];
  readonly owner: bigint;
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  readonly ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  creations: number;
  /** Leaves are the rule: the set is made with the first child. */
  #names: Set<string> | null = null;

  constructor(fields: ZnodeFields) {
    this.data = fields.data;
    this.acl = fields.acl;
    this.owner = fields.owner;
    this.czxid = fields.czxid;
    this.mzxid = fields.mzxid;
    this.pzxid = fields.pzxid;
    this.ctimeMs = fields.ctimeMs;
    this.mtimeMs = fields.mtimeMs;
    this.version = fields.version;
    this.aversion = fields.aversion;
    this.creations = fields.creations;
  }

  get children(): ReadonlySet<string> {
    return this.#names ?? NO_CHILDREN;
  }

  addChild(name: string): void {
    this.#names ??= new Set();
    this.#names.add(name);
  }

  removeChild(name: string): void {
    this.#names?.delete(name);
    if (this.#names?.size === 0) this.#names = null;
  }

  stat(): Stat {
    const numChildren = this.children.size;
    return {
      czxid: this.czxid,
      mzxid: this.mzxid,
      pzxid: this.pzxid,
      ctimeMs: this.ctimeMs,
      mtimeMs: this.mtimeMs,
      version: this.version,
      cversion: (this.creations * 2 - numChildren) | 0,
      aversion: this.aversion,
      // What marks containers and TTL nodes is the server's own business.
      ephemeralOwner: kindOfOwner(this.owner) === 'ephemeral' ? this.owner : 0n,
      dataLength: this.data?.length ?? 0,
      numChildren,
    };
  }
}

/** A node as it is when it is created by transaction `zxid`. */
export function newZnode(
  content: { data: Buffer | null; acl: readonly Acl[]; owner: bigint },
  zxid: bigint,
  timeMs: number,
): Znode {
  return new Znode({
    ...content,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: timeMs,
    mtimeMs: timeMs,
    version: 0,
    aversion: 0,
    creations: 0,
  });
}

/** After -2 comes 0: -1 means "any version" and is skipped. */
export function nextVersion(version: number): number {
  const next = (version + 1) | 0;
  return next === -1 ? 0 : next;
}
