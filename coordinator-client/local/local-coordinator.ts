/**
 * A session on a LocalTree, as a ZooKeeper client would live it: requests and answers travel over a
 * link in order, commits fail fast while the link is cut, reads wait, a cut in the middle of a commit
 * leaves its outcome unknown, and a session that has expired meanwhile is found out on reconnecting.
 */
import {
  type Change,
  type Committed,
  type Coordinator,
  CoordinatorError,
  type CoordinatorFailure,
  type Rejected,
  type SessionState,
  type Watch,
  type ZNode,
} from '../coordinator.ts';
import { isValidPath } from '../tree/path.ts';
import type { Listener } from '../tree/watches.ts';
import { HeldWatches } from './held-watches.ts';
import { Lane, type Timers } from './link.ts';
import type { LocalTree } from './local-tree.ts';

export interface LocalCoordinatorOptions {
  readonly tree: LocalTree;
  readonly clock: Timers;
  readonly sessionTimeoutMs: number;
  /** One way. */
  readonly delayMs: () => number;
  /** How long a link stays down that a dropped answer or request has broken. */
  readonly reconnectMs: number;
  readonly counts: { reads: number; writes: number; watchFires: number };
  /** False while the whole source is partitioned: a broken link then stays down. */
  readonly reachable: () => boolean;
}

/** What is asked and not answered yet. */
interface Pending {
  /** A repeatable request is sent again after a reconnect; the other kind has an unknown outcome. */
  readonly repeatable: boolean;
  /** Runs at the tree; what it returns runs back here. */
  readonly execute: () => () => void;
  readonly fail: (error: CoordinatorError) => void;
}

/** While the link is cut nothing is on the lanes, and only what is repeatable stays in `#pending`. */
export class LocalCoordinator implements Coordinator {
  readonly sessionId: bigint;
  readonly sessionTimeoutMs: number;
  /** `lost` and `closed` are final. */
  #state: SessionState = 'connected';
  readonly #options: LocalCoordinatorOptions;
  readonly #toTree: Lane;
  readonly #toHere: Lane;
  /** Asked and neither answered nor failed, in the order of asking. */
  readonly #pending = new Set<Pending>();
  readonly #listeners = new Set<{ readonly changed: (state: SessionState) => void }>();
  readonly #watches: HeldWatches;
  /** Runs at the tree. */
  readonly #watcher: Listener = { identities: [], notify: (event) => this.#watches.onEvent(event) };
  /** Runs while the link is cut: the tree's count of the session's time. */
  #expiry: { cancel(): void } | null = null;
  /** Set while a broken link is about to come back by itself. */
  #mending: { cancel(): void } | null = null;
  /** What befalls the next commit that reaches the tree. */
  #drop: 'answer' | 'request' | null = null;
  /** Set by the first `close`. */
  #closing: Promise<void> | null = null;

  /** To be made at the tree's end of the link: the session begins here. */
  constructor(options: LocalCoordinatorOptions) {
    this.#options = options;
    this.#toTree = new Lane(options.clock, options.delayMs);
    this.#toHere = new Lane(options.clock, options.delayMs);
    this.#watches = new HeldWatches({
      arm: (path) => {
        if (this.#state === 'connected') this.#toTree.send(() => this.#arm(path));
      },
      disarm: (path) => options.tree.unwatch(path, this.#watcher),
      send: (call) => this.#toHere.send(call),
      isConnected: () => this.#state === 'connected',
      fired: () => {
        options.counts.watchFires++;
      },
    });
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    const { clock } = options;
    const time = { nowMs: clock.nowMs(), timeMs: clock.wallMs() };
    this.sessionId = options.tree.openSession(time);
  }

  get session(): SessionState {
    return this.#state;
  }

  onSession(changed: (state: SessionState) => void): Watch {
    const listener = { changed };
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  async read(path: string): Promise<ZNode | null> {
    assertPath(path);
    this.#options.counts.reads++;
    return this.#request(true, () => this.#options.tree.read(path));
  }

  async children(path: string): Promise<readonly string[] | null> {
    assertPath(path);
    this.#options.counts.reads++;
    return this.#request(true, () => this.#options.tree.children(path));
  }

  sync(): Promise<void> {
    return this.#request(true, () => {});
  }

  commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    const { tree, clock, counts } = this.#options;
    return this.#request(false, () => {
      const outcome = tree.commit(changes, this.sessionId, clock.wallMs());
      if (outcome.ok) counts.writes += changes.filter(({ op }) => op !== 'check').length;
      return outcome;
    });
  }

  watch(path: string, what: 'node' | 'children', changed: () => void): Watch {
    assertPath(path);
    return this.#watches.add(path, what, changed);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** The link is cut: nothing that is under way arrives. The tree starts to count the session's time. */
  suspend(): void {
    this.#mending?.cancel();
    if (this.#state !== 'connected') return;
    const { tree, clock } = this.#options;
    this.#toTree.cut();
    this.#toHere.cut();
    tree.unwatchAll(this.#watcher);
    this.#expiry = clock.after(this.sessionTimeoutMs, () =>
      tree.closeSession(this.sessionId, clock.wallMs()),
    );
    for (const request of [...this.#pending]) {
      if (request.repeatable) continue;
      this.#pending.delete(request);
      request.fail(failure('outcome-unknown'));
    }
    this.#enter('suspended');
  }

  /** The link is back: with the same session if that is still alive, else the session is lost. */
  resume(): void {
    if (this.#state !== 'suspended') return;
    this.#expiry?.cancel();
    this.#expiry = null;
    if (!this.#options.tree.hasSession(this.sessionId)) {
      this.#lose();
      return;
    }
    for (const path of this.#watches.paths()) this.#toTree.send(() => this.#arm(path));
    for (const request of this.#pending) this.#send(request);
    this.#enter('connected');
    this.#watches.callAll();
  }

  /** The tree ends the session now. A coordinator that is cut off finds out on resuming. */
  expire(): void {
    const { tree, clock } = this.#options;
    tree.closeSession(this.sessionId, clock.wallMs());
    tree.unwatchAll(this.#watcher);
    if (this.#state === 'connected') this.#toHere.send(() => this.#lose());
  }

  /** Its process is dead: nothing reaches it any more. The session lives on until somebody ends it. */
  abandon(): void {
    this.#toTree.cut();
    this.#toHere.cut();
    this.#expiry?.cancel();
    this.#mending?.cancel();
    this.#options.tree.unwatchAll(this.#watcher);
  }

  /** The next commit is applied (`answer`) or not (`request`), and the link breaks before it is answered. */
  dropNext(what: 'answer' | 'request'): void {
    this.#drop = what;
  }

  #request<Result>(repeatable: boolean, execute: () => Result): Promise<Result> {
    const refusal = this.#refusal(repeatable);
    if (refusal) return Promise.reject(failure(refusal));
    return new Promise((resolve, reject) => {
      const request: Pending = {
        repeatable,
        execute: () => {
          const result = execute();
          return () => resolve(result);
        },
        fail: reject,
      };
      this.#pending.add(request);
      if (this.#state === 'connected') this.#send(request);
    });
  }

  #refusal(repeatable: boolean): CoordinatorFailure | null {
    if (this.#state === 'closed') return 'closed';
    if (this.#state === 'lost') return 'session-lost';
    return this.#state === 'suspended' && !repeatable ? 'unavailable' : null;
  }

  #send(request: Pending): void {
    this.#toTree.send(() => {
      if (!this.#options.tree.hasSession(this.sessionId)) {
        // The loss is on its way, but whoever has closed does not wait for it.
        if (this.#state === 'closed') this.#toHere.send(() => this.#failAll('closed'));
        return;
      }
      const drop = request.repeatable ? null : this.#drop;
      if (drop) this.#drop = null;
      if (drop === 'request') {
        this.#breakOff();
        return;
      }
      const answer = request.execute();
      if (drop === 'answer') {
        this.#breakOff();
        return;
      }
      this.#toHere.send(() => {
        this.#pending.delete(request);
        answer();
      });
    });
  }

  #breakOff(): void {
    this.suspend();
    this.#mending = this.#options.clock.after(this.#options.reconnectMs, () => {
      if (this.#options.reachable()) this.resume();
    });
  }

  #arm(path: string): void {
    if (this.#watches.has(path)) this.#options.tree.watch(path, this.#watcher);
  }

  #lose(): void {
    if (this.#state === 'lost' || this.#state === 'closed') return;
    this.#toTree.cut();
    this.#toHere.cut();
    this.#enter('lost');
    this.#failAll('session-lost');
  }

  #end(): Promise<void> {
    const before = this.#state;
    if (before === 'lost') return Promise.resolve();
    this.#enter('closed');
    if (before === 'suspended') {
      this.#failAll('closed');
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const { tree, clock } = this.#options;
      const request: Pending = {
        repeatable: true,
        execute: () => {
          tree.closeSession(this.sessionId, clock.wallMs());
          tree.unwatchAll(this.#watcher);
          return resolve;
        },
        fail: () => resolve(),
      };
      this.#pending.add(request);
      this.#send(request);
    });
  }

  #failAll(why: CoordinatorFailure): void {
    for (const request of this.#pending) request.fail(failure(why));
    this.#pending.clear();
  }

  #enter(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener.changed(state);
    }
  }
}

/** A wrong path is a mistake of the caller, not an answer. */
function assertPath(path: string): void {
  if (!isValidPath(path)) throw new RangeError(`${JSON.stringify(path)} is no path of a znode`);
}

const MESSAGES: Readonly<Record<CoordinatorFailure, string>> = {
  'outcome-unknown': 'the connection broke while the commit was under way',
  'session-lost': 'the session is over',
  closed: 'the coordinator is closed',
  unavailable: 'there is no connection',
};

function failure(why: CoordinatorFailure): CoordinatorError {
  return new CoordinatorError(why, MESSAGES[why]);
}
