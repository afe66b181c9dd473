/** A fault of the wall clock. Monotonic time, by which everything is measured and waited for, never jumps. */
import { defineFault, required } from './fault-kind.ts';

/** Beyond this, times of records leave what Java's dates can say. */
const LARGEST_JUMP_MS = 100 * 365 * 24 * 3600 * 1000;

export const CLOCK_FAULTS = [
  defineFault({
    name: 'clock-jump',
    summary: 'Sets the wall clock forwards or back; healed it jumps back',
    parameters: [
      required('byMs', 'integer', 'forwards, or back when negative', {
        min: -LARGEST_JUMP_MS,
        max: LARGEST_JUMP_MS,
      }),
    ],
    strike: ({ world }, { body }) => ({ heal: world.wallClock.jump(Number(body['byMs'])) }),
  }),
] as const;
