/**
 * OffsetCommit (8), versions 0-9: stores how far a group has read, in `__consumer_offsets`.
 * v0 in ZooKeeper, at any broker; v1 may name the time of the commit; v2-4 how long to keep it.
 * Per partition: not authorised, unknown partition, metadata too large, then the group's own errors.
 * Source: KafkaApis.handleOffsetCommitRequest.
 */

import type { OffsetToCommit } from '../coordinators/group/offset-store.ts';
import { ErrorCode } from '../errors.ts';
import { int64Sum } from '../int64.ts';
import type { Steps } from '../platform/turns.ts';
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts';
import type { RequestOf } from '../protocol/schema.ts';
import { groupNamed, Operation } from '../security/operations.ts';
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
import { commitToZookeeper } from './shared/zookeeper-offsets.ts';

const FIRST_VERSION_WITH_COORDINATOR = 1;

/** What a client leaves to the broker. */
const UNSET = -1;

type Request = RequestOf<typeof OffsetCommit>;

const NEEDS = ['config', 'clock', 'diagnostics', 'metadata', 'store', 'groups'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const offsetCommit = defineHandler(OffsetCommit, NEEDS, {
  async handle(request, context, services) {
    if (!context.may(Operation.READ, groupNamed(request.groupId))) {
      return refusedPartitions(request, ErrorCode.GROUP_AUTHORIZATION_FAILED, context);
    }
    const inZookeeper = context.apiVersion < FIRST_VERSION_WITH_COORDINATOR;
    const { answers, commits } = await context.turns.take(wanted(request, inZookeeper, context, services));
    const errors = await commitAll(request, commits, inZookeeper, { context, services });
    return context.turns.take(answered(answers, commits, errors));
  },

  refuse: refusedPartitions,
});

/** What is to be committed, and the answers for what may not be. */
function* wanted(
  request: Request,
  inZookeeper: boolean,
  context: RequestContext,
  services: Needed,
): Steps<{ readonly answers: Answers; readonly commits: readonly OffsetToCommit[] }> {
  const { answers, valid } = yield* committable(request.topics, context, services.metadata);
  const topics = inZookeeper ? valid : yield* eachOnce(valid);
  const commits = yield* commitsOf(topics, ({ commitTimestamp }) => {
    const nowMs = services.clock.wallMs();
    return {
      commitTimestampMs: commitTimestamp === UNSET ? nowMs : commitTimestamp,
      expireTimestampMs: request.retentionTimeMs === UNSET ? null : int64Sum(nowMs, request.retentionTimeMs),
    };
  });
  return { answers, commits };
}

/** An error for each commit. */
async function commitAll(
  request: Request,
  commits: readonly OffsetToCommit[],
  inZookeeper: boolean,
  { context, services }: { readonly context: RequestContext; readonly services: Needed },
): Promise<readonly ErrorCode[]> {
  if (commits.length === 0) return [];
  if (inZookeeper) return commitToZookeeper(request.groupId, commits, services);
  return services.groups.commitOffsets({
    ...(await preparedFor(request.groupId, commits, context, services)),
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    commits,
  });
}
