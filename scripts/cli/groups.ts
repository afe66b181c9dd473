/** `odradek groups`: what Kafka's kafka-consumer-groups does, with its flags. */

import { ErrorCode } from '../../broker/errors.ts';
import { type Int64, int64Difference } from '../../broker/int64.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { DescribeGroups } from '../../broker/protocol/messages/15-describe-groups.ts';
import { ListGroups } from '../../broker/protocol/messages/16-list-groups.ts';
import { DeleteGroups } from '../../broker/protocol/messages/42-delete-groups.ts';
import { AdminClient, reasonOf } from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption, jsonOption } from './bootstrap.ts';
import { jsonLine } from './json-line.ts';
import { print, printable } from './output.ts';

const ACTIONS = ['list', 'describe', 'delete'] as const;
const LATEST = -1;
/** What a broker answers of a group that it doesn't know. */
const DEAD = 'Dead';

export const groupsCommand: CommandSpec = {
  name: 'groups',
  summary: 'Lists, describes and deletes consumer groups.',
  options: [
    bootstrapOption,
    { name: 'list', help: 'all groups' },
    { name: 'describe', help: 'state, members, committed offsets and lag of a group' },
    { name: 'delete', help: 'remove a group that has no members' },
    { name: 'group', value: 'ID', repeats: true, help: 'the group; may be repeated' },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const chosen = ACTIONS.filter((action) => given.flag(action));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1)
    throw new UsageError('groups takes exactly one of --list, --describe, --delete');
  if (action !== 'list') given.needText('group');
  const admin = new AdminClient(given.needText('bootstrap-server'));
  try {
    if (action === 'list') await list(admin, given.flag('json'));
    else if (action === 'delete') await remove(admin, given.all('group'));
    else for (const groupId of given.all('group')) await describe(admin, groupId, given.flag('json'));
    return 0;
  } finally {
    admin.close();
  }
}

async function list(admin: AdminClient, json: boolean): Promise<void> {
  const metadata = await admin.metadata([]);
  const found = new Map<string, string>();
  for (const { nodeId } of metadata.brokers) {
    const answer = await admin.askBroker(nodeId, metadata, ListGroups, { statesFilter: [], typesFilter: [] });
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`broker ${nodeId}: ${reasonOf(answer)}`);
    for (const { groupId, protocolType } of answer.groups) found.set(groupId, protocolType);
  }
  const groupIds = [...found.keys()].sort();
  const shown = groupIds.map((groupId) => ({ groupId, protocolType: found.get(groupId) }));
  if (json) await print(JSON.stringify(shown));
  else for (const groupId of groupIds) await print(printable(groupId));
}

/** Every group that can be deleted is, whatever becomes of the others. */
async function remove(admin: AdminClient, groupIds: readonly string[]): Promise<void> {
  const failed: string[] = [];
  for (const groupId of groupIds) {
    const request = { groupsNames: [groupId] };
    const answer = await admin.askCoordinator(groupId, DeleteGroups, request, ({ results }) => results);
    for (const result of answer.results) {
      if (result.errorCode === ErrorCode.NONE)
        await print(`Deletion of group '${printable(groupId)}' was successful.`);
      else failed.push(`group ${groupId}: ${reasonOf(result)}`);
    }
  }
  if (failed.length > 0) throw new Error(failed.join('\n'));
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly currentOffset: Int64;
  readonly logEndOffset: number;
  readonly lag: Int64;
}

async function describe(admin: AdminClient, groupId: string, json: boolean): Promise<void> {
  const { groups } = await admin.askCoordinator(
    groupId,
    DescribeGroups,
    { groups: [groupId], includeAuthorizedOperations: false },
    (response) => response.groups,
  );
  const [group] = groups;
  if (group === undefined || group.errorCode !== ErrorCode.NONE)
    throw new Error(`group ${groupId}: ${group === undefined ? 'no answer' : reasonOf(group)}`);
  if (group.groupState === DEAD)
    throw new Error(`group ${groupId}: ${reasonOf({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND })}`);
  const rows = await lags(admin, groupId);
  const members = group.members.map(({ memberId, clientId, clientHost }) => ({
    memberId,
    clientId,
    clientHost,
  }));
  if (json) await print(jsonLine({ groupId, state: group.groupState, members, offsets: rows }));
  else await table(groupId, group.groupState, members, rows);
}

async function table(
  groupId: string,
  state: string,
  members: readonly { readonly memberId: string; readonly clientHost: string }[],
  rows: readonly Row[],
): Promise<void> {
  await print(`GROUP ${printable(groupId)}  STATE ${printable(state)}  MEMBERS ${members.length}`);
  for (const member of members)
    await print(`  ${printable(member.memberId)} ${printable(member.clientHost)}`);
  const line = (...cells: (string | Int64)[]): string =>
    cells
      .map((cell, index) => String(cell).padEnd(index === 0 ? 24 : 15))
      .join('')
      .trimEnd();
  await print(line('TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'));
  for (const { topic, partition, currentOffset, logEndOffset, lag } of rows)
    await print(line(printable(topic), partition, currentOffset, logEndOffset, lag));
}

/** Committed offsets beside the ends of their partitions, sorted. */
async function lags(admin: AdminClient, groupId: string): Promise<Row[]> {
  const request = { groups: [{ groupId, topics: null }], requireStable: false };
  const { groups } = await admin.askCoordinator(groupId, OffsetFetch, request, (response) => response.groups);
  const rows: Row[] = [];
  for (const committed of groups) {
    if (committed.errorCode !== ErrorCode.NONE) throw new Error(`group ${groupId}: ${reasonOf(committed)}`);
    for (const { name, partitions } of committed.topics) {
      const ends = await endOffsets(admin, name);
      for (const { partitionIndex, committedOffset } of partitions) {
        if (committedOffset < 0) continue;
        const logEndOffset = ends.get(partitionIndex) ?? 0;
        const lag = int64Difference(logEndOffset, committedOffset);
        rows.push({
          topic: name,
          partition: partitionIndex,
          currentOffset: committedOffset,
          logEndOffset,
          lag,
        });
      }
    }
  }
  return rows.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
}

/** Ends of the partitions that have a leader. */
async function endOffsets(admin: AdminClient, topic: string): Promise<Map<number, number>> {
  const metadata = await admin.metadata([topic]);
  const led = Map.groupBy(metadata.topics[0]?.partitions ?? [], ({ leaderId }) => leaderId);
  const ends = new Map<number, number>();
  for (const [leaderId, partitions] of led) {
    if (leaderId < 0) continue;
    const wanted = partitions.map(({ partitionIndex }) => ({ partitionIndex, timestamp: LATEST }));
    const topics = [{ name: topic, partitions: wanted }];
    const answer = await admin.askBroker(leaderId, metadata, ListOffsets, { replicaId: -1, topics });
    for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? [])
      if (errorCode === ErrorCode.NONE) ends.set(partitionIndex, offset);
  }
  return ends;
}
