/**
 * DescribeGroups (15), versions 0-5: state and members of groups. A group that nobody knows is Dead, without
 * an error; what members sent and were assigned is shown only while the group is Stable.
 * Source: KafkaApis.handleDescribeGroupsRequest.
 */
import { type Group, memberMetadata } from '../coordinators/group/group.ts';
import { ErrorCode } from '../errors.ts';
import { DescribeGroups } from '../protocol/messages/15-describe-groups.ts';
import type { ResponseInput } from '../protocol/schema.ts';
import { allowedOperations } from '../security/authorizer.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

type Described = NonNullable<ResponseInput<typeof DescribeGroups>['groups']>[number];

export const describeGroups = defineHandler(DescribeGroups, ['groups'], {
  handle(request, context, services) {
    // A group that is named again and again is described once: it may be far longer than its name.
    const groups = [...new Set(request.groups)].map((groupId): Described => {
      if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
        return withError(groupId, ErrorCode.GROUP_AUTHORIZATION_FAILED);
      }
      const { error, group } = services.groups.describeGroup(groupId);
      if (error !== ErrorCode.NONE) return withError(groupId, error);
      const described =
        group === null ? { ...withError(groupId, ErrorCode.NONE), groupState: 'Dead' } : describe(group);
      if (!request.includeAuthorizedOperations) return described;
      return { ...described, authorizedOperations: allowedOperations(context, groupNamed(groupId)) };
    });
    return { groups };
  },

  refuse: (request, errorCode) => ({
    groups: request.groups.map((groupId) => withError(groupId, errorCode)),
  }),
});

function describe(group: Group): Described {
  const stable = group.state === 'Stable';
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? memberMetadata(member, group.protocolName) : Buffer.alloc(0),
      memberAssignment: stable ? member.assignment : Buffer.alloc(0),
    })),
  };
}

function withError(groupId: string, errorCode: ErrorCode): Described {
  return { errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] };
}
