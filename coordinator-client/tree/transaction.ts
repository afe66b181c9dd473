/**
 * The words of the tree: an Operation is what a client asks for, an Edit is what it came down to
 * (names, lists and owners resolved), a Transaction is the edits of one zxid. Replaying the
 * transactions of a log over a snapshot gives the same tree, whoever asked for them.
 */
import type { Acl, Identity } from './acl.ts';
import type { ZkErrorCode } from './error-codes.ts';
import type { NodeKind } from './owner.ts';
import type { Firing } from './watches.ts';
import type { Stat } from './znode.ts';

/** As a client asks; -1 for any version. */
export type Operation =
  | {
      readonly kind: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly acl: readonly Acl[];
      readonly node: NodeKind;
      readonly sequential: boolean;
      /** Only for `node: 'ttl'`. */
      readonly ttlMs?: number;
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | {
      readonly kind: 'setData';
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | { readonly kind: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number };

/** Nothing is left to be decided: the path has its sequence, the list is resolved, the owner is known. */
export type NodeEdit =
  | {
      readonly kind: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly acl: readonly Acl[];
      readonly owner: bigint;
    }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'setData'; readonly path: string; readonly data: Buffer | null }
  | { readonly kind: 'setAcl'; readonly path: string; readonly acl: readonly Acl[] };

export type Edit =
  | NodeEdit
  | { readonly kind: 'openSession'; readonly sessionId: bigint; readonly timeoutMs: number }
  | { readonly kind: 'closeSession'; readonly sessionId: bigint };

export interface Transaction {
  readonly zxid: bigint;
  /** Wall clock; the ctime or mtime of what it changed. */
  readonly timeMs: number;
  readonly edits: readonly Edit[];
}

/** Who asks. */
export interface Actor {
  /** Owner of the ephemeral nodes it creates. */
  readonly sessionId: bigint;
  readonly identities: readonly Identity[];
  /** What lists may name besides world, auth, digest and ip; nothing unless given. */
  readonly schemes?: ReadonlySet<string>;
}

/** What one operation did; `stat` as it was right after it, null after delete. */
export interface OperationResult {
  readonly path: string;
  readonly stat: Stat | null;
}

export interface Applied {
  readonly ok: true;
  readonly results: readonly OperationResult[];
  /** null when nothing changed (a transaction of checks, or of nothing). */
  readonly transaction: Transaction | null;
  readonly firings: readonly Firing[];
}

/** The tree is as it was. */
export interface Refused {
  readonly ok: false;
  /** The first operation that was refused; nothing was applied. */
  readonly index: number;
  readonly code: ZkErrorCode;
}
