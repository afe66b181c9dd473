/**
 * TxnOffsetCommit (28), versions 0-4: stores how far a group has read, within the transaction of the producer
 * that has written what came of it.
 * v0-1 don't know that a coordinator may be loading; v3+ say which member of the group commits, and in which
 * generation; v4 knows TRANSACTION_ABORTABLE.
 * Source: KafkaApis.handleTxnOffsetCommitRequest.
 */

import type { OffsetToCommit } from '../coordinators/group/offset-store.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { TxnOffsetCommit } from '../protocol/messages/28-txn-offset-commit.ts';
import type { RequestOf } from '../protocol/schema.ts';
import { groupNamed, Operation, transactionNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import {
  type Answers,
  answered,
  commitsOf,
  committable,
  eachOnce,
  preparedFor,
} from './shared/committable.ts';
import { refusedPartitions } from './shared/refusals.ts';

type Request = RequestOf<typeof TxnOffsetCommit>;

const FIRST_VERSION_WITH_LOADING = 2;
const FIRST_VERSION_WITH_ABORTABLE = 4;

const NEEDS = ['clock', 'metadata', 'groups'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const txnOffsetCommit = defineHandler(TxnOffsetCommit, NEEDS, {
  async handle(request, context, services) {
    const { transactionalId, groupId, producerId, producerEpoch } = request;
    if (!context.may(Operation.WRITE, transactionNamed(transactionalId))) {
      return refusedPartitions(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, context);
    }
    if (!context.may(Operation.READ, groupNamed(groupId))) {
      return refusedPartitions(request, ErrorCode.GROUP_AUTHORIZATION_FAILED, context);
    }
    const { answers, commits } = await context.turns.take(wanted(request, context, services));
    if (commits.length === 0) return context.turns.take(answered(answers, commits, []));
    const errors = await services.groups.commitInTransaction({
      ...(await preparedFor(groupId, commits, context, services)),
      groupId,
      transactionalId,
      producerId,
      producerEpoch,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generationId: request.generationId,
      commits,
    });
    const told = (error: ErrorCode) => known(error, context.apiVersion);
    return context.turns.take(answered(answers, commits, errors, told));
  },

  refuse: refusedPartitions,
});

/** What is to be committed, and the answers for what may not be. */
function* wanted(
  request: Request,
  context: RequestContext,
  { clock, metadata }: Needed,
): Steps<{ readonly answers: Answers; readonly commits: readonly OffsetToCommit[] }> {
  const { answers, valid } = yield* committable(request.topics, context, metadata);
  const topics = yield* eachOnce(valid);
  const commits = yield* commitsOf(topics, () => ({
    commitTimestampMs: clock.wallMs(),
    expireTimestampMs: null,
  }));
  return { answers, commits };
}

/** What a client of that version makes sense of. */
function known(error: ErrorCode, apiVersion: number): ErrorCode {
  if (error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && apiVersion < FIRST_VERSION_WITH_LOADING) {
    return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  }
  if (error === ErrorCode.TRANSACTION_ABORTABLE && apiVersion < FIRST_VERSION_WITH_ABORTABLE) {
    return ErrorCode.INVALID_TXN_STATE;
  }
  return error;
}
