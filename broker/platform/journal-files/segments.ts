/**
 * The form of a journal on disk: segments of JSON lines, one event a line as its `Recorded`, ids rising.
 * The name of a segment has the id that its first event has at the least, so that ids rise even where
 * nothing of the segment can be read. What a crash has left unfinished ends before the first line that is
 * no event. Pure.
 */
import type { EventId, Recorded } from '../event-ring.ts';

const NAME = /^events-(\d{20})\.jsonl$/;
const ID_DIGITS = 20;
const LINE_FEED = 0x0a;

/** The name of the segment that begins with this id. */
export function segmentName(firstId: EventId): string {
  return `events-${String(firstId).padStart(ID_DIGITS, '0')}.jsonl`;
}

/** The least id of what is in a segment of this name; null: it is none. */
export function firstIdOf(name: string): EventId | null {
  const id = Number(NAME.exec(name)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(id) ? id : null;
}

export function lineOfRecorded(recorded: Recorded): string {
  return `${JSON.stringify(recorded)}\n`;
}

/** What the beginning of a piece of a segment holds. */
interface ReadPiece {
  readonly events: readonly Recorded[];
  /** Where the events end; what is behind is unfinished, or no event. */
  readonly endBytes: number;
  /** Behind the end stands a whole line that is no event. */
  readonly isTorn: boolean;
}

/** The events of a piece that begins with a line; `after`: of an id up to this one there is none. */
export function readPiece(bytes: Buffer, after: EventId): ReadPiece {
  const events: Recorded[] = [];
  let lastId = after;
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) return { events, endBytes: at, isTorn: false };
    const recorded = recordedOf(bytes.toString('utf8', at, end));
    if (recorded === null || recorded.id <= lastId) return { events, endBytes: at, isTorn: true };
    events.push(recorded);
    lastId = recorded.id;
    at = end + 1;
  }
}

/** An event from its line; null when it is none. Of an event only the kind is looked at: newer ones may have more. */
export function recordedOf(line: string): Recorded | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  return isRecorded(value) ? value : null;
}

function isRecorded(value: unknown): value is Recorded {
  if (typeof value !== 'object' || value === null) return false;
  const { id, causeId, brokerId, brokerEpoch, wallMs, event } = value as Partial<
    Record<keyof Recorded, unknown>
  >;
  const areNumbers = [id, brokerId, brokerEpoch, wallMs].every((each) => Number.isSafeInteger(each));
  const hasCause = causeId === null || Number.isSafeInteger(causeId);
  const hasEvent = typeof event === 'object' && event !== null && 'kind' in event;
  return areNumbers && hasCause && hasEvent && typeof event.kind === 'string';
}
