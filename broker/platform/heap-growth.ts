/**
 * Bounds how much V8's heap grows beyond what is in use. A broker has little that lives for long, and under load
 * most of its memory was room that V8 had taken:
 * - The room for new objects is doubled whenever enough of them survive, up to 128 MB, and many do where
 *   requests wait for half a second: 4,000 waiting consumers had V8 take all of it. Smaller room means more but
 *   shorter collections. Node offers a bound for a whole process only on its command line, and a broker is started
 *   in many ways; what can be set while it runs is the factor of growth, and so it is set to 1 at the bound.
 *   That factor is also of the threads of the pool, which would stay with the least, so the least is more for them.
 * - Old objects are collected when they have become up to four times as many as were alive the last time. Here it
 *   is twice; most of that work is done by other threads.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** For new objects: both halves together; they fill one of them. */
const YOUNG_BYTES = 16 * 1024 * 1024;
const OLD_GROWTH_PERCENT = 100;
/** Of a half of it, in threads that begin later. */
const LEAST_YOUNG_MB = 4;

interface HeapGrowthBound {
  stop(): void;
}

/**
 * Until it is stopped. It looks after collections, so that a single turn of the event loop may still go beyond
 * the bound. Of a whole process, since V8's flags are.
 */
export function boundHeapGrowth(): HeapGrowthBound {
  let grows = true;
  const grow = (may: boolean): void => {
    if (may === grows) return;
    grows = may;
    setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`);
  };
  // When little is allocated V8 makes the room smaller again.
  const observer = new PerformanceObserver(() => grow(youngBytes() * 2 <= YOUNG_BYTES));
  observer.observe({ entryTypes: ['gc'] });
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH_PERCENT}`);
  setFlagsFromString(`--min-semi-space-size=${LEAST_YOUNG_MB}`);
  return {
    stop() {
      observer.disconnect();
      grow(true);
      setFlagsFromString('--heap-growing-percent=0'); // as V8 finds it best
      setFlagsFromString('--min-semi-space-size=0');
    },
  };
}

/** The room for new objects, both halves. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
