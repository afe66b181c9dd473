/**
 * The watches of one session on a LocalTree. The tree is asked for a path once, however many watch it; and of
 * each watch one call at most is on its way, which covers every change until it arrives.
 */
import type { Watch } from '../coordinator.ts';
import type { WatchEvent } from '../tree/watches.ts';

interface HeldWatch {
  readonly what: 'node' | 'children';
  readonly changed: () => void;
  /** A call is on its way: further changes are covered by it. */
  due: boolean;
  open: boolean;
}

interface HeldWatchesParts {
  /** The path has its first watch. */
  readonly arm: (path: string) => void;
  /** It has none any more. */
  readonly disarm: (path: string) => void;
  /** Brings a call from the tree to the session. */
  readonly send: (call: () => void) => void;
  /** Who is cut off is told nothing. */
  readonly isConnected: () => boolean;
  readonly fired: () => void;
}

export class HeldWatches {
  readonly #parts: HeldWatchesParts;
  /** No set is empty. */
  readonly #byPath = new Map<string, Set<HeldWatch>>();

  constructor(parts: HeldWatchesParts) {
    this.#parts = parts;
  }

  paths(): Iterable<string> {
    return this.#byPath.keys();
  }

  has(path: string): boolean {
    return this.#byPath.has(path);
  }

  add(path: string, what: 'node' | 'children', changed: () => void): Watch {
    const held: HeldWatch = { what, changed, due: false, open: true };
    const onPath = this.#byPath.get(path);
    if (onPath) onPath.add(held);
    else {
      this.#byPath.set(path, new Set([held]));
      this.#parts.arm(path);
    }
    return { close: () => this.#remove(path, held) };
  }

  /** At the tree, before the answer of whatever caused the event. */
  onEvent(event: WatchEvent): void {
    for (const held of this.#byPath.get(event.path) ?? []) {
      if (!concerns(event, held.what) || held.due) continue;
      held.due = true;
      this.#parts.send(() => this.#call([held]));
    }
  }

  /** What has changed is unknown: everything under a watch is to be looked at again. */
  callAll(): void {
    for (const held of this.#byPath.values()) this.#call(held);
  }

  #call(held: Iterable<HeldWatch>): void {
    for (const watch of [...held]) {
      watch.due = false;
      if (!watch.open || !this.#parts.isConnected()) continue;
      this.#parts.fired();
      watch.changed();
    }
  }

  #remove(path: string, held: HeldWatch): void {
    held.open = false;
    const onPath = this.#byPath.get(path);
    if (!onPath?.delete(held) || onPath.size > 0) return;
    this.#byPath.delete(path);
    this.#parts.disarm(path);
  }
}

function concerns(event: WatchEvent, what: 'node' | 'children'): boolean {
  if (event.type === 'dataChanged') return what === 'node';
  return event.type !== 'childrenChanged' || what === 'children';
}
