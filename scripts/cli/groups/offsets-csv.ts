/**
 * Offsets of groups as CSV: `topic,partition,offset` for one group, `group,topic,partition,offset` for
 * several. What is awkward is quoted, quotes in it are doubled. Source: kafka-consumer-groups --export.
 */
import type { Int64 } from '../../../broker/int64.ts';
import { toInt64 } from '../../../broker/int64.ts';
import { partitionName, type TopicPartition } from '../partitions.ts';

export interface GroupOffset extends TopicPartition {
  readonly groupId: string;
  readonly offset: Int64;
}

const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
const MAX_OFFSET_DIGITS = 18;

export function asCsv(offsets: readonly GroupOffset[], withGroup: boolean): string[] {
  return offsets.map(({ groupId, topic, partition, offset }) =>
    [...(withGroup ? [quoted(groupId)] : []), quoted(topic), partition, offset].join(','),
  );
}

/** `groupIds`: those that were asked for; lines without a group are of the only one. Throws with the line's number. */
export function parseCsv(text: string, groupIds: readonly string[]): GroupOffset[] {
  const found: GroupOffset[] = [];
  const seen = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const row = rowOf(line, groupIds, index + 1);
    const name = `${row.groupId} ${partitionName(row)}`;
    if (seen.has(name)) throw new Error(`line ${index + 1}: ${partitionName(row)} is there twice`);
    seen.add(name);
    if (groupIds.includes(row.groupId)) found.push(row);
  }
  return found;
}

function rowOf(line: string, groupIds: readonly string[], number: number): GroupOffset {
  const fields = fieldsOf(line);
  const isForOne = groupIds.length === 1 && fields?.length === 3;
  const [groupId, topic, partition = '', offset = ''] = [...(isForOne ? groupIds : []), ...(fields ?? [])];
  const sound = /^\d{1,10}$/.test(partition) && /^\d+$/.test(offset) && offset.length <= MAX_OFFSET_DIGITS;
  if (
    groupId === undefined ||
    !topic ||
    !sound ||
    (fields?.length ?? 0) > 4 ||
    (fields?.length === 4 && isForOne)
  )
    throw new Error(
      `line ${number}: ${groupIds.length === 1 ? 'topic,partition,offset' : 'group,topic,partition,offset'} is expected, not '${line}'`,
    );
  return { groupId, topic, partition: Number(partition), offset: toInt64(BigInt(offset)) };
}

/** Null: a quote is where none may be. */
function fieldsOf(line: string): string[] | null {
  const fields: string[] = [];
  for (FIELD.lastIndex = 0; ; ) {
    const found = FIELD.exec(line);
    if (found === null) return null;
    fields.push(found[1]?.replaceAll('""', '"') ?? (found[2] ?? '').trim());
    if (found[3] === '') return fields;
  }
}

function quoted(text: string): string {
  return /^[\w.:-]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
