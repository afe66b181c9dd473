/**
 * Heartbeat (12), versions 0-4: a member is alive; the answer tells it of a rebalance.
 * Source: KafkaApis.handleHeartbeatRequest.
 */
import { ErrorCode } from '../errors.ts';
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

export const heartbeat = defineHandler(Heartbeat, ['groups'], {
  handle(request, context, services) {
    if (!context.may(Operation.READ, groupNamed(request.groupId))) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    const { groupId, memberId, groupInstanceId, generationId } = request;
    return {
      errorCode: services.groups.heartbeat({ groupId, memberId, instanceId: groupInstanceId, generationId }),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
