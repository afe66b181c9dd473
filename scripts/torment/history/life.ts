/**
 * The life of a record in lines that can be read: when it was sent, what its producer was told, when it was
 * read, where it is found, and between these what was done to the cluster.
 */
import { spot } from './check-records.ts';
import { type ClientHistory, type Entry, type Found, recordValue } from './entries.ts';
import type { Violation } from './violation.ts';

/** Something that was done to the cluster. */
export interface Mark {
  readonly at: number;
  readonly what: string;
}

interface Line {
  readonly at: number;
  readonly text: string;
}

/** More records than these make no violation clearer. */
const MAX_RECORDS = 2;

/** Without a record: what the reader committed and was given. */
export function lifeOf(
  violation: Violation,
  { history, found }: { readonly history: ClientHistory; readonly found: Found },
  marks: readonly Mark[],
): string[] {
  const ids = violation.ids.slice(0, MAX_RECORDS);
  const told = [...history.writer, ...history.reader].filter((entry) =>
    ids.length === 0 ? isOfOffsets(entry) : ids.some((id) => concerns(entry, history, id)),
  );
  const lines: Line[] = [
    ...told.map((entry) => ({ at: entry.at, text: wordsOf(entry) })),
    ...marks.map(({ at, what }) => ({ at, text: `--- ${what}` })),
  ];
  const from = Math.min(...lines.map(({ at }) => at));
  const sorted = lines.sort((one, other) => one.at - other.at);
  return [
    ...sorted.map(({ at, text }) => `${((at - from) / 1000).toFixed(3).padStart(8)} s  ${text}`),
    ...ids.map((id) => `at the end  ${whereIs(recordValue(history.topic, id), found)}`),
  ];
}

function concerns(entry: Entry, { topic, writer }: ClientHistory, id: number): boolean {
  if (entry.do === 'send') return entry.id === id;
  if (entry.do === 'read') return entry.value === recordValue(topic, id);
  if (entry.do !== 'commit' && entry.do !== 'abort') return false;
  return writer.some(
    (each) => each.do === 'send' && each.id === id && each.transaction === entry.transaction,
  );
}

function isOfOffsets(entry: Entry): boolean {
  return entry.do === 'commit-offsets' || entry.do === 'fetch-offsets';
}

function wordsOf(entry: Entry): string {
  const how = { invoke: 'begun', ok: 'ok', fail: 'refused', info: 'unknown' }[entry.type];
  const why = entry.error === undefined ? '' : ` (${entry.error})`;
  switch (entry.do) {
    case 'send': {
      const where =
        entry.offset === undefined
          ? `partition ${entry.partition}`
          : spot({ ...entry, offset: entry.offset });
      const within = entry.transaction === undefined ? '' : ` in transaction ${entry.transaction}`;
      return `send of ${entry.id} to ${where}${within}: ${how}${why}`;
    }
    case 'read':
      return `read of ${entry.value} at ${spot(entry)}`;
    case 'commit':
    case 'abort':
      return `${entry.do} of transaction ${entry.transaction}: ${how}${why}`;
    default:
      return `${entry.do} ${entry.offsets.map(([partition, offset]) => spot({ partition, offset })).join(' ')}: ${how}${why}`;
  }
}

function whereIs(value: string, found: Found): string {
  const places = found.partitions.flatMap((records, partition) =>
    records.filter((record) => record.value === value).map(({ offset }) => spot({ partition, offset })),
  );
  return places.length === 0 ? `${value} is nowhere` : `${value} is at ${places.join(' and ')}`;
}
