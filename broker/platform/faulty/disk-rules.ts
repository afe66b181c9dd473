/**
 * What somebody has done to the disk, as effects on the paths they name; they come and go while files are
 * open, and several may be on one path at once. Errors are those of the system: a full disk says ENOSPC, a
 * broken one EIO. A slow one holds up whoever waits for it: here that is the whole process, as on every disk
 * that is written to synchronously, but for syncs in the background.
 */
import { resolve, sep } from 'node:path';

/** What a broker does to a disk. Names count too: they are read (`stat`, `list`) and written (`rename`). */
export type DiskOperation = 'read' | 'write' | 'sync';

/** Which operations fail or wait, and where. */
export interface DiskEffect {
  /** Each with all below it; in a pattern `*` is anything within a name, `**` anything at all. */
  readonly paths: readonly string[];
  /** All unless given. */
  readonly operations?: readonly DiskOperation[];
  /** What it fails with; it only waits when there is none. */
  readonly errorCode?: 'ENOSPC' | 'EIO' | 'EROFS' | 'EACCES';
  /** With ENOSPC: the room that there still is. */
  readonly afterBytes?: number;
  readonly delayMs?: number;
  /** Operations that it strikes; then it is spent. */
  readonly times?: number;
  /** The share of operations that it strikes; all unless given. */
  readonly probability?: number;
}

/** An effect in place. */
interface PlacedDiskEffect {
  /** Operations it has struck. */
  readonly struck: number;
  remove(): void;
}

/** What an operation meets. */
interface Met {
  readonly delayMs: number;
  readonly error: Error | null;
}

const NOTHING: Met = { delayMs: 0, error: null };
const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EIO: 'i/o error',
  EROFS: 'read-only file system',
  EACCES: 'permission denied',
};

export class DiskRules {
  readonly #placed = new Set<Placed>();
  readonly #fraction: () => number;

  constructor(fraction: () => number) {
    this.#fraction = fraction;
  }

  /** `spent`: it has struck as often as it may, and is gone. */
  place(effect: DiskEffect, spent: () => void = () => {}): PlacedDiskEffect {
    const placed: Placed = new Placed(effect, () => this.#placed.delete(placed), spent);
    this.#placed.add(placed);
    return placed;
  }

  heal(): void {
    this.#placed.clear();
  }

  /** What becomes of an operation; it counts as struck. `sizeBytes`: the room that a write needs. */
  meet(operation: DiskOperation, path: string, sizeBytes = 0): Met {
    if (this.#placed.size === 0) return NOTHING;
    let delayMs = 0;
    for (const placed of [...this.#placed]) {
      if (!placed.fits(operation, path, sizeBytes)) continue;
      const { probability = 1, errorCode } = placed.effect;
      if (probability < 1 && this.#fraction() >= probability) continue;
      placed.strikes();
      delayMs += placed.effect.delayMs ?? 0;
      if (errorCode !== undefined) return { delayMs, error: failure(errorCode, operation, path) };
    }
    return { delayMs, error: null };
  }
}

class Placed implements PlacedDiskEffect {
  readonly effect: DiskEffect;
  readonly remove: () => void;
  struck = 0;
  readonly #matchers: readonly ((path: string) => boolean)[];
  readonly #spent: () => void;
  #roomBytes: number;

  constructor(effect: DiskEffect, remove: () => void, spent: () => void) {
    this.effect = effect;
    this.remove = remove;
    this.#spent = spent;
    this.#matchers = effect.paths.map(pathMatcher);
    this.#roomBytes = effect.afterBytes ?? 0;
  }

  /** On a disk that is filling up, a write that there is still room for takes that, and passes. */
  fits(operation: DiskOperation, path: string, sizeBytes: number): boolean {
    const { operations, errorCode } = this.effect;
    if (operations !== undefined && !operations.includes(operation)) return false;
    if (!this.#matchers.some((matches) => matches(path))) return false;
    if (errorCode !== 'ENOSPC') return true;
    const fails = sizeBytes > this.#roomBytes;
    // A disk that has been full is full, also for what is smaller.
    this.#roomBytes = fails ? 0 : this.#roomBytes - sizeBytes;
    return fails;
  }

  strikes(): void {
    this.struck++;
    if (this.struck !== this.effect.times) return;
    this.remove();
    this.#spent();
  }
}

function failure(code: string, operation: DiskOperation, path: string): Error {
  return Object.assign(new Error(`${code}: ${WORDS[code]}, ${operation} '${path}'`), { code });
}

/** A path with all below it; with `*` or `?` in it a pattern of whole paths, below which all counts as well. */
function pathMatcher(pattern: string): (path: string) => boolean {
  if (!/[*?]/.test(pattern)) {
    const root = resolve(pattern);
    const below = root.endsWith(sep) ? root : root + sep;
    return (path) => path === root || path.startsWith(below);
  }
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', `[^${sep}]*`)
    .replaceAll('?', `[^${sep}]`)
    .replaceAll('\0', '.*');
  const whole = new RegExp(`^${source}(${sep}.*)?$`);
  return (path) => whole.test(path);
}
