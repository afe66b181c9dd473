/** What a drill leaves to read: its score, its verdict and its time line, as Markdown. Pure. */

import type { ClientsSeen } from './client-answers.ts';
import { seconds } from './judgement.ts';
import type { DrillResult } from './run-drill.ts';
import type { Latency } from './score.ts';

const MOST_LINES = 120;

/** Whether everything held. */
export function hasHeld({ verdicts }: Pick<DrillResult, 'verdicts'>): boolean {
  return verdicts.every(({ held }) => held);
}

export function postMortem(result: DrillResult): string {
  const { drill, parts, verdicts } = result;
  const cast = Object.entries(parts).map(([role, id]) => `${role}: ${id}`);
  return [
    `# ${drill.title}`,
    '',
    `${new Date(result.startedMs).toISOString()}, on ${result.system}, ${seconds(result.tookMs)}. ${hasHeld(result) ? 'Everything held.' : 'Not everything held.'}`,
    '',
    `**Steady state.** ${drill.steadyState}`,
    '',
    `**Hypothesis.** ${drill.hypothesis}`,
    '',
    '## Verdict',
    '',
    ...verdicts.map(({ held, words }) => `- ${held ? 'held' : '**did not hold**'}: ${words}`),
    '',
    ...scoreLines(result),
    '',
    ...(result.clients === undefined ? [] : [...clientLines(result.clients), '']),
    '## What happened',
    '',
    ...(cast.length === 0 ? [] : [`Parts: ${cast.join(', ')}.`, '']),
    ...timeLines(result),
    '',
    '## Why',
    '',
    drill.explanation,
    '',
    ...(drill.lookAt.length === 0
      ? []
      : ['To look at:', '', ...drill.lookAt.map((each) => `- \`${withParts(each, result)}\``), '']),
  ].join('\n');
}

/** A command as it can be pasted: LEADER stands for the broker that was the leader. */
function withParts(command: string, { parts }: Pick<DrillResult, 'parts'>): string {
  return command.replaceAll('LEADER', String(parts['leader'] ?? 'LEADER'));
}

function scoreLines(result: Pick<DrillResult, 'score'>): string[] {
  return ['| | |', '|---|---|', ...scoreRows(result).map((row) => `| ${row.join(' | ')} |`)];
}

/** What was measured, and how much it was. */
export function scoreRows({ score }: Pick<DrillResult, 'score'>): [what: string, figure: string][] {
  const gaps = score.unavailableMs.map(seconds).join(', ');
  const errors = Object.entries(score.errors).map(([name, times]) => `${name} ${times}`);
  const isJudged = score.lost !== null;
  const broken = isJudged
    ? `${score.lost}, ${score.duplicated}, ${score.reordered}`
    : 'only their owner can tell';
  return [
    ['acknowledged', String(score.acknowledged)],
    ['lost, duplicated, reordered', broken],
    [`longest without an acknowledgement, by ${isJudged ? 'partition' : 'client'}`, gaps],
    ...(['before', 'during', 'after'] as const).map((when): [string, string] => [
      `${when}: p50, p99`,
      latency(score[when]),
    ]),
    ['producers were told', errors.length === 0 ? 'nothing' : errors.join(', ')],
  ];
}

function latency({ count, p50Ms, p99Ms }: Latency): string {
  return count === 0 ? 'no acknowledgement' : `${p50Ms} ms, ${p99Ms} ms of ${count}`;
}

/** What somebody's clients were answered. */
export function clientLines({ apis, clients, isPartial }: ClientsSeen): string[] {
  return [
    '| requests of clients | before: p50, p99 | during | after | errors |',
    '|---|---|---|---|---|',
    ...apis.map(({ api, before, during, after, errors }) => {
      const times = [before, during, after].map((each) => (each.count === 0 ? 'none' : latency(each)));
      const told = Object.entries(errors).map(([name, count]) => `${name} ${count}`);
      return `| ${[api, ...times, told.join(', ') || '-'].join(' | ')} |`;
    }),
    '',
    '| client | longest without a good Produce: before, since | without a good Fetch: before, since | last heard |',
    '|---|---|---|---|',
    ...clients.map(({ clientId, produce, fetch, silentMs }) => {
      const name = clientId.replaceAll(/[|\p{Cc}]/gu, ' ');
      return `| ${name} | ${gaps(produce)} | ${gaps(fetch)} | ${seconds(silentMs)} before the end |`;
    }),
    ...(isPartial ? ['', 'There were more requests than are kept: the last ones are not counted.'] : []),
  ];
}

function gaps({ beforeMs, sinceMs }: ClientsSeen['clients'][number]['fetch']): string {
  return [beforeMs, sinceMs].map((ms) => (ms === null ? '-' : seconds(ms))).join(', ');
}

/** Times since the first step. */
function timeLines({ timeline, during }: DrillResult): string[] {
  const shown = timeline.slice(0, MOST_LINES).map(({ atMs, who, what }) => {
    const since = ((atMs - during.fromMs) / 1000).toFixed(3).padStart(8);
    return who === 'drill' ? `${since}  ** ${what}` : `${since}     ${who} ${what}`;
  });
  const more = timeline.length - shown.length;
  return ['```', ...shown, ...(more > 0 ? [`(and ${more} more)`] : []), '```'];
}
