/**
 * Bounds the room that V8 has for new objects. It doubles that room whenever enough of them survive, up to
 * 128 MB, and a broker whose requests wait for half a second has many that survive: with 4,000 waiting
 * consumers all of it was taken, of 350 MB of the process together. Smaller room costs more but shorter
 * collections.
 * Node offers this for a whole process only on its command line, and a broker is started in many ways. What
 * can be set while it runs is the factor of growth, and so it is set to 1 when the bound is reached.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves together; new objects fill one of them. */
const BOUND_BYTES = 16 * 1024 * 1024;

interface YoungGenerationBound {
  stop(): void;
}

/**
 * Until it is stopped. It looks after collections, so that a single turn of the event loop may still go beyond
 * the bound. Of a whole process, since V8's flags are; the threads of a pool have limits of their own besides.
 */
export function boundYoungGeneration(boundBytes = BOUND_BYTES): YoungGenerationBound {
  let grows = true;
  const grow = (may: boolean): void => {
    if (may === grows) return;
    grows = may;
    setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`);
  };
  // When little is allocated V8 makes the room smaller again.
  const observer = new PerformanceObserver(() => grow(youngBytes() * 2 <= boundBytes));
  observer.observe({ entryTypes: ['gc'] });
  return {
    stop() {
      observer.disconnect();
      grow(true);
    },
  };
}

/** The room for new objects, both halves. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
