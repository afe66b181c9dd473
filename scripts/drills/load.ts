/** Who speaks to the cluster while a drill hurts it: our own load, or somebody's clients. */
import type { ClientsSeen } from './client-answers.ts';
import type { Acknowledged, Score, Span } from './score.ts';

export interface LoadFindings {
  readonly score: Score;
  readonly acknowledgements: readonly Acknowledged[];
  /** What the partitions of the acknowledgements are called; left out: by their numbers. */
  readonly lanes?: readonly string[];
  /** Of somebody's clients: what each was answered. */
  readonly clients?: ClientsSeen;
}

export interface DrillLoad {
  /** So long it goes on before anything is done to the cluster. */
  readonly warmUpMs: number;
  /** Resolves, with the topic that the drill is about, once it is acknowledged something there. */
  begin(signal: AbortSignal): Promise<string>;
  /** How many acknowledgements there are, by the partitions that any is awaited of. */
  acknowledged(): readonly number[];
  /** After the drill: what became of all of it. */
  findings(during: Span): Promise<LoadFindings>;
  /** Nothing of it is left. */
  close(): Promise<void>;
}
