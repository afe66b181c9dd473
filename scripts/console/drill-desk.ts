/**
 * Drills from the page: which there are, the one that runs, what it says meanwhile and how it ended. A drill has
 * a cluster of its own on this machine, and touches nothing of the one that is looked at. One runs at a time,
 * whoever asked for it; everybody who may see it sees it.
 */
import { readFileSync } from 'node:fs';
import { type DrillEnd, listDrills, startDrill } from '../drills/api.ts';
import { BadQuestion, NotFound } from './refusals.ts';
import type { DrillRunView, DrillView } from './views.ts';

interface Run {
  readonly name: string;
  readonly startedMs: number;
  readonly lines: { readonly atMs: number; readonly line: string }[];
  readonly stop: AbortController;
  end: DrillEnd | null;
  /** Resolves with the end. */
  work: Promise<void>;
}

interface DeskParts {
  /** Where reports go. */
  readonly out: string;
  readonly nowMs: () => number;
  readonly list?: typeof listDrills;
  readonly start?: typeof startDrill;
}

const MOST_LINES = 500;

export class DrillDesk {
  readonly #parts: Required<DeskParts>;
  #run: Run | null = null;

  constructor(parts: DeskParts) {
    this.#parts = { list: listDrills, start: startDrill, ...parts };
  }

  list(): readonly DrillView[] {
    return this.#parts.list();
  }

  /** Of the drill that runs, or ran last; null: none has. */
  view(): DrillRunView | null {
    if (this.#run === null) return null;
    const { name, startedMs, lines, end, stop } = this.#run;
    return {
      name,
      startedMs,
      lines,
      isCalledOff: stop.signal.aborted,
      end: end === null ? null : viewOf(end),
    };
  }

  /** Throws NotFound, and BadQuestion while one runs or where it can't be run. */
  start(name: string): void {
    if (this.#run !== null && this.#run.end === null)
      throw new BadQuestion(`the drill ${this.#run.name} runs: one at a time`);
    const drill = this.list().find((each) => each.name === name);
    if (drill === undefined) throw new NotFound(`there is no drill '${name}'`);
    if (drill.lacks !== null) throw new BadQuestion(`${name} can't be run here: ${drill.lacks}`);
    const stop = new AbortController();
    const run: Run = {
      name,
      startedMs: this.#parts.nowMs(),
      lines: [],
      stop,
      end: null,
      work: Promise.resolve(),
    };
    this.#run = run;
    const watcher = {
      out: this.#parts.out,
      signal: stop.signal,
      onProgress(line: string, atMs: number) {
        run.lines.push({ atMs, line });
        if (run.lines.length > MOST_LINES) run.lines.shift();
      },
    };
    run.work = this.#parts.start(name, watcher).then(
      (end) => {
        run.end = end;
      },
      (error: unknown) => {
        run.end = { how: 'broken', reason: error instanceof Error ? error.message : String(error) };
      },
    );
  }

  /** Resolves when nothing of it is left, with the name of the drill that ran; null: none did. */
  async callOff(): Promise<string | null> {
    const run = this.#run;
    if (run === null || run.end !== null) return null;
    run.stop.abort();
    await run.work;
    return run.name;
  }

  /** The page of the last report; throws NotFound. */
  report(): string {
    const end = this.#run?.end ?? null;
    if (end === null || !('report' in end)) throw new NotFound('no drill has left a report');
    return readFileSync(end.report.page, 'utf8');
  }
}

function viewOf(end: DrillEnd): NonNullable<DrillRunView['end']> {
  if (end.how === 'called off') return { how: end.how, reason: null, verdicts: [], score: [], report: null };
  if (end.how === 'broken')
    return { how: end.how, reason: end.reason, verdicts: [], score: [], report: null };
  const { acknowledged, lost, duplicated, reordered, unavailableMs } = end.score;
  const { before, during, after } = end.score;
  return {
    how: end.how,
    reason: null,
    verdicts: end.verdicts.map(({ held, words }) => ({ held, words })),
    score: [
      ['acknowledged', String(acknowledged)],
      ['lost', String(lost)],
      ['duplicated', String(duplicated)],
      ['reordered', String(reordered)],
      ['longest without an acknowledgement', `${Math.max(0, ...unavailableMs)} ms`],
      ['p99 before, during, after', [before, during, after].map(({ p99Ms }) => p99Ms ?? '–').join(', ')],
    ],
    report: end.report.directory,
  };
}
