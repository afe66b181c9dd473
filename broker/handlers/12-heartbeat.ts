/** Heartbeat (key 12): a member is alive; the answer tells it of a rebalance. */
import { ErrorCode } from '../protocol/errors.ts';
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import { mayOnGroup, Operation } from './authorization.ts';
import type { Handler } from './handler.ts';

export const heartbeat: Handler<typeof Heartbeat> = {
  api: Heartbeat,

  handle(request, context, services) {
    if (!mayOnGroup(services, context, Operation.READ, request.groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED };
    }
    const { groupId, memberId, groupInstanceId, generationId } = request;
    return {
      errorCode: services.groups.heartbeat({ groupId, memberId, instanceId: groupInstanceId, generationId }),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
};
