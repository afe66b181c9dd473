/**
 * Who wants to hear of what. Two tables as in ZooKeeper: data watches (also for nodes that do not
 * exist yet) and child watches; a watcher may hold several modes on one path at once, as from
 * ZooKeeper 3.9 on. Standard watches fire once; persistent ones stay; recursive ones stay and cover
 * everything below. Who may not read a node does not hear of it.
 * Source: org.apache.zookeeper.server.watch.WatchManager, DataTree.
 */
import { type Acl, type Identity, isAllowed, Permission } from './acl.ts';
import { parentOf } from './path.ts';

export type WatchEventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
  readonly zxid: bigint;
}

/** One end that is told: a connection, or a coordinator of this process. */
export interface Watcher {
  readonly identities: readonly Identity[];
}

/** A watcher that takes events itself: whoever hands out the firings of a database may call it. */
export interface Listener extends Watcher {
  notify(event: WatchEvent): void;
}

/** `event` is due to `watcher`, in the order of the list it stands in. */
export interface Firing {
  readonly watcher: Watcher;
  readonly event: WatchEvent;
}

/** Bits: a watcher may have several on one path. */
export const WatchMode = { STANDARD: 1, PERSISTENT: 2, RECURSIVE: 4, ANY: 7 } as const;
type WatchKind = 'data' | 'child';

type Table = Map<string, Map<Watcher, number>>;

/** The two fields hold the same watches, by path and by watcher; who holds none is in neither. */
export class Watches {
  /** The modes of each watcher on each path; never 0. */
  readonly #tables: Readonly<Record<WatchKind, Table>> = { data: new Map(), child: new Map() };
  readonly #pathsOf = new Map<Watcher, Record<WatchKind, Set<string>>>();
  /** While it is zero no ancestor needs to be looked at. */
  #recursiveCount = 0;

  add(kind: WatchKind, path: string, watcher: Watcher, mode: number): void {
    const table = this.#tables[kind];
    let watchers = table.get(path);
    if (!watchers) {
      watchers = new Map();
      table.set(path, watchers);
    }
    const before = watchers.get(watcher) ?? 0;
    watchers.set(watcher, before | mode);
    if (mode & ~before & WatchMode.RECURSIVE) this.#recursiveCount++;
    let paths = this.#pathsOf.get(watcher);
    if (!paths) {
      paths = { data: new Set(), child: new Set() };
      this.#pathsOf.set(watcher, paths);
    }
    paths[kind].add(path);
  }

  /** The modes that the watcher has on the path. */
  modes(kind: WatchKind, path: string, watcher: Watcher): number {
    return this.#tables[kind].get(path)?.get(watcher) ?? 0;
  }

  /** Takes the modes away; false when it had none of them. */
  remove(kind: WatchKind, path: string, watcher: Watcher, modes: number): boolean {
    const watchers = this.#tables[kind].get(path);
    const before = watchers?.get(watcher) ?? 0;
    if (!watchers || (before & modes) === 0) return false;
    if (before & modes & WatchMode.RECURSIVE) this.#recursiveCount--;
    const left = before & ~modes;
    if (left !== 0) {
      watchers.set(watcher, left);
      return true;
    }
    watchers.delete(watcher);
    if (watchers.size === 0) this.#tables[kind].delete(path);
    const paths = this.#pathsOf.get(watcher);
    paths?.[kind].delete(path);
    if (paths && paths.data.size === 0 && paths.child.size === 0) this.#pathsOf.delete(watcher);
    return true;
  }

  /** Forgets a watcher that is gone. */
  removeAll(watcher: Watcher): void {
    const paths = this.#pathsOf.get(watcher);
    if (!paths) return;
    for (const kind of ['data', 'child'] as const) {
      for (const path of [...paths[kind]]) this.remove(kind, path, watcher, WatchMode.ANY);
    }
  }

  created(node: Changed, parent: Changed, zxid: bigint, firings: Firing[]): void {
    const event: WatchEvent = { type: 'created', path: node.path, zxid };
    tell(this.#taken('data', node.path), event, node.acl, firings);
    this.#childrenChanged(parent, zxid, firings);
  }

  /** A watcher of both the node's data and its children hears of the deletion once. */
  deleted(node: Changed, parent: Changed, zxid: bigint, firings: Firing[]): void {
    const event: WatchEvent = { type: 'deleted', path: node.path, zxid };
    const told = this.#taken('data', node.path);
    tell(told, event, node.acl, firings);
    const others = [...this.#taken('child', node.path)].filter((watcher) => !told.has(watcher));
    tell(others, event, node.acl, firings);
    this.#childrenChanged(parent, zxid, firings);
  }

  dataChanged(node: Changed, zxid: bigint, firings: Firing[]): void {
    const event: WatchEvent = { type: 'dataChanged', path: node.path, zxid };
    tell(this.#taken('data', node.path), event, node.acl, firings);
  }

  /** Figures for the administrator: watches, watched paths, watchers. */
  counts(): { watches: number; paths: number; watchers: number } {
    let watches = 0;
    for (const paths of this.#pathsOf.values()) watches += paths.data.size + paths.child.size;
    const paths = new Set([...this.#tables.data.keys(), ...this.#tables.child.keys()]).size;
    return { watches, paths, watchers: this.#pathsOf.size };
  }

  /** How many watches one watcher holds. */
  countOf(watcher: Watcher): number {
    const paths = this.#pathsOf.get(watcher);
    return paths ? paths.data.size + paths.child.size : 0;
  }

  /** The watched paths of every watcher. */
  *byWatcher(): Iterable<readonly [Watcher, ReadonlySet<string>]> {
    for (const [watcher, paths] of this.#pathsOf) yield [watcher, new Set([...paths.data, ...paths.child])];
  }

  #childrenChanged(parent: Changed, zxid: bigint, firings: Firing[]): void {
    const event: WatchEvent = { type: 'childrenChanged', path: parent.path, zxid };
    tell(this.#taken('child', parent.path), event, parent.acl, firings);
  }

  /** The watchers that an event on the path concerns; their standard watches are used up. */
  #taken(kind: WatchKind, path: string): ReadonlySet<Watcher> {
    const told = new Set<Watcher>();
    const watchers = this.#tables[kind].get(path);
    if (watchers) {
      for (const watcher of [...watchers.keys()]) {
        told.add(watcher);
        this.remove(kind, path, watcher, WatchMode.STANDARD);
      }
    }
    if (kind !== 'data' || this.#recursiveCount === 0) return told;
    for (let above = path; above !== '/'; ) {
      above = parentOf(above);
      for (const [watcher, modes] of this.#tables.data.get(above) ?? []) {
        if (modes & WatchMode.RECURSIVE) told.add(watcher);
      }
    }
    return told;
  }
}

/** Those of them who may read the node. */
function tell(watchers: Iterable<Watcher>, event: WatchEvent, acl: readonly Acl[], firings: Firing[]): void {
  for (const watcher of watchers) {
    if (isAllowed(acl, Permission.READ, watcher.identities)) firings.push({ watcher, event });
  }
}

interface Changed {
  readonly path: string;
  readonly acl: readonly Acl[];
}
