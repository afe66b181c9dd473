/**
 * How long a broker's event loop is held, by its metrics. What counts is the processor time that the loop uses
 * without a break, which does not depend on what else the machine does.
 */
import { expect } from 'vitest';
import type { RealCluster } from './real-cluster.ts';

const NAME = 'odradek_event_loop_cpu_seconds';
/** What one turn should not take. All the same: code that runs for the first time, collections of garbage, files of new logs. */
const SHORT_S = '0.02';
/** A period begins ten milliseconds before its timer is due: where more than this was used in it, one turn took more than that. */
const SURELY_LONG_S = '0.03';
/** No turn takes so much, whatever it does. */
const LONG_S = '0.2';
/**
 * Of the turns, those that are surely long: p99.9. Seven runs of each suite had 0 to 0.4 of a thousand, two of them among
 * all the others.
 */
const MOST_LONG = 0.001;

/** How many turns there were, and how many of them took longer. */
export interface LoopTurns {
  readonly all: number;
  /** Than 20 ms: these at most, and those for certain. */
  readonly over20Ms: number;
  readonly surelyOver20Ms: number;
  readonly over200Ms: number;
}

/** Of broker 1 since it began. */
export async function turnsOf(real: RealCluster): Promise<LoopTurns> {
  const metric = await real.metrics(1);
  const beyond = (seconds: string): number =>
    metric(`${NAME}_count`) - metric(`${NAME}_bucket{le="${seconds}"}`);
  return {
    all: metric('odradek_event_loop_turns'),
    over20Ms: beyond(SHORT_S),
    surelyOver20Ms: beyond(SURELY_LONG_S),
    over200Ms: beyond(LONG_S),
  };
}

/** From where to count: neither starting up nor what the first look at the metrics loads is the work of a client. */
export async function firstTurnsOf(real: RealCluster): Promise<LoopTurns> {
  await turnsOf(real);
  return turnsOf(real);
}

/** Of its turns since then. To be asked before the broker has been idle for long. */
export async function expectShortTurns(real: RealCluster, first: LoopTurns): Promise<void> {
  const last = await turnsOf(real);
  const all = last.all - first.all;
  const [most, least] = [last.over20Ms - first.over20Ms, last.surelyOver20Ms - first.surelyOver20Ms];
  console.info(`of ${all} turns of the event loop ${least} to ${most} took more than 20 ms`);
  expect(least / all).toBeLessThanOrEqual(MOST_LONG);
}
