/**
 * An application that writes to several partitions and commits an offset in each of its transactions, one
 * transaction after the other; some it aborts. After anything that it can't make sense of it begins again with
 * InitProducerId, which ends what it has left open, as Kafka's producers do.
 */
import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { AddPartitionsToTxn } from '../../broker/protocol/messages/24-add-partitions-to-txn.ts';
import { AddOffsetsToTxn } from '../../broker/protocol/messages/25-add-offsets-to-txn.ts';
import { EndTxn } from '../../broker/protocol/messages/26-end-txn.ts';
import { TxnOffsetCommit } from '../../broker/protocol/messages/28-txn-offset-commit.ts';
import { buildBatch } from '../../broker/records/build.ts';
import type { ClusterClient } from './cluster-client.ts';
import { readCommitted } from './committed-reader.ts';
import type { Found, Outcome, TransactionHistory } from './transaction-history.ts';

interface TransactionsOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: TransactionHistory;
  readonly topic: string;
  readonly partitions: number;
}

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

const TRANSACTIONAL_ID = 'payer';
const GROUP = 'payers';
const OF_GROUPS = 0;
const OF_TRANSACTIONS = 1;
const BACKOFF_MS = 60;
const LONGEST_PAUSE_MS = 150;
const ACKS_TIMEOUT_MS = 1500;
const MOST_ATTEMPTS = 40;
/** One in so many transactions is aborted by choice. */
const ABORTED_ONE_IN = 4;

/** What can't be had by asking again. */
class Refused extends Error {}

export class SimulatedTransactions {
  readonly #options: TransactionsOptions;
  #running = false;
  #busy = false;
  #count = 0;
  /** Records written to each partition under the present epoch. */
  #sequence = 0;

  constructor(options: TransactionsOptions) {
    this.#options = options;
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
    let identity: Identity | null = null;
    while (this.#running || identity === null) {
      if (client.closed) return;
      identity ??= await this.#initialise();
      if (identity === null || !this.#running) continue;
      const transaction = this.#count++;
      history.begun(transaction);
      const commits = random.int(ABORTED_ONE_IN) > 0;
      const written = await this.#write(identity, transaction).catch(() => false);
      const outcome = written ? await this.#end(identity, commits) : null;
      // What was not asked to be committed is aborted by who begins again.
      history.ended(transaction, outcome ?? (written && commits ? 'unknown' : 'aborted'));
      if (outcome === null) identity = null;
      await sleep(client.clock, 1 + random.int(LONGEST_PAUSE_MS));
    }
    this.#busy = false;
  }

  /** null after many attempts. Ends what is open under the same id. */
  async #initialise(): Promise<Identity | null> {
    this.#sequence = 0;
    const request = { transactionalId: TRANSACTIONAL_ID, transactionTimeoutMs: 60_000 };
    try {
      return await this.#untilDone(async () => {
        const coordinator = await this.#coordinator(OF_TRANSACTIONS);
        const answer = await this.#options.client.request(coordinator, InitProducerId, request);
        const { producerId, producerEpoch } = answer;
        return { error: answer.errorCode, value: { producerId: toSafeInteger(producerId), producerEpoch } };
      });
    } catch {
      return null;
    }
  }

  /** Everything but the end; rejects when something can't be done. */
  async #write(identity: Identity, transaction: number): Promise<true> {
    const { client, topic, partitions } = this.#options;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const transactionalId = TRANSACTIONAL_ID;
    await this.#untilDone(async () => {
      const topics = [{ name: topic, partitions: numbers }];
      const answer = await client.request(await this.#coordinator(OF_TRANSACTIONS), AddPartitionsToTxn, {
        transactions: [{ ...identity, transactionalId, verifyOnly: false, topics }],
      });
      const results = answer.resultsByTransaction[0]?.topicResults[0]?.resultsByPartition ?? [];
      const failed = results.find(({ partitionErrorCode }) => partitionErrorCode !== ErrorCode.NONE);
      return { error: failed?.partitionErrorCode ?? answer.errorCode, value: null };
    });
    const baseSequence = this.#sequence++;
    await Promise.all(
      numbers.map((partition) => this.#produce(identity, { transaction, partition, baseSequence })),
    );
    await this.#untilDone(async () => {
      const answer = await client.request(await this.#coordinator(OF_TRANSACTIONS), AddOffsetsToTxn, {
        ...identity,
        transactionalId,
        groupId: GROUP,
      });
      return { error: answer.errorCode, value: null };
    });
    await this.#untilDone(async () => {
      const partition = { partitionIndex: 0, committedOffset: transaction, committedMetadata: '' };
      const answer = await client.request(await this.#coordinator(OF_GROUPS), TxnOffsetCommit, {
        ...identity,
        transactionalId,
        groupId: GROUP,
        topics: [{ name: topic, partitions: [partition] }],
      });
      return { error: answer.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.NONE, value: null };
    });
    return true;
  }

  async #produce(
    identity: Identity,
    {
      transaction,
      partition,
      baseSequence,
    }: { transaction: number; partition: number; baseSequence: number },
  ): Promise<void> {
    const { client, topic } = this.#options;
    await this.#untilDone(async () => {
      const leader = client.leader(topic, partition);
      if (leader === null) return { error: ErrorCode.LEADER_NOT_AVAILABLE, value: null };
      const records = buildBatch({
        ...identity,
        baseSequence,
        transactional: true,
        records: [{ value: Buffer.from(`${transaction}`), timestampMs: client.clock.wallMs() }],
      });
      const answer = await client.request(leader.brokerId, Produce, {
        transactionalId: TRANSACTIONAL_ID,
        acks: -1,
        timeoutMs: ACKS_TIMEOUT_MS,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      });
      const error = answer.responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      return { error, value: null };
    });
  }

  /** null when the outcome is not known. */
  async #end(identity: Identity, committed: boolean): Promise<Outcome | null> {
    try {
      await this.#untilDone(async () => {
        const answer = await this.#options.client.request(await this.#coordinator(OF_TRANSACTIONS), EndTxn, {
          ...identity,
          transactionalId: TRANSACTIONAL_ID,
          committed,
        });
        return { error: answer.errorCode, value: null };
      });
      return committed ? 'committed' : 'aborted';
    } catch {
      return null;
    }
  }

  /** Asks again after no answer and after what passes; rejects after anything else, and in the end. */
  async #untilDone<T>(ask: () => Promise<{ readonly error: number; readonly value: T }>): Promise<T> {
    const { client } = this.#options;
    for (let attempt = 0; attempt < MOST_ATTEMPTS && !client.closed; attempt++) {
      const answer = await ask().catch(() => null);
      if (answer?.error === ErrorCode.NONE) return answer.value;
      if (answer !== null && !passes(answer.error)) throw new Refused(errorName(answer.error));
      await sleep(client.clock, BACKOFF_MS);
      await client.refresh();
    }
    throw new Refused('no end of attempts');
  }

  async #coordinator(keyType: number): Promise<number> {
    const { client } = this.#options;
    const key = keyType === OF_GROUPS ? GROUP : TRANSACTIONAL_ID;
    const answer = await client.request(client.controllerId, FindCoordinator, {
      keyType,
      coordinatorKeys: [key],
    });
    return answer.coordinators[0]?.nodeId ?? -1;
  }

  async #committedOffset(): Promise<number | null> {
    const { client, topic } = this.#options;
    const answer = await client.request(await this.#coordinator(OF_GROUPS), OffsetFetch, {
      groups: [{ groupId: GROUP, topics: [{ name: topic, partitionIndexes: [0] }] }],
      requireStable: true,
    });
    const group = answer.groups[0];
    const partition = group?.topics[0]?.partitions[0];
    if (group?.errorCode !== ErrorCode.NONE || partition?.errorCode !== ErrorCode.NONE) return null;
    return toSafeInteger(partition.committedOffset);
  }
}

function passes(error: number): boolean {
  return error === ErrorCode.CONCURRENT_TRANSACTIONS || isRetriable(error);
}
