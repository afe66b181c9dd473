/**
 * How late the event loop is: a timer that should run every ten milliseconds tells by how much it was kept
 * waiting, and how much processor time the loop has used since it last ran. Everything a broker does shares
 * that loop, so whatever holds it holds all clients, the replicas and the ZooKeeper session. The first number
 * is what they feel; the second says whether this broker is to blame for it, or the machine.
 * How many turns the loop has taken comes with them: many are within one period, and most of them short.
 * One of these serves a whole process. Node's own monitorEventLoopDelay keeps quantiles since its start, of
 * which nobody can make those of the last five minutes; a histogram of Prometheus can.
 */
import type { Metrics } from './metrics.ts';

export interface LoopDelayWatch {
  stop(): void;
}

const PERIOD_MS = 10;
/**
 * Seconds, as Prometheus wants them. A timer is up to a millisecond late by itself; the finest are around what
 * nothing should take.
 */
const BUCKETS_S = [
  ...[0.002, 0.005, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025, 0.03, 0.035, 0.04, 0.05, 0.075],
  ...[0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30],
] as const;

/** Observes until it is stopped; keeps no process alive. Not for virtual time, in which nothing is late. */
export function watchLoopDelay(metrics: Metrics): LoopDelayWatch {
  const delays = metrics.distribution(
    'odradek_event_loop_delay_seconds',
    `How long the event loop kept a timer waiting that is due every ${PERIOD_MS} ms`,
    BUCKETS_S,
  );
  const stretches = metrics.distribution(
    'odradek_event_loop_cpu_seconds',
    'Processor time that the event loop used before it came back to that timer',
    BUCKETS_S,
  );
  metrics.gauge(
    'odradek_event_loop_turns',
    'Turns of the event loop since the process began: each of them is in one period of the other two at most',
    () => performance.nodeTiming.uvMetricsInfo.loopCount,
  );
  let dueMs = performance.now() + PERIOD_MS;
  let usedS = usedSeconds();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    delays.observe(Math.max(0, nowMs - dueMs) / 1000);
    dueMs = nowMs + PERIOD_MS;
    const nowS = usedSeconds();
    if (nowS !== null && usedS !== null) stretches.observe(nowS - usedS);
    usedS = nowS;
  }, PERIOD_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Of this thread; null on a Node that can't say. */
function usedSeconds(): number | null {
  if (process.threadCpuUsage === undefined) return null;
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}
