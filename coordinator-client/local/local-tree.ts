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
import type { Operation, Refused } from '../tree/transaction.ts';
import { type Firing, type WatchEvent, type Watcher, WatchMode } from '../tree/watches.ts';
import type { Stat } from '../tree/znode.ts';

/** A coordinator as the tree sees it. */
export interface LocalWatcher extends Watcher {
  fired(event: WatchEvent): void;
}

/** ZooKeeper refuses a request above 1 MiB; the rest is left for paths and framing. */
const LARGEST_COMMIT_BYTES = 1_000_000;
/** Deadlines are kept by the sources' timers, not by the database. */
const TICK_MS = 1;

const NOBODY: LocalWatcher = { identities: [SUPER_USER], fired: () => {} };

export class LocalTree {
  readonly #database = new ZnodeDatabase({ lastZxid: 0n, tickMs: TICK_MS });
  #nextSessionId = 1n;

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

  openSession(timeoutMs: number, time: { nowMs: number; timeMs: number }): bigint {
    const sessionId = this.#nextSessionId++;
    this.#database.openSession(sessionId, timeoutMs, time);
    return sessionId;
  }

  hasSession(sessionId: bigint): boolean {
    return this.#database.sessions.get(sessionId) !== undefined;
  }

  /** Ends the session: its ephemeral nodes vanish, their watchers hear of it. */
  closeSession(sessionId: bigint, wallMs: number): void {
    const closed = this.#database.closeSession(sessionId, wallMs);
    if (closed) this.#deliver(closed.firings);
  }

  /** From now on the watcher hears of every change of the node, its data and its children. */
  watch(path: string, watcher: LocalWatcher): void {
    this.#database.watches.add('data', path, watcher, WatchMode.PERSISTENT);
    this.#database.watches.add('child', path, watcher, WatchMode.PERSISTENT);
  }

  unwatch(path: string, watcher: LocalWatcher): void {
    this.#database.watches.remove('data', path, watcher, WatchMode.PERSISTENT);
    this.#database.watches.remove('child', path, watcher, WatchMode.PERSISTENT);
  }

  unwatchAll(watcher: LocalWatcher): void {
    this.#database.watches.removeAll(watcher);
  }

  #deliver(firings: readonly Firing[]): void {
    for (const { watcher, event } of firings) (watcher as LocalWatcher).fired(event);
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
