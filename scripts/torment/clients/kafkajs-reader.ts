/** A member of a group of one, by kafkajs: reads, commits, and writes down what it is given. */
import type { Consumer } from 'kafkajs';
import { clientOf, HistoryFile, type JobOptions, nameOf, pause } from './kafkajs-history.ts';

const COMMIT_MS = 400;
const SESSION_TIMEOUT_MS = 6000;
const HEARTBEAT_MS = 1000;
const MAX_WAIT_MS = 100;
const DRAIN_MS = 40_000;
const LOOK_MS = 20;
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 };

export class Reader {
  readonly #options: JobOptions;
  readonly #history: HistoryFile;
  readonly #consumer: Consumer;
  readonly #last = new Map<number, number>();
  #target: readonly number[] | null = null;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #asking = Promise.resolve();

  constructor(options: JobOptions) {
    this.#options = options;
    this.#history = new HistoryFile(options, 'reader');
    this.#consumer = clientOf(options).consumer({
      groupId: options.topic,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      readUncommitted: options.mode !== 'transactional',
      // It begins again when its retries are used up.
      retry: { ...RETRY, restartOnFailure: async () => true },
    });
  }

  /** Reads on until these offsets have been read, or until the time for that is over. */
  drain(target: readonly number[]): void {
    this.#target = target;
    this.#deadlineMs = performance.now() + DRAIN_MS;
  }

  async run(): Promise<void> {
    const { topic } = this.#options;
    const { GROUP_JOIN } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      // What was read and not committed is read again.
      this.#last.clear();
      this.#ask(payload.memberAssignment[topic] ?? []);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const offset = Number(message.offset);
        this.#last.set(partition, offset);
        this.#history.write('ok', 'read', { partition, offset, value: message.value?.toString() ?? '' });
      },
    });
    await this.#commitUntilDone();
    await this.#consumer.disconnect();
    this.#ask(Array.from({ length: this.#options.partitions }, (_, partition) => partition));
    await this.#asking;
    this.#history.close();
  }

  async #commitUntilDone(): Promise<void> {
    let committedMs = performance.now();
    while (!this.#isDone() && performance.now() < this.#deadlineMs) {
      await pause(LOOK_MS);
      if (performance.now() - committedMs < COMMIT_MS) continue;
      await this.#commit();
      committedMs = performance.now();
    }
    await this.#commit();
  }

  #isDone(): boolean {
    return this.#target?.every((offset, partition) => (this.#last.get(partition) ?? -1) >= offset) ?? false;
  }

  async #commit(): Promise<void> {
    const { topic } = this.#options;
    const offsets = [...this.#last].map(([partition, offset]) => [partition, offset + 1] as const);
    if (offsets.length === 0) return;
    this.#history.write('invoke', 'commit-offsets', { offsets });
    try {
      await this.#consumer.commitOffsets(
        offsets.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      );
      this.#history.write('ok', 'commit-offsets', { offsets });
    } catch (error) {
      this.#history.write('info', 'commit-offsets', { offsets, error: nameOf(error) });
    }
  }

  /** The consumer itself does not tell what it was given, so the same is asked for beside it. */
  #ask(partitions: readonly number[]): void {
    const unknown = partitions.map((partition) => [partition, -1]);
    this.#history.write('invoke', 'fetch-offsets', { offsets: unknown });
    const { topic } = this.#options;
    this.#asking = this.#asking.then(async () => {
      const admin = clientOf(this.#options).admin({ retry: RETRY });
      try {
        await admin.connect();
        const [found] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
        const offsets = found?.partitions
          .filter(({ partition }) => partitions.includes(partition))
          .map(({ partition, offset }) => [partition, Number(offset)]);
        this.#history.write('ok', 'fetch-offsets', { offsets });
      } catch (error) {
        this.#history.write('info', 'fetch-offsets', { offsets: unknown, error: nameOf(error) });
      }
      await admin.disconnect().catch(() => {});
    });
  }
}
