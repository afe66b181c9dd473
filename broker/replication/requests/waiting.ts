/**
 * Where requests wait: an operation is keyed by the partitions that can complete it and by a deadline.
 * Since nothing here runs in parallel, an operation that is tried and then put to wait can't miss a
 * wake-up, and one that completes leaves every list at once, so that there is nothing to purge.
 * Deadlines that fall into the same millisecond share one timer. Source: Kafka's DelayedOperationPurgatory.
 */
import type { Clock, Timer } from '../../platform/clock.ts';
import type { PartitionKey } from '../../types.ts';

export interface Waiting {
  /**
   * Completes the operation if it can be completed; true when it was. Never throws. Of the partitions
   * nothing but `changed` has changed since the last try; null at the first one.
   */
  tryComplete(changed: PartitionKey | null): boolean;
  /** The deadline has come: completes the operation with what there is. */
  expire(): void;
}

interface Entry {
  readonly operation: Waiting;
  readonly keys: readonly PartitionKey[];
  readonly deadlineMs: number;
  /** Under way in a call further up: what it causes must not try it again. */
  trying: boolean;
}

interface Deadline {
  readonly entries: Set<Entry>;
  readonly timer: Timer;
}

/**
 * An operation that waits is under each of its keys and under one deadline, and leaves all of them
 * together.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  /** No set is empty. */
  readonly #byKey = new Map<PartitionKey, Set<Entry>>();
  /** By the millisecond in which they fall; each has entries and a running timer. */
  readonly #deadlines = new Map<number, Deadline>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Operations that wait. */
  get size(): number {
    return this.#size;
  }

  /** Completes the operation at once or keeps it for `timeoutMs` at most; true when it was completed. */
  tryCompleteElseWait(operation: Waiting, keys: readonly PartitionKey[], timeoutMs: number): boolean {
    if (operation.tryComplete(null)) return true;
    const deadlineMs = Math.ceil(this.#clock.nowMs() + Math.max(0, timeoutMs));
    const entry: Entry = { operation, keys, deadlineMs, trying: false };
    for (const key of keys) {
      const entries = this.#byKey.get(key);
      if (entries === undefined) this.#byKey.set(key, new Set([entry]));
      else entries.add(entry);
    }
    this.#size += 1;
    this.#arm(entry);
    return false;
  }

  /** Something happened to this partition: completes whatever that allows. */
  check(key: PartitionKey): void {
    const entries = this.#byKey.get(key);
    if (entries === undefined) return;
    for (const entry of entries) {
      if (entry.trying) continue;
      entry.trying = true;
      if (entry.operation.tryComplete(key)) this.#leave(entry);
      entry.trying = false;
    }
  }

  /** Ends every wait as if its deadline had come; at shutdown. */
  expireAll(): void {
    for (const { entries } of [...this.#deadlines.values()]) this.#expire(entries);
  }

  #arm(entry: Entry): void {
    const deadline = this.#deadlines.get(entry.deadlineMs);
    if (deadline !== undefined) {
      deadline.entries.add(entry);
      return;
    }
    const entries = new Set([entry]);
    const delayMs = entry.deadlineMs - this.#clock.nowMs();
    const timer = this.#clock.after(delayMs, () => this.#expire(entries));
    this.#deadlines.set(entry.deadlineMs, { entries, timer });
  }

  #expire(entries: Set<Entry>): void {
    for (const entry of [...entries]) {
      if (!entries.has(entry)) continue;
      this.#leave(entry);
      entry.operation.expire();
    }
  }

  #leave(entry: Entry): void {
    this.#size -= 1;
    for (const key of entry.keys) {
      const entries = this.#byKey.get(key);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byKey.delete(key);
    }
    const deadline = this.#deadlines.get(entry.deadlineMs);
    deadline?.entries.delete(entry);
    if (deadline?.entries.size === 0) {
      deadline.timer.cancel();
      this.#deadlines.delete(entry.deadlineMs);
    }
  }
}
