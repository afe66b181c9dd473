/**
 * LeaveGroup (13), versions 0-5: members go, and the group rebalances without waiting for their session to
 * end. v0-2 name one member and have one error; v3+ name several, also by instance id.
 * Source: KafkaApis.handleLeaveGroupRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import type { Needs } from './services.ts';

type Request = RequestOf<typeof LeaveGroup>;
type Response = ResponseInput<typeof LeaveGroup>;
type MemberAnswer = NonNullable<Response['members']>[number];

const FIRST_BATCHED_VERSION = 3;
/** So many go at one moment. */
const LEAVING_TOGETHER = 1000;

export const leaveGroup = defineHandler(LeaveGroup, ['groups'], {
  handle(request, context, services) {
    const { groupId, memberId } = request;
    if (!context.may(Operation.READ, groupNamed(groupId))) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    if (context.apiVersion >= FIRST_BATCHED_VERSION) {
      return context.turns.take(left(request, services), 1);
    }
    const outcome = services.groups.leaveGroup(groupId, [{ memberId, instanceId: null }]);
    return { errorCode: outcome.error !== ErrorCode.NONE ? outcome.error : (outcome.members[0] ?? 0) };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});

function* left({ groupId, members }: Request, { groups }: Needs<'groups'>): Steps<Response> {
  const answers: MemberAnswer[] = [];
  for (let at = 0; at === 0 || at < members.length; at += LEAVING_TOGETHER) {
    if (at > 0) yield;
    const leaving = members.slice(at, at + LEAVING_TOGETHER);
    const outcome = groups.leaveGroup(
      groupId,
      leaving.map(({ memberId, groupInstanceId: instanceId }) => ({ memberId, instanceId })),
    );
    if (outcome.error !== ErrorCode.NONE) return { errorCode: outcome.error, members: [] };
    for (const [index, { memberId, groupInstanceId }] of leaving.entries()) {
      const errorCode = outcome.members[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      answers.push({ memberId, groupInstanceId, errorCode });
    }
  }
  return { errorCode: ErrorCode.NONE, members: answers };
}
