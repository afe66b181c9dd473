/**
 * Who is logged in, by an id that only his browser has. They are few, and each ends: when nothing was asked for
 * a while, and at the latest after half a day; where one too many comes, the one that was silent longest goes.
 * Whose session has ended is told why when he comes again. Synchronous; time and ids come from outside.
 */

interface SessionsOptions {
  readonly most: number;
  /** Without a question. */
  readonly idleMs: number;
  /** In all. */
  readonly lifetimeMs: number;
  readonly nowMs: () => number;
  /** Nobody can guess it. */
  readonly newId: () => string;
}

interface Session<Held> {
  readonly held: Held;
  readonly begunMs: number;
  askedMs: number;
}

/** Of those that have ended so many are remembered. */
const MOST_ENDED = 64;
const UNKNOWN = 'this login has ended';

export class Sessions<Held extends { close(): void }> {
  readonly #options: SessionsOptions;
  /** The one that was silent longest first. */
  readonly #sessions = new Map<string, Session<Held>>();
  /** Why, by their ids; the oldest first. */
  readonly #ended = new Map<string, string>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Its id. */
  add(held: Held): string {
    this.endOld();
    for (const id of this.#sessions.keys()) {
      if (this.#sessions.size < this.#options.most) break;
      this.end(id, `no more than ${this.#options.most} are logged in at a time, and others came`);
    }
    const id = this.#options.newId();
    const nowMs = this.#options.nowMs();
    this.#sessions.set(id, { held, begunMs: nowMs, askedMs: nowMs });
    return id;
  }

  /** Asking keeps it. */
  find(id: string): Held | null {
    this.endOld();
    const found = this.#sessions.get(id);
    if (found === undefined) return null;
    found.askedMs = this.#options.nowMs();
    this.#sessions.delete(id);
    this.#sessions.set(id, found);
    return found.held;
  }

  /** `reason`: what whoever has it is told; left out: he knows. */
  end(id: string, reason?: string): void {
    const found = this.#sessions.get(id);
    if (found === undefined) return;
    this.#sessions.delete(id);
    if (reason !== undefined) this.#ended.set(id, reason);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= MOST_ENDED) break;
      this.#ended.delete(oldest);
    }
    found.held.close();
  }

  /** Why a session is not there (any more). */
  reasonOf(id: string): string {
    return this.#ended.get(id) ?? UNKNOWN;
  }

  endOld(): void {
    const nowMs = this.#options.nowMs();
    const { idleMs, lifetimeMs } = this.#options;
    for (const [id, { begunMs, askedMs }] of this.#sessions) {
      if (nowMs - askedMs > idleMs) this.end(id, `nobody has looked for ${minutes(idleMs)} minutes`);
      else if (nowMs - begunMs > lifetimeMs)
        this.end(id, `a login lasts ${minutes(lifetimeMs)} minutes at most`);
    }
  }

  endAll(): void {
    for (const id of [...this.#sessions.keys()]) this.end(id);
  }
}

function minutes(durationMs: number): number {
  return Math.round(durationMs / 60_000);
}
