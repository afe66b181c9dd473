/**
 * Time as the broker sees it. `wallMs` stamps records and znodes; everything that measures a
 * duration or a deadline uses the monotonic `nowMs`, so that a stepped wall clock breaks nothing.
 * The simulator has its own implementation; nothing outside platform/ may touch `Date` or timers.
 */

export interface Timer {
  /** Idempotent; a timer that has run is cancelled already. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, an integer. May jump. */
  wallMs(): number;
  /** Monotonic milliseconds from an arbitrary start, with fractions. */
  nowMs(): number;
  /** Runs `run` once, `delayMs` or more from now, never synchronously. */
  after(delayMs: number, run: () => void): Timer;
  /** Runs `run` after the current callback and its microtasks, before any later I/O or timer. */
  soon(run: () => void): void;
}

/** setTimeout's largest delay, 24 days; a longer one would fire at once, so it is waited for in pieces. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after(delayMs, run) {
    if (delayMs <= 0) {
      // A timeout takes a millisecond at the least, and half a start is made of such steps.
      const immediate = setImmediate(run);
      return { cancel: () => clearImmediate(immediate) };
    }
    const dueMs = performance.now() + delayMs;
    const wait = (leftMs: number): NodeJS.Timeout => {
      if (leftMs <= LONGEST_TIMEOUT_MS) return setTimeout(run, Math.max(0, leftMs));
      return setTimeout(() => {
        handle = wait(dueMs - performance.now());
      }, LONGEST_TIMEOUT_MS);
    };
    let handle = wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  soon(run) {
    setImmediate(run);
  },
};

/** Waits `delayMs` on the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

interface Retries {
  readonly clock: Clock;
  /** The first pause; each is twice the one before. */
  readonly backoffMs: number;
  /** How long attempts go on for, and the longest pause. */
  readonly backoffMaxMs: number;
  /** Whether another attempt may change anything. */
  readonly isWorthwhile: (error: unknown) => boolean;
}

/** Attempts with growing pauses, as Kafka's `Retry` makes them. Rejects with what the last one did. */
export async function retried<T>(
  { clock, backoffMs, backoffMaxMs, isWorthwhile }: Retries,
  attempt: () => Promise<T>,
): Promise<T> {
  const endMs = clock.nowMs() + backoffMaxMs;
  for (let pauseMs = Math.max(1, backoffMs); ; pauseMs *= 2) {
    try {
      return await attempt();
    } catch (error) {
      const leftMs = endMs - clock.nowMs();
      if (leftMs <= 0 || !isWorthwhile(error)) throw error;
      await sleep(clock, Math.min(pauseMs, leftMs));
    }
  }
}

/**
 * Repeats `run` with `periodMs` between the end of one run and the start of the next.
 * A run that throws is reported to `onError` and does not stop the repetition.
 */
export function every(
  clock: Clock,
  periodMs: number,
  run: () => void,
  onError: (error: unknown) => void,
): Timer {
  let timer: Timer;
  let stopped = false;
  const step = (): void => {
    if (stopped) return;
    try {
      run();
    } catch (error) {
      onError(error);
    }
    if (!stopped) timer = clock.after(periodMs, step);
  };
  timer = clock.after(periodMs, step);
  return {
    cancel() {
      stopped = true;
      timer.cancel();
    },
  };
}
