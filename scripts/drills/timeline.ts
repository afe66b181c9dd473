/** What happened in a drill, by whoever did or saw it, in the order of time: the drill's steps, and the journals. */

import type { Recorded } from '../../broker/platform/event-ring.ts';
import { sentenceOf } from '../../broker/platform/event-sentences.ts';

export interface Mark {
  /** Milliseconds since 1970; all clocks are this machine's. */
  readonly atMs: number;
  /** `drill`, or `broker 2`. */
  readonly who: string;
  readonly what: string;
}

const MOST_EVENTS = 400;

export function timelineOf(marks: readonly Mark[], events: readonly Recorded[]): readonly Mark[] {
  const told = events.slice(0, MOST_EVENTS).map(
    ({ brokerId, wallMs, event }): Mark => ({
      atMs: wallMs,
      who: `broker ${brokerId}`,
      what: sentenceOf(event),
    }),
  );
  return [...marks, ...told].sort((a, b) => a.atMs - b.atMs);
}
