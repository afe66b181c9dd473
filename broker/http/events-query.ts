/** What is asked of /events, read from the query and the headers of a request. Pure. */
import type { HttpHeaders } from '../platform/channels.ts';
import type { ClusterEvent, EventKind } from '../platform/cluster-events.ts';
import { EVENT_KINDS } from '../platform/event-lines.ts';
import { isAbout } from '../platform/event-partitions.ts';
import type { EventId, Recorded } from '../platform/event-ring.ts';
import { parsePartitionKey, type TopicPartition } from '../types.ts';

export interface EventsQuery {
  readonly after: EventId;
  /** Goes on with what is yet to come. */
  readonly follow: boolean;
  readonly isEventStream: boolean;
  /** With what an event that sums up others has of each of them. */
  readonly withDetails: boolean;
  readonly isWanted: (event: ClusterEvent) => boolean;
}

type Read = ({ readonly ok: true } & EventsQuery) | { readonly ok: false; readonly problem: string };

const NAMES = ['after', 'kind', 'partition', 'follow', 'details'];
const KINDS: ReadonlySet<string> = new Set(EVENT_KINDS);

/**
 * The query, or in one line what is wrong with it. A reader that comes back says what it had last in a
 * header, which counts more than the address that it began with.
 */
export function eventsQuery(search: string, headers: HttpHeaders): Read {
  const given = new URLSearchParams(search);
  const isEventStream = headers['accept']?.includes('text/event-stream') === true;
  const unknown = [...given.keys()].find((name) => !NAMES.includes(name));
  if (unknown !== undefined) return problem(`there is no '${unknown}' here, but ${NAMES.join(', ')}`);
  const after = headers['last-event-id'] ?? given.get('after') ?? '0';
  const afterId = /^\d+$/.test(after) ? Number(after) : Number.NaN;
  if (!Number.isSafeInteger(afterId)) return problem(`after must be the id of an event, not '${after}'`);
  const kinds = (given.get('kind') ?? '').split(',').filter((kind) => kind !== '');
  const unknownKind = kinds.find((kind) => !KINDS.has(kind));
  if (unknownKind !== undefined)
    return problem(`there is no kind '${unknownKind}'; kinds are ${EVENT_KINDS.join(', ')}`);
  const name = given.get('partition');
  const partition = name === null ? null : partitionOf(name);
  if (partition === undefined) return problem(`partition must be TOPIC-NUMBER, not '${name}'`);
  const follow = given.get('follow') ?? String(isEventStream);
  const details = given.get('details') ?? 'false';
  for (const [option, value] of [
    ['follow', follow],
    ['details', details],
  ] as const) {
    if (value !== 'true' && value !== 'false')
      return problem(`${option} must be true or false, not '${value}'`);
  }
  return {
    ok: true,
    after: afterId,
    follow: follow === 'true',
    isEventStream,
    withDetails: details === 'true',
    isWanted: filterOf(kinds as readonly EventKind[], partition),
  };
}

/** A partition from `topic-0`; undefined when it is none. */
function partitionOf(name: string): TopicPartition | undefined {
  return /^.+-\d+$/.test(name) ? parsePartitionKey(name) : undefined;
}

/** The same without what it has of each of those that it sums up. */
export function withoutDetails(recorded: Recorded): unknown {
  const { event } = recorded;
  if (!('details' in event)) return recorded;
  const { details: _, ...summary } = event;
  return { ...recorded, event: summary };
}

function filterOf(
  kinds: readonly EventKind[],
  partition: TopicPartition | null,
): (event: ClusterEvent) => boolean {
  return (event) =>
    (kinds.length === 0 || kinds.includes(event.kind)) && (partition === null || isAbout(event, partition));
}

function problem(text: string): Read {
  // What others have written comes back in one line.
  return { ok: false, problem: text.replace(/\s+/g, ' ').slice(0, 2000) };
}
