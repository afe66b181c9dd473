/**
 * DeleteGroups (42), versions 0-2: forgets groups without members, with all their offsets. One answer a
 * group, however often it is named.
 * Source: KafkaApis.handleDeleteGroupsRequest.
 */

import { ErrorCode } from '../errors.ts';
import { DeleteGroups } from '../protocol/messages/42-delete-groups.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { onceEach } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';

export const deleteGroups = defineHandler(DeleteGroups, ['groups'], {
  async handle(request, context, services) {
    const groupIds = await context.turns.take(onceEach(request.groupsNames, (name) => name));
    const results = await context.turns.begin(groupIds, async (groupId) => ({
      groupId,
      errorCode: context.may(Operation.DELETE, groupNamed(groupId))
        ? await services.groups.deleteGroup(groupId)
        : ErrorCode.GROUP_AUTHORIZATION_FAILED,
    }));
    return { results };
  },

  refuse: ({ groupsNames }, errorCode, context) =>
    refuseEach(
      groupsNames,
      context,
      (groupId) => ({ groupId, errorCode }),
      (results) => ({ results }),
    ),
});
