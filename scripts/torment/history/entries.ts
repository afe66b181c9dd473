/**
 * What a client writes down of what it does, one line of JSON each: first that it begins (`invoke`), then
 * how that ended: `ok` (it was told so), `fail` (it certainly did not happen) or `info` (nobody knows).
 * The words are those of Jepsen's histories; every client program in ../clients/ writes this one format.
 */

export type EntryType = 'invoke' | 'ok' | 'fail' | 'info';

interface EntryBase {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: EntryType;
  readonly error?: string;
}

/** A record on its way into a partition; one that is sent again is invoked again under the same id. */
export interface SendEntry extends EntryBase {
  readonly do: 'send';
  readonly id: number;
  readonly partition: number;
  /** Where it is said to be, once it is ok; a client that is told by other means that it is there may not know. */
  readonly offset?: number;
  readonly transaction?: number;
}

/** How a transaction is ended. */
export interface EndEntry extends EntryBase {
  readonly do: 'commit' | 'abort';
  readonly transaction: number;
}

/** A record that a reader was given. */
export interface ReadEntry extends EntryBase {
  readonly do: 'read';
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/**
 * Offsets of a group, by partition: written, or asked for. A reader asks whenever partitions are assigned to
 * it, and goes on from the answer; -1 stands for a partition that has none.
 */
export interface OffsetsEntry extends EntryBase {
  readonly do: 'commit-offsets' | 'fetch-offsets';
  readonly offsets: readonly (readonly [partition: number, offset: number])[];
}

export type Entry = SendEntry | EndEntry | ReadEntry | OffsetsEntry;

/** What is promised of the records of a producer. */
export const MODES = ['plain', 'idempotent', 'transactional'] as const;
export type Mode = (typeof MODES)[number];

/** What one producer and the reader of its topic have written down. */
export interface ClientHistory {
  /** Of the topic, which nobody else writes to. */
  readonly topic: string;
  readonly mode: Mode;
  /** Its client sends again what may have been written, and does not tell: copies and order mean nothing then. */
  readonly sendsAgain: boolean;
  readonly writer: readonly Entry[];
  readonly reader: readonly Entry[];
}

/** What is there once everything has settled. */
export interface Found {
  /** What readers of committed data are given of the topic: by partition, in order. */
  readonly partitions: readonly (readonly FoundRecord[])[];
  /** Of the group for which each transaction commits its number (`transactionsGroup`); -1 when it has none. */
  readonly transactionsOffset: number;
}

export interface FoundRecord {
  readonly offset: number;
  readonly value: string;
  /** Id and epoch of the producer that wrote it, however they are put together; a drill does without. */
  readonly producer?: string;
}

const TYPES: ReadonlySet<unknown> = new Set(['invoke', 'ok', 'fail', 'info']);
const DEEDS: ReadonlySet<unknown> = new Set([
  ...['send', 'commit', 'abort', 'read', 'commit-offsets', 'fetch-offsets'],
]);

/** For this group transaction n commits n as the offset of partition 0. */
export function transactionsGroup(topic: string): string {
  return `${topic}-transactions`;
}

/** The value of a record: readers tell by it who has sent it. */
export function recordValue(topic: string, id: number): string {
  return `${topic}/${id}`;
}

/** The id in a value; null when that topic's producer has not written it. */
export function idOf(topic: string, value: string): number | null {
  const prefix = `${topic}/`;
  const digits = value.slice(prefix.length);
  return value.startsWith(prefix) && /^\d+$/.test(digits) ? Number(digits) : null;
}

/** Throws at a line that is none of the format. The last one may be cut off: its program was killed. */
export function parseHistory(text: string): Entry[] {
  const lines = text.split('\n');
  const unfinished = lines.pop() ?? '';
  const entries = lines.map((line, index) => parseEntry(line, index + 1));
  try {
    if (unfinished !== '') entries.push(parseEntry(unfinished, lines.length + 1));
  } catch {
    // Half a line tells nothing.
  }
  return entries;
}

function parseEntry(line: string, number: number): Entry {
  let entry: Entry;
  try {
    entry = JSON.parse(line);
  } catch {
    throw new Error(`line ${number} of a history is no JSON: ${line.slice(0, 80)}`);
  }
  if (!TYPES.has(entry?.type) || !DEEDS.has(entry?.do) || typeof entry.at !== 'number')
    throw new Error(`line ${number} of a history is no entry: ${line.slice(0, 80)}`);
  return entry;
}
