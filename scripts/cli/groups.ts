/** `odradek groups`: what Kafka's kafka-consumer-groups does, with its flags. */
import { type Int64, int64Difference, toInt64 } from '../../broker/int64.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption, jsonOption, kafkaClient } from './client.ts';
import { jsonLine } from './json-line.ts';

const ACTIONS = ['list', 'describe', 'delete'] as const;
type Admin = ReturnType<ReturnType<typeof kafkaClient>['admin']>;

export const groupsCommand: CommandSpec = {
  name: 'groups',
  summary: 'Lists, describes and deletes consumer groups.',
  options: [
    bootstrapOption,
    { name: 'list', help: 'all groups' },
    { name: 'describe', help: 'state, members, committed offsets and lag of a group' },
    { name: 'delete', help: 'remove a group that has no members' },
    { name: 'group', value: 'ID', help: 'the group' },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const chosen = ACTIONS.filter((action) => given.flag(action));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1)
    throw new UsageError('groups takes exactly one of --list, --describe, --delete');
  const admin = kafkaClient(given.needText('bootstrap-server')).admin();
  if (action !== 'list') given.needText('group');
  await admin.connect();
  try {
    if (action === 'list') return await list(admin, given.flag('json'));
    if (action === 'describe') return await describe(admin, given.needText('group'), given.flag('json'));
    await admin.deleteGroups([given.needText('group')]);
    console.log(`Deletion of group '${given.needText('group')}' was successful.`);
    return 0;
  } finally {
    await admin.disconnect();
  }
}

async function list(admin: Admin, json: boolean): Promise<number> {
  const { groups } = await admin.listGroups();
  const shown = groups
    .map(({ groupId, protocolType }) => ({ groupId, protocolType }))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  console.log(json ? JSON.stringify(shown) : shown.map(({ groupId }) => groupId).join('\n'));
  return 0;
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly currentOffset: Int64;
  readonly logEndOffset: number;
  readonly lag: Int64;
}

async function describe(admin: Admin, groupId: string, json: boolean): Promise<number> {
  const { groups } = await admin.describeGroups([groupId]);
  const [group] = groups;
  const committed = await admin.fetchOffsets({ groupId });
  const rows: Row[] = [];
  for (const { topic, partitions } of committed) {
    const ends = new Map(
      (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]),
    );
    for (const { partition, offset } of partitions) {
      const currentOffset = toInt64(BigInt(offset));
      if (currentOffset < 0) continue;
      const logEndOffset = ends.get(partition) ?? 0;
      rows.push({
        topic,
        partition,
        currentOffset,
        logEndOffset,
        lag: int64Difference(logEndOffset, currentOffset),
      });
    }
  }
  rows.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  const members = (group?.members ?? []).map(({ memberId, clientId, clientHost }) => ({
    memberId,
    clientId,
    clientHost,
  }));
  if (json) {
    console.log(jsonLine({ groupId, state: group?.state, members, offsets: rows }));
    return 0;
  }
  console.log(`GROUP ${groupId}  STATE ${group?.state}  MEMBERS ${members.length}`);
  for (const member of members) console.log(`  ${member.memberId} ${member.clientHost}`);
  const line = (...cells: (string | Int64)[]): string =>
    cells
      .map((cell, index) => String(cell).padEnd(index === 0 ? 24 : 15))
      .join('')
      .trimEnd();
  console.log(line('TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'));
  for (const row of rows)
    console.log(line(row.topic, row.partition, row.currentOffset, row.logEndOffset, row.lag));
  return 0;
}
