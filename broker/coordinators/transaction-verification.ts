/**
 * Asks the coordinators of transactions, wherever they are, whether partitions belong to them. One request at a
 * time goes to a broker, with all that waits for it. Of one transactional id only one question waits: a newer
 * epoch takes the place of an older, which is fenced; the same again takes the place of the one before, whose
 * sender has given up.
 * Source: Kafka's AddPartitionsToTxnManager, its two metrics too.
 */
import type { BrokerInfo } from '../cluster.ts';
import { ErrorCode } from '../errors.ts';
import { partitionForKey } from '../java-hash.ts';
import type { VerifyTransactionsRequest, VerifyTransactionsResponse } from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { Clock } from '../platform/clock.ts';
import type { Counter, Distribution, Metrics } from '../platform/metrics.ts';
import type { TransactionToVerify, TransactionVerifier } from '../replication/collaborators.ts';
import {
  type BrokerId,
  type PartitionKey,
  partitionKey,
  type TopicPartition,
  TRANSACTION_STATE_TOPIC,
} from '../types.ts';

interface VerificationParts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly metrics: Metrics;
  readonly brokerId: BrokerId;
  readonly metadata: {
    partition(topic: string, partition: number): { readonly leader: BrokerId } | undefined;
    broker(id: BrokerId): BrokerInfo | undefined;
  };
  readonly peers: Pick<Peers, 'request'>;
  /** `request.timeout.ms` */
  readonly timeoutMs: number;
  /** Of `__transaction_state`. */
  readonly partitionCount: () => number;
}

const PREFIX = 'kafka_server_addpartitionstotxnmanager_';
const TIME_BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

type Verdicts = ReadonlyMap<PartitionKey, ErrorCode>;

interface Question {
  readonly transaction: TransactionToVerify & { readonly producerId: number };
  readonly answered: (verdicts: Verdicts) => void;
}

interface Queue {
  /** By transactional id. */
  waiting: Map<string, Question>;
  isBusy: boolean;
}

export class TransactionVerification implements TransactionVerifier {
  readonly #parts: VerificationParts;
  readonly #queues = new Map<BrokerId, Queue>();
  /** Partitions that were refused, for whatever reason. */
  readonly #failures: Counter;
  readonly #timeMs: Distribution;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
    this.#failures = parts.metrics.counter(
      `${PREFIX}verificationfailurerate_total`,
      'Partitions that do not belong to a transaction, or whose coordinator could not say',
    );
    this.#timeMs = parts.metrics.distribution(
      `${PREFIX}verificationtimems`,
      'Milliseconds until the coordinator of a transaction has answered for its partitions',
      TIME_BUCKETS_MS,
    );
  }

  verify(transaction: TransactionToVerify): Promise<Verdicts> {
    const { transactionalId, producerId, partitions } = transaction;
    const all = async (error: ErrorCode): Promise<Verdicts> => this.#counted(sameForAll(partitions, error));
    // No coordinator has ever given such an id away.
    if (typeof producerId !== 'number') return all(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    const { metadata, partitionCount } = this.#parts;
    const leader = metadata.partition(
      TRANSACTION_STATE_TOPIC,
      partitionForKey(transactionalId, partitionCount()),
    )?.leader;
    const coordinator = leader === undefined ? undefined : metadata.broker(leader);
    if (coordinator === undefined) return all(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const { clock } = this.#parts;
    const askedMs = clock.nowMs();
    return new Promise((resolve) => {
      const answered = (verdicts: Verdicts): void => {
        this.#timeMs.observe(clock.nowMs() - askedMs);
        resolve(this.#counted(verdicts));
      };
      this.#enqueue(coordinator, { transaction: { ...transaction, producerId }, answered });
    });
  }

  #counted(verdicts: Verdicts): Verdicts {
    for (const error of verdicts.values()) if (error !== ErrorCode.NONE) this.#failures.add();
    return verdicts;
  }

  #enqueue(coordinator: BrokerInfo, question: Question): void {
    const { transactionalId, producerEpoch, partitions } = question.transaction;
    const queue = this.#queues.get(coordinator.id) ?? { waiting: new Map(), isBusy: false };
    this.#queues.set(coordinator.id, queue);
    const before = queue.waiting.get(transactionalId);
    if (before !== undefined) {
      const { transaction } = before;
      if (producerEpoch < transaction.producerEpoch) {
        question.answered(sameForAll(partitions, ErrorCode.INVALID_PRODUCER_EPOCH));
        return;
      }
      const isNewer = producerEpoch > transaction.producerEpoch;
      const error = isNewer ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NETWORK_EXCEPTION;
      before.answered(sameForAll(transaction.partitions, error));
    }
    queue.waiting.set(transactionalId, question);
    if (!queue.isBusy) void this.#askUntilEmpty(coordinator, queue);
  }

  async #askUntilEmpty(coordinator: BrokerInfo, queue: Queue): Promise<void> {
    queue.isBusy = true;
    // What else comes in this turn of the loop goes along.
    await Promise.resolve();
    while (queue.waiting.size > 0) {
      const asked = queue.waiting;
      queue.waiting = new Map();
      await this.#ask(coordinator, asked);
    }
    queue.isBusy = false;
    this.#queues.delete(coordinator.id);
  }

  async #ask(coordinator: BrokerInfo, asked: ReadonlyMap<string, Question>): Promise<void> {
    const transactions = [...asked.values()].map(({ transaction }) => toMessage(transaction));
    const { brokerId } = this.#parts;
    const request: VerifyTransactionsRequest = { type: 'VerifyTransactions', brokerId, transactions };
    let response: VerifyTransactionsResponse;
    try {
      response = await this.#parts.peers.request(coordinator, request, this.#parts.timeoutMs);
    } catch {
      // It can't be reached; whoever asked asks again, perhaps another broker.
      response = { error: ErrorCode.NETWORK_EXCEPTION, transactions: [] };
    }
    const { error } = response;
    const answers = new Map(
      error === ErrorCode.NONE
        ? response.transactions.map(({ transactionalId, partitions }) => [transactionalId, partitions])
        : [],
    );
    for (const [transactionalId, { transaction, answered }] of asked) {
      const missing = error === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : error;
      const verdicts = new Map(sameForAll(transaction.partitions, missing));
      for (const one of answers.get(transactionalId) ?? []) {
        verdicts.set(partitionKey(one.topic, one.partition), verdictOf(one.error));
      }
      answered(verdicts);
    }
  }
}

/** Producers know a fenced epoch by this name when they write. */
function verdictOf(error: ErrorCode): ErrorCode {
  return error === ErrorCode.PRODUCER_FENCED ? ErrorCode.INVALID_PRODUCER_EPOCH : error;
}

function sameForAll(partitions: readonly TopicPartition[], error: ErrorCode): Verdicts {
  return new Map(partitions.map(({ topic, partition }) => [partitionKey(topic, partition), error]));
}

function toMessage({
  transactionalId,
  producerId,
  producerEpoch,
  partitions,
}: Question['transaction']): VerifyTransactionsRequest['transactions'][number] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic) ?? [];
    topics.set(topic, numbers);
    numbers.push(partition);
  }
  return {
    transactionalId,
    producerId,
    producerEpoch,
    topics: [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers })),
  };
}
