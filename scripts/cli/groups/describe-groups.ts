/** `odradek groups --describe`: offsets, members or state of groups, as Kafka's tool shows them. */

import { ErrorCode } from '../../../broker/errors.ts';
import type { Int64 } from '../../../broker/int64.ts';
import { int64Difference } from '../../../broker/int64.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonLine } from '../json-line.ts';
import { at, LATEST, offsetsAt } from '../leaders.ts';
import { print, printAll } from '../output.ts';
import { byTopic, comparePartitions, partitionName, type TopicPartition } from '../partitions.ts';
import { tableLines } from '../table.ts';
import {
  type CommittedOffset,
  committedOffsets,
  DEAD,
  describedGroup,
  type GroupDescription,
  type MemberDescription,
} from './group-lookups.ts';

interface OffsetRow extends TopicPartition {
  readonly currentOffset: Int64 | null;
  readonly logEndOffset: number | null;
  readonly lag: Int64 | null;
  readonly consumer: MemberDescription | null;
}

const OFFSET_COLUMNS = ['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'];
const CONSUMER_COLUMNS = ['CONSUMER-ID', 'HOST', 'CLIENT-ID'];
const OFFSET_WIDTHS = [15, 15, 10, 15, 15, 15, 15, 15];
const STATE_COLUMNS = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', '#MEMBERS'];
const STATE_WIDTHS = [25, 25, 20, 15];

/** Every group that is there is described, whatever becomes of the others. */
export async function describeGroups(
  admin: AdminClient,
  groupIds: readonly string[],
  given: Arguments,
): Promise<number> {
  const failed: string[] = [];
  for (const groupId of groupIds) {
    const group = await describedGroup(admin, groupId);
    if (group.state === DEAD)
      failed.push(`group ${groupId}: ${reasonOf({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND })}`);
    else if (given.flag('json')) await print(jsonLine(await asJson(admin, group)));
    else if (given.flag('state')) await showState(admin, group);
    else if (given.flag('members')) await showMembers(group, given.flag('verbose'));
    else await showOffsets(admin, group);
  }
  if (failed.length > 0) throw new Error(failed.join('\n'));
  return 0;
}

async function asJson(admin: AdminClient, group: GroupDescription): Promise<object> {
  const { groupId, state, protocol, members } = group;
  const [{ nodeId, host, port }, rows] = [
    await admin.groupCoordinator(groupId),
    await offsetRows(admin, group),
  ];
  const offsets = rows.map(({ consumer, ...row }) => ({ ...row, consumerId: consumer?.memberId ?? null }));
  const coordinator = { id: nodeId, host, port };
  return { groupId, state, coordinator, assignmentStrategy: protocol, members, offsets };
}

async function showState(
  admin: AdminClient,
  { groupId, state, protocol, members }: GroupDescription,
): Promise<void> {
  const { nodeId, host, port } = await admin.groupCoordinator(groupId);
  warnOf({ groupId, state });
  const row = [groupId, `${host}:${port}  (${nodeId})`, protocol, state, members.length];
  await printTable(STATE_COLUMNS, [row], STATE_WIDTHS);
}

async function showMembers(group: GroupDescription, verbose: boolean): Promise<void> {
  warnOf(group);
  if (group.members.length === 0) return;
  const isStatic = group.members.some(({ groupInstanceId }) => groupInstanceId !== null);
  const instance = isStatic ? ['GROUP-INSTANCE-ID'] : [];
  const assignment = verbose ? ['ASSIGNMENT'] : [];
  const columns = ['GROUP', 'CONSUMER-ID', ...instance, 'HOST', 'CLIENT-ID', '#PARTITIONS', ...assignment];
  const rows = group.members.map(({ memberId, groupInstanceId, clientHost, clientId, assigned }) => [
    group.groupId,
    memberId,
    ...(isStatic ? [groupInstanceId] : []),
    clientHost,
    clientId,
    assigned.length,
    ...(verbose ? [assignmentText(assigned)] : []),
  ]);
  await printTable(columns, rows, [15, 15, ...(isStatic ? [17] : []), 15, 15, 15]);
}

/** `topic(0,1), other(0)`; null: nothing. */
function assignmentText(assigned: readonly TopicPartition[]): string | null {
  if (assigned.length === 0) return null;
  const topics = [...byTopic([...assigned].sort(comparePartitions))];
  return topics.map(([topic, own]) => `${topic}(${own.map(({ partition }) => partition)})`).join(', ');
}

async function showOffsets(admin: AdminClient, group: GroupDescription): Promise<void> {
  warnOf(group);
  const rows = (await offsetRows(admin, group)).map(
    ({ topic, partition, currentOffset, logEndOffset, lag, consumer }) => [
      group.groupId,
      topic,
      partition,
      currentOffset,
      logEndOffset,
      lag,
      consumer?.memberId ?? null,
      consumer?.clientHost ?? null,
      consumer?.clientId ?? null,
    ],
  );
  if (rows.length > 0) await printTable([...OFFSET_COLUMNS, ...CONSUMER_COLUMNS], rows, OFFSET_WIDTHS);
}

/** What is assigned to members, and what was committed besides; with the ends of the logs. */
async function offsetRows(admin: AdminClient, group: GroupDescription): Promise<OffsetRow[]> {
  const rows = joined(group.members, await committedOffsets(admin, group.groupId));
  const { found } = await offsetsAt(admin, at(rows, LATEST));
  return rows.sort(comparePartitions).map(({ topic, partition, offset, consumer }) => {
    const logEndOffset = found.get(partitionName({ topic, partition }))?.offset ?? null;
    const lag = offset === null || logEndOffset === null ? null : int64Difference(logEndOffset, offset);
    return { topic, partition, currentOffset: offset, logEndOffset, lag, consumer };
  });
}

function joined(
  members: readonly MemberDescription[],
  committed: readonly CommittedOffset[],
): (TopicPartition & { readonly offset: Int64 | null; readonly consumer: MemberDescription | null })[] {
  const offsets = new Map(committed.map((each) => [partitionName(each), each.offset]));
  const assigned = members.flatMap((consumer) =>
    consumer.assigned.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: offsets.get(partitionName({ topic, partition })) ?? null,
      consumer,
    })),
  );
  const names = new Set(assigned.map(partitionName));
  const others = committed.filter((each) => !names.has(partitionName(each)));
  return [...assigned, ...others.map((each) => ({ ...each, consumer: null }))];
}

/** What Kafka's tool says of a group beside its table, on standard error. */
function warnOf({ groupId, state }: Pick<GroupDescription, 'groupId' | 'state'>): void {
  if (state === 'Empty') process.stderr.write(`\nConsumer group '${groupId}' has no active members.\n`);
  else if (state !== 'Stable')
    process.stderr.write(`\nWarning: Consumer group '${groupId}' is rebalancing.\n`);
}

async function printTable(
  columns: readonly string[],
  rows: readonly (readonly (string | Int64 | null)[])[],
  widths: readonly number[],
): Promise<void> {
  await print('');
  await printAll(tableLines(columns, rows, widths));
}
