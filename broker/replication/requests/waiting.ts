/**
 * Where requests wait: an operation is keyed by the partitions that can complete it and by a deadline.
 * Since nothing here runs in parallel, an operation that is tried and then put to wait can't miss a
 * wake-up, and one that completes leaves every list, so that there is nothing to purge. One with very many
 * partitions comes and goes in turns: it looks at each in the same step in which it begins to wait for it, and
 * is passed over once it is over.
 * Deadlines that fall into the same millisecond share one timer. Source: Kafka's DelayedOperationPurgatory.
 */
import { LargeMap } from '../../large-map.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { FEW, type Steps, Turns } from '../../platform/turns.ts';
import type { PartitionKey } from '../../types.ts';

export interface Waiting {
  /**
   * Completes the operation if it can be completed; true when it was. Never throws. Of the partitions that were
   * looked at nothing but `changed` has changed since the last try; null: all are to be looked at.
   */
  tryComplete(changed: PartitionKey | null): boolean;
  /** The deadline has come: completes the operation with what there is. */
  expire(): void;
}

interface Entry {
  readonly operation: Waiting;
  /** Under which it is. */
  readonly keys: PartitionKey[];
  readonly deadlineMs: number;
  /** Under way in a call further up: what it causes must not try it again. */
  trying: boolean;
  /** Completed or expired: if it is still under some of its keys it is on its way out. */
  isOver: boolean;
}

interface Deadline {
  readonly entries: Set<Entry>;
  readonly timer: Timer;
}

/** An operation that waits is under each of its keys and under one deadline, and leaves all of them. */
export class WaitingRoom {
  readonly #clock: Clock;
  /** No set is empty. */
  readonly #byKey = new LargeMap<PartitionKey, Set<Entry>>();
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

  /** Partitions for which any of them waits. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  /** Completes the operation at once or keeps it for `timeoutMs` at most; true when it was completed. */
  tryCompleteElseWait(operation: Waiting, keys: Iterable<PartitionKey>, timeoutMs: number): boolean {
    if (operation.tryComplete(null)) return true;
    const entry = this.#enter(operation, timeoutMs);
    for (const key of keys) this.#waitFor(entry, key);
    return false;
  }

  /**
   * The same in steps, of an operation with very many keys. It waits from the beginning, and what happens to a
   * partition is seen either in the step that comes to it or, after that, as it happens.
   */
  *waitInSteps(operation: Waiting, keys: Iterable<PartitionKey>, timeoutMs: number): Steps<void> {
    const entry = this.#enter(operation, timeoutMs);
    for (const key of keys) {
      this.#waitFor(entry, key);
      this.#try(entry, key);
      yield;
      if (entry.isOver) return;
    }
  }

  /** Something happened to this partition: completes whatever that allows. */
  check(key: PartitionKey): void {
    const entries = this.#byKey.get(key);
    if (entries === undefined) return;
    for (const entry of entries) this.#try(entry, key);
  }

  /**
   * The same for who has waited longest for this partition, and nobody else; false when there is nobody, or the
   * wait goes on.
   */
  checkFirst(key: PartitionKey): boolean {
    const [first] = this.#byKey.get(key) ?? [];
    if (first === undefined) return false;
    this.#try(first, key);
    return first.isOver;
  }

  /** Ends every wait as if its deadline had come; at shutdown. */
  expireAll(): void {
    for (const { entries } of [...this.#deadlines.values()]) this.#expire(entries);
  }

  #enter(operation: Waiting, timeoutMs: number): Entry {
    const deadlineMs = Math.ceil(this.#clock.nowMs() + Math.max(0, timeoutMs));
    const entry: Entry = { operation, keys: [], deadlineMs, trying: false, isOver: false };
    this.#size += 1;
    this.#arm(entry);
    return entry;
  }

  #waitFor(entry: Entry, key: PartitionKey): void {
    entry.keys.push(key);
    const entries = this.#byKey.get(key);
    if (entries === undefined) this.#byKey.set(key, new Set([entry]));
    else entries.add(entry);
  }

  #try(entry: Entry, changed: PartitionKey): void {
    if (entry.trying || entry.isOver) return;
    entry.trying = true;
    if (entry.operation.tryComplete(changed)) this.#leave(entry);
    entry.trying = false;
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
    entry.isOver = true;
    this.#size -= 1;
    const deadline = this.#deadlines.get(entry.deadlineMs);
    deadline?.entries.delete(entry);
    if (deadline?.entries.size === 0) {
      deadline.timer.cancel();
      this.#deadlines.delete(entry.deadlineMs);
    }
    if (entry.keys.length > FEW) void this.#forgetInTurns(entry);
    else for (const key of entry.keys) this.#forget(entry, key);
  }

  #forget(entry: Entry, key: PartitionKey): void {
    const entries = this.#byKey.get(key);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byKey.delete(key);
  }

  /** Many such operations may be over in the same turn: each is forgotten in turns of its own. */
  async #forgetInTurns(entry: Entry): Promise<void> {
    const turns = new Turns(this.#clock);
    await turns.own();
    await turns.each(entry.keys, (key) => this.#forget(entry, key));
  }
}
