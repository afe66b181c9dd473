/**
 * What the page knows, and how it changes: a pure reduction of what the server tells and what its reader does.
 * The live picture goes on while an earlier moment is shown.
 */
import {
  applyChange,
  applyChanges,
  type ClusterPicture,
  isUnderReplicated,
  NOTHING,
  type PictureChange,
  type Progress,
  pictureAt,
  type Recording,
} from '../picture.ts';
import type { EventView } from '../views.ts';

export type ProgressByPartition = Readonly<Record<string, Progress>>;

/** One point of the charts. */
export interface Sample {
  readonly atMs: number;
  readonly underReplicated: number;
  readonly offline: number;
  /** Of all replicas together. */
  readonly lag: number;
  /** Records a second that became committed; null for the first sample. */
  readonly rate: number | null;
}

export interface State {
  readonly isConnected: boolean;
  readonly allowsChanges: boolean;
  /** What the cluster lets its reader do to it as a whole. */
  readonly may: { readonly describe: boolean; readonly alter: boolean };
  /** Who is logged in, where one has to. */
  readonly user: string | null;
  /** Why the server can't look at the cluster. */
  readonly trouble: string | null;
  readonly live: ClusterPicture;
  readonly recording: Recording;
  readonly progress: ProgressByPartition;
  readonly samples: readonly Sample[];
  /** When a partition changed last, by its name, for what lights up. */
  readonly changedMs: Readonly<Record<string, number>>;
  /** Of the journals, the newest last. */
  readonly events: readonly EventView[];
  /** The moment that is shown; null: now. */
  readonly momentMs: number | null;
}

export type Action =
  /** The line to the server begins, or begins again. */
  | {
      readonly kind: 'begun';
      readonly picture: ClusterPicture;
      readonly allowsChanges: boolean;
      readonly trouble: string | null;
      readonly may: State['may'];
      readonly user: string | null;
    }
  /** What was before; what is told meanwhile may be in it as well. */
  | { readonly kind: 'recalled'; readonly recording: Recording; readonly events: readonly EventView[] }
  | { readonly kind: 'happened'; readonly event: EventView }
  | { readonly kind: 'changed'; readonly change: PictureChange }
  | { readonly kind: 'progressed'; readonly progress: ProgressByPartition; readonly atMs: number }
  | { readonly kind: 'troubled'; readonly trouble: string | null }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'moved-to'; readonly momentMs: number | null };

const MOST_SAMPLES = 600;
/** Twice as many for a while. */
const MOST_CHANGES = 5000;
const MOST_EVENTS = 5000;

export const FIRST_STATE: State = {
  isConnected: false,
  allowsChanges: false,
  may: { describe: false, alter: false },
  user: null,
  trouble: null,
  live: NOTHING,
  recording: { startedMs: 0, first: NOTHING, changes: [] },
  progress: {},
  samples: [],
  changedMs: {},
  events: [],
  momentMs: null,
};

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case 'begun': {
      const { picture, allowsChanges, trouble, may, user } = action;
      return { ...state, isConnected: true, live: picture, allowsChanges, trouble, may, user };
    }
    case 'recalled':
      return recalled(state, action.recording, action.events);
    case 'happened':
      return { ...state, events: [...state.events, action.event].slice(-MOST_EVENTS) };
    case 'changed':
      return changed(state, action.change);
    case 'progressed':
      return progressed(state, action.progress, action.atMs);
    case 'troubled':
      return { ...state, trouble: action.trouble };
    case 'disconnected':
      return { ...state, isConnected: false };
    case 'moved-to':
      return { ...state, momentMs: action.momentMs };
  }
}

/** What is to be shown: now, or as it was. */
export function shownPicture({ live, recording, momentMs }: State): ClusterPicture {
  return momentMs === null ? live : pictureAt(recording, momentMs);
}

/** With what was told since the server took its answer together. */
function recalled(state: State, recording: Recording, events: readonly EventView[]): State {
  const lastMs = recording.changes.at(-1)?.atMs ?? recording.startedMs;
  const later = state.recording.changes.filter(({ atMs }) => atMs > lastMs);
  const known = new Set(events.map(({ id }) => id));
  return {
    ...state,
    recording: { ...recording, changes: [...recording.changes, ...later] },
    events: [...events, ...state.events.filter(({ id }) => !known.has(id))].slice(-MOST_EVENTS),
  };
}

function changed(state: State, change: PictureChange): State {
  const { recording } = state;
  const changedMs = { ...state.changedMs };
  for (const name of Object.keys(change.partitions)) changedMs[name] = change.atMs;
  return {
    ...state,
    live: applyChange(state.live, change),
    recording: shortened({ ...recording, changes: [...recording.changes, change] }),
    changedMs,
  };
}

/** What is too long ago becomes part of the first picture, many at once. */
function shortened(recording: Recording): Recording {
  const { first, changes } = recording;
  const tooMany = changes.length - MOST_CHANGES;
  if (tooMany < MOST_CHANGES) return recording;
  const fallen = changes.slice(0, tooMany);
  return {
    startedMs: fallen.at(-1)?.atMs ?? recording.startedMs,
    first: applyChanges(first, fallen),
    changes: changes.slice(tooMany),
  };
}

function progressed(state: State, progress: ProgressByPartition, atMs: number): State {
  const before = state.samples.at(-1);
  const committed = committedOf(progress) - committedOf(state.progress);
  const hasRate = before !== undefined && atMs > before.atMs;
  const partitions = Object.values(state.live.partitions);
  const sample: Sample = {
    atMs,
    underReplicated: partitions.filter(isUnderReplicated).length,
    offline: partitions.filter(({ leader }) => leader < 0).length,
    lag: lagOf(progress),
    rate: hasRate ? Math.max(0, (committed * 1000) / (atMs - before.atMs)) : null,
  };
  return { ...state, progress, samples: [...state.samples, sample].slice(-MOST_SAMPLES) };
}

function committedOf(progress: ProgressByPartition): number {
  let sum = 0;
  for (const { highWatermark } of Object.values(progress)) sum += highWatermark ?? 0;
  return sum;
}

function lagOf(progress: ProgressByPartition): number {
  let sum = 0;
  for (const { replicas } of Object.values(progress))
    for (const { lag } of Object.values(replicas)) sum += Math.max(0, lag);
  return sum;
}
