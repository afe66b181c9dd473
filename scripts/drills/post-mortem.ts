/** What a drill leaves to read: its score, its verdict and its time line, as Markdown. Pure. */

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
    `${new Date(result.startedMs).toISOString()}, ${seconds(result.tookMs)}. ${hasHeld(result) ? 'Everything held.' : 'Not everything held.'}`,
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
      : ['To look at:', '', ...drill.lookAt.map((each) => `- \`${each}\``), '']),
  ].join('\n');
}

export function scoreLines({ score }: Pick<DrillResult, 'score'>): string[] {
  const gaps = score.unavailableMs.map(seconds).join(', ');
  const errors = Object.entries(score.errors).map(([name, times]) => `${name} ${times}`);
  return [
    '| | |',
    '|---|---|',
    `| acknowledged | ${score.acknowledged} |`,
    `| lost, duplicated, reordered | ${score.lost}, ${score.duplicated}, ${score.reordered} |`,
    `| longest without an acknowledgement, by partition | ${gaps} |`,
    ...(['before', 'during', 'after'] as const).map(
      (when) => `| ${when}: p50, p99 | ${latency(score[when])} |`,
    ),
    `| producers were told | ${errors.length === 0 ? 'nothing' : errors.join(', ')} |`,
  ];
}

function latency({ count, p50Ms, p99Ms }: Latency): string {
  return count === 0 ? 'no acknowledgement' : `${p50Ms} ms, ${p99Ms} ms of ${count}`;
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
