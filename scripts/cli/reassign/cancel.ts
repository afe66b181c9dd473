/** `odradek reassign --cancel` and `--list`: what is under way. */
import type { AdminClient } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonFile } from '../json-file.ts';
import { print } from '../output.ts';
import { partitionName } from '../partitions.ts';
import { moveReplicas, movesOf, replicaName, replicaPlaces } from './log-dir-moves.ts';
import { type PlannedPartition, planOf } from './plan-file.ts';
import { alterReassignments, runningReassignments } from './reassignments.ts';
import { clearThrottles } from './verify.ts';

export async function list(admin: AdminClient, given: Arguments): Promise<number> {
  const running = await runningReassignments(admin);
  if (given.flag('json')) await print(JSON.stringify(running));
  else if (running.length === 0) await print('No partition reassignments found.');
  else {
    await print('Current partition reassignments:');
    for (const each of running) {
      const adding = each.adding.length === 0 ? '' : ` adding: ${each.adding.join(', ')}.`;
      const removing = each.removing.length === 0 ? '' : ` removing: ${each.removing.join(', ')}.`;
      await print(`${partitionName(each)}: replicas: ${each.replicas.join(', ')}.${adding}${removing}`);
    }
  }
  return 0;
}

/** Of the plan's partitions and replicas those that are moving stay, or go back, where they were. */
export async function cancel(admin: AdminClient, given: Arguments): Promise<number> {
  const plan = planOf(jsonFile('reassignment-json-file', given.needText('reassignment-json-file')));
  const moving = new Set((await runningReassignments(admin)).map(partitionName));
  const ended = plan.filter((each) => moving.has(partitionName(each)));
  if (ended.length > 0) {
    await alterReassignments(
      admin,
      ended.map((each) => ({ ...each, replicas: null })),
    );
    const names = ended.map(partitionName).join(',');
    await print(
      `Successfully cancelled partition reassignment${ended.length === 1 ? '' : 's'} for: ${names}`,
    );
  } else await print('None of the specified partition reassignments are active.');
  await cancelMoves(admin, plan, given.needInteger('timeout'));
  if (!given.flag('preserve-throttles')) await clearThrottles(admin, plan);
  return 0;
}

async function cancelMoves(
  admin: AdminClient,
  plan: readonly PlannedPartition[],
  timeoutMs: number,
): Promise<void> {
  const places = await replicaPlaces(admin, movesOf(plan));
  const back = movesOf(plan).flatMap((move) => {
    const place = places.get(replicaName(move));
    const isMoving = place !== undefined && place.future === move.logDir && place.current !== null;
    return isMoving ? [{ ...move, logDir: place.current ?? '' }] : [];
  });
  if (back.length === 0) {
    await print('None of the specified partition moves are active.');
    return;
  }
  const failed = await moveReplicas(admin, back, timeoutMs);
  if (failed.size > 0)
    throw new Error(Array.from(failed, ([name, reason]) => `replica ${name}: ${reason}`).join('\n'));
  const names = back.map(replicaName).join(',');
  await print(`Successfully cancelled log directory move${back.length === 1 ? '' : 's'} for: ${names}`);
}
