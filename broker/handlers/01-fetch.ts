/**
 * Fetch (1), versions 0-17: records for consumers. Followers are fed over the peers' channels, so a request
 * that claims to be from a replica is turned away. Records travel from the log's pooled buffer to the
 * socket without a copy; the buffer goes back when the response has left. Those of a large answer are read
 * by the connection, as the client takes them.
 * v0-2 hard limits; v4+ isolation; v7+ sessions; v11+ the consumer's rack; v12+ divergence; v13+ topic
 * ids; v16+ the current leader with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH.
 * Source: KafkaApis.handleFetchRequest.
 */

import { ErrorCode } from '../errors.ts';
import { Fetch } from '../protocol/messages/01-fetch.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type {
  FetchSession,
  RequestedPartition,
  SessionPartition,
} from '../replication/requests/fetch-sessions.ts';
import type { FetchOutcome, FetchPartition } from '../replication/requests/read-partition.ts';
import type { FetchRequest } from '../replication/requests/replica-fetch.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { downConverted, legacyMagicOf } from './shared/down-conversion.ts';
import { type Fetched, failedOutcome, fetchResponse } from './shared/fetch-response.ts';
import { onceEach } from './shared/named-once.ts';

type Request = RequestOf<typeof Fetch>;
type Response = ResponseInput<typeof Fetch>;

const NO_EPOCH = -1;
const READ_COMMITTED = 1;
const FIRST_WITH_TOPIC_IDS = 13;

const NEEDS = ['config', 'topicMetrics', 'metadata', 'replicas', 'fetchSessions', 'logs', 'workers'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const fetch = defineHandler(Fetch, NEEDS, {
  handle(request, context, services) {
    const isReplica = request.replicaId >= 0 || request.replicaState.replicaId >= 0;
    if (isReplica) return refuse(request, ErrorCode.NOT_LEADER_OR_FOLLOWER, context.apiVersion);
    const session = openSession(request, context, services);
    if (session.error !== ErrorCode.NONE) return { errorCode: session.error };
    const errors = session.partitions.map((wanted) => errorOf(wanted, context, services));
    const readable = session.partitions.flatMap((wanted, index) =>
      errors[index] === ErrorCode.NONE && wanted.topic !== null
        ? [asFetchPartition(wanted, wanted.topic, context.apiVersion)]
        : [],
    );
    const answer = (outcomes: readonly FetchOutcome[]): Response | Promise<Response> => {
      const remaining = outcomes.values();
      const fetched = session.partitions.map((wanted, index): Fetched => {
        const error = errors[index] ?? ErrorCode.NONE;
        const outcome = error === ErrorCode.NONE ? remaining.next().value : undefined;
        return { wanted, ...(outcome ?? failedOutcome(wanted, error)) };
      });
      return respond(fetched, session, context, services);
    };
    if (readable.length === 0) return answer([]);
    const outcomes = services.replicas.fetch(fetchRequest(request, readable, context));
    return outcomes instanceof Promise ? outcomes.then(answer) : answer(outcomes);
  },
  refuse,
});

/** Before v7 there is no error at the top: every partition carries it. */
function refuse(request: Request, errorCode: ErrorCode, apiVersion: number): Response {
  if (apiVersion >= 7 && errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return { errorCode };
  return {
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        records: Buffer.alloc(0),
      })),
    })),
  };
}

function openSession(request: Request, context: RequestContext, services: Needed): FetchSession {
  const partitions = request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map(
      (wanted): RequestedPartition => ({
        topic,
        topicId,
        partition: wanted.partition,
        fetchOffset: wanted.fetchOffset,
        maxBytes: wanted.partitionMaxBytes,
        // Any negative number is none here, not -1 alone as elsewhere.
        currentLeaderEpoch: Math.max(NO_EPOCH, wanted.currentLeaderEpoch),
        lastFetchedEpoch: wanted.lastFetchedEpoch,
        logStartOffset: wanted.logStartOffset,
      }),
    ),
  );
  const forgotten = request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  );
  const { sessionId, sessionEpoch } = request;
  const usesTopicIds = context.apiVersion >= FIRST_WITH_TOPIC_IDS;
  return services.fetchSessions.open(
    {
      sessionId,
      sessionEpoch,
      usesTopicIds,
      // A waiting fetch looks at every entry again on each wake-up.
      partitions: onceEach(partitions, ({ topicId, topic, partition }) => `${topicId}${topic}/${partition}`),
      forgotten,
    },
    (topicId) => services.metadata.topicName(topicId),
  );
}

/** What forbids the read before the log is looked at. */
function errorOf(
  { topic, partition }: SessionPartition,
  context: RequestContext,
  services: Needed,
): ErrorCode {
  if (topic === null) return ErrorCode.UNKNOWN_TOPIC_ID;
  if (!context.may(Operation.READ, topicNamed(topic))) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  if (services.metadata.partition(topic, partition) === undefined) {
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
  // zstd came with v10; older clients are told so by the topic's config, before they meet such a batch.
  const config = context.apiVersion < 10 ? services.logs.log(topic, partition)?.config : undefined;
  return config?.compressionType === 'zstd' ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.NONE;
}

function asFetchPartition(wanted: SessionPartition, topic: string, apiVersion: number): FetchPartition {
  const { topicId, ...rest } = wanted;
  return apiVersion >= FIRST_WITH_TOPIC_IDS ? { ...rest, topic, topicId } : { ...rest, topic };
}

function fetchRequest(
  request: Request,
  partitions: readonly FetchPartition[],
  { apiVersion, charges }: RequestContext,
): FetchRequest {
  // More than the quota allows in its window would be throttled whenever it comes.
  const maxBytes = charges === null ? request.maxBytes : Math.min(request.maxBytes, charges.maxFetchBytes());
  return {
    maxWaitMs: request.maxWaitMs,
    minBytes: request.minBytes,
    maxBytes,
    hardMaxBytes: apiVersion <= 2,
    isolation: request.isolationLevel === READ_COMMITTED ? 'read_committed' : 'read_uncommitted',
    clientRack: apiVersion >= 11 ? request.rackId : null,
    needsRecords: legacyMagicOf(apiVersion) !== null,
    partitions,
  };
}

function respond(
  fetched: readonly Fetched[],
  session: FetchSession,
  context: RequestContext,
  services: Needed,
): Response | Promise<Response> {
  // Every outcome's buffer goes back, also of those that the session leaves out or that are converted.
  for (const { release } of fetched) context.afterSend(release);
  if (context.charges?.fetched(answeredBytes(fetched)) === false) {
    return fetchResponse(session.throttled(), context, services);
  }
  const toMagic = legacyMagicOf(context.apiVersion);
  const readable =
    toMagic === null ? fetched : downConverted(fetched, { toMagic, from: context.connectionId, services });
  const answer = (outcomes: readonly Fetched[]): Response =>
    fetchResponse(session.answer(outcomes), context, services);
  return readable instanceof Promise ? readable.then(answer) : answer(readable);
}

/** What a partition adds to an answer beside its records, and the answer to its partitions, about. */
const PARTITION_OVERHEAD_BYTES = 40;

/** What the quota is charged for: before records are converted, as in Kafka. */
function answeredBytes(fetched: readonly Fetched[]): number {
  return fetched.reduce((bytes, { records }) => bytes + records.length + PARTITION_OVERHEAD_BYTES, 0);
}
