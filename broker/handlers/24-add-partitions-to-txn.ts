/**
 * AddPartitionsToTxn (24), versions 0-5: partitions that a transaction is about to write to.
 * v0-3 come from producers, for one transaction. v4+ come from brokers, for many, which may only want to know
 * whether the partitions belong to it (`verifyOnly`). One partition that can't be added keeps out the others.
 * v0-1 don't know PRODUCER_FENCED: they are told INVALID_PRODUCER_EPOCH.
 * Source: KafkaApis.handleAddPartitionsToTxnRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import { afterwards, LOOKS_PER_STEP, type Steps } from '../platform/turns.ts';
import { AddPartitionsToTxn } from '../protocol/messages/24-add-partitions-to-txn.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation, topicNamed, transactionNamed } from '../security/operations.ts';
import { isInternalTopic, type TopicPartition } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { fencedFrom } from './shared/fenced-error.ts';
import { namedOnce, onceEach } from './shared/named-once.ts';

type Request = RequestOf<typeof AddPartitionsToTxn>;
type Topic = Request['v3AndBelowTopics'][number];
type TopicResults = NonNullable<ResponseInput<typeof AddPartitionsToTxn>['resultsByTopicV3AndBelow']>;

interface Transaction {
  readonly transactionalId: string;
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly verifyOnly: boolean;
  readonly topics: readonly Topic[];
}

const FIRST_VERSION_WITH_FENCED = 2;
const FIRST_VERSION_OF_BROKERS = 4;

const SHAPE = {
  partitionsOf: ({ partitions }: Topic) => partitions,
  indexOf: (partition: number) => partition,
  topic: (name: string, partitions: readonly number[]): Topic => ({ name, partitions }),
};

const NEEDS = ['metadata', 'transactions'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const addPartitionsToTxn = defineHandler(AddPartitionsToTxn, NEEDS, {
  async handle(request, context, services) {
    if (context.apiVersion < FIRST_VERSION_OF_BROKERS) {
      return { resultsByTopicV3AndBelow: await fromProducer(ofProducer(request), context, services) };
    }
    if (!context.may(Operation.CLUSTER_ACTION, CLUSTER)) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
    }
    // An id that is named again counts once: there is one answer for an id.
    const { turns } = context;
    const once = await turns.take(onceEach(request.transactions, ({ transactionalId }) => transactionalId));
    const resultsByTransaction = await turns.begin(once, async (one) => ({
      transactionalId: one.transactionalId,
      topicResults: await carryOut(one, context, services),
    }));
    return { resultsByTransaction };
  },

  refuse(request, errorCode, { apiVersion, turns }) {
    if (apiVersion >= FIRST_VERSION_OF_BROKERS) return { errorCode };
    return afterwards(
      turns.take(answerEach(request.v3AndBelowTopics, () => errorCode)),
      (resultsByTopicV3AndBelow) => ({ resultsByTopicV3AndBelow }),
    );
  },
});

function ofProducer(request: Request): Transaction {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  };
}

async function fromProducer(
  transaction: Transaction,
  context: RequestContext,
  services: Needed,
): Promise<TopicResults> {
  if (context.may(Operation.WRITE, transactionNamed(transaction.transactionalId))) {
    return carryOut(transaction, context, services);
  }
  const refused = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  return context.turns.take(answerEach(transaction.topics, () => refused));
}

async function carryOut(
  transaction: Transaction,
  context: RequestContext,
  services: Needed,
): Promise<TopicResults> {
  const topics = await context.turns.take(namedOnce(transaction.topics, SHAPE));
  const obstacles = await context.turns.take(obstaclesOf(topics, context, services));
  const { turns } = context;
  if (obstacles.some((error) => error !== ErrorCode.NONE)) {
    return turns.take(answerEach(topics, (index) => notAttempted(obstacles[index])));
  }
  const partitions = await turns.take(partitionsOf(topics));
  if (transaction.verifyOnly) {
    const errors = await turns.take(verified(transaction, partitions, services));
    return turns.take(answerEach(topics, (index) => errors[index]));
  }
  const error = await services.transactions.addPartitions(transaction, partitions);
  const told = fencedFrom(FIRST_VERSION_WITH_FENCED, context.apiVersion, error);
  // As they were named.
  return turns.take(answerEach(transaction.topics, () => told));
}

/** Each for itself: what is verified is only shown to a log, which knows whether it still holds. */
function* verified(
  transaction: Transaction,
  partitions: readonly TopicPartition[],
  { transactions }: Needed,
): Steps<readonly ErrorCode[]> {
  const errors: ErrorCode[] = [];
  for (let at = 0; at < partitions.length; at += LOOKS_PER_STEP) {
    errors.push(...transactions.verifyPartitions(transaction, partitions.slice(at, at + LOOKS_PER_STEP)));
    yield;
  }
  return errors;
}

/** What keeps each partition out, by its topic or by itself, in order. Brokers have been asked for their right. */
function* obstaclesOf(
  topics: readonly Topic[],
  context: RequestContext,
  services: Needed,
): Steps<readonly ErrorCode[]> {
  const obstacles: ErrorCode[] = [];
  for (const { name, partitions } of topics) {
    const allowed =
      context.apiVersion >= FIRST_VERSION_OF_BROKERS ||
      (!isInternalTopic(name) && context.may(Operation.WRITE, topicNamed(name)));
    for (const partition of partitions) {
      const isKnown = services.metadata.partition(name, partition) !== undefined;
      const unknown = isKnown ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      obstacles.push(allowed ? unknown : ErrorCode.TOPIC_AUTHORIZATION_FAILED);
      yield;
    }
  }
  return obstacles;
}

function* partitionsOf(topics: readonly Topic[]): Steps<readonly TopicPartition[]> {
  const all: TopicPartition[] = [];
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      all.push({ topic: name, partition });
      yield;
    }
  }
  return all;
}

/** The others could be added, and are not. */
function notAttempted(error: ErrorCode | undefined): ErrorCode | undefined {
  return error === ErrorCode.NONE ? ErrorCode.OPERATION_NOT_ATTEMPTED : error;
}

/** `errorOf`: of the partitions, by their place among all. */
function* answerEach(
  topics: readonly Topic[],
  errorOf: (index: number) => ErrorCode | undefined,
): Steps<TopicResults> {
  const results: TopicResults[number][] = [];
  let next = 0;
  for (const { name, partitions } of topics) {
    const resultsByPartition: NonNullable<TopicResults[number]['resultsByPartition']>[number][] = [];
    for (const partitionIndex of partitions) {
      const partitionErrorCode = errorOf(next++) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      resultsByPartition.push({ partitionIndex, partitionErrorCode });
      yield;
    }
    results.push({ name, resultsByPartition });
  }
  return results;
}
