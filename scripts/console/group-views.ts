/** Consumer groups as the console shows them: who is in, what each reads, and how far behind it is. */
import { type Int64, int64Difference } from '../../broker/int64.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { committedOffsets, describedGroup } from '../cli/groups/group-lookups.ts';
import { listedGroups } from '../cli/groups/list-groups.ts';
import { at, LATEST, offsetsAt } from '../cli/leaders.ts';
import { comparePartitions, partitionName, type TopicPartition } from '../cli/partitions.ts';
import type { GroupView, ListedGroupView } from './views.ts';

export async function groupList(admin: AdminClient): Promise<readonly ListedGroupView[]> {
  return (await listedGroups(admin, [], [])).map(({ groupId, groupState, protocolType }) => ({
    groupId,
    state: groupState,
    protocolType,
  }));
}

export async function groupView(admin: AdminClient, groupId: string): Promise<GroupView> {
  const [group, committed, coordinator] = await Promise.all([
    describedGroup(admin, groupId),
    committedOffsets(admin, groupId),
    admin.groupCoordinator(groupId),
  ]);
  const offsets = new Map<string, Int64>(committed.map((each) => [partitionName(each), each.offset]));
  const readers = new Map(
    group.members.flatMap(({ memberId, assigned }) =>
      assigned.map((each) => [partitionName(each), memberId] as const),
    ),
  );
  const rows = new Map<string, TopicPartition>();
  for (const each of [...committed, ...group.members.flatMap(({ assigned }) => assigned)])
    rows.set(partitionName(each), { topic: each.topic, partition: each.partition });
  const { found } = await offsetsAt(admin, at([...rows.values()], LATEST));
  return {
    groupId,
    state: group.state,
    assignor: group.protocol,
    coordinator: coordinator.nodeId,
    members: group.members.map(({ memberId, clientId, clientHost, assigned }) => ({
      memberId,
      clientId,
      clientHost,
      partitions: assigned.map(partitionName),
    })),
    offsets: [...rows.values()].sort(comparePartitions).map((each) => {
      const name = partitionName(each);
      const offset = offsets.get(name) ?? null;
      const end = found.get(name)?.offset ?? null;
      const lag = offset === null || end === null ? null : String(int64Difference(end, offset));
      const committedText = offset === null ? null : String(offset);
      return { ...each, committed: committedText, end, lag, memberId: readers.get(name) ?? null };
    }),
  };
}
