/** Drills: what each practises, a button that runs it on a cluster of its own, and how the last one ended. */
import { useState } from 'preact/hooks';
import type { DrillRunView, DrillView } from '../views.ts';
import { useAnswer, useChange, useTicks } from './use-answer.ts';

const REFRESH_MS = 1000;

export function Drills({ allowsChanges }: { readonly allowsChanges: boolean }) {
  const [drills, problem] = useAnswer<readonly DrillView[]>('/api/drills');
  const [told] = useAnswer<{ readonly run: DrillRunView | null }>('/api/drill-run', {}, useTicks(REFRESH_MS));
  const [name, setName] = useState('');
  const [said, act] = useChange(null);
  const run = told?.run ?? null;
  const runs = run !== null && run.end === null;
  const chosen = (drills ?? []).find((drill) => drill.name === (name === '' ? run?.name : name));
  return (
    <section aria-label="Drills" class="split">
      <div>
        {problem !== null && <p class="bad">{problem}</p>}
        <ul class="list" aria-label="Drills">
          {(drills ?? []).map((drill) => (
            <li key={drill.name}>
              <button type="button" aria-pressed={drill === chosen} onClick={() => setName(drill.name)}>
                {drill.name} <small>{seconds(drill.takesMs)}</small>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div class="detail">
        {chosen === undefined ? (
          <p>A drill breaks a cluster of its own on purpose, and says what came of it. Choose one.</p>
        ) : (
          <Described drill={chosen} />
        )}
        {chosen !== undefined && allowsChanges && !runs && chosen.lacks === null && (
          <button
            type="button"
            onClick={() =>
              act(
                `Run ${chosen.name}, about ${seconds(chosen.takesMs)}, on three brokers of its own?`,
                '/api/start-drill',
                { name: chosen.name },
              )
            }
          >
            run {chosen.name}
          </button>
        )}
        {allowsChanges && runs && (
          <button
            type="button"
            onClick={() => act(`Call off ${run.name}?`, '/api/call-off-drill', {})}
            disabled={run.isCalledOff}
          >
            call off {run.name}
          </button>
        )}
        {!allowsChanges && <p>This console only shows: drills are run with --allow-changes.</p>}
        <output aria-live="polite">{said}</output>
        {run !== null && <Run run={run} />}
      </div>
    </section>
  );
}

function Described({ drill }: { readonly drill: DrillView }) {
  const { title, steadyState, hypothesis, hint, explanation, lacks } = drill;
  return (
    <>
      <h2>{title}</h2>
      <h3>steady state</h3>
      <p>{steadyState}</p>
      <h3>hypothesis</h3>
      <p>{hypothesis}</p>
      <details>
        <summary>a hint</summary>
        <p>{hint}</p>
      </details>
      <details>
        <summary>the explanation</summary>
        <p>{explanation}</p>
      </details>
      {lacks !== null && <p class="bad">It can't be run here: {lacks}</p>}
    </>
  );
}

function Run({ run }: { readonly run: DrillRunView }) {
  const { name, lines, end, isCalledOff } = run;
  return (
    <>
      <h3>{name}</h3>
      <p aria-live="polite">{end === null ? (isCalledOff ? 'is being called off' : 'runs') : end.how}</p>
      {end?.reason !== null && end !== null && <p class="bad">{end.reason}</p>}
      <ul class="list">
        {(end?.verdicts ?? []).map(({ held, words }) => (
          <li key={words} class={held ? '' : 'bad'}>
            {held ? '✓' : '✗'} {words}
          </li>
        ))}
      </ul>
      {end !== null && end.score.length > 0 && (
        <dl class="facts">
          {end.score.map(([what, figure]) => (
            <>
              <dt key={what}>{what}</dt>
              <dd>{figure}</dd>
            </>
          ))}
        </dl>
      )}
      {end !== null && end.report !== null && (
        <p>
          <a class="link" href="/drill-report" target="_blank" rel="noreferrer">
            the post-mortem
          </a>{' '}
          is in {end.report}
        </p>
      )}
      <ol class="past">
        {lines.map(({ atMs, line }, at) => (
          <li key={`${at}`}>
            {(atMs / 1000).toFixed(1)} s {line}
          </li>
        ))}
      </ol>
    </>
  );
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
