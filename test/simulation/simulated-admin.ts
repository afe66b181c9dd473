/** An operator who creates, grows and deletes topics while things go wrong. */

import { ErrorCode } from '../../broker/errors.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { AlterPartitionReassignments } from '../../broker/protocol/messages/45-alter-partition-reassignments.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { History } from './history.ts';

interface AdminOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: History;
  readonly brokerIds: readonly number[];
}

const LONGEST_PAUSE_MS = 3000;
const TIMEOUT_MS = 1500;
const MOST_PARTITIONS = 3;
export const REPLICAS = 3;

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
  async create(
    name: string,
    partitions: number,
    configs: Readonly<Record<string, string>> = {},
    replicationFactor = REPLICAS,
  ): Promise<boolean> {
    const { client, history } = this.#options;
    // What has another number of replicas is left alone from then on.
    const isUsual = replicationFactor === REPLICAS;
    if (isUsual) history.topicIs(name, null);
    try {
      const answer = await client.request(client.controllerId, CreateTopics, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      });
      // Any other answer, REQUEST_TIMED_OUT above all, may stand for a change that comes to be.
      const error = answer.topics[0]?.errorCode;
      if (error === ErrorCode.NONE && isUsual) history.topicIs(name, { partitions });
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
    const { random, history, brokerIds } = this.#options;
    const existing = [...history.topics].filter(
      (entry): entry is [string, { partitions: number }] => entry[1] !== null && entry[1] !== 'deleted',
    );
    if (random.int(3) === 0 && brokerIds.length > REPLICAS) {
      const [topic, { partitions }] = existing[random.int(existing.length)] ?? ['', { partitions: 0 }];
      if (partitions > 0) await this.#reassign(topic, random.int(partitions));
      return;
    }
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

  /** To other brokers, in another order; what comes of it is seen when all is settled. */
  async #reassign(name: string, partitionIndex: number): Promise<void> {
    const { client, random, brokerIds } = this.#options;
    const left = [...brokerIds];
    const replicas: number[] = [];
    while (replicas.length < REPLICAS) replicas.push(...left.splice(random.int(left.length), 1));
    await client.request(client.controllerId, AlterPartitionReassignments, {
      timeoutMs: TIMEOUT_MS,
      topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
    });
  }
}
