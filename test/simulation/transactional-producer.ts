/**
 * A transactional producer: one request for each thing that it does, asked again until it is done, as Kafka's
 * producers do. Whoever uses it begins again with `initialise` after anything that it can't make sense of, which
 * ends what was left open under the same id.
 */
import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { AddPartitionsToTxn } from '../../broker/protocol/messages/24-add-partitions-to-txn.ts';
import { AddOffsetsToTxn } from '../../broker/protocol/messages/25-add-offsets-to-txn.ts';
import { EndTxn } from '../../broker/protocol/messages/26-end-txn.ts';
import { TxnOffsetCommit } from '../../broker/protocol/messages/28-txn-offset-commit.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { buildBatch } from '../../broker/records/build.ts';
import type { ApplicationFaults } from './application-faults.ts';
import type { ClusterClient } from './cluster-client.ts';

interface ProducerOptions {
  readonly client: ClusterClient;
  readonly transactionalId: string;
  /** Of the application, at each of its requests. */
  readonly faults?: Pick<ApplicationFaults, 'next'>;
}

interface Offsets {
  readonly groupId: string;
  readonly topic: string;
  /** By partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Of a member that was given the partitions; without it nobody is asked whose they are. */
  readonly member?: { readonly memberId: string; readonly generationId: number };
}

const OF_GROUPS = 0;
const OF_TRANSACTIONS = 1;
const BACKOFF_MS = 60;
const ACKS_TIMEOUT_MS = 1500;
/** Less than wall clocks may jump, so that coordinators end transactions that nobody has left. */
const TRANSACTION_TIMEOUT_MS = 10_000;
const MOST_ATTEMPTS = 40;
/** Longer than groups wait for a member. */
const STANDSTILL_MS = 3000;

/** What can't be had by asking again. */
class Refused extends Error {}

/** The application is no more: nothing is asked again. */
export class Died extends Error {}

export class TransactionalProducer {
  readonly #options: ProducerOptions;
  #identity = { producerId: -1, producerEpoch: -1 };
  /** The next of each partition under the present epoch. */
  readonly #sequences = new Map<string, number>();

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Ends what is open under the same id; rejects after many attempts. */
  async initialise(): Promise<void> {
    const { transactionalId } = this.#options;
    this.#sequences.clear();
    await this.#untilDone(async () => {
      const answer = await this.#ask(
        await this.#coordinator(OF_TRANSACTIONS, transactionalId),
        InitProducerId,
        {
          transactionalId,
          transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
        },
      );
      const { producerId, producerEpoch } = answer;
      this.#identity = { producerId: toSafeInteger(producerId), producerEpoch };
      return answer.errorCode;
    });
  }

  async addPartitions(topic: string, partitions: readonly number[]): Promise<void> {
    const { transactionalId } = this.#options;
    const topics = [{ name: topic, partitions }];
    await this.#untilDone(async () => {
      const coordinator = await this.#coordinator(OF_TRANSACTIONS, transactionalId);
      const answer = await this.#ask(coordinator, AddPartitionsToTxn, {
        transactions: [{ ...this.#identity, transactionalId, verifyOnly: false, topics }],
      });
      const results = answer.resultsByTransaction[0]?.topicResults[0]?.resultsByPartition ?? [];
      const failed = results.find(({ partitionErrorCode }) => partitionErrorCode !== ErrorCode.NONE);
      return failed?.partitionErrorCode ?? answer.errorCode;
    });
  }

  async produce(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const { client, transactionalId } = this.#options;
    const key = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    this.#sequences.set(key, baseSequence + values.length);
    await this.#untilDone(async () => {
      const leader = client.leader(topic, partition);
      if (leader === null) return ErrorCode.LEADER_NOT_AVAILABLE;
      const timestampMs = client.clock.wallMs();
      const records = buildBatch({
        ...this.#identity,
        baseSequence,
        transactional: true,
        records: values.map((value) => ({ value: Buffer.from(value), timestampMs })),
      });
      const answer = await this.#ask(leader.brokerId, Produce, {
        transactionalId,
        acks: -1,
        timeoutMs: ACKS_TIMEOUT_MS,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      });
      return answer.responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    });
  }

  async sendOffsets({ groupId, topic, offsets, member }: Offsets): Promise<void> {
    const { transactionalId } = this.#options;
    await this.#untilDone(async () => {
      const coordinator = await this.#coordinator(OF_TRANSACTIONS, transactionalId);
      const named = { ...this.#identity, transactionalId, groupId };
      return (await this.#ask(coordinator, AddOffsetsToTxn, named)).errorCode;
    });
    const partitions = [...offsets].map(([partitionIndex, committedOffset]) => ({
      partitionIndex,
      committedOffset,
      committedMetadata: '',
    }));
    await this.#untilDone(async () => {
      const answer = await this.#ask(await this.#coordinator(OF_GROUPS, groupId), TxnOffsetCommit, {
        ...this.#identity,
        ...member,
        transactionalId,
        groupId,
        topics: [{ name: topic, partitions }],
      });
      const found = answer.topics[0]?.partitions ?? [];
      return found.find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE;
    });
  }

  /** When it rejects, nobody knows how the transaction has ended. */
  async end(committed: boolean): Promise<void> {
    const { transactionalId } = this.#options;
    await this.#untilDone(async () => {
      const coordinator = await this.#coordinator(OF_TRANSACTIONS, transactionalId);
      const answer = await this.#ask(coordinator, EndTxn, { ...this.#identity, transactionalId, committed });
      return answer.errorCode;
    });
  }

  async #ask<A extends AnyApi>(brokerId: number, api: A, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const { client, faults } = this.#options;
    const fault = faults?.next(api.name) ?? null;
    if (fault === 'killed before') throw new Died();
    if (fault === 'stands still') await sleep(client.clock, STANDSTILL_MS);
    const answer = client.request(brokerId, api, request);
    if (fault !== 'killed during') return answer;
    answer.catch(() => {});
    throw new Died();
  }

  /** Asks again after no answer and after what passes; rejects after anything else, and in the end. */
  async #untilDone(ask: () => Promise<number>): Promise<void> {
    const { client } = this.#options;
    for (let attempt = 0; attempt < MOST_ATTEMPTS && !client.closed; attempt++) {
      const error = await ask().catch((thrown) => {
        if (thrown instanceof Died) throw thrown;
        return null;
      });
      if (error === ErrorCode.NONE) return;
      if (error !== null && !passes(error)) throw new Refused(errorName(error));
      await sleep(client.clock, BACKOFF_MS);
      await client.refresh();
    }
    throw new Refused('no end of attempts');
  }

  async #coordinator(keyType: number, key: string): Promise<number> {
    const { client } = this.#options;
    const answer = await client.request(client.controllerId, FindCoordinator, {
      keyType,
      coordinatorKeys: [key],
    });
    return answer.coordinators[0]?.nodeId ?? -1;
  }
}

function passes(error: number): boolean {
  return error === ErrorCode.CONCURRENT_TRANSACTIONS || isRetriable(error);
}
