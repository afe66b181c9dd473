/** What a run tells: a line for each round, what was broken, and a table at the end. Text only. */
import { tableLines } from '../cli/table.ts';
import type { ClientResult, Finding, RoundResult } from './round.ts';

/** Of one client in one round; more of them say no more. */
const MAX_FINDINGS = 3;
const MAX_LIFE_LINES = 24;

export interface Skipped {
  readonly what: string;
  readonly why: string;
}

export function isGood({ findings, clients }: RoundResult): boolean {
  return findings.length === 0 && clients.every((client) => client.findings.length === 0);
}

export function roundLine(result: RoundResult, rounds: number): string {
  const { round, scenario, clients, durationMs } = result;
  const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged, 0);
  const counts = `${clients.length} clients, ${acknowledged} acknowledgements, ${(durationMs / 1000).toFixed(1)} s`;
  return `round ${round} of ${rounds}  ${scenario.padEnd(27)} ${counts}: ${isGood(result) ? 'good' : 'BROKEN'}`;
}

/** What is broken, with the lives of the records, and where all is kept. */
export function* findingLines(result: RoundResult, keptIn: string): Generator<string> {
  const told = [
    { who: 'the cluster', findings: result.findings },
    ...result.clients.map(({ client, findings }) => ({ who: client, findings })),
  ];
  for (const { who, findings } of told) {
    for (const finding of findings.slice(0, MAX_FINDINGS)) yield* oneFinding(who, finding);
    if (findings.length > MAX_FINDINGS) yield `  ${who}: and ${findings.length - MAX_FINDINGS} more`;
  }
  yield `  histories and logs are in ${keptIn}`;
}

function* oneFinding(who: string, { kind, what, life }: Finding): Generator<string> {
  yield `  ${who}: ${kind}: ${what}`;
  for (const line of life.slice(0, MAX_LIFE_LINES)) yield `    ${line}`;
  if (life.length > MAX_LIFE_LINES) yield `    (${life.length - MAX_LIFE_LINES} more lines)`;
}

/** Rows are scenarios, columns clients: how many rounds were good, of how many. */
export function* resultTable(results: readonly RoundResult[]): Generator<string> {
  const clients = [...new Set(results.flatMap((result) => result.clients.map(({ client }) => client)))];
  const byScenario = Map.groupBy(results, ({ scenario }) => scenario);
  const rows = [...byScenario].map(([scenario, rounds]) => [
    scenario,
    ratio(rounds.map(({ findings }) => findings.length === 0)),
    ...clients.map((client) => ratio(resultsOf(rounds, client).map(({ findings }) => findings.length === 0))),
  ]);
  yield* tableLines(['SCENARIO', 'CLUSTER', ...clients.map((client) => client.toUpperCase())], rows);
}

function resultsOf(rounds: readonly RoundResult[], name: string): ClientResult[] {
  return rounds.flatMap(({ clients }) => clients.filter(({ client }) => client === name));
}

function ratio(good: readonly boolean[]): string {
  return `${good.filter(Boolean).length}/${good.length}`;
}

/** The result for programs. */
export function resultJson(run: {
  readonly seed: number;
  readonly network: string;
  readonly zookeeper: string;
  /** Which one was found of those of which there are several. */
  readonly clients: readonly string[];
  readonly results: readonly RoundResult[];
  readonly skipped: readonly Skipped[];
}): string {
  const { results, ...rest } = run;
  const rounds = results.map((result) => ({ ...result, good: isGood(result) }));
  return JSON.stringify({ ...rest, good: results.every(isGood), rounds });
}
