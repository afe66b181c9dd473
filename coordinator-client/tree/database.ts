/**
 * One copy of the agreement: tree, sessions, watches and the zxid that orders every change. Pure and
 * synchronous: an operation goes in, results and watch firings come out; time is an argument and
 * nothing is called back. The caller delivers the firings before the answer and before any later
 * read, and writes the returned transactions down if they are to outlive the process.
 * Source: ZooKeeper's ZKDatabase with the PrepRequest and Final processors of a standalone server.
 */
import { type Acl, isAllowed, maskedAcl, Permission } from './acl.ts';
import { ZkError, type ZkErrorCode } from './error-codes.ts';
import { parentOf } from './path.ts';
import { prepare } from './prepare.ts';
import { Sessions } from './sessions.ts';
import type {
  Actor,
  Applied,
  Edit,
  NodeEdit,
  Operation,
  OperationResult,
  Refused,
  Transaction,
} from './transaction.ts';
import { Tree, type Undo } from './tree.ts';
import { type Firing, type Watcher, Watches, WatchMode } from './watches.ts';
import type { Stat, Znode } from './znode.ts';

interface DatabaseOptions {
  /** The last zxid given out; the first transaction gets the next one. */
  readonly lastZxid: bigint;
  /** Session deadlines are rounded up to multiples of it. */
  readonly tickMs: number;
  readonly tree?: Tree;
}

/** Tree, zxid and which sessions there are follow from the transactions; deadlines and watches do not. */
export class ZnodeDatabase {
  readonly tree: Tree;
  readonly sessions: Sessions;
  readonly watches = new Watches();
  /** Of the last transaction; rises by one with each. */
  #zxid: bigint;

  constructor(options: DatabaseOptions) {
    this.tree = options.tree ?? Tree.fresh();
    this.sessions = new Sessions(options.tickMs);
    this.#zxid = options.lastZxid;
  }

  get lastZxid(): bigint {
    return this.#zxid;
  }

  /** All of the operations under one zxid, or none. Later ones see the effects of earlier ones. */
  commit(operations: readonly Operation[], actor: Actor, timeMs: number): Applied | Refused {
    const zxid = this.#zxid + 1n;
    const edits: NodeEdit[] = [];
    const undos: Undo[] = [];
    const firings: (() => void)[] = [];
    const due: Firing[] = [];
    const results: OperationResult[] = [];
    for (const [index, operation] of operations.entries()) {
      const prepared = prepare(this.tree, operation, actor);
      if (typeof prepared === 'number') {
        for (const undo of undos.reverse()) undo();
        return { ok: false, index, code: prepared };
      }
      if (prepared !== null) {
        firings.push(this.#firingsOf(prepared, zxid, due));
        undos.push(this.tree.apply(prepared, zxid, timeMs));
        edits.push(prepared);
      }
      const path = prepared?.path ?? operation.path;
      results.push({ path, stat: this.tree.get(path)?.stat() ?? null });
    }
    for (const fire of firings) fire();
    return { ok: true, results, transaction: this.#transaction(zxid, timeMs, edits), firings: due };
  }

  openSession(sessionId: bigint, timeoutMs: number, time: { nowMs: number; timeMs: number }): Transaction {
    this.sessions.put(sessionId, timeoutMs, time.nowMs);
    return this.#sessionTransaction({ kind: 'openSession', sessionId, timeoutMs }, time.timeMs);
  }

  /** Ends a session and deletes its ephemeral nodes in one transaction; null when there is none. */
  closeSession(
    sessionId: bigint,
    timeMs: number,
  ): { transaction: Transaction; firings: readonly Firing[] } | null {
    if (!this.sessions.remove(sessionId)) return null;
    const transaction = this.#sessionTransaction({ kind: 'closeSession', sessionId }, timeMs);
    const firings: Firing[] = [];
    for (const path of [...this.tree.ephemeralsOf(sessionId)]) {
      const fire = this.#firingsOf({ kind: 'delete', path }, transaction.zxid, firings);
      this.tree.apply({ kind: 'delete', path }, transaction.zxid, timeMs);
      fire();
    }
    return { transaction, firings };
  }

  /** Deletes the containers and TTL nodes whose time has come, each in its own transaction. */
  reap(timeMs: number): { transactions: readonly Transaction[]; firings: readonly Firing[] } {
    const transactions: Transaction[] = [];
    const firings: Firing[] = [];
    for (const path of this.tree.reapable(timeMs)) {
      const edit: NodeEdit = { kind: 'delete', path };
      const zxid = this.#zxid + 1n;
      const fire = this.#firingsOf(edit, zxid, firings);
      this.tree.apply(edit, zxid, timeMs);
      fire();
      const transaction = this.#transaction(zxid, timeMs, [edit]);
      if (transaction) transactions.push(transaction);
    }
    return { transactions, firings };
  }

  /** Applies a transaction of a log again. Transactions come in the order of their zxids. */
  replay(transaction: Transaction, nowMs: number): void {
    const { zxid, timeMs } = transaction;
    for (const edit of transaction.edits) {
      if (edit.kind === 'openSession') this.sessions.put(edit.sessionId, edit.timeoutMs, nowMs);
      else if (edit.kind === 'closeSession') {
        this.sessions.remove(edit.sessionId);
        for (const path of [...this.tree.ephemeralsOf(edit.sessionId)]) {
          this.tree.apply({ kind: 'delete', path }, zxid, timeMs);
        }
      } else this.tree.apply(edit, zxid, timeMs);
    }
    this.#zxid = zxid;
  }

  /**
   * A watch is set even when there is no node: it waits for one. Whoever may not read a node does not learn
   * more of it than that it is there (ZooKeeper before 3.8.4 told everybody).
   */
  exists(path: string, reader: Watcher, watch: boolean): Stat | ZkErrorCode {
    const node = this.#readable(path, reader, Permission.READ);
    if (watch && node !== ZkError.NO_AUTH) this.watches.add('data', path, reader, WatchMode.STANDARD);
    return typeof node === 'number' ? node : node.stat();
  }

  getData(path: string, reader: Watcher, watch: boolean): { data: Buffer | null; stat: Stat } | ZkErrorCode {
    const node = this.#readable(path, reader, Permission.READ);
    if (typeof node === 'number') return node;
    if (watch) this.watches.add('data', path, reader, WatchMode.STANDARD);
    return { data: node.data, stat: node.stat() };
  }

  getChildren(
    path: string,
    reader: Watcher,
    watch: boolean,
  ): { names: ReadonlySet<string>; stat: Stat } | ZkErrorCode {
    const node = this.#readable(path, reader, Permission.READ);
    if (typeof node === 'number') return node;
    if (watch) this.watches.add('child', path, reader, WatchMode.STANDARD);
    return { names: node.children, stat: node.stat() };
  }

  getAcl(path: string, reader: Watcher): { acl: readonly Acl[]; stat: Stat } | ZkErrorCode {
    const node = this.#readable(path, reader, Permission.READ | Permission.ADMIN);
    if (typeof node === 'number') return node;
    const acl = isAllowed(node.acl, Permission.ADMIN, reader.identities) ? node.acl : maskedAcl(node.acl);
    return { acl, stat: node.stat() };
  }

  countBelow(path: string, reader: Watcher): { count: number } | ZkErrorCode {
    const node = this.#readable(path, reader, Permission.READ);
    return typeof node === 'number' ? node : { count: this.tree.countBelow(path) };
  }

  #readable(path: string, reader: Watcher, permissions: number): Znode | ZkErrorCode {
    const node = this.tree.get(path);
    if (!node) return ZkError.NO_NODE;
    return isAllowed(node.acl, permissions, reader.identities) ? node : ZkError.NO_AUTH;
  }

  #sessionTransaction(edit: Edit, timeMs: number): Transaction {
    this.#zxid += 1n;
    return { zxid: this.#zxid, timeMs, edits: [edit] };
  }

  #transaction(zxid: bigint, timeMs: number, edits: readonly Edit[]): Transaction | null {
    if (edits.length === 0) return null;
    this.#zxid = zxid;
    return { zxid, timeMs, edits };
  }

  /**
   * Called before the edit is applied, since a deleted node's list is needed; what it returns is
   * called once the whole transaction stands, since a refused one fires nothing.
   */
  #firingsOf(edit: NodeEdit, zxid: bigint, firings: Firing[]): () => void {
    if (edit.kind === 'setAcl') return () => {};
    const before = this.tree.get(edit.path)?.acl ?? [];
    const parent = { path: parentOf(edit.path), acl: this.tree.get(parentOf(edit.path))?.acl ?? [] };
    if (edit.kind === 'create') {
      return () => this.watches.created({ path: edit.path, acl: edit.acl }, parent, zxid, firings);
    }
    if (edit.kind === 'delete') {
      return () => this.watches.deleted({ path: edit.path, acl: before }, parent, zxid, firings);
    }
    return () => this.watches.dataChanged({ path: edit.path, acl: before }, zxid, firings);
  }
}
