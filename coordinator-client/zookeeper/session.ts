/**
 * One ZooKeeper session as a Coordinator: reads wait through a suspension and are asked again, commits
 * are sent once or refused, and when the session is over everything is answered.
 */
import { type Client, createClient, type Stat } from 'node-zookeeper-client';
import type ConnectionManager from 'node-zookeeper-client/lib/ConnectionManager.js';
import {
  type Change,
  type Committed,
  type Coordinator,
  CoordinatorError,
  type CoordinatorSource,
  ReadRefused,
  type Rejected,
  type RejectReason,
  type SessionState,
  type Watch,
  type ZNode,
} from '../coordinator.ts';
import { isValidPath } from '../tree/path.ts';
import { type AccessList, readAccessList, replaceAccessList } from './access-lists.ts';
import { type AclOf, commitRequest, outcomeOf, refusalOf, refusedByForm } from './commits.ts';
import type { ConnectString } from './connect-string.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { isolated } from './isolated.ts';
import type { DialServer } from './line-socket.ts';
import { RequestError, ServerCode } from './opcodes.ts';
import type { Reply } from './replies.ts';
import { create2Request, createMode, type Request, syncRequest } from './requests.ts';
import { forgetWatcher } from './watch-restore.ts';
import { type CarriedWatch, WatchTable } from './watch-table.ts';

interface SessionOptions extends ConnectionOptions {
  readonly connect: ConnectString;
  readonly maxRequestBytes: number;
  readonly aclOf: AclOf;
  readonly counts: CoordinatorSource['counts'];
}

/** The Client with the parts that its types leave out and that are exchanged here. */
interface OpenClient extends Client {
  connectionManager: ConnectionManager;
  onConnectionManagerState(state: number): void;
}

const MAX_CLOSE_MS = 2_000;

export class Session implements Coordinator {
  readonly #options: SessionOptions;
  readonly #client: OpenClient;
  readonly #connection: Connection;
  readonly #watches: WatchTable;
  readonly #listeners = new Set<(state: SessionState) => void>();
  /** `suspended` also before the first connection; `lost` and `closed` are final. */
  #state: SessionState = 'suspended';
  /** Set by the first `close`. */
  #ended: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const client = createClient('replaced:1', { sessionTimeout: options.sessionTimeoutMs }) as OpenClient;
    const connection = new Connection(options.connect, options, (state) =>
      client.onConnectionManagerState(state),
    );
    client.connectionManager = connection;
    this.#client = client;
    this.#connection = connection;
    this.#watches = new WatchTable({
      client,
      forget: (path, watcher) => forgetWatcher(connection.watcherManager, path, watcher),
      onFire: () => {
        options.counts.watchFires += 1;
      },
      log: options.log,
    });
    client.on('connected', () => this.#enter('connected'));
    client.on('disconnected', () => this.#enter('suspended'));
    client.on('expired', () => this.#enter('lost'));
    client.on('authenticationFailed' as 'expired', () => this.#enter('lost'));
    connection.on('restored', () => this.#watches.restored());
  }

  /** Connects and makes sure of the chroot. Rejects when the session ends before. */
  async start(): Promise<void> {
    this.#client.connect();
    for (;;) {
      await this.#connected();
      try {
        await this.#createChroot();
        return;
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
      }
    }
  }

  get session(): SessionState {
    return this.#state;
  }

  /** Why no server believes who we are; then the session is lost. */
  get loginRefused(): string | null {
    return this.#connection.loginRefused;
  }

  get sessionId(): bigint {
    return this.#connection.sessionId.readBigInt64BE();
  }

  get sessionTimeoutMs(): number {
    return this.#connection.sessionTimeout;
  }

  onSession(changed: (state: SessionState) => void): Watch {
    const listener = (state: SessionState): void => changed(state);
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** The ensemble ends the session although we live; resolves when it has, and we learn of it soon. */
  expire(dial?: DialServer): Promise<void> {
    return this.#connection.expire(dial);
  }

  read(path: string): Promise<ZNode | null> {
    this.#options.counts.reads += 1;
    return this.#readNode(path);
  }

  children(path: string): Promise<readonly string[] | null> {
    this.#options.counts.reads += 1;
    return this.#look(path, 'children', (watcher, settle) => {
      const answer = (error: object | null, names: string[]): void => settle(error, () => names.sort());
      if (watcher === undefined) this.#client.getChildren(path, answer);
      else this.#client.getChildren(path, watcher, answer);
    });
  }

  commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    if (this.#state !== 'connected') return Promise.reject(this.#refusal());
    if (changes.length === 0) return Promise.resolve({ ok: true, results: [] });
    const refused = refusedByForm(changes, {
      maxRequestBytes: this.#options.maxRequestBytes,
      chrootBytes: Buffer.byteLength(this.#options.connect.chroot),
    });
    if (refused !== null) return Promise.resolve(refused);
    this.#watches.flush();
    return this.#send(commitRequest(changes, this.#options.aclOf)).then(
      (reply) => {
        const outcome = outcomeOf(changes, reply);
        if (outcome.ok) this.#options.counts.writes += changes.filter(isWriting).length;
        return outcome;
      },
      (error: RequestError) => {
        const refusal = refusalOf(error.code);
        if (refusal !== null) return refusal;
        throw this.#commitFailure(error);
      },
    );
  }

  watch(path: string, what: 'node' | 'children', changed: () => void): Watch {
    if (!isValidPath(path)) throw new TypeError(`invalid path '${path}'`);
    if (this.#isOver()) return { close: () => {} };
    return this.#watches.add(path, what, changed);
  }

  async sync(): Promise<void> {
    for (;;) {
      this.#watches.flush();
      try {
        await this.#send(syncRequest('/'));
        return;
      } catch (error) {
        if (this.#isOver() || !isPassing(error)) throw this.#readFailure(error);
        if (!isConnectionLoss(error)) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** null when there is no such node, `denied` when we may not look. */
  accessList(path: string): Promise<AccessList | 'denied' | null> {
    return readAccessList((request) => this.#send(request), path);
  }

  /** null: done. `version` is that of the list, -1 for any. */
  setAccessList(path: string, list: AccessList): Promise<RejectReason | null> {
    return replaceAccessList((request) => this.#send(request), path, list);
  }

  close(): Promise<void> {
    if (this.#state === 'lost') return Promise.resolve();
    if (this.#ended === undefined) {
      this.#enter('closed');
      this.#ended = this.#connection.end(Math.min(MAX_CLOSE_MS, this.sessionTimeoutMs));
    }
    return this.#ended;
  }

  #readNode(path: string): Promise<ZNode | null> {
    return this.#look(path, 'node', (watcher, settle) => {
      const answer = (error: object | null, data: Buffer | undefined, stat: Stat): void =>
        settle(error, () => znodeOf(data, stat));
      if (watcher === undefined) this.#client.getData(path, answer);
      else this.#client.getData(path, watcher, answer);
    });
  }

  /** A read that carries the watch of its path along, and is asked again as long as the session lives. */
  #look<Result>(
    path: string,
    what: 'node' | 'children',
    ask: (
      watcher: CarriedWatch['fired'] | undefined,
      settle: (error: object | null, result: () => Result) => void,
    ) => void,
  ): Promise<Result | null> {
    if (!isValidPath(path)) return Promise.reject(new TypeError(`invalid path '${path}'`));
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        const carried = this.#watches.carry(path, what);
        this.#watches.flush();
        ask(carried?.fired, (error, result) => {
          if (error === null) {
            carried?.answered('read');
            resolve(result());
          } else if (error instanceof RequestError && error.code === ServerCode.noNode) {
            carried?.answered('missing');
            resolve(null);
          } else {
            carried?.answered('failed');
            if (this.#isOver() || !isPassing(error)) reject(this.#readFailure(error));
            else if (isConnectionLoss(error)) attempt();
            else setTimeout(attempt, RETRY_MS);
          }
        });
      };
      attempt();
    });
  }

  #send(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#connection.queue(request, (error, reply) => {
        if (error !== null || reply === undefined) reject(error ?? new Error('no answer'));
        else resolve(reply);
      });
    });
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (state: SessionState): void => {
        if (state === 'suspended') return;
        watch.close();
        if (state === 'connected') resolve();
        else reject(this.#refusal());
      };
      const watch = this.onSession(settle);
      settle(this.#state);
    });
  }

  /** While it is being made, paths are absolute; from then on the connection puts the chroot in front. */
  async #createChroot(): Promise<void> {
    const { chroot } = this.#options.connect;
    if (chroot === '' || this.#connection.chrootPath !== undefined) return;
    const mode = createMode('persistent', false);
    if ((await this.#readNode(chroot)) === null) {
      for (const path of pathPrefixes(chroot)) {
        try {
          await this.#send(create2Request(path, Buffer.alloc(0), { mode, acl: this.#options.aclOf(path) }));
        } catch (error) {
          if (!(error instanceof RequestError) || error.code !== ServerCode.nodeExists) throw error;
        }
      }
    }
    this.#connection.chrootPath = chroot;
  }

  #enter(state: SessionState): void {
    if (state === this.#state || this.#isOver()) return;
    this.#state = state;
    if (state === 'suspended') this.#watches.suspended();
    if (this.#isOver()) this.#watches.end();
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) isolated(() => listener(state));
    }
  }

  #isOver(): boolean {
    return this.#state === 'lost' || this.#state === 'closed';
  }

  #commitFailure(error: unknown): CoordinatorError {
    if (error instanceof RequestError && error.sent && !NOT_APPLIED.has(error.code)) {
      return new CoordinatorError(
        'outcome-unknown',
        `commit may or may not have been applied: ${error.message}`,
      );
    }
    return this.#refusal();
  }

  #readFailure(error: unknown): CoordinatorError | ReadRefused {
    if (this.#isOver()) return this.#refusal();
    return new ReadRefused(error instanceof Error ? error.message : String(error));
  }

  #refusal(): CoordinatorError {
    const refused = this.loginRefused;
    if (refused !== null) return new CoordinatorError('session-lost', refused);
    if (this.#state === 'lost') return new CoordinatorError('session-lost', 'the session has expired');
    if (this.#state === 'closed') return new CoordinatorError('closed', 'the session was closed');
    return new CoordinatorError('unavailable', 'no connection to ZooKeeper');
  }
}

/** Before a server that has refused for the moment is asked again. */
const RETRY_MS = 100;

/** Refusals of the session or the server's door: the request was not carried out. */
const NOT_APPLIED: ReadonlySet<number> = new Set([
  ServerCode.sessionExpired,
  ServerCode.sessionMoved,
  ServerCode.throttled,
]);

/** Every ancestor and the path itself, top first: `/a/b` gives `/a`, `/a/b`. */
function pathPrefixes(path: string): readonly string[] {
  const names = path.slice(1).split('/');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

/** A server that has no time for us, or is no longer ours: what changes nothing may be asked again. */
function isPassing(error: unknown): boolean {
  return (
    isConnectionLoss(error) ||
    (error instanceof RequestError &&
      (error.code === ServerCode.throttled || error.code === ServerCode.sessionMoved))
  );
}

function isConnectionLoss(error: unknown): boolean {
  return error instanceof RequestError && error.code === ServerCode.connectionLoss;
}

function isWriting(change: Change): boolean {
  return change.op !== 'check';
}

function znodeOf(data: Buffer | undefined, stat: Stat): ZNode {
  return {
    data: data ?? Buffer.alloc(0), // a node may have no data at all
    version: stat.version,
    czxid: stat.czxid.readBigInt64BE(),
    mzxid: stat.mzxid.readBigInt64BE(),
    createdMs: Number(stat.ctime.readBigInt64BE()),
    modifiedMs: Number(stat.mtime.readBigInt64BE()),
    childrenCount: stat.numChildren,
    ephemeralOwner: stat.ephemeralOwner.readBigInt64BE(),
  };
}
