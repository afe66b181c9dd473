/**
 * The score of a drill, from what the clients have written down and what is in the topic at the end: what was
 * lost, doubled or out of order, for how long a partition took nothing, and how long acknowledgements took
 * before, during and after. Pure.
 */
import { checkHistory } from '../torment/history/check.ts';
import type { ClientHistory, Found } from '../torment/history/entries.ts';
import type { Violation } from '../torment/history/violation.ts';

export interface Latency {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** When the drill laid hands on the cluster first, and when everything was healed; milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Score {
  readonly acknowledged: number;
  /** Null, as the next three: the clients were somebody's, and nobody knows what they had meant to write. */
  readonly lost: number | null;
  readonly duplicated: number | null;
  readonly reordered: number | null;
  /** Everything else that contradicts a promise. */
  readonly otherwise: number | null;
  /** The longest time without an acknowledgement, by partition, or by client where these are somebody's. */
  readonly unavailableMs: readonly number[];
  readonly before: Latency;
  readonly during: Latency;
  readonly after: Latency;
  /** What producers were told, by its name. */
  readonly errors: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

/** One acknowledgement. */
export interface Acknowledged {
  readonly partition: number;
  readonly sentMs: number;
  readonly tookMs: number;
}

export function scoreOf(history: ClientHistory, found: Found, during: Span): Score {
  const violations = checkHistory(history, found);
  const count = (kind: Violation['kind']): number => violations.filter((each) => each.kind === kind).length;
  const all = acknowledgementsOf(history);
  const [lost, duplicated, reordered] = [count('lost'), count('duplicated'), count('reordered')];
  return {
    acknowledged: all.length,
    lost,
    duplicated,
    reordered,
    otherwise: violations.length - lost - duplicated - reordered,
    unavailableMs: gapsOf(history, all),
    ...latenciesOf(all, during),
    errors: errorsOf(history.writer),
    violations,
  };
}

export function acknowledgementsOf({ writer }: ClientHistory): Acknowledged[] {
  const sent = new Map<number, number>();
  const all: Acknowledged[] = [];
  for (const entry of writer) {
    if (entry.do !== 'send') continue;
    // What is sent again is counted from the first time: that is how long its sender waited.
    if (entry.type === 'invoke' && !sent.has(entry.id)) sent.set(entry.id, entry.at);
    const sentMs = sent.get(entry.id);
    if (entry.type === 'ok' && sentMs !== undefined)
      all.push({ partition: entry.partition, sentMs, tookMs: Math.round(entry.at - sentMs) });
  }
  return all;
}

/** From the first send to the last outcome of any. */
function gapsOf({ writer }: ClientHistory, all: readonly Acknowledged[]): number[] {
  const sends = writer.filter((entry) => entry.do === 'send');
  const [firstMs, lastMs] = [sends[0]?.at ?? 0, sends.at(-1)?.at ?? 0];
  const partitions = new Set(sends.map(({ partition }) => partition));
  return [...partitions]
    .sort((a, b) => a - b)
    .map((partition) => {
      const times = all
        .filter((each) => each.partition === partition)
        .map(({ sentMs, tookMs }) => sentMs + tookMs);
      const moments = [firstMs, ...times, lastMs].sort((a, b) => a - b);
      return Math.max(0, ...moments.slice(1).map((atMs, index) => atMs - (moments[index] ?? atMs)));
    });
}

/** By when each was sent. */
export function latenciesOf(
  all: readonly Pick<Acknowledged, 'sentMs' | 'tookMs'>[],
  { fromMs, toMs }: Span,
): Pick<Score, 'before' | 'during' | 'after'> {
  return {
    before: latencyOf(all.filter(({ sentMs }) => sentMs < fromMs)),
    during: latencyOf(all.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs)),
    after: latencyOf(all.filter(({ sentMs }) => sentMs >= toMs)),
  };
}

function latencyOf(all: readonly { readonly tookMs: number }[]): Latency {
  const times = all.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share: number): number | null =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? null;
  return { count: times.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** How often each was met. */
export function errorsOf(all: readonly { readonly error?: string | null }[]): Record<string, number> {
  const errors: Record<string, number> = {};
  for (const { error } of all) {
    if (error !== undefined && error !== null) errors[error] = (errors[error] ?? 0) + 1;
  }
  return errors;
}
