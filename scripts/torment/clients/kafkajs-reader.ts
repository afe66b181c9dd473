/** A member of a group of one, by kafkajs: reads, commits, and writes down what it is given. */
import type { Consumer } from 'kafkajs';
import { clientOf, HistoryFile, type JobOptions, nameOf, pause } from './kafkajs-history.ts';

const COMMIT_MS = 400;
const SESSION_TIMEOUT_MS = 6000;
const HEARTBEAT_MS = 1000;
const MAX_WAIT_MS = 100;
const DRAIN_MS = 40_000;
const LOOK_MS = 20;
const AGAIN_MS = 100;
const SUBSCRIBE_MS = 120_000;
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 30 };

export class Reader {
  readonly #options: JobOptions;
  readonly #history: HistoryFile;
  readonly #consumer: Consumer;
  readonly #last = new Map<number, number>();
  /** Answers of the coordinator to commits. */
  #committed = 0;
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
    const { GROUP_JOIN, COMMIT_OFFSETS } = this.#consumer.events;
    this.#consumer.on(COMMIT_OFFSETS, () => {
      this.#committed++;
    });
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      // What was read and not committed is read again.
      this.#last.clear();
      this.#ask(payload.memberAssignment[topic] ?? []);
    });
    await this.#subscribe();
    await this.#begin();
    await this.#commitUntilDone();
    await this.#consumer.disconnect();
    this.#ask(Array.from({ length: this.#options.partitions }, (_, partition) => partition));
    await this.#asking;
    this.#history.close();
  }

  #begin(): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const offset = Number(message.offset);
        // When a leader moves kafkajs may have the former and the next one asked for the same place: it has a
        // fetcher for each broker, and they know of each other only while records are being handed out. What a
        // broker sends from before that place it leaves out by itself, so this hides nothing of a broker's.
        if (offset <= (this.#last.get(partition) ?? -1)) return;
        this.#last.set(partition, offset);
        this.#history.write('ok', 'read', { partition, offset, value: message.value?.toString() ?? '' });
      },
    });
  }

  /** With the patience that a broker wants which has just started, or does not know a new topic yet. */
  async #subscribe(): Promise<void> {
    const deadlineMs = performance.now() + SUBSCRIBE_MS;
    for (;;) {
      try {
        await this.#consumer.connect();
        return await this.#consumer.subscribe({ topic: this.#options.topic, fromBeginning: true });
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await pause(AGAIN_MS);
      }
    }
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
    const before = this.#committed;
    try {
      await this.#consumer.commitOffsets(
        offsets.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
      );
      // A consumer that begins again sends nothing, and does not say so.
      const wasAnswered = this.#committed > before;
      if (wasAnswered) this.#history.write('ok', 'commit-offsets', { offsets });
      else this.#history.write('info', 'commit-offsets', { offsets, error: 'nothing was sent' });
    } catch (error) {
      this.#history.write('info', 'commit-offsets', { offsets, error: nameOf(error) });
      // Who is told that the group does not know it, and loses the connection over which it joins again, forgets to join:
      // it reads on, sends no heartbeats, and commits to the coordinator of old (test/interop/moved-coordinator.test.ts).
      await this.#consumer.stop();
      await this.#begin();
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
