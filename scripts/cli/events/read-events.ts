/** Journals over HTTP: one as it is read, line by line, or all that there is of several. */
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import type { EventGap } from '../../../broker/platform/journal-files/journal-cursor.ts';
import { recordedOf } from '../../../broker/platform/journal-files/segments.ts';
import type { JournalEndpoint } from './peer-endpoints.ts';

/** What a journal says. */
export type Told =
  | { readonly what: 'event'; readonly recorded: Recorded }
  | { readonly what: 'gap'; readonly gap: EventGap };

/** Which events are read. */
export interface EventsAsked {
  readonly after?: number;
  readonly kinds?: readonly string[];
  readonly partition?: string | null;
  readonly details?: boolean;
  readonly follow?: boolean;
}

/** Rejects when the broker can't be reached or refuses; ends when the broker does. */
export async function* eventsOf(
  { url }: JournalEndpoint,
  { after = 0, kinds = [], partition = null, details = false, follow = false }: EventsAsked,
): AsyncGenerator<Told> {
  const query = new URLSearchParams({ after: `${after}`, details: `${details}`, follow: `${follow}` });
  if (kinds.length > 0) query.set('kind', kinds.join(','));
  if (partition !== null) query.set('partition', partition);
  const response = await fetch(`${url}/events?${query}`);
  if (!response.ok || response.body === null)
    throw new Error(`${url}/events: ${(await response.text()).trim() || response.statusText}`);
  for await (const line of linesOf(response.body)) {
    const recorded = recordedOf(line);
    if (recorded !== null) yield { what: 'event', recorded };
    else if (line !== '') yield gapOf(line);
  }
}

/** What there is of a journal. */
export async function wholeJournal(endpoint: JournalEndpoint, asked: EventsAsked): Promise<Told[]> {
  const told: Told[] = [];
  for await (const one of eventsOf(endpoint, asked)) told.push(one);
  return told;
}

/** By the clocks of the brokers, each broker's in the order of its ids. */
export function byTime(a: Recorded, b: Recorded): number {
  if (a.brokerId === b.brokerId) return a.id - b.id;
  return a.wallMs - b.wallMs || a.brokerId - b.brokerId;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function gapOf(line: string): Told {
  const { gap } = JSON.parse(line) as { readonly gap?: EventGap };
  if (gap === undefined) throw new Error(`this is no event: ${line.slice(0, 100)}`);
  return { what: 'gap', gap };
}
