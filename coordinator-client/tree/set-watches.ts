/**
 * A client that comes back names the watches it holds and the last zxid it has seen. What changed in
 * between fires at once, the rest is armed again. Persistent watches are armed only: what happened
 * in the gap is not replayed for them. Source: DataTree.setWatches.
 */
import type { ZnodeDatabase } from './database.ts';
import { type Firing, type Watcher, WatchMode } from './watches.ts';

export interface HeldWatches {
  readonly lastSeenZxid: bigint;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly child: readonly string[];
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
}

/** Returns what is due to the watcher at once. */
export function rearm(database: ZnodeDatabase, watcher: Watcher, held: HeldWatches): readonly Firing[] {
  const { tree, watches, lastZxid: zxid } = database;
  const firings: Firing[] = [];
  const fire = (type: Firing['event']['type'], path: string): void => {
    firings.push({ watcher, event: { type, path, zxid } });
  };
  for (const path of held.data) {
    const node = tree.get(path);
    if (!node) fire('deleted', path);
    else if (node.mzxid > held.lastSeenZxid) fire('dataChanged', path);
    else watches.add('data', path, watcher, WatchMode.STANDARD);
  }
  for (const path of held.exist) {
    if (tree.get(path)) fire('created', path);
    else watches.add('data', path, watcher, WatchMode.STANDARD);
  }
  for (const path of held.child) {
    const node = tree.get(path);
    if (!node) fire('deleted', path);
    else if (node.pzxid > held.lastSeenZxid) fire('childrenChanged', path);
    else watches.add('child', path, watcher, WatchMode.STANDARD);
  }
  for (const path of held.persistent) addPersistent(database, path, watcher);
  for (const path of held.recursive) watches.add('data', path, watcher, WatchMode.RECURSIVE);
  return firings;
}

/** A persistent watch hears of the node's data and of its children. */
export function addPersistent(database: ZnodeDatabase, path: string, watcher: Watcher): void {
  database.watches.add('data', path, watcher, WatchMode.PERSISTENT);
  database.watches.add('child', path, watcher, WatchMode.PERSISTENT);
}
