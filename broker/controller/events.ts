/**
 * The controller's event queue: one event at a time, in order. An event of a watch that is waiting
 * already is not queued again, since it looks at what is there when it runs; so the queue is bounded by
 * the watches and by the requests under way. Source: kafka.controller.ControllerEventManager.
 */

export interface ControllerEvent {
  /** Kafka's name of the event, for logs and metrics. */
  readonly name: string;
  /** Events of the same key do the same: one waiting is enough. Absent: never merged. */
  readonly key?: string;
  run(): Promise<void>;
  /** The event will not run: answer whoever waits for it. */
  dropped?(): void;
}

export class EventQueue {
  /** Oldest first; the one that runs is not in it. */
  readonly #waiting: ControllerEvent[] = [];
  /** The keys of those that wait, each once. */
  readonly #waitingKeys = new Set<string>();
  readonly #failed: (event: ControllerEvent, error: unknown) => Promise<void>;
  /** One drain at most is under way. */
  #running = false;
  #closed = false;

  /** `failed` is called for an event that throws; the queue goes on afterwards. */
  constructor(failed: (event: ControllerEvent, error: unknown) => Promise<void>) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#waiting.length;
  }

  put(event: ControllerEvent): void {
    if (this.#closed) {
      event.dropped?.();
      return;
    }
    if (event.key !== undefined) {
      if (this.#waitingKeys.has(event.key)) return;
      this.#waitingKeys.add(event.key);
    }
    this.#waiting.push(event);
    if (!this.#running) void this.#drain();
  }

  /** Drops what is waiting; what is running goes on. */
  clear(): void {
    const dropped = this.#waiting.splice(0);
    this.#waitingKeys.clear();
    for (const event of dropped) event.dropped?.();
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }

  async #drain(): Promise<void> {
    this.#running = true;
    // Not within the call that put the event: a watch fires from inside somebody else's stretch.
    await Promise.resolve();
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      if (event.key !== undefined) this.#waitingKeys.delete(event.key);
      try {
        await event.run();
      } catch (error) {
        await this.#failed(event, error);
      }
    }
    this.#running = false;
  }
}
