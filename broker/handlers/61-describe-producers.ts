/**
 * DescribeProducers (61), version 0: the idempotent and transactional producers that the logs of this
 * broker remember.
 * Source: KafkaApis.handleDescribeProducersRequest, ReplicaManager.activeProducerState.
 */

import { NameMap } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import { LargeSet } from '../large-map.ts';
import type { ProducerEntry } from '../log/producers/producer-entry.ts';
import { validateTopicName } from '../metadata/topic-rules.ts';
import type { Steps } from '../platform/turns.ts';
import { errorText } from '../protocol/error-texts.ts';
import { DescribeProducers } from '../protocol/messages/61-describe-producers.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';

type Request = RequestOf<typeof DescribeProducers>;
type Response = ResponseInput<typeof DescribeProducers>;
type TopicResponse = NonNullable<Response['topics']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];
type ActiveProducer = NonNullable<PartitionResponse['activeProducers']>[number];

const NEEDS = ['metadata', 'logs'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const describeProducers = defineHandler(DescribeProducers, NEEDS, {
  handle: (request, context, services) =>
    context.turns.take(answer(request, (topic, partition) => describe(topic, partition, context, services))),
  refuse: (request, errorCode, { turns }) =>
    turns.take(answer(request, (_topic, partitionIndex) => failed(partitionIndex, errorCode))),
});

/** What is named again and again is described once: an answer is far longer than a number. */
function* answer(
  request: Request,
  describeOne: (topic: string, partition: number) => PartitionResponse,
): Steps<Response> {
  const wanted = new NameMap<{ readonly name: string; readonly partitions: Set<number> }>();
  for (const { name, partitionIndexes } of request.topics) {
    const ofTopic = wanted.get(name) ?? { name, partitions: new LargeSet() };
    wanted.set(name, ofTopic);
    yield;
    for (const partition of partitionIndexes) {
      ofTopic.partitions.add(partition);
      yield;
    }
  }
  const topics: TopicResponse[] = [];
  for (const { name, partitions } of wanted.values()) {
    const answers: PartitionResponse[] = [];
    for (const partition of partitions) {
      const one = describeOne(name, partition);
      answers.push(one);
      // There may be many producers of one partition.
      for (let producers = one.activeProducers?.length ?? 0; producers >= 0; producers--) yield;
    }
    topics.push({ name, partitions: answers });
  }
  return { topics };
}

function describe(
  topic: string,
  partitionIndex: number,
  context: RequestContext,
  services: Needed,
): PartitionResponse {
  const refused = topicRefusal(topic, context, services);
  if (refused !== null) return failed(partitionIndex, ...refused);
  const known = services.metadata.partition(topic, partitionIndex) !== undefined;
  if (!known) return failed(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const log = services.logs.log(topic, partitionIndex);
  if (log === undefined) return failed(partitionIndex, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers: log.producers().map(activeProducer) };
}

/** What no partition of the topic is described for, and why in words. */
function topicRefusal(
  topic: string,
  context: RequestContext,
  services: Needed,
): readonly [errorCode: ErrorCode, message: string | null] | null {
  if (!context.may(Operation.READ, topicNamed(topic))) return worded(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  const complaint = validateTopicName(topic);
  if (complaint !== null) return [ErrorCode.INVALID_TOPIC_EXCEPTION, complaint];
  return services.metadata.topic(topic) === undefined ? worded(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) : null;
}

function worded(errorCode: ErrorCode): readonly [errorCode: ErrorCode, message: string | null] {
  return [errorCode, errorText(errorCode)];
}

/** Kafka has words only for what is wrong with the whole topic. */
function failed(
  partitionIndex: number,
  errorCode: ErrorCode,
  errorMessage: string | null = null,
): PartitionResponse {
  return { partitionIndex, errorCode, errorMessage };
}

function activeProducer(entry: ProducerEntry): ActiveProducer {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.epoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: entry.lastTimestampMs,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.transactionFirstOffset,
  };
}
