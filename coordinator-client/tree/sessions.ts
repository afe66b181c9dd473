/**
 * The sessions there are and when each would expire. Deadlines are rounded up to the next tick, so
 * that touching a session is nearly free: it moves between two buckets once per tick at most.
 * Source: org.apache.zookeeper.server.SessionTrackerImpl, ExpiryQueue.
 */

interface Session {
  readonly id: bigint;
  readonly timeoutMs: number;
}

interface Tracked extends Session {
  timeoutMs: number;
  deadlineMs: number;
}

/** Each session is in the bucket of its deadline, and no bucket is empty. */
export class Sessions {
  readonly #byId = new Map<bigint, Tracked>();
  /** By deadline, which is a multiple of a tick; not sorted. */
  readonly #buckets = new Map<number, Set<Tracked>>();
  readonly #tickMs: number;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: bigint): Session | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** A new session, or a new timeout for an old one; either way its time starts afresh. */
  put(id: bigint, timeoutMs: number, nowMs: number): void {
    let session = this.#byId.get(id);
    if (!session) {
      session = { id, timeoutMs, deadlineMs: 0 };
      this.#byId.set(id, session);
    }
    session.timeoutMs = timeoutMs;
    this.#move(session, nowMs);
  }

  /** The session has been heard of; false when there is none. */
  touch(id: bigint, nowMs: number): boolean {
    const session = this.#byId.get(id);
    if (!session) return false;
    this.#move(session, nowMs);
    return true;
  }

  remove(id: bigint): boolean {
    const session = this.#byId.get(id);
    if (!session) return false;
    this.#byId.delete(id);
    this.#leaveBucket(session);
    return true;
  }

  /** Sessions whose time is over. They stay until they are removed. */
  expired(nowMs: number): readonly bigint[] {
    const ids: bigint[] = [];
    for (const [deadlineMs, sessions] of this.#buckets) {
      if (deadlineMs > nowMs) continue;
      for (const session of sessions) ids.push(session.id);
    }
    return ids;
  }

  #move(session: Tracked, nowMs: number): void {
    const deadlineMs = (Math.floor((nowMs + session.timeoutMs) / this.#tickMs) + 1) * this.#tickMs;
    if (deadlineMs === session.deadlineMs) return;
    this.#leaveBucket(session);
    session.deadlineMs = deadlineMs;
    const bucket = this.#buckets.get(deadlineMs);
    if (bucket) bucket.add(session);
    else this.#buckets.set(deadlineMs, new Set([session]));
  }

  #leaveBucket(session: Tracked): void {
    const bucket = this.#buckets.get(session.deadlineMs);
    bucket?.delete(session);
    if (bucket?.size === 0) this.#buckets.delete(session.deadlineMs);
  }
}
