/**
 * How long a broker's event loop is held, by its metrics. What counts is the processor time that the loop uses
 * without a break, which does not depend on what else the machine does.
 */
import { expect } from 'vitest';
import type { RealCluster } from './real-cluster.ts';

const NAME = 'odradek_event_loop_cpu_seconds';
/** What one turn should not take. All the same: code that runs for the first time, collections of garbage, files of new logs. */
const SHORT_S = '0.02';
/** No turn takes so much, whatever it does. */
const LONG_S = '0.2';
/** p99.9 of the turns is a short one; where there are but some thousand of them, a busy machine makes p99.8 of that. */
const MOST_LONG = { ofMany: 0.001, ofFew: 0.002 };
const MANY = 20_000;

export interface LoopTurns {
  readonly all: number;
  /** At most so many took more than that. */
  readonly over20Ms: number;
  readonly over200Ms: number;
}

/** Of broker 1 since it began. */
export async function turnsOf(real: RealCluster): Promise<LoopTurns> {
  const metric = await real.metrics(1);
  const beyond = (seconds: string): number =>
    metric(`${NAME}_count`) - metric(`${NAME}_bucket{le="${seconds}"}`);
  return { all: metric('odradek_event_loop_turns'), over20Ms: beyond(SHORT_S), over200Ms: beyond(LONG_S) };
}

/** From where to count: neither starting up nor what the first look at the metrics loads is the work of a client. */
export async function firstTurnsOf(real: RealCluster): Promise<LoopTurns> {
  await turnsOf(real);
  return turnsOf(real);
}

/** Of its turns since then. To be asked before the broker has been idle for long. */
export async function expectShortTurns(real: RealCluster, first: LoopTurns): Promise<void> {
  const last = await turnsOf(real);
  const [all, over20Ms] = [last.all - first.all, last.over20Ms - first.over20Ms];
  console.info(`of ${all} turns of the event loop ${over20Ms} at most took more than 20 ms`);
  expect(over20Ms / all).toBeLessThanOrEqual(all > MANY ? MOST_LONG.ofMany : MOST_LONG.ofFew);
}
