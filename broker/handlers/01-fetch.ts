/**
 * Fetch (1), versions 0-17: records for consumers. Followers are fed over the peers' channels, so a request
 * that claims to be from a replica is turned away. Records travel from the log's pooled buffer to the
 * socket without a copy; the buffer goes back when the response has left. Those of a large answer are read
 * by the connection, as the client takes them.
 * v0-2 hard limits; v4+ isolation; v7+ sessions; v11+ the consumer's rack; v12+ divergence; v13+ topic
 * ids; v16+ the current leader with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH.
 * Source: KafkaApis.handleFetchRequest.
 */

import { boundedName } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import { afterwards, FEW, type Steps } from '../platform/turns.ts';
import { Fetch } from '../protocol/messages/01-fetch.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { FetchSession, SessionRequest } from '../replication/requests/fetch-sessions.ts';
import type { FetchOutcome, FetchPartition } from '../replication/requests/read-partition.ts';
import type { FetchRequest } from '../replication/requests/replica-fetch.ts';
import type { RequestedPartition, SessionPartition } from '../replication/requests/session-partitions.ts';
import { Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { downConverted, legacyMagicOf } from './shared/down-conversion.ts';
import { type Fetched, fetchResponse, notFetched } from './shared/fetch-response.ts';
import { fetchedSizeBytes } from './shared/fetch-size.ts';
import { onceEach } from './shared/named-once.ts';
import { ofPartitions } from './shared/refusals.ts';

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
    if (isReplica) return refuse(request, ErrorCode.NOT_LEADER_OR_FOLLOWER, context);
    const { turns } = context;
    const asker = { context, services };
    return afterwards(turns.take(opened(request, asker)), (fetching): Response | Promise<Response> => {
      const { session, readable } = fetching;
      if (session.error !== ErrorCode.NONE) return { errorCode: session.error };
      const read =
        readable.length === 0 ? [] : services.replicas.fetch(fetchRequest(request, readable, context), turns);
      return afterwards(read, (outcomes) => {
        // Every outcome's buffer goes back, also of those that the session leaves out or that are converted.
        context.afterSend(() => {
          for (const { release } of outcomes) release();
        });
        context.whenCounted(() => {
          for (const { claim } of outcomes) claim.end();
        });
        const fetched = turns.take(withForbidden(fetching, outcomes));
        return afterwards(fetched, (all) => respond(all, session, asker));
      });
    });
  },
  refuse,
});

/** Who asks, and what of the broker that is asked. */
interface Asker {
  readonly context: RequestContext;
  readonly services: Needed;
}

/** One fetch in its session. */
interface Fetching {
  readonly session: FetchSession;
  /** What forbids to read, for each partition of the session. */
  readonly errors: readonly ErrorCode[];
  /** The partitions of which nothing does. */
  readonly readable: readonly FetchPartition[];
}

function* opened(request: Request, { context, services }: Asker): Steps<Fetching> {
  const session = yield* openSession(request, context, services);
  const errors: ErrorCode[] = [];
  const readable: FetchPartition[] = [];
  for (const wanted of session.partitions) {
    const error = errorOf(wanted, context, services);
    errors.push(error);
    if (error === ErrorCode.NONE && isNamed(wanted)) readable.push(wanted);
    if (errors.length > FEW) yield;
  }
  return { session, errors, readable };
}

/** What was read, and what was not and why, in the order of the session. */
function* withForbidden(
  { session, errors }: Fetching,
  outcomes: readonly FetchOutcome[],
): Steps<readonly Fetched[]> {
  const remaining = outcomes.values();
  const all: Fetched[] = [];
  for (const [index, wanted] of session.partitions.entries()) {
    const forbidden = errors[index] ?? ErrorCode.NONE;
    const outcome = forbidden === ErrorCode.NONE ? remaining.next().value : undefined;
    all.push(outcome ?? notFetched(wanted, forbidden));
    if (index > FEW) yield;
  }
  return all;
}

/** Before v7 there is no error at the top: every partition carries it. */
function refuse(
  request: Request,
  errorCode: ErrorCode,
  { apiVersion, turns }: Refusing,
): Response | Promise<Response> {
  if (apiVersion >= 7 && errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return { errorCode };
  const records = Buffer.alloc(0);
  const responses = ofPartitions(request.topics, {
    partitionsOf: ({ partitions }) => partitions,
    answer: ({ partition }) => ({ partitionIndex: partition, errorCode, highWatermark: -1, records }),
    topic: ({ topic, topicId }, partitions) => ({ topic, topicId, partitions }),
  });
  return afterwards(turns.take(responses), (all) => ({ responses: all }));
}

function* openSession(request: Request, context: RequestContext, services: Needed): Steps<FetchSession> {
  const { sessionId, sessionEpoch } = request;
  const usesTopicIds = context.apiVersion >= FIRST_WITH_TOPIC_IDS;
  const forgotten = yield* forgottenIn(request);
  const partitions = yield* requestedIn(request);
  return yield* services.fetchSessions.open(
    { sessionId, sessionEpoch, usesTopicIds, partitions, forgotten },
    (topicId) => services.metadata.topicName(topicId),
  );
}

function* forgottenIn({ forgottenTopicsData }: Request): Steps<SessionRequest['forgotten']> {
  const forgotten: SessionRequest['forgotten'][number][] = [];
  for (const { topic, topicId, partitions } of forgottenTopicsData) {
    for (const partition of partitions) {
      forgotten.push({ topic, topicId, partition });
      if (forgotten.length > FEW) yield;
    }
  }
  return forgotten;
}

/** Each once: a waiting fetch looks at every entry again. */
function* requestedIn({ topics }: Request): Steps<readonly RequestedPartition[]> {
  const requested: RequestedPartition[] = [];
  for (const { topic, topicId, partitions } of topics) {
    for (const wanted of partitions) {
      requested.push({
        topic,
        topicId,
        partition: wanted.partition,
        fetchOffset: wanted.fetchOffset,
        maxBytes: wanted.partitionMaxBytes,
        // Any negative number is none here, not -1 alone as elsewhere.
        currentLeaderEpoch: Math.max(NO_EPOCH, wanted.currentLeaderEpoch),
        lastFetchedEpoch: wanted.lastFetchedEpoch,
        logStartOffset: wanted.logStartOffset,
      });
      if (requested.length > FEW) yield;
    }
  }
  return yield* onceEach(
    requested,
    ({ topicId, topic, partition }) => `${topicId}${boundedName(topic)}/${partition}`,
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

function isNamed(wanted: SessionPartition): wanted is FetchPartition {
  return wanted.topic !== null;
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
  asker: Asker,
): Response | Promise<Response> {
  const { context, services } = asker;
  const { turns, charges, apiVersion } = context;
  if (charges === null) return converted(fetched, session, asker);
  return afterwards(turns.take(sizeOf(fetched, session, apiVersion)), (sizeBytes) =>
    charges.fetched(sizeBytes)
      ? converted(fetched, session, asker)
      : turns.take(fetchResponse(session.throttled(), context, services)),
  );
}

function* sizeOf(fetched: readonly Fetched[], session: FetchSession, apiVersion: number): Steps<number> {
  return yield* fetchedSizeBytes(apiVersion, yield* session.answerable(fetched));
}

function converted(
  fetched: readonly Fetched[],
  session: FetchSession,
  { context, services }: Asker,
): Response | Promise<Response> {
  const { turns, apiVersion, connectionId } = context;
  const toMagic = legacyMagicOf(apiVersion);
  const readable =
    toMagic === null ? fetched : downConverted(fetched, { toMagic, from: connectionId, services });
  return afterwards(readable, (outcomes) => turns.take(answer(outcomes, session, { context, services })));
}

function* answer(
  outcomes: readonly Fetched[],
  session: FetchSession,
  { context, services }: Asker,
): Steps<Response> {
  return yield* fetchResponse(yield* session.answer(outcomes), context, services);
}
