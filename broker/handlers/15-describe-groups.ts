/**
 * DescribeGroups (15), versions 0-5: state and members of groups. A group that nobody knows is Dead, without
 * an error; what members sent and were assigned is shown only while the group is Stable.
 * Source: KafkaApis.handleDescribeGroupsRequest.
 */

import { type Group, memberMetadata } from '../coordinators/group/group.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { DescribeGroups } from '../protocol/messages/15-describe-groups.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { allowedOperations } from '../security/authorizer.ts';
import { groupNamed, Operation } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';

type Request = RequestOf<typeof DescribeGroups>;
type Described = NonNullable<ResponseInput<typeof DescribeGroups>['groups']>[number];
type Needed = Needs<'groups'>;

export const describeGroups = defineHandler(DescribeGroups, ['groups'], {
  handle: (request, context, services) => context.turns.take(described(request, context, services)),

  refuse: ({ groups: named }, errorCode, context) =>
    refuseEach(
      named,
      context,
      (groupId) => withError(groupId, errorCode),
      (groups) => ({ groups }),
    ),
});

function* described(
  request: Request,
  context: RequestContext,
  services: Needed,
): Steps<ResponseInput<typeof DescribeGroups>> {
  const groups: Described[] = [];
  // A group that is named again and again is described once: it may be far longer than its name.
  for (const groupId of yield* onceEach(request.groups, (name) => name)) {
    groups.push(yield* describe(groupId, request, context, services));
    yield;
  }
  return { groups };
}

function* describe(
  groupId: string,
  { includeAuthorizedOperations }: Request,
  context: RequestContext,
  services: Needed,
): Steps<Described> {
  if (!context.may(Operation.DESCRIBE, groupNamed(groupId))) {
    return withError(groupId, ErrorCode.GROUP_AUTHORIZATION_FAILED);
  }
  const { error, group } = services.groups.describeGroup(groupId);
  if (error !== ErrorCode.NONE) return withError(groupId, error);
  const found =
    group === null ? { ...withError(groupId, ErrorCode.NONE), groupState: 'Dead' } : describeGroup(group);
  // Of a large group: before the next one, never in between.
  for (let members = group?.members.size ?? 0; members > 0; members--) yield;
  if (!includeAuthorizedOperations) return found;
  return { ...found, authorizedOperations: allowedOperations(context, groupNamed(groupId)) };
}

function describeGroup(group: Group): Described {
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
