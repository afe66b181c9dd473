/**
 * LeaveGroup (13), versions 0-5: members go, and the group rebalances without waiting for their session to
 * end. v0-2 name one member and have one error; v3+ name several, also by instance id.
 * Source: KafkaApis.handleLeaveGroupRequest.
 */
import { ErrorCode } from '../errors.ts';
import { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

const FIRST_BATCHED_VERSION = 3;

export const leaveGroup = defineHandler(LeaveGroup, ['groups'], {
  handle(request, context, services) {
    if (!context.may(Operation.READ, groupNamed(request.groupId))) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    const batched = context.apiVersion >= FIRST_BATCHED_VERSION;
    const members = batched
      ? request.members.map((member) => ({ memberId: member.memberId, instanceId: member.groupInstanceId }))
      : [{ memberId: request.memberId, instanceId: null }];
    const outcome = services.groups.leaveGroup(request.groupId, members);
    if (!batched)
      return { errorCode: outcome.error !== ErrorCode.NONE ? outcome.error : (outcome.members[0] ?? 0) };
    return {
      errorCode: outcome.error,
      members:
        outcome.error !== ErrorCode.NONE
          ? []
          : members.map((member, index) => ({
              memberId: member.memberId,
              groupInstanceId: member.instanceId,
              errorCode: outcome.members[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR,
            })),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
