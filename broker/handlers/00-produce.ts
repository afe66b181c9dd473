/**
 * Produce (0), versions 0-11: appends record batches. With acks=0 there is no response; the only way
 * to tell the producer that something failed is to close the connection. acks=1 is answered at once,
 * acks=-1 when the batches are below the high watermark.
 * v5+ log start offset; v8+ which records were refused and why; v10+ on NOT_LEADER_OR_FOLLOWER the
 * leader and where to find it; v11+ TRANSACTION_ABORTABLE. Checks in Kafka's order: whose transaction, topic
 * authorisation, unknown partition, records.
 * Source: KafkaApis.handleProduceRequest.
 */

import { ErrorCode } from '../errors.ts';
import { afterwards, atOnce, FEW, LOOKS_PER_STEP, type Steps } from '../platform/turns.ts';
import { Produce } from '../protocol/messages/00-produce.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { CurrentLeader } from '../replication/hosted-partitions.ts';
import type { AppendOutcome } from '../replication/requests/replica-append.ts';
import { isTransactional } from '../replication/requests/verified-append.ts';
import { Operation, topicNamed, transactionNamed } from '../security/operations.ts';
import { type Answer, defineHandler, type Refusing, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { namedOnce } from './shared/named-once.ts';
import { leadersOf, nodeEndpoints } from './shared/nodes.ts';
import { ofPartitions } from './shared/refusals.ts';
import { decompressionAllowance } from './shared/request-allowances.ts';

type ProduceRequest = RequestOf<typeof Produce>;
type ProduceResponse = ResponseInput<typeof Produce>;
type TopicData = ProduceRequest['topicData'][number];
type PartitionData = TopicData['partitionData'][number];
type TopicResponse = NonNullable<ProduceResponse['responses']>[number];
type PartitionResponse = NonNullable<TopicResponse['partitionResponses']>[number];

/** Kafka's tools write internal topics under this name. */
const ADMIN_CLIENT_ID = '__admin_client';
const NO_OFFSET = -1;
/** The first one to a partition makes files. */
const APPENDS_PER_TURN = 25;
const SHAPE = {
  partitionsOf: ({ partitionData }: TopicData) => partitionData,
  indexOf: ({ index }: PartitionData) => index,
  topic: (name: string, partitionData: readonly PartitionData[]): TopicData => ({ name, partitionData }),
};

const NEEDS = ['config', 'topicMetrics', 'metadata', 'replicas', 'workers'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const produce = defineHandler(Produce, NEEDS, {
  handle(asked, context, services) {
    if (context.isAlone) return inTurns(asked, context, services);
    // The others are not large, and another of their connection must not overtake them.
    const all = atOnce(admitted(asked, context, services));
    if (all === null) return refuse(asked, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, context);
    const answer = (outcomes: readonly AppendOutcome[]): Answer<typeof Produce> =>
      atOnce(respond(all, outcomes, { context, services }));
    const outcomes = appended(all, context, services);
    return outcomes instanceof Promise ? outcomes.then(answer) : answer(outcomes);
  },
  refuse,
});

async function inTurns(
  asked: ProduceRequest,
  context: RequestContext,
  services: Needed,
): Promise<Answer<typeof Produce>> {
  const all = await context.turns.take(admitted(asked, context, services));
  if (all === null) return refuse(asked, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, context);
  const outcomes = await appended(all, context, services);
  return context.turns.take(respond(all, outcomes, { context, services }));
}

/** What of a request may be appended. */
interface Admitted {
  readonly request: ProduceRequest;
  readonly inTransaction: boolean;
  /** One a partition, in request order: what forbids the append, or NONE. */
  readonly errors: readonly ErrorCode[];
  /** One a partition, in request order: of its records. The frame that they lie in may be gone when the answer is due. */
  readonly sizesBytes: readonly number[];
  readonly entries: readonly Entry[];
}

/** null: nothing, as the transaction is not the sender's. */
function* admitted(asked: ProduceRequest, context: RequestContext, services: Needed): Steps<Admitted | null> {
  const topicData = yield* namedOnce(asked.topicData, SHAPE);
  const request = topicData === asked.topicData ? asked : { ...asked, topicData };
  const { acks, transactionalId } = request;
  const inTransaction = yield* hasTransactionalRecords(request);
  if (inTransaction && (transactionalId === null || !mayUse(transactionalId, context))) return null;
  const errors: ErrorCode[] = [];
  const sizesBytes: number[] = [];
  const entries: Entry[] = [];
  for (const { name, partitionData } of request.topicData) {
    const allowed = context.may(Operation.WRITE, topicNamed(name));
    for (const data of partitionData) {
      let error = allowed ? partitionErrorOf(name, data, services) : ErrorCode.TOPIC_AUTHORIZATION_FAILED;
      if (error === ErrorCode.NONE && !isAcks(acks)) error = ErrorCode.INVALID_REQUIRED_ACKS;
      errors.push(error);
      sizesBytes.push(data.records?.length ?? 0);
      if (errors.length > FEW) yield;
      if (error !== ErrorCode.NONE || data.records === null) continue;
      entries.push({ topic: name, partition: data.index, records: data.records });
      services.topicMetrics.topic(name).produceRequests.add();
    }
  }
  return { request, inTransaction, errors, sizesBytes, entries };
}

function appended(
  { request, inTransaction, entries }: Admitted,
  context: RequestContext,
  services: Needed,
): readonly AppendOutcome[] | Promise<readonly AppendOutcome[]> {
  if (entries.length === 0) return [];
  const append = appendAs(request, context, services, inTransaction);
  // Those of a transaction go together: what they have of it is asked for.
  if (!context.isAlone || inTransaction) return append(entries);
  const begun = context.turns.begin(entries, (entry) => append([entry]), APPENDS_PER_TURN);
  return begun.then((all) => all.flat());
}

interface Entry {
  readonly topic: string;
  readonly partition: number;
  readonly records: Buffer;
}

/** Appends for this request; what its records are decompressed to is counted over all that is appended. */
function appendAs(
  { acks, timeoutMs, transactionalId }: ProduceRequest,
  context: RequestContext,
  services: Needed,
  inTransaction: boolean,
): (entries: readonly Entry[]) => AppendOutcome[] | Promise<AppendOutcome[]> {
  const common = {
    ...{ acks, timeoutMs },
    origin: 'client',
    apiVersion: context.apiVersion,
    internalTopicsAllowed: context.clientId === ADMIN_CLIENT_ID,
    decompression: decompressionAllowance(services.config, services.workers),
    from: context.connectionId,
    keep: (sizeBytes: number) => context.keep(sizeBytes),
    ...(inTransaction && transactionalId !== null && { transactionalId }),
    ...(context.isAlone && { turns: context.turns }),
  } as const;
  return (entries) => services.replicas.append({ ...common, entries });
}

function isAcks(acks: number): boolean {
  return acks === -1 || acks === 0 || acks === 1;
}

function refuse(
  request: ProduceRequest,
  errorCode: ErrorCode,
  { turns }: Refusing,
): Answer<typeof Produce> | Promise<Answer<typeof Produce>> {
  if (request.acks === 0) return 'close';
  const responses = ofPartitions(request.topicData, {
    partitionsOf: ({ partitionData }) => partitionData,
    answer: ({ index }) => failure(index, errorCode),
    topic: ({ name }, partitionResponses) => ({ name, partitionResponses }),
  });
  return afterwards(turns.take(responses), (all) => ({ responses: all }));
}

function failure(index: number, errorCode: ErrorCode): PartitionResponse {
  return { index, errorCode, baseOffset: NO_OFFSET };
}

function partitionErrorOf(topic: string, data: PartitionData, services: Needed): ErrorCode {
  if (services.metadata.partition(topic, data.index) === undefined) {
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
  return data.records === null ? ErrorCode.INVALID_RECORD : ErrorCode.NONE;
}

function* hasTransactionalRecords({ topicData }: ProduceRequest): Steps<boolean> {
  let looked = 0;
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records !== null && isTransactional(records)) return true;
      if (++looked > FEW && looked % LOOKS_PER_STEP === 0) yield;
    }
  }
  return false;
}

function mayUse(transactionalId: string, context: RequestContext): boolean {
  return context.may(Operation.WRITE, transactionNamed(transactionalId));
}

function* respond(
  { request, errors, sizesBytes }: Admitted,
  outcomes: readonly AppendOutcome[],
  { context, services }: { context: RequestContext; services: Needed },
): Steps<Answer<typeof Produce>> {
  context.charges?.produced();
  const leaders: CurrentLeader[] = [];
  let failed = false;
  let at = 0;
  let appended = 0;
  const responses: TopicResponse[] = [];
  for (const { name, partitionData } of request.topicData) {
    const partitionResponses: PartitionResponse[] = [];
    for (const { index } of partitionData) {
      const error = errors[at] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      const sizeBytes = sizesBytes[at] ?? 0;
      at += 1;
      const outcome = error === ErrorCode.NONE ? outcomes[appended++] : undefined;
      const response = outcome === undefined ? failure(index, error) : success(index, outcome, sizeBytes);
      if (response.errorCode !== ErrorCode.NONE) {
        failed = true;
        const refusal = { topic: name, partition: index, error: outcome?.error ?? error };
        services.topicMetrics.errors?.count({ api: 'Produce', ...refusal });
        if (outcome !== undefined) services.topicMetrics.topic(name).failedProduceRequests.add();
      } else {
        services.topicMetrics.topic(name).bytesIn.add(sizeBytes);
      }
      const leader = context.apiVersion >= 10 ? (outcome?.currentLeader ?? null) : null;
      if (leader !== null) leaders.push(leader);
      partitionResponses.push(leader === null ? response : { ...response, currentLeader: leader });
      if (at > FEW) yield;
    }
    responses.push({ name, partitionResponses });
  }
  if (request.acks === 0) return failed ? 'close' : null;
  if (leaders.length === 0) return { responses };
  return { responses, nodeEndpoints: nodeEndpoints(services.metadata, context.listener, leadersOf(leaders)) };
}

function success(index: number, outcome: AppendOutcome, sizeBytes: number): PartitionResponse {
  const { error, logAppendTimeMs, logStartOffset } = outcome;
  // Up to v2 nothing may be appended, and then it has no offset.
  const baseOffset = sizeBytes === 0 ? NO_OFFSET : outcome.baseOffset;
  const response = { index, errorCode: error, baseOffset, logAppendTimeMs, logStartOffset };
  if (error === ErrorCode.NONE) return response;
  return {
    ...response,
    errorMessage: outcome.errorMessage,
    recordErrors: outcome.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    })),
  };
}
