/**
 * The server's side of agreement inside this process: one tree that several local sources share, as
 * several brokers share an ensemble. Whoever holds it may look at the tree and change it directly,
 * which is what tests and checkers do.
 */
import type { Change, Committed, Rejected, RejectReason, ZNode } from '../coordinator.ts';
import { OPEN_ACL, SUPER_USER } from '../tree/acl.ts';
import { ZnodeDatabase } from '../tree/database.ts';
import { ZkError, type ZkErrorCode } from '../tree/error-codes.ts';
import { isValidPath } from '../tree/path.ts';
import type { Operation, Refused, Transaction } from '../tree/transaction.ts';
import { type Firing, type Listener, WatchMode } from '../tree/watches.ts';
import type { Stat } from '../tree/znode.ts';

/** A database that others use as well: the embedded server, whose clients see the same tree. */
export interface SharedDatabase {
  readonly database: ZnodeDatabase;
  /** Writes a transaction down, if anybody keeps them. Before its firings are handed out. */
  append(transaction: Transaction): void;
  /** The firings have been handed out. */
  flush(): void;
}

/** ZooKeeper refuses a request above 1 MiB; the rest is left for paths and framing. */
const LARGEST_COMMIT_BYTES = 1_000_000;
const TICK_MS = 1;
/** Deadlines are kept by the sources' timers: to the database these sessions never expire. */
const NEVER_MS = 2 ** 31 - 1;
/** Ids of this process's sessions are below, those of a server's clients above. */
const FIRST_FOREIGN_SESSION_ID = 1n << 56n;

const NOBODY: Listener = { identities: [SUPER_USER], notify: () => {} };

export class LocalTree {
  readonly #shared: SharedDatabase;
  #nextSessionId = 1n;

  /** A tree of its own unless there is one to share. */
  constructor(shared?: SharedDatabase) {
    const database = shared?.database ?? new ZnodeDatabase({ lastZxid: 0n, tickMs: TICK_MS });
    this.#shared = shared ?? { database, append: () => {}, flush: () => {} };
    // Of a process that kept the tree before this one: nobody can come back to them.
    for (const id of this.sessionIds()) if (id < FIRST_FOREIGN_SESSION_ID) this.closeSession(id, 0);
  }

  get #database(): ZnodeDatabase {
    return this.#shared.database;
  }

  /** For tests and checkers: the node as it is now. */
  read(path: string): ZNode | null {
    const found = this.#database.getData(path, NOBODY, false);
    return typeof found === 'number' ? null : toZNode(found.data, found.stat);
  }

  /** For tests and checkers: sorted names, null when there is no such node. */
  children(path: string): readonly string[] | null {
    const found = this.#database.getChildren(path, NOBODY, false);
    return typeof found === 'number' ? null : [...found.names].sort();
  }

  /** For tests and checkers: every path there is, parents first. */
  paths(): readonly string[] {
    return Array.from(this.#database.tree.entries(), ([path]) => path);
  }

  /** The sessions that have not ended. */
  sessionIds(): readonly bigint[] {
    return Array.from(this.#database.sessions.all(), (session) => session.id);
  }

  get lastZxid(): bigint {
    return this.#database.lastZxid;
  }

  /** A commit in the name of a session; `0n` for a hand from outside, which may make nothing ephemeral. */
  commit(changes: readonly Change[], sessionId: bigint, wallMs: number): Committed | Rejected {
    const refused = firstImpossible(changes, sessionId);
    if (refused) return refused;
    const actor = { sessionId, identities: [] };
    const outcome = this.#database.commit(changes.map(toOperation), actor, wallMs);
    if (!outcome.ok) return toRejected(outcome);
    if (outcome.transaction !== null) this.#shared.append(outcome.transaction);
    this.#deliver(outcome.firings);
    return {
      ok: true,
      results: outcome.results.map((result, index) => {
        const operation = changes[index]?.op;
        const version = operation === 'remove' ? -1 : (result.stat?.version ?? -1);
        const czxid = operation === 'remove' || operation === 'check' ? 0n : (result.stat?.czxid ?? 0n);
        return { path: result.path, version, czxid };
      }),
    };
  }

  openSession(time: { nowMs: number; timeMs: number }): bigint {
    const sessionId = this.#nextSessionId++;
    this.#shared.append(this.#database.openSession(sessionId, NEVER_MS, time));
    return sessionId;
  }

  hasSession(sessionId: bigint): boolean {
    return this.#database.sessions.get(sessionId) !== undefined;
  }

  /** Ends the session: its ephemeral nodes vanish, their watchers hear of it. */
  closeSession(sessionId: bigint, wallMs: number): void {
    const closed = this.#database.closeSession(sessionId, wallMs);
    if (closed === null) return;
    this.#shared.append(closed.transaction);
    this.#deliver(closed.firings);
  }

  /** From now on the watcher hears of every change of the node, its data and its children. */
  watch(path: string, watcher: Listener): void {
    this.#database.watches.add('data', path, watcher, WatchMode.PERSISTENT);
    this.#database.watches.add('child', path, watcher, WatchMode.PERSISTENT);
  }

  unwatch(path: string, watcher: Listener): void {
    this.#database.watches.remove('data', path, watcher, WatchMode.PERSISTENT);
    this.#database.watches.remove('child', path, watcher, WatchMode.PERSISTENT);
  }

  unwatchAll(watcher: Listener): void {
    this.#database.watches.removeAll(watcher);
  }

  #deliver(firings: readonly Firing[]): void {
    for (const { watcher, event } of firings) (watcher as Listener).notify(event);
    this.#shared.flush();
  }
}

function toZNode(data: Buffer | null, stat: Stat): ZNode {
  return {
    data: Buffer.from(data ?? []),
    version: stat.version,
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    createdMs: stat.ctimeMs,
    modifiedMs: stat.mtimeMs,
    childrenCount: stat.numChildren,
    ephemeralOwner: stat.ephemeralOwner,
  };
}

/** What a client or the wire would refuse before the tree sees it. */
function firstImpossible(changes: readonly Change[], sessionId: bigint): Rejected | null {
  let sizeBytes = 0;
  for (const [index, change] of changes.entries()) {
    if ('data' in change) sizeBytes += change.data.length;
    const orphan = change.op === 'create' && change.lifetime === 'session' && sessionId === 0n;
    const sequential = change.op === 'create' && change.sequential === true;
    const invalid = !isValidPath(sequential ? `${change.path}0` : change.path);
    if (sizeBytes > LARGEST_COMMIT_BYTES || orphan || invalid) return { ok: false, index, reason: 'invalid' };
  }
  return null;
}

/** Data is copied: a caller may use its buffer again, as it may with a socket in between. */
function toOperation(change: Change): Operation {
  switch (change.op) {
    case 'create':
      return {
        kind: 'create',
        path: change.path,
        data: Buffer.from(change.data),
        acl: OPEN_ACL,
        node: change.lifetime === 'session' ? 'ephemeral' : 'persistent',
        sequential: change.sequential === true,
      };
    case 'put':
      return { kind: 'setData', path: change.path, data: Buffer.from(change.data), version: change.version };
    case 'remove':
      return { kind: 'delete', path: change.path, version: change.version };
    case 'check':
      return { kind: 'check', path: change.path, version: change.version };
  }
}

const REASONS: ReadonlyMap<ZkErrorCode, RejectReason> = new Map([
  [ZkError.NODE_EXISTS, 'exists'],
  [ZkError.NO_NODE, 'missing'],
  [ZkError.BAD_VERSION, 'version'],
  [ZkError.NOT_EMPTY, 'not-empty'],
  [ZkError.NO_CHILDREN_FOR_EPHEMERALS, 'ephemeral-parent'],
  [ZkError.NO_AUTH, 'denied'],
]);

function toRejected(refused: Refused): Rejected {
  return { ok: false, index: refused.index, reason: REASONS.get(refused.code) ?? 'invalid' };
}
