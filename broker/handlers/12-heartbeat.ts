/** Heartbeat (key 12): a member is alive; the answer tells it of a rebalance. */
import { ErrorCode } from '../errors.ts';
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import type { Handler } from './handler.ts';
import { mayOnGroup, Operation } from './shared/authorization.ts';

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
