/** The line of time: what changed when, and any moment since the console looks, to be dragged to. */
import type { PictureChange } from '../picture.ts';
import { time } from './format.ts';
import type { Action, State } from './state.ts';

const MOST_MARKS = 400;

interface TimelineProps {
  readonly state: State;
  readonly tell: (action: Action) => void;
}

export function Timeline({ state, tell }: TimelineProps) {
  const { recording, momentMs } = state;
  const firstMs = recording.startedMs;
  const lastMs = Math.max(
    state.samples.at(-1)?.atMs ?? 0,
    recording.changes.at(-1)?.atMs ?? 0,
    firstMs + 1000,
  );
  const goTo = (toMs: number | null): void => tell({ kind: 'moved-to', momentMs: toMs });
  const shownMs = momentMs ?? lastMs;
  return (
    <footer>
      <button
        type="button"
        onClick={() => goTo(earlierChange(recording.changes, shownMs))}
        aria-label="Change before"
      >
        ‹
      </button>
      <div class="line">
        <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
          <path class="mark" d={marks(recording.changes, firstMs, lastMs, false)} />
          <path class="mark office" d={marks(recording.changes, firstMs, lastMs, true)} />
        </svg>
        <input
          type="range"
          aria-label="Moment"
          min={firstMs}
          max={lastMs}
          value={shownMs}
          onInput={({ currentTarget }) => goTo(Number(currentTarget.value))}
        />
      </div>
      <button
        type="button"
        onClick={() => goTo(laterChange(recording.changes, shownMs))}
        aria-label="Change after"
      >
        ›
      </button>
      <button type="button" onClick={() => goTo(null)} aria-pressed={momentMs === null}>
        now
      </button>
      <output>{time(shownMs)}</output>
    </footer>
  );
}

/** One line for each of the newest; those of the office of controller stand out. */
function marks(
  changes: readonly PictureChange[],
  firstMs: number,
  lastMs: number,
  ofController: boolean,
): string {
  return changes
    .slice(-MOST_MARKS)
    .filter(({ controllerId }) => (controllerId !== undefined) === ofController)
    .map(({ atMs }) => `M${((1000 * (atMs - firstMs)) / (lastMs - firstMs)).toFixed(1)} 2v16`)
    .join('');
}

function earlierChange(changes: readonly PictureChange[], atMs: number): number | null {
  return changes.findLast((change) => change.atMs < atMs)?.atMs ?? changes[0]?.atMs ?? null;
}

/** Null, now, behind the last. */
function laterChange(changes: readonly PictureChange[], atMs: number): number | null {
  return changes.find((change) => change.atMs > atMs)?.atMs ?? null;
}
