/** A cluster that comes up: when it acknowledges its first record, and what it takes while nobody asks anything. */

import type { IdleFacts, StartFacts } from '../case.ts';
import type { RunningCluster } from './broker-processes.ts';
import { cpuSeconds, residentMib } from './process-facts.ts';
import { pause, until, type Wire } from './wire.ts';

const START_LIMIT_MS = 60_000;
const POLL_MS = 5;
const SETTLE_MS = 1500;
const IDLE_MS = 2000;

/** The moment of it; rejects when the cluster breaks before. A topic is created on the way, in both systems. */
export async function firstAcknowledgedMs(wire: Wire, broken: Promise<Error>): Promise<number> {
  const acknowledged = until(
    START_LIMIT_MS,
    'the first acknowledged record',
    async () => (await wire.acknowledged('bench-first', new Set([0]))).length === 1,
    POLL_MS,
  );
  const failed = await Promise.race([acknowledged.then(() => null), broken]);
  if (failed !== null) throw failed;
  return performance.now();
}

/** Of a cluster whose processes have just been started. */
export async function startFacts(
  cluster: RunningCluster,
  wire: Wire,
  { broken, withIdle }: { readonly broken: Promise<Error>; readonly withIdle: boolean },
): Promise<StartFacts> {
  const acknowledgedMs = (await firstAcknowledgedMs(wire, broken)) - cluster.launchedMs;
  return { firstAcknowledgedMs: acknowledgedMs, idle: withIdle ? await idleFacts(cluster) : null };
}

async function idleFacts(cluster: RunningCluster): Promise<IdleFacts> {
  await pause(SETTLE_MS);
  const cpuBefore = cpuSeconds(cluster.pids());
  const fromMs = performance.now();
  await pause(IDLE_MS);
  const cpuMs = ((cpuSeconds(cluster.pids()) - cpuBefore) * 1e6) / (performance.now() - fromMs);
  return { mib: residentMib(cluster.pids()), cpuMs };
}
