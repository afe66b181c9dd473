/**
 * ListOffsets (2), versions 0-9: an offset by timestamp, or by one of the special ones: -1 latest,
 * -2 earliest, v7+ -3 largest timestamp, v8+ -4 earliest local, v9+ -5 latest tiered. v0 answers
 * several offsets, newest first, of which clients take the first: the beginnings of segments that were
 * last written to by then, and the end of the log.
 * v4+ leader epochs; before v5 OFFSET_NOT_AVAILABLE is not known.
 * Source: KafkaApis.handleListOffsetRequest, UnifiedLog.legacyFetchOffsetsBefore.
 */

import { ErrorCode } from '../errors.ts';
import { type Int64, toSafeInteger } from '../int64.ts';
import { LargeSet } from '../large-map.ts';
import { EARLIEST_TIMESTAMP } from '../log/lookup.ts';
import { afterwards, LOOKS_PER_STEP, type Steps } from '../platform/turns.ts';
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { DecompressionAllowance } from '../records/decompression-allowance.ts';
import type { Isolation } from '../replication/requests/read-partition.ts';
import {
  EARLIEST_LOCAL_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  MAX_TIMESTAMP,
  type OffsetAnswer,
} from '../replication/requests/replica-offsets.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { partitionKey } from '../types.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { ofPartitions } from './shared/refusals.ts';
import { decompressionAllowance } from './shared/request-allowances.ts';

type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
type ListOffsetsResponse = ResponseInput<typeof ListOffsets>;
type Wanted = ListOffsetsRequest['topics'][number]['partitions'][number];
type TopicResponse = NonNullable<ListOffsetsResponse['topics']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];

const READ_COMMITTED = 1;
/** The special timestamps that came with a version. */
const SINCE_VERSION: ReadonlyMap<Int64, number> = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL_TIMESTAMP, 8],
  [LATEST_TIERED_TIMESTAMP, 9],
]);
const LOWEST_TIMESTAMP = LATEST_TIERED_TIMESTAMP;
const CONSUMER = -1;
/** May ask any replica, and sees all of the log. */
const DEBUGGING_CONSUMER = -2;

interface Asked {
  readonly request: ListOffsetsRequest;
  readonly context: RequestContext;
  readonly services: Needed;
  readonly decompression: DecompressionAllowance;
}

const NEEDS = ['config', 'replicas', 'workers'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const listOffsets = defineHandler(ListOffsets, NEEDS, {
  handle(request, context, services) {
    const decompression = decompressionAllowance(services.config, services.workers);
    return context.turns.take(answered({ request, context, services, decompression }), ANSWERS_PER_TURN);
  },
  refuse: ({ topics }, errorCode, { turns }) => {
    const answers = ofPartitions(topics, {
      partitionsOf: ({ partitions }) => partitions,
      answer: ({ partitionIndex }) => failure(partitionIndex, errorCode),
      topic: ({ name }, partitions) => ({ name, partitions }),
    });
    return afterwards(turns.take(answers), (all) => ({ topics: all }));
  },
});

/** To search by time may take a twentieth of a millisecond. */
const ANSWERS_PER_TURN = 200;

/** One after the other: what one has decompressed the next has not. */
function* answered(asked: Asked): Steps<ListOffsetsResponse> {
  const { request, context } = asked;
  const repeated = yield* repeatedPartitions(request);
  const topics: TopicResponse[] = [];
  for (const { name, partitions } of request.topics) {
    const allowed = context.may(Operation.DESCRIBE, topicNamed(name));
    const answers: PartitionResponse[] = [];
    for (const wanted of partitions) {
      const one = allowed
        ? answerOf(name, wanted, repeated, asked)
        : failure(wanted.partitionIndex, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
      if (one instanceof Promise) yield one.then((answer) => answers.push(answer));
      else {
        answers.push(one);
        yield;
      }
    }
    topics.push({ name, partitions: answers });
    yield;
  }
  return { topics };
}

type Answered = PartitionResponse | Promise<PartitionResponse>;

function answerOf(topic: string, wanted: Wanted, repeated: ReadonlySet<string>, asked: Asked): Answered {
  if (asked.context.apiVersion === 0) return legacyOffsets(topic, wanted, asked);
  const { partitionIndex } = wanted;
  if (repeated.has(partitionKey(topic, partitionIndex))) {
    return failure(partitionIndex, ErrorCode.INVALID_REQUEST);
  }
  return offsetOf(topic, wanted, asked);
}

function failure(partitionIndex: number, errorCode: ErrorCode): PartitionResponse {
  return { partitionIndex, errorCode };
}

function* repeatedPartitions(request: ListOffsetsRequest): Steps<ReadonlySet<string>> {
  const seen = new LargeSet<string>();
  const repeated = new LargeSet<string>();
  let looked = 0;
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = partitionKey(name, partitionIndex);
      if (seen.has(key)) repeated.add(key);
      seen.add(key);
      if (++looked % LOOKS_PER_STEP === 0) yield;
    }
  }
  return repeated;
}

function offsetOf(
  topic: string,
  wanted: Wanted,
  { request, context, services, decompression }: Asked,
): Answered {
  const { partitionIndex, timestamp, currentLeaderEpoch } = wanted;
  const { apiVersion } = context;
  const known = timestamp >= LOWEST_TIMESTAMP && apiVersion >= (SINCE_VERSION.get(timestamp) ?? 1);
  if (!known) return failure(partitionIndex, ErrorCode.UNSUPPORTED_VERSION);
  const found = services.replicas.listOffset(topic, partitionIndex, {
    timestampMs: timestamp,
    currentLeaderEpoch,
    isolation: isolationOf(request),
    fetchOnlyLeader: request.replicaId !== DEBUGGING_CONSUMER,
    decompression,
    from: context.connectionId,
  });
  return found instanceof Promise
    ? found.then((answer) => offsetResponse(wanted, answer, apiVersion))
    : offsetResponse(wanted, found, apiVersion);
}

function offsetResponse(
  { partitionIndex }: Wanted,
  found: OffsetAnswer,
  apiVersion: number,
): PartitionResponse {
  if (found.error !== ErrorCode.NONE) {
    const unknownToClient = found.error === ErrorCode.OFFSET_NOT_AVAILABLE && apiVersion < 5;
    return failure(partitionIndex, unknownToClient ? ErrorCode.LEADER_NOT_AVAILABLE : found.error);
  }
  const response = {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    timestamp: found.timestampMs,
    offset: found.offset,
  };
  return apiVersion >= 4 ? { ...response, leaderEpoch: found.leaderEpoch } : response;
}

function isolationOf({ replicaId, isolationLevel }: ListOffsetsRequest): Isolation | null {
  if (replicaId !== CONSUMER) return null;
  return isolationLevel === READ_COMMITTED ? 'read_committed' : 'read_uncommitted';
}

function legacyOffsets(topic: string, wanted: Wanted, { request, services }: Asked): PartitionResponse {
  const { partitionIndex, timestamp, maxNumOffsets } = wanted;
  if (timestamp < EARLIEST_TIMESTAMP) return failure(partitionIndex, ErrorCode.UNSUPPORTED_VERSION);
  const { error, offsets } = services.replicas.legacyOffsets(topic, partitionIndex, {
    timestampMs: toSafeInteger(timestamp),
    maxOffsets: maxNumOffsets,
    isConsumer: request.replicaId === CONSUMER,
    fetchOnlyLeader: request.replicaId !== DEBUGGING_CONSUMER,
  });
  return { partitionIndex, errorCode: error, oldStyleOffsets: offsets };
}
