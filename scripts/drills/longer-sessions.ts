/** The times in a drill are those of a cluster whose sessions end after 3 s; where they take longer, so does it. Pure. */
import type { Drill } from './drill.ts';
import { SESSION_TIMEOUT_MS } from './drilled-cluster.ts';

/** With as much more time for everything that must come, and for what may be unavailable. */
export function forSessionsOf(drill: Drill, sessionTimeoutMs: number): Drill {
  const moreMs = Math.max(0, sessionTimeoutMs - SESSION_TIMEOUT_MS);
  return {
    ...drill,
    takesMs: drill.takesMs + moreMs,
    steps: drill.steps.map((step) =>
      step.do === 'wait for' ? { ...step, withinMs: step.withinMs + moreMs } : step,
    ),
    must: drill.must.map((each) =>
      each.must === 'unavailable' ? { ...each, mostMs: each.mostMs + moreMs } : each,
    ),
  };
}
