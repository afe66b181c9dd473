/** The outcomes of a fetch as the versions of its response carry them. */
import { ErrorCode } from '../../errors.ts';
import { FEW, type Steps } from '../../platform/turns.ts';
import type { Fetch } from '../../protocol/messages/01-fetch.ts';
import type { ResponseInput } from '../../protocol/schema.ts';
import type { CurrentLeader } from '../../replication/hosted-partitions.ts';
import type { SessionAnswer } from '../../replication/requests/fetch-sessions.ts';
import { type FetchOutcome, NOTHING_FETCHED } from '../../replication/requests/read-partition.ts';
import type { SessionPartition } from '../../replication/requests/session-partitions.ts';
import type { RequestContext } from '../handler.ts';
import type { Needs } from '../services.ts';
import { leadersOf, nodeEndpoints } from './nodes.ts';

type Response = ResponseInput<typeof Fetch>;
type TopicResponse = NonNullable<Response['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitions']>[number];

/** The outcome of a partition that was read, or why it was not: also of one whose id nobody knows. */
export interface Fetched extends Omit<FetchOutcome, 'wanted'> {
  readonly wanted: SessionPartition;
}

type Needed = Needs<'metadata' | 'topicMetrics'>;

const NOT_FETCHED = { ...NOTHING_FETCHED, abortedTransactions: [] };

/** Of a partition that was not read. */
export function notFetched(wanted: SessionPartition, error: ErrorCode): Fetched {
  return { ...NOT_FETCHED, wanted, error };
}

/** The response of the request's version; partitions keep their order, neighbours share a topic entry. */
export function* fetchResponse(
  answer: SessionAnswer<Fetched>,
  context: RequestContext,
  services: Needed,
): Steps<Response> {
  const { apiVersion } = context;
  const responses: { topic: string; topicId: string; partitions: PartitionResponse[] }[] = [];
  const leaders: CurrentLeader[] = [];
  const isLarge = answer.outcomes.length > FEW;
  for (const fetched of answer.outcomes) {
    const { topic, topicId } = fetched.wanted;
    let last = responses.at(-1);
    if (last === undefined || last.topic !== (topic ?? '') || last.topicId !== topicId) {
      last = { topic: topic ?? '', topicId, partitions: [] };
      responses.push(last);
    }
    last.partitions.push(partitionResponse(fetched, apiVersion));
    if (fetched.currentLeader !== null) leaders.push(fetched.currentLeader);
    count(fetched, services);
    if (isLarge) yield;
  }
  if (apiVersion < 7) return { responses };
  const response = { errorCode: answer.error, sessionId: answer.sessionId, responses };
  if (apiVersion < 16) return response;
  if (leaders.length === 0) return response;
  return {
    ...response,
    nodeEndpoints: nodeEndpoints(services.metadata, context.listener, leadersOf(leaders)),
  };
}

function partitionResponse(fetched: Fetched, apiVersion: number): PartitionResponse {
  const { divergingEpoch, currentLeader } = fetched;
  const response: PartitionResponse = {
    partitionIndex: fetched.wanted.partition,
    errorCode: errorFor(fetched.error, apiVersion),
    highWatermark: fetched.highWatermark,
    lastStableOffset: fetched.lastStableOffset,
    logStartOffset: fetched.logStartOffset,
    abortedTransactions: fetched.abortedTransactions,
    records: fetched.records,
    preferredReadReplica: apiVersion >= 11 ? fetched.preferredReadReplica : -1,
  };
  const diverges = divergingEpoch !== null && apiVersion >= 12;
  const tellsLeader = currentLeader !== null && apiVersion >= 16;
  if (!diverges && !tellsLeader) return response;
  return { ...response, ...(diverges && { divergingEpoch }), ...(tellsLeader && { currentLeader }) };
}

/** KAFKA_STORAGE_ERROR came with v6; before, moving on to another broker is the cure anyway. */
function errorFor(error: ErrorCode, apiVersion: number): ErrorCode {
  return error === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion < 6 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : error;
}

function count({ wanted, error, records }: Fetched, services: Needed): void {
  if (error !== ErrorCode.NONE) {
    const refusal = { topic: wanted.topic ?? wanted.topicId, partition: wanted.partition, error };
    services.topicMetrics.errors?.count({ api: 'Fetch', ...refusal });
  }
  if (wanted.topic === null || services.metadata.topic(wanted.topic) === undefined) return;
  const counters = services.topicMetrics.topic(wanted.topic);
  counters.fetchRequests.add();
  counters.bytesOut.add(records.length);
  if (error !== ErrorCode.NONE) counters.failedFetchRequests.add();
}
