/** `odradek groups --reset-offsets`: shows where a group's offsets would be, and with --execute moves them. */
import { readFileSync } from 'node:fs';
import { ErrorCode } from '../../../broker/errors.ts';
import { OffsetCommit } from '../../../broker/protocol/messages/08-offset-commit.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonLine } from '../json-line.ts';
import { at, EARLIEST, LATEST, offsetsAt } from '../leaders.ts';
import { print, printAll } from '../output.ts';
import { byTopic, comparePartitions, partitionName, type TopicPartition } from '../partitions.ts';
import { withProgress } from '../progress.ts';
import { tableLines } from '../table.ts';
import { decideOffset, type PartitionFacts } from './decide-offset.ts';
import { partitionsOfWords } from './delete-groups.ts';
import { committedOffsets, DEAD, describedGroup } from './group-lookups.ts';
import { asCsv, type GroupOffset, parseCsv } from './offsets-csv.ts';
import type { ResetRule } from './reset-rule.ts';

interface Reset {
  readonly rule: ResetRule;
  readonly given: Arguments;
}

/** A commit of somebody who is in no generation of the group. */
const NO_GENERATION = -1;
const RESETTABLE: ReadonlySet<string> = new Set(['Empty', DEAD]);
const COLUMNS = ['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'];
const WIDTHS = [30, 30, 10];

/** Every group that can be reset is, whatever becomes of the others. */
export async function resetOffsets(
  admin: AdminClient,
  groupIds: readonly string[],
  reset: Reset,
): Promise<number> {
  const { given } = reset;
  const failed: string[] = [];
  const done: GroupOffset[] = [];
  for (const groupId of groupIds) {
    const { state } = await describedGroup(admin, groupId);
    if (!RESETTABLE.has(state)) {
      failed.push(`group ${groupId}: offsets are reset only while nobody is in the group; it is ${state}`);
      continue;
    }
    const what = (): string => `group ${groupId}: looking for its new offsets`;
    const planned = await withProgress(plan(admin, groupId, { reset, groupIds }), what);
    if (given.flag('execute')) failed.push(...(await commit(admin, groupId, planned)));
    done.push(...planned);
  }
  if (given.flag('json')) await print(jsonLine(done));
  else if (given.flag('export')) for (const line of asCsv(done, groupIds.length > 1)) await print(line);
  else {
    const rows = done.map(({ groupId, topic, partition, offset }) => [groupId, topic, partition, offset]);
    if (rows.length > 0) await print('');
    if (rows.length > 0) await printAll(tableLines(COLUMNS, rows, WIDTHS));
  }
  if (failed.length > 0) throw new Error(failed.join('\n'));
  return 0;
}

async function plan(
  admin: AdminClient,
  groupId: string,
  { reset: { rule, given }, groupIds }: { readonly reset: Reset; readonly groupIds: readonly string[] },
): Promise<GroupOffset[]> {
  const committed = await committedOffsets(admin, groupId);
  const listed = rule.to === 'file' ? fromFile(rule.path, groupIds) : [];
  const ofFile = new Map(
    listed.filter((row) => row.groupId === groupId).map((row) => [partitionName(row), row.offset]),
  );
  const chosen: readonly TopicPartition[] =
    rule.to === 'file'
      ? listed.filter((row) => row.groupId === groupId)
      : given.flag('all-topics')
        ? committed
        : await partitionsOfWords(admin, given.all('topic'));
  const facts = await factsOf(admin, chosen, rule);
  return [...chosen].sort(comparePartitions).map(({ topic, partition }) => {
    const name = partitionName({ topic, partition });
    const known = facts(name);
    const own = committed.find((each) => each.topic === topic && each.partition === partition);
    const decided = decideOffset(rule, {
      ...known,
      committed: own?.offset ?? null,
      listed: ofFile.get(name) ?? null,
    });
    if (!decided.ok) throw new Error(`group ${groupId}: partition ${name}: ${decided.reason}`);
    if (decided.note !== null) process.stderr.write(`partition ${name}: ${decided.note}\n`);
    return { groupId, topic, partition, offset: decided.offset };
  });
}

type LogFacts = Pick<PartitionFacts, 'start' | 'end' | 'atTime'>;

/** Start and end of each partition, and what is there at the rule's time; partitions must all have a leader. */
async function factsOf(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  rule: ResetRule,
): Promise<(name: string) => LogFacts> {
  const starts = await offsetsAt(admin, at(partitions, EARLIEST));
  const ends = await offsetsAt(admin, at(partitions, LATEST));
  const times = rule.to === 'time' ? await offsetsAt(admin, at(partitions, rule.timestampMs)) : null;
  return (name) => {
    const problem = starts.problems.get(name) ?? ends.problems.get(name) ?? times?.problems.get(name);
    const [start, end] = [starts.found.get(name), ends.found.get(name)];
    if (start === undefined || end === undefined || problem !== undefined)
      throw new Error(`partition ${name}: ${problem ?? 'no answer'}`);
    const found = times?.found.get(name)?.offset ?? -1;
    return { start: start.offset, end: end.offset, atTime: found < 0 ? null : found };
  };
}

function fromFile(path: string, groupIds: readonly string[]): GroupOffset[] {
  try {
    return parseCsv(readFileSync(path, 'utf8'), groupIds);
  } catch (error) {
    throw new Error(`--from-file ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

/** What could not be committed. */
async function commit(
  admin: AdminClient,
  groupId: string,
  offsets: readonly GroupOffset[],
): Promise<string[]> {
  if (offsets.length === 0) return [];
  const topics = [...byTopic(offsets)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: '',
    })),
  }));
  const request = { groupId, generationIdOrMemberEpoch: NO_GENERATION, memberId: '', topics };
  const answer = await admin.askCoordinator(groupId, OffsetCommit, request, (response) =>
    response.topics.flatMap(({ partitions }) => partitions),
  );
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      .map((each) => `group ${groupId}: partition ${name}-${each.partitionIndex}: ${reasonOf(each)}`),
  );
}
