/**
 * The contract of agreement: a small tree of znodes that a few processes share. Implemented by a real
 * ZooKeeper ensemble (zookeeper/), our embedded server (embedded/, over the same wire protocol) and a
 * tree in this process (local/); one contract suite runs against all of them.
 *
 * A Coordinator is one session. When the session is lost the object is dead for good: open a new one
 * from the CoordinatorSource, register again, read everything again.
 */

/** Session ids and zxids are 64-bit; everything else fits a number. */
export interface ZNode {
  readonly data: Buffer;
  /** Data version: 0 at creation, +1 with each put. Kafka's zkVersion. */
  readonly version: number;
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly childrenCount: number;
  /** The owning session of an ephemeral node, 0n for a persistent one. */
  readonly ephemeralOwner: bigint;
}

/** `ANY_VERSION` must be written out by a caller that means it. */
export const ANY_VERSION = -1;

export type Change =
  | {
      readonly op: 'create';
      readonly path: string;
      /** Empty: a node without data, which ZooKeeper tells from one with empty data. */
      readonly data: Buffer;
      /** `session`: an ephemeral node, gone with this session. */
      readonly lifetime: 'persistent' | 'session';
      /** The server appends ten digits to the path. */
      readonly sequential?: true;
    }
  | { readonly op: 'put'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly op: 'remove'; readonly path: string; readonly version: number }
  | { readonly op: 'check'; readonly path: string; readonly version: number };

/** What one change of a commit did, in the order of the changes. */
export interface ChangeResult {
  /** The real path: differs from the asked one for a sequential create. */
  readonly path: string;
  /** Data version after the change; -1 after a remove, the checked version after a check. */
  readonly version: number;
  /** Creation zxid of the node (0n after remove and check). */
  readonly czxid: bigint;
}

export interface Committed {
  readonly ok: true;
  readonly results: readonly ChangeResult[];
}

export type RejectReason =
  | 'exists' // create of a path that is there
  | 'missing' // put, remove, check of a path that is not; create below one that is not
  | 'version' // the node's version differs
  | 'not-empty' // remove of a node with children
  | 'ephemeral-parent' // create below an ephemeral node
  | 'denied' // ACL
  | 'invalid'; // a path or argument that ZooKeeper refuses, or data too large

export interface Rejected {
  readonly ok: false;
  /** Index of the first change that was refused; nothing of the commit was applied. */
  readonly index: number;
  readonly reason: RejectReason;
}

export interface Watch {
  /** Idempotent. `changed` is not called afterwards. */
  close(): void;
}

/**
 * `outcome-unknown`: the connection broke while a commit was under way; it may or may not have been
 * applied. Read to find out. `session-lost`: the session is over. `closed`: close() was called.
 * `unavailable`: never sent, the connection is down (commits fail fast while suspended).
 */
export type CoordinatorFailure = 'outcome-unknown' | 'session-lost' | 'closed' | 'unavailable';

export class CoordinatorError extends Error {
  readonly failure: CoordinatorFailure;
  constructor(failure: CoordinatorFailure, message: string) {
    super(message);
    this.name = 'CoordinatorError';
    this.failure = failure;
  }
}

/** What an opening that was called off rejects with. */
export function openingCalledOff(): CoordinatorError {
  return new CoordinatorError('closed', 'the opening of a session was called off');
}

/** An ACL, or something else that does not pass, keeps us from reading a node. The session goes on. */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused';
}

export type SessionState = 'connected' | 'suspended' | 'lost' | 'closed';

export interface Coordinator {
  readonly session: SessionState;
  readonly sessionId: bigint;
  /** The negotiated timeout. */
  readonly sessionTimeoutMs: number;
  /** Called on every change of `session`, with the new state. `lost` and `closed` are final. */
  onSession(changed: (state: SessionState) => void): Watch;
  /**
   * null when there is no such node. Reads wait through a suspension, and through what else may pass, and
   * reject only when the session ends; or with {@link ReadRefused}, of a node that others may read and we not.
   */
  read(path: string): Promise<ZNode | null>;
  /** Names, sorted; null when there is no such node. */
  children(path: string): Promise<readonly string[] | null>;
  /** All or nothing; the only way to change anything. Commits of one coordinator are applied in call order. */
  commit(changes: readonly Change[]): Promise<Committed | Rejected>;
  /**
   * Level-triggered: `changed` means "look again". It is called once after any change since the last
   * look (several changes may be one call), after every reconnect, and never before the returned
   * promise of a read that shows the change has been answered by the server. `node`: created, deleted
   * or data changed (the node need not exist). `children`: the set of names changed (also: the node
   * itself appeared or vanished). Set the watch first, then read.
   */
  watch(path: string, what: 'node' | 'children', changed: () => void): Watch;
  /** All earlier writes of anyone are visible to later reads of this coordinator (ZooKeeper's sync). */
  sync(): Promise<void>;
  /** Ends the session at once: its ephemeral nodes vanish. Idempotent, bounded, never rejects. */
  close(): Promise<void>;
}

/** Opens sessions; one source per broker. */
export interface CoordinatorSource {
  /**
   * A new session. Keeps trying until `timeoutMs` has passed, then rejects with `unavailable`.
   * The chroot of the connect string is created when missing. Once `calledOff` is aborted it rejects with
   * `closed` soon, and nothing of the attempt is left: a session that is there already is closed first.
   */
  open(timeoutMs: number, calledOff?: AbortSignal): Promise<Coordinator>;
  /** Counts since the start, for metrics: reads, writes (changes committed, checks left out), watch firings. */
  readonly counts: { reads: number; writes: number; watchFires: number };
}
