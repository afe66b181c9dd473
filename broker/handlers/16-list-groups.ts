/**
 * ListGroups (16), versions 0-5: the groups that this broker coordinates. v4+ filters by state, v5+ by type;
 * all our groups are of the classic type.
 * Source: KafkaApis.handleListGroupsRequest.
 */
import { ListGroups } from '../protocol/messages/16-list-groups.ts';
import { CLUSTER, groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

const GROUP_TYPE = 'classic';

export const listGroups = defineHandler(ListGroups, ['groups'], {
  handle(request, context, services) {
    const { error, groups } = services.groups.listGroups();
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase()));
    const types = new Set(request.typesFilter.map((type) => type.toLowerCase()));
    const seesAll = context.couldDo(Operation.DESCRIBE, CLUSTER);
    const shown = groups.filter(
      (group) =>
        (states.size === 0 || states.has(group.state.toLowerCase())) &&
        (types.size === 0 || types.has(GROUP_TYPE)) &&
        (seesAll || context.couldDo(Operation.DESCRIBE, groupNamed(group.groupId))),
    );
    return {
      errorCode: error,
      groups: shown.map((group) => ({
        groupId: group.groupId,
        protocolType: group.protocolType,
        groupState: group.state,
        groupType: GROUP_TYPE,
      })),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode, groups: [] }),
});
