/**
 * Drills for whoever offers them: which there are, and one run from its start to its report, which can be called
 * off. A drill has a cluster of its own, so it touches no other; one runs at a time.
 */
import { ensembleLacks } from '../../test/support/ensemble.ts';
import { Workplace } from '../benchmark/workplace.ts';
import { catalogue, knownDrill } from './catalogue.ts';
import type { Drill } from './drill.ts';
import type { Verdict } from './judgement.ts';
import { kafkaLacks } from './kafka-lacks.ts';
import { hasHeld } from './post-mortem.ts';
import { type ReportFiles, writeReport } from './report-files.ts';
import { type DrillResult, type DrillSetting, runDrill } from './run-drill.ts';
import type { Score } from './score.ts';

interface KnownDrill {
  readonly name: string;
  readonly title: string;
  /** About, with its cluster and its load. */
  readonly takesMs: number;
  readonly steadyState: string;
  readonly hypothesis: string;
  readonly hint: string;
  readonly explanation: string;
  /** What this machine lacks for it, in words; null: it can be run. */
  readonly lacks: string | null;
}

interface DrillWatcher {
  /** Where the report goes: `out`/NAME/. */
  readonly out: string;
  /** Aborted: the drill is called off, and nothing of it is left when `startDrill` has resolved. */
  readonly signal: AbortSignal;
  /** What is done, as it is done; `atMs` since the drill began. */
  readonly onProgress: (line: string, atMs: number) => void;
  /** What it is run on; left out: Odradek, with a load of the drill's own. */
  readonly setting?: DrillSetting;
}

export type DrillEnd =
  | {
      readonly how: 'held' | 'did not hold';
      readonly score: Score;
      readonly verdicts: readonly Verdict[];
      readonly tookMs: number;
      readonly report: ReportFiles;
      /** All of it, as the report was made of it. */
      readonly result: DrillResult;
    }
  | { readonly how: 'called off' }
  /** It could not be carried out: nothing is known of what it expects. */
  | { readonly how: 'broken'; readonly reason: string };

/** Those that come along, by their names. */
export function listDrills(): readonly KnownDrill[] {
  return catalogue().map((drill) => ({
    name: drill.name,
    title: drill.title,
    takesMs: drill.takesMs,
    steadyState: drill.steadyState,
    hypothesis: drill.hypothesis,
    hint: drill.hint,
    explanation: drill.explanation,
    lacks: lacksOf(drill),
  }));
}

/** Why a drill can't be run in this setting on this machine, in words; null: it can be. */
export function lacksOf(drill: Drill, setting: DrillSetting = OWN): string | null {
  if (setting.of === 'kafka') return kafkaLacks(drill, setting.lacksCuts);
  return drill.needsEnsemble ? ensembleLacks() : null;
}

const OWN: DrillSetting = { of: 'odradek' };

let isRunning = false;

/**
 * Of a drill that comes along by its name, of any other as it was read. Rejects, before anything is started,
 * when there is no such drill or one is running; otherwise resolves.
 */
export async function startDrill(named: string | Drill, watcher: DrillWatcher): Promise<DrillEnd> {
  const drill = typeof named === 'string' ? knownDrill(named) : named;
  if (drill === undefined) throw new Error(`there is no drill '${named}'`);
  if (isRunning) throw new Error('a drill is running');
  isRunning = true;
  try {
    const result = await resultOf(drill, watcher);
    const { score, verdicts, tookMs } = result;
    const how = hasHeld(result) ? 'held' : 'did not hold';
    return { how, score, verdicts, tookMs, report: writeReport(result, watcher.out), result };
  } catch (error) {
    if (watcher.signal.aborted) return { how: 'called off' };
    return { how: 'broken', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    isRunning = false;
  }
}

async function resultOf(drill: Drill, watcher: DrillWatcher): Promise<DrillResult> {
  const workplace = new Workplace('odradek-drill-');
  const fromMs = performance.now();
  try {
    return await runDrill(drill, {
      workplace,
      setting: watcher.setting ?? OWN,
      signal: watcher.signal,
      say: (line) => watcher.onProgress(line, Math.round(performance.now() - fromMs)),
    });
  } finally {
    await workplace.close();
  }
}
