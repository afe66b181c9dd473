/**
 * What somebody's clients had of a drill, from what they were answered: requests by their API, errors, how long they
 * took before, during and after, and for how long each client got nowhere. Pure.
 */
import type { AnsweredRequest } from './answered-requests.ts';
import { type Acknowledged, errorsOf, type Latency, latenciesOf, type Score, type Span } from './score.ts';

interface ApiSeen {
  readonly api: string;
  readonly before: Latency;
  readonly during: Latency;
  readonly after: Latency;
  /** How often each error was answered. */
  readonly errors: Readonly<Record<string, number>>;
}

/** The longest time between two answers without an error, as long as the client was heard; null: there were none. */
interface Gaps {
  /** Before the drill struck. */
  readonly beforeMs: number | null;
  /** From then on. */
  readonly sinceMs: number | null;
}

interface ClientSeen {
  readonly clientId: string;
  readonly produce: Gaps;
  readonly fetch: Gaps;
  /** For how long nothing was heard of it at the end. */
  readonly silentMs: number;
}

export interface ClientsSeen {
  readonly apis: readonly ApiSeen[];
  readonly clients: readonly ClientSeen[];
  /** There were more requests than could be kept: the last ones are missing. */
  readonly isPartial: boolean;
}

/** `untilMs`: when they were watched no more. */
interface Watched {
  readonly requests: readonly AnsweredRequest[];
  readonly isPartial: boolean;
  readonly during: Span;
  readonly untilMs: number;
}

export function clientsSeen({ requests, isPartial, during, untilMs }: Watched): ClientsSeen {
  const apis = [...Map.groupBy(requests, ({ api }) => api)].map(([api, own]) => ({
    api,
    ...goodLatenciesOf(own, during),
    errors: errorsOf(own),
  }));
  const clients = [...Map.groupBy(requests, ({ clientId }) => clientId)].map(([clientId, own]) => {
    const heardMs = own.reduce((last, { atMs, tookMs }) => Math.max(last, atMs + tookMs), 0);
    const gaps = (api: string): Gaps =>
      gapsOf(
        own.filter((each) => each.api === api),
        during,
        heardMs,
      );
    return {
      clientId,
      produce: gaps('Produce'),
      fetch: gaps('Fetch'),
      silentMs: Math.max(0, untilMs - heardMs),
    };
  });
  return {
    apis: apis.sort((a, b) => countOf(b) - countOf(a)),
    clients: clients.sort((a, b) => (a.clientId < b.clientId ? -1 : 1)),
    isPartial,
  };
}

/** As far as it can be told without knowing what the clients had meant to write; lanes are clients. */
export function clientsScore(watched: Watched, seen: ClientsSeen): Score {
  const produced = watched.requests.filter(({ api }) => api === 'Produce');
  return {
    acknowledged: produced.filter(({ error }) => error === null).length,
    ...{ lost: null, duplicated: null, reordered: null, otherwise: null },
    unavailableMs: producersIn(seen).map(({ produce }) => produce.sinceMs ?? 0),
    ...goodLatenciesOf(produced, watched.during),
    errors: errorsOf(produced),
    violations: [],
  };
}

/** Their Produce requests without an error, in lanes as `producersIn` has them. */
export function clientsAcknowledged({ requests }: Watched, seen: ClientsSeen): Acknowledged[] {
  const lanes = new Map(producersIn(seen).map(({ clientId }, lane) => [clientId, lane]));
  return requests
    .filter(({ api, error }) => api === 'Produce' && error === null)
    .map(({ clientId, atMs, tookMs }) => ({ partition: lanes.get(clientId) ?? 0, sentMs: atMs, tookMs }));
}

/** Those that were ever acknowledged anything. */
export function producersIn({ clients }: ClientsSeen): readonly ClientSeen[] {
  return clients.filter(({ produce }) => produce.beforeMs !== null || produce.sinceMs !== null);
}

/** Of those without an error. */
function goodLatenciesOf(requests: readonly AnsweredRequest[], during: Span) {
  const good = requests.filter(({ error }) => error === null);
  return latenciesOf(
    good.map(({ atMs, tookMs }) => ({ sentMs: atMs, tookMs })),
    during,
  );
}

function gapsOf(requests: readonly AnsweredRequest[], { fromMs }: Span, untilMs: number): Gaps {
  const answeredMs = requests
    .filter(({ error }) => error === null)
    .map(({ atMs, tookMs }) => atMs + tookMs)
    .sort((a, b) => a - b);
  if (answeredMs.length === 0) return { beforeMs: null, sinceMs: null };
  const before = answeredMs.filter((atMs) => atMs < fromMs);
  const since = [...before.slice(-1), ...answeredMs.slice(before.length), untilMs];
  return { beforeMs: before.length < 2 ? null : longest(before), sinceMs: longest(since) };
}

function longest(momentsMs: readonly number[]): number {
  let longestMs = 0;
  for (const [index, atMs] of momentsMs.entries())
    longestMs = Math.max(longestMs, atMs - (momentsMs[index - 1] ?? atMs));
  return longestMs;
}

function countOf({ before, during, after }: ApiSeen): number {
  return before.count + during.count + after.count;
}
