/**
 * Turns ZooKeeper's one-shot watches into lasting, level-triggered ones ("look again").
 *
 * The rule that makes them safe: a watch is set again *before* the listener is told and so before any
 * read that the listener makes, because one connection's requests are answered in order. A change that
 * comes after that read fires the watch; one that came before is in the read's answer. A read of the
 * watched path takes the watch along instead of a request of its own.
 *
 * After a reconnect the watches are set again in one go (watch-restore.ts) and then every listener is
 * told once, whether or not anything happened: what a server has missed it cannot report.
 */
import { type Client, Event, type Stat } from 'node-zookeeper-client';
import type { Watch } from '../coordinator.ts';
import { isolated } from './isolated.ts';
import { type RequestError, ServerCode } from './opcodes.ts';

type What = 'node' | 'children';

/** Before a server that has refused a watch is asked for it again. */
const RETRY_MS = 500;

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly what: What;
  readonly listeners: Set<() => void>;
  /** `wanted`: to be sent with the next request. `asked`: sent, not answered. `set`: the server holds it. */
  state: 'wanted' | 'asked' | 'set';
  /** A reconnect is under way: the listeners are told when it is done. */
  owed: boolean;
  /** The server has refused to set it: from then on changes go unseen, until it is set and the listeners told. */
  refused: boolean;
  /** Given to node-zookeeper-client, which calls it once when the watch fires. */
  readonly fired: (event: Event) => void;
}

interface WatchTableOptions {
  readonly client: Pick<Client, 'exists' | 'getChildren'>;
  /** Removes a watcher that was given to the client and has not fired. */
  readonly forget: (path: string, watcher: (event: Event) => void) => void;
  readonly onFire: () => void;
  readonly log: (message: string) => void;
}

/** The watch that a read takes along; the reader reports what came of it. */
export interface CarriedWatch {
  readonly fired: (event: Event) => void;
  answered(outcome: 'read' | 'missing' | 'failed'): void;
}

/** There is an entry for each path and kind with listeners, and each entry has at least one. */
export class WatchTable {
  readonly #options: WatchTableOptions;
  /** By kind and path. */
  readonly #entries = new Map<string, Entry>();
  /** Those of `#entries` in state `wanted`. */
  readonly #wanted = new Set<Entry>();
  /** A flush of what no request takes along is due in this turn of the event loop. */
  #flushSoon = false;
  /** From the loss of the connection until all watches are set again. */
  #restoring = false;
  #over = false;

  constructor(options: WatchTableOptions) {
    this.#options = options;
  }

  add(path: string, what: What, changed: () => void): Watch {
    const listener = (): void => changed(); // two watches may share one function
    const entry = this.#entryFor(path, what);
    entry.listeners.add(listener);
    return {
      close: () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0) this.#drop(entry);
      },
    };
  }

  /** Called before a read of `path`: the watch that it is to take along, if there is one to set. */
  carry(path: string, what: What): CarriedWatch | undefined {
    const entry = this.#entries.get(keyOf(path, what));
    if (entry?.state !== 'wanted') return undefined;
    this.#wanted.delete(entry);
    entry.state = 'asked';
    return {
      fired: entry.fired,
      answered: (outcome) => {
        if (outcome === 'read') this.#isSet(entry);
        else if (outcome === 'missing') this.#awaitCreation(entry);
        else this.#want(entry);
      },
    };
  }

  /** Sends what is wanted. Called before every other request, so that a watch precedes later reads. */
  flush(): void {
    for (const entry of this.#wanted) {
      entry.state = 'asked';
      if (entry.what === 'node') this.#setOnNode(entry);
      else this.#setOnChildren(entry);
    }
    this.#wanted.clear();
  }

  /** The connection is gone; whatever happens until `restored` is told then. */
  suspended(): void {
    this.#restoring = true;
    for (const entry of this.#entries.values()) entry.owed = true;
  }

  restored(): void {
    this.#restoring = false;
    for (const entry of [...this.#entries.values()]) {
      if (entry.owed) this.#tell(entry);
    }
  }

  /** The session is over: nobody is told anything any more. */
  end(): void {
    this.#over = true;
    this.#entries.clear();
    this.#wanted.clear();
  }

  #entryFor(path: string, what: What): Entry {
    const key = keyOf(path, what);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = {
      key,
      path,
      what,
      listeners: new Set(),
      state: 'wanted',
      owed: false,
      refused: false,
      fired: (event) => this.#fired(entry, event),
    };
    this.#entries.set(key, entry);
    this.#want(entry);
    return entry;
  }

  #setOnNode(entry: Entry): void {
    this.#options.client.exists(entry.path, entry.fired, (error) => {
      if (error === null) this.#isSet(entry);
      else this.#failed(entry, error as RequestError);
    });
  }

  #setOnChildren(entry: Entry): void {
    this.#options.client.getChildren(entry.path, entry.fired, (error) => {
      if (error === null) this.#isSet(entry);
      else if ((error as RequestError).code === ServerCode.noNode) this.#awaitCreation(entry);
      else this.#failed(entry, error as RequestError);
    });
  }

  /** A read found no node, and left no watch: watch for its creation, which may have come meanwhile. */
  #awaitCreation(entry: Entry): void {
    this.#options.client.exists(entry.path, entry.fired, (error, stat: Stat | null) => {
      if (error !== null) {
        this.#failed(entry, error as RequestError);
      } else if (stat === null) {
        this.#isSet(entry);
      } else {
        // Below a node that has appeared the children want a watch of their own, after this one.
        if (entry.what === 'node') this.#isSet(entry);
        else this.#want(entry);
        this.#tell(entry);
      }
    });
  }

  #fired(entry: Entry, event: Event): void {
    // Left over from waiting for the node; its data is not this watch's business.
    if (entry.what === 'children' && event.type === Event.NODE_DATA_CHANGED) return;
    if (entry.state !== 'set') return;
    this.#want(entry);
    if (this.#restoring && entry.owed) return; // told with the others, when all are restored
    this.#tell(entry);
  }

  #tell(entry: Entry): void {
    entry.owed = false;
    for (const listener of [...entry.listeners]) {
      if (!entry.listeners.has(listener) || this.#over) continue;
      this.#options.onFire();
      isolated(listener);
    }
  }

  /** A server that refuses is asked again, for ever: whoever relies on the watch would be blind without. */
  #failed(entry: Entry, error: RequestError): void {
    if (error.code === ServerCode.connectionLoss) {
      this.#want(entry);
      return;
    }
    if (!this.#isCurrent(entry)) return;
    if (!entry.refused) this.#options.log(`no watch on ${entry.path} yet: ${error.message}`);
    entry.refused = true;
    setTimeout(() => this.#want(entry), RETRY_MS).unref();
  }

  #isSet(entry: Entry): void {
    entry.state = 'set';
    if (!this.#isCurrent(entry)) this.#options.forget(entry.path, entry.fired);
    else if (entry.refused) {
      entry.refused = false;
      this.#tell(entry);
    }
  }

  #want(entry: Entry): void {
    if (!this.#isCurrent(entry)) return;
    entry.state = 'wanted';
    this.#wanted.add(entry);
    if (this.#flushSoon) return;
    this.#flushSoon = true;
    queueMicrotask(() => {
      this.#flushSoon = false;
      this.flush();
    });
  }

  #drop(entry: Entry): void {
    if (!this.#isCurrent(entry)) return;
    this.#entries.delete(entry.key);
    this.#wanted.delete(entry);
    if (entry.state === 'set') this.#options.forget(entry.path, entry.fired);
  }

  #isCurrent(entry: Entry): boolean {
    return !this.#over && this.#entries.get(entry.key) === entry;
  }
}

function keyOf(path: string, what: What): string {
  return `${what} ${path}`;
}
