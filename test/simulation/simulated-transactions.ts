/**
 * An application that writes to several partitions and commits an offset in each of its transactions, one
 * transaction after the other; some it aborts. After anything that it can't make sense of it begins again with
 * InitProducerId, which ends what it has left open, as Kafka's producers do.
 */
import { ErrorCode } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import type { ClusterClient } from './cluster-client.ts';
import { readCommitted } from './committed-reader.ts';
import type { Found, Outcome, TransactionHistory } from './transaction-history.ts';
import { TransactionalProducer } from './transactional-producer.ts';

interface TransactionsOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: TransactionHistory;
  readonly topic: string;
  readonly partitions: number;
}

const TRANSACTIONAL_ID = 'payer';
const GROUP = 'payers';
const OF_GROUPS = 0;
const LONGEST_PAUSE_MS = 150;
/** One in so many transactions is aborted by choice. */
const ABORTED_ONE_IN = 4;

export class SimulatedTransactions {
  readonly #options: TransactionsOptions;
  #running = false;
  #busy = false;
  #count = 0;
  readonly #producer: TransactionalProducer;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    const { client } = options;
    this.#producer = new TransactionalProducer({ client, transactionalId: TRANSACTIONAL_ID });
  }

  /** A transaction is open, or not known to be over. */
  get busy(): boolean {
    return this.#busy;
  }

  start(): void {
    this.#running = true;
    this.#busy = true;
    void this.#work();
  }

  stop(): void {
    this.#running = false;
  }

  /** What a reader of committed data finds; null when something can't be read now. */
  async found(): Promise<Found | null> {
    const { client, topic, partitions } = this.#options;
    await client.refresh();
    try {
      const values: string[][] = [];
      for (let partition = 0; partition < partitions; partition++) {
        const read = await readCommitted(client, topic, partition);
        if (read === null) return null;
        values.push(read);
      }
      const offset = await this.#committedOffset();
      return offset === null ? null : { values, offset };
    } catch {
      return null;
    }
  }

  async #work(): Promise<void> {
    const { client, random, history } = this.#options;
    let isInitialised = false;
    while (this.#running || !isInitialised) {
      if (client.closed) return;
      isInitialised ||= await succeeds(this.#producer.initialise());
      if (!isInitialised || !this.#running) continue;
      const transaction = this.#count++;
      history.begun(transaction);
      const commits = random.int(ABORTED_ONE_IN) > 0;
      const written = await succeeds(this.#write(transaction));
      const isEnded = written && (await succeeds(this.#producer.end(commits)));
      // What was not asked to be committed is aborted by who begins again.
      const outcome: Outcome = !written || !commits ? 'aborted' : isEnded ? 'committed' : 'unknown';
      history.ended(transaction, outcome);
      isInitialised = isEnded;
      await sleep(client.clock, 1 + random.int(LONGEST_PAUSE_MS));
    }
    this.#busy = false;
  }

  /** Everything but the end; rejects when something can't be done. */
  async #write(transaction: number): Promise<void> {
    const { topic, partitions } = this.#options;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    await this.#producer.addPartitions(topic, numbers);
    await Promise.all(
      numbers.map((partition) => this.#producer.produce(topic, partition, [`${transaction}`])),
    );
    await this.#producer.sendOffsets({ groupId: GROUP, topic, offsets: new Map([[0, transaction]]) });
  }

  async #committedOffset(): Promise<number | null> {
    const { client, topic } = this.#options;
    const { coordinators } = await client.request(client.controllerId, FindCoordinator, {
      keyType: OF_GROUPS,
      coordinatorKeys: [GROUP],
    });
    const answer = await client.request(coordinators[0]?.nodeId ?? -1, OffsetFetch, {
      groups: [{ groupId: GROUP, topics: [{ name: topic, partitionIndexes: [0] }] }],
      requireStable: true,
    });
    const group = answer.groups[0];
    const partition = group?.topics[0]?.partitions[0];
    if (group?.errorCode !== ErrorCode.NONE || partition?.errorCode !== ErrorCode.NONE) return null;
    return toSafeInteger(partition.committedOffset);
  }
}

function succeeds(done: Promise<void>): Promise<boolean> {
  return done.then(
    () => true,
    () => false,
  );
}
