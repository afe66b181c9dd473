/** An operator who creates, grows and deletes topics while things go wrong. */
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { ErrorCode } from '../../broker/protocol/errors.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { History } from './history.ts';

export interface AdminOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: History;
}

const LONGEST_PAUSE_MS = 3000;
const TIMEOUT_MS = 1500;
const MOST_PARTITIONS = 3;

export class SimulatedAdmin {
  readonly #options: AdminOptions;
  #stopped = false;
  #count = 0;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#work();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** True when the topic exists now, made by this call or before. */
  async create(name: string, partitions: number): Promise<boolean> {
    const { client, history } = this.#options;
    history.topicIs(name, null);
    try {
      const answer = await client.request(client.controllerId, CreateTopics, {
        topics: [{ name, numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      });
      // Any other answer, REQUEST_TIMED_OUT above all, may stand for a change that comes to be.
      const error = answer.topics[0]?.errorCode;
      if (error === ErrorCode.NONE) history.topicIs(name, { partitions });
      return error === ErrorCode.NONE || error === ErrorCode.TOPIC_ALREADY_EXISTS;
    } catch {
      return false;
    }
  }

  async #work(): Promise<void> {
    const { client, random } = this.#options;
    while (!this.#stopped) {
      await sleep(client.clock, random.int(LONGEST_PAUSE_MS));
      await client.refresh();
      if (this.#stopped) return;
      await this.#act().catch(() => {});
    }
  }

  async #act(): Promise<void> {
    const { random, history } = this.#options;
    const existing = [...history.topics].filter(
      (entry): entry is [string, { partitions: number }] => entry[1] !== null && entry[1] !== 'deleted',
    );
    const mine = existing.filter(([name]) => name.startsWith('temporary-'));
    const [name, found] = mine[random.int(mine.length + 1)] ?? ['', null];
    if (found === null) await this.create(`temporary-${this.#count++}`, 1 + random.int(2));
    else if (random.int(2) === 0) await this.#delete(name);
    else if (found.partitions < MOST_PARTITIONS) await this.#grow(name, found.partitions + 1);
  }

  async #delete(name: string): Promise<void> {
    const { client, history } = this.#options;
    history.topicIs(name, null);
    const answer = await client.request(client.controllerId, DeleteTopics, {
      topics: [{ name }],
      timeoutMs: TIMEOUT_MS,
    });
    if (answer.responses[0]?.errorCode === ErrorCode.NONE) history.topicIs(name, 'deleted');
  }

  async #grow(name: string, count: number): Promise<void> {
    const { client, history } = this.#options;
    history.topicIs(name, null);
    const answer = await client.request(client.controllerId, CreatePartitions, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    });
    if (answer.results[0]?.errorCode === ErrorCode.NONE) history.topicIs(name, { partitions: count });
  }
}
