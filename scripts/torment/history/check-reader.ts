/**
 * What the reader of a topic was given while things broke: every record that is there at the end, none that
 * is not, none out of turn; and an offset of its group that was acknowledged never goes back.
 */
import { GroupHistory } from '../../../test/simulation/group-history.ts';
import { type Evidence, spot } from './check-records.ts';
import { idOf, type OffsetsEntry, type ReadEntry } from './entries.ts';
import type { Violation, ViolationKind } from './violation.ts';

export function checkReader(evidence: Evidence): Violation[] {
  return [...checkReads(evidence), ...checkOffsets(evidence)];
}

function checkReads({ history: { topic, reader }, lives, found }: Evidence): Violation[] {
  const wrong: Violation[] = [];
  const broken = (kind: ViolationKind, what: string, value: string): void => {
    const id = idOf(topic, value);
    wrong.push({ kind, topic, what, ids: id === null ? [] : [id] });
  };
  const values = found.partitions.map(
    (records) => new Map(records.map(({ offset, value }) => [offset, value])),
  );
  const given = found.partitions.map(() => new Set<number>());
  const last = new Map<number, number>();
  for (const entry of reader) {
    // Whoever is assigned a partition again goes on from the group's offset, and may be given again what follows it.
    if (entry.do === 'fetch-offsets') for (const [partition] of entry.offsets) last.delete(partition);
    if (entry.do !== 'read') continue;
    const { partition, offset, value } = entry;
    const before = last.get(partition) ?? -1;
    if (offset <= before)
      broken(
        'reread',
        `${named(entry)} was read after offset ${before}, and nobody had asked for that`,
        value,
      );
    last.set(partition, offset);
    const now = values[partition]?.get(offset);
    given[partition]?.add(offset);
    if (now === value) continue;
    const transaction = lives.records.get(idOf(topic, value) ?? -1)?.transaction ?? null;
    const isAborted = transaction !== null && lives.fates.get(transaction) === 'aborted';
    if (isAborted)
      broken(
        'aborted-read',
        `${named(entry)} was read, and its transaction ${transaction} was aborted`,
        value,
      );
    else broken('changed', `${named(entry)} was read, and ${now ?? 'nothing'} is there at the end`, value);
  }
  return [...wrong, ...notGiven(topic, found, given)];
}

/** Of each partition one line for each kind, or a reader that has stood still fills the screen. */
function notGiven(
  topic: string,
  found: Evidence['found'],
  given: readonly ReadonlySet<number>[],
): Violation[] {
  return found.partitions.flatMap((records, partition) => {
    const read = given[partition] ?? new Set<number>();
    const furthest = Math.max(-1, ...read);
    const missing = records.filter(({ offset }) => !read.has(offset));
    const line = (kind: 'skipped' | 'unread', list: typeof missing, words: string): Violation[] => {
      const [first] = list;
      if (first === undefined) return [];
      const id = idOf(topic, first.value);
      const what = `${list.length} records of partition ${partition} ${words}: the first is ${first.value} at ${first.offset}`;
      return [{ kind, topic, what, ids: id === null ? [] : [id] }];
    };
    return [
      ...line(
        'skipped',
        missing.filter(({ offset }) => offset < furthest),
        'were not given to the reader, who got later ones',
      ),
      ...line(
        'unread',
        missing.filter(({ offset }) => offset > furthest),
        'were not given to the reader before it gave up',
      ),
    ];
  });
}

function checkOffsets({ history: { topic, reader } }: Evidence): Violation[] {
  const wrong: Violation[] = [];
  const group = new GroupHistory(topic, (what) => wrong.push({ kind: 'offset-back', topic, what, ids: [] }));
  const asked = new Map<number, number>();
  // What was acknowledged before the group was asked; answers come in the order of the questions.
  const floors: Map<number, number>[] = [];
  for (const entry of reader) {
    if (entry.do === 'commit-offsets') noteCommit(entry, group, asked);
    if (entry.do !== 'fetch-offsets') continue;
    if (entry.type === 'invoke') {
      floors.push(new Map(entry.offsets.map(([partition]) => [partition, group.highest(partition)])));
      continue;
    }
    const floor = floors.shift();
    if (entry.type !== 'ok') continue;
    for (const [partition, offset] of entry.offsets) {
      group.fetched(partition, offset, floor?.get(partition) ?? -1);
      const most = asked.get(partition) ?? -1;
      if (offset <= most) continue;
      const what = `the group is at ${spot({ partition, offset })}, and the most that was committed is ${most}`;
      wrong.push({ kind: 'offset-unasked', topic, what, ids: [] });
    }
  }
  return wrong;
}

function noteCommit({ type, offsets }: OffsetsEntry, group: GroupHistory, asked: Map<number, number>): void {
  for (const [partition, offset] of offsets) {
    if (type === 'invoke') asked.set(partition, Math.max(offset, asked.get(partition) ?? -1));
    if (type === 'ok') group.acknowledged(partition, offset);
  }
}

function named({ value, partition, offset }: ReadEntry): string {
  return `${value} at ${spot({ partition, offset })}`;
}
