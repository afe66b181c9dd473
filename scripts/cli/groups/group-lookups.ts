/** What commands ask a group's coordinator: its state and members, and what it has committed. */
import { ErrorCode } from '../../../broker/errors.ts';
import type { Int64 } from '../../../broker/int64.ts';
import { OffsetFetch } from '../../../broker/protocol/messages/09-offset-fetch.ts';
import { DescribeGroups } from '../../../broker/protocol/messages/15-describe-groups.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { TopicPartition } from '../partitions.ts';
import { assignedPartitions } from './assigned-partitions.ts';

export interface MemberDescription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly assigned: readonly TopicPartition[];
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  /** Of a consumer group the assignor that was agreed on. */
  readonly protocol: string;
  readonly members: readonly MemberDescription[];
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: Int64;
}

/** What a broker answers of a group that it doesn't know. */
export const DEAD = 'Dead';

/** A group that isn't there is `Dead`. */
export async function describedGroup(admin: AdminClient, groupId: string): Promise<GroupDescription> {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  const { groups } = await admin.askCoordinator(groupId, DescribeGroups, request, (answer) => answer.groups);
  const [group] = groups;
  if (group === undefined || group.errorCode !== ErrorCode.NONE)
    throw new Error(`group ${groupId}: ${group === undefined ? 'no answer' : reasonOf(group)}`);
  const isConsumers = group.protocolType === 'consumer';
  const members = group.members.map(
    ({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      assigned: isConsumers ? assignedPartitions(memberAssignment) : [],
    }),
  );
  return { groupId, state: group.groupState, protocol: group.protocolData, members };
}

/** All that the group has committed. */
export async function committedOffsets(admin: AdminClient, groupId: string): Promise<CommittedOffset[]> {
  const request = { groups: [{ groupId, topics: null }], requireStable: false };
  const { groups } = await admin.askCoordinator(groupId, OffsetFetch, request, (answer) => answer.groups);
  return groups.flatMap((group) => {
    if (group.errorCode !== ErrorCode.NONE) throw new Error(`group ${groupId}: ${reasonOf(group)}`);
    return group.topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0)
        .map(({ partitionIndex, committedOffset }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
        })),
    );
  });
}
