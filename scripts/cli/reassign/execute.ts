/** `odradek reassign --execute`: throttles are set first, then the moves begin. */
import type { AdminClient, ClusterMetadata } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonFile } from '../json-file.ts';
import { print } from '../output.ts';
import { byTopic, partitionName } from '../partitions.ts';
import { withProgress } from '../progress.ts';
import { currentPlan } from './generate.ts';
import { moveReplicas, movesOf, replicaName } from './log-dir-moves.ts';
import { type PlannedPartition, planJson, planOf } from './plan-file.ts';
import { alterReassignments, runningReassignments } from './reassignments.ts';
import { type Throttled, throttleBetweenBrokers, throttleBetweenDirectories } from './throttles.ts';

export async function execute(admin: AdminClient, given: Arguments): Promise<number> {
  const plan = planOf(jsonFile('reassignment-json-file', given.needText('reassignment-json-file')));
  const running = await runningReassignments(admin);
  if (running.length > 0 && !given.flag('additional'))
    throw new Error(
      'other reassignments are under way; --additional adds to them, and changes those of the same partitions',
    );
  const metadata = await admin.metadata([...byTopic(plan).keys()]);
  const current = checked(plan, metadata);
  await print(`Current partition replica assignment\n\n${planJson(current)}\n`);
  await print('Save this to use as the --reassignment-json-file option during rollback');
  await throttle(admin, given, { plan, current, running });
  await withProgress(alterReassignments(admin, plan), () => `starting ${plan.length} reassignments`);
  const names = plan.map(partitionName);
  await print(`Successfully started partition reassignment${plural(names)} for ${names.join(',')}`);
  return moveDirectories(admin, plan, given.needInteger('timeout'));
}

/** Where the planned partitions are now; all of them, and the brokers, must be there. */
function checked(plan: readonly PlannedPartition[], metadata: ClusterMetadata): PlannedPartition[] {
  const living = new Set(metadata.brokers.map(({ nodeId }) => nodeId));
  const unknown = plan.flatMap(({ replicas }) => replicas).find((id) => !living.has(id));
  if (unknown !== undefined) throw new Error(`broker ${unknown} is not among the living brokers`);
  const current = new Map(currentPlan(metadata).map((each) => [partitionName(each), each]));
  return plan.map((each) => {
    const found = current.get(partitionName(each));
    if (found === undefined) throw new Error(`there is no partition ${partitionName(each)}`);
    return found;
  });
}

async function throttle(
  admin: AdminClient,
  given: Arguments,
  throttled: Throttled & { readonly plan: readonly PlannedPartition[] },
): Promise<void> {
  const interBroker = rateOf(given, 'throttle');
  const logDirs = rateOf(given, 'replica-alter-log-dirs-throttle');
  if (interBroker === null && logDirs === null) return;
  await print(
    'Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.',
  );
  if (interBroker !== null) {
    await throttleBetweenBrokers(admin, throttled, interBroker);
    await print(`The inter-broker throttle limit was set to ${interBroker} B/s`);
  }
  if (logDirs !== null) {
    const brokers = new Set(movesOf(throttled.plan).map(({ broker }) => broker));
    await throttleBetweenDirectories(admin, [...brokers], logDirs);
    await print(`The replica-alter-dir throttle limit was set to ${logDirs} B/s`);
  }
}

/** Null: as Kafka has it, no throttle is asked for, -1. */
function rateOf(given: Arguments, option: string): number | null {
  const rate = given.integer(option);
  return rate === null || rate < 0 ? null : rate;
}

async function moveDirectories(
  admin: AdminClient,
  plan: readonly PlannedPartition[],
  timeoutMs: number,
): Promise<number> {
  const moves = movesOf(plan);
  if (moves.length === 0) return 0;
  const work = moveReplicas(admin, moves, timeoutMs);
  const failed = await withProgress(work, () => `starting ${moves.length} moves between directories`);
  const started = moves.map(replicaName).filter((name) => !failed.has(name));
  if (started.length > 0)
    await print(`Successfully started log directory move${plural(started)} for: ${started.join(',')}`);
  if (failed.size > 0)
    throw new Error(Array.from(failed, ([name, reason]) => `replica ${name}: ${reason}`).join('\n'));
  return 0;
}

function plural(items: readonly unknown[]): string {
  return items.length === 1 ? '' : 's';
}
