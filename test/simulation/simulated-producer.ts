/**
 * A producer of one partition. Up to `inFlight` batches are under way; after an error it lets all of
 * them come home and sends what was not acknowledged again, in order, with the same sequence numbers.
 * A broker that has reloaded a log knows only the last batch of each producer, as a snapshot holds no
 * more. So with several under way a batch that was taken may be refused as out of order; then, as
 * Kafka's producers do, it gives up what is outstanding and begins again under a new id.
 */

import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { buildBatch } from '../../broker/records/build.ts';
import type { ClusterClient, Leader } from './cluster-client.ts';
import type { History } from './history.ts';

interface ProducerOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: History;
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  /** Whether a broker leads the partition, by the tree. */
  readonly leads: (brokerId: number) => boolean;
  readonly acks: 1 | -1;
  /** 1 without idempotence: only then is the order kept. */
  readonly inFlight: number;
  readonly idempotent: boolean;
  /** Longest pause between batches. */
  readonly pauseMs: number;
  /** So many different keys; none without. */
  readonly keys?: number;
  /** What was acknowledged may be gone, and with it what brokers know of sequences. */
  readonly mayLose?: boolean;
}

interface Batch {
  readonly values: readonly string[];
  readonly keys: readonly (Buffer | null)[];
  readonly baseSequence: number;
  state: 'waiting' | 'sent' | 'acknowledged';
}

const BACKOFF_MS = 60;
const ACKS_TIMEOUT_MS = 1500;
const MOST_WAITING = 20;

export class SimulatedProducer {
  readonly #options: ProducerOptions;
  #batches: Batch[] = [];
  #producer: { readonly id: number; readonly epoch: number } | null = null;
  #sequence = 0;
  #count = 0;
  /** All under way go to this leader; another is looked for when they are home. */
  #leader: Leader | null = null;
  #inFlight = 0;
  #recovering = false;
  #startsOver = false;
  #generating = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  get name(): string {
    const { name, topic, partition } = this.#options;
    return `${name} ${topic}-${partition}`;
  }

  /** Batches that wait for their acknowledgement. */
  get outstanding(): number {
    return this.#batches.length;
  }

  start(): void {
    this.#generating = true;
    void this.#generate();
  }

  /** No more records; what is outstanding is still to be acknowledged. */
  stop(): void {
    this.#generating = false;
  }

  async #generate(): Promise<void> {
    const { client, random, idempotent, history, pauseMs, keys = 0 } = this.#options;
    if (idempotent) this.#producer = await this.#initialise();
    while (this.#generating) {
      const values = Array.from({ length: 1 + random.int(3) }, () => `${this.name} ${this.#count++}`);
      if (this.#batches.length < MOST_WAITING) {
        const batchKeys = values.map(() => (keys > 0 ? Buffer.from(`key-${random.int(keys)}`) : null));
        this.#batches.push({ values, keys: batchKeys, baseSequence: this.#sequence, state: 'waiting' });
        this.#sequence += values.length;
        if (idempotent) for (const value of values) history.idempotentValues.add(value);
      }
      this.#pump();
      await sleep(client.clock, 1 + random.int(pauseMs));
    }
  }

  async #initialise(): Promise<{ id: number; epoch: number }> {
    const { client, random } = this.#options;
    for (;;) {
      await client.refresh();
      try {
        const answer = await client.request(1 + random.int(3), InitProducerId, {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
        });
        if (answer.errorCode === ErrorCode.NONE)
          return { id: answer.producerId, epoch: answer.producerEpoch };
      } catch {
        // Another broker, another time.
      }
      await sleep(client.clock, BACKOFF_MS);
    }
  }

  #pump(): void {
    const { client, topic, partition, inFlight } = this.#options;
    if (this.#recovering) return;
    if (this.#inFlight === 0) this.#leader = client.leader(topic, partition);
    if (this.#leader === null) {
      void this.#recover();
      return;
    }
    for (const batch of this.#batches) {
      if (this.#inFlight >= inFlight) return;
      if (batch.state === 'waiting') void this.#send(batch, this.#leader);
    }
  }

  async #send(batch: Batch, leader: Leader): Promise<void> {
    batch.state = 'sent';
    this.#inFlight++;
    const outcome = await this.#produce(batch, leader).catch(() => null);
    this.#inFlight--;
    if (outcome?.error === ErrorCode.NONE || outcome?.error === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
      this.#acknowledged(batch, leader, outcome.offset);
    else {
      batch.state = 'waiting';
      this.#refused(batch, leader, outcome?.error ?? null);
      this.#recovering = true;
    }
    if (!this.#recovering) this.#pump();
    else if (this.#inFlight === 0) void this.#recover();
  }

  #acknowledged(batch: Batch, leader: Leader, offset: number): void {
    const { history, topic, partition, acks } = this.#options;
    batch.state = 'acknowledged';
    const { values } = batch;
    // A duplicate that is too old has lost its offset; that it is there is checked by its value.
    const { topicId, leaderEpoch } = leader;
    history.acknowledge({ topic, topicId, partition, offset, values, acks, leaderEpoch });
    while (this.#batches[0]?.state === 'acknowledged') this.#batches.shift();
  }

  /** What the first outstanding batch is refused with can't be blamed on one before it. */
  #refused(batch: Batch, leader: Leader, error: number | null): void {
    if (error === null || isRetriable(error) || batch !== this.#batches[0]) return;
    const { inFlight, leads, mayLose = false } = this.#options;
    // A broker that was paused doesn't know yet that it leads no more, nor what its successor has taken.
    if (error === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && !leads(leader.brokerId)) return;
    if (error === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && (inFlight > 1 || mayLose)) {
      this.#startsOver = true;
      return;
    }
    const what = `refused with ${errorName(error)} at sequence ${batch.baseSequence}`;
    this.#options.history.onBroken(`${this.name}: ${what}`);
  }

  async #recover(): Promise<void> {
    const { client } = this.#options;
    this.#recovering = true;
    await sleep(client.clock, BACKOFF_MS);
    await client.refresh();
    if (this.#startsOver) {
      this.#producer = await this.#initialise();
      this.#startsOver = false;
      this.#batches = [];
      this.#sequence = 0;
    }
    this.#recovering = false;
    if (!client.closed && this.#batches.length > 0) this.#pump();
  }

  async #produce(batch: Batch, leader: Leader): Promise<{ error: number; offset: number }> {
    const { client, topic, partition, acks } = this.#options;
    const producer = this.#producer;
    const records = buildBatch({
      ...(producer === null
        ? {}
        : { producerId: producer.id, producerEpoch: producer.epoch, baseSequence: batch.baseSequence }),
      records: batch.values.map((value, index) => ({
        key: batch.keys[index] ?? null,
        value: Buffer.from(value),
        timestampMs: client.clock.wallMs(),
      })),
    });
    const answer = await client.request(leader.brokerId, Produce, {
      acks,
      timeoutMs: ACKS_TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    });
    const result = answer.responses[0]?.partitionResponses[0];
    if (result === undefined) throw new Error('an answer without the partition');
    return { error: result.errorCode, offset: result.baseOffset };
  }
}
