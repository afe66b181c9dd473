/** What the console changes when it may: leaders elected, partitions moved, moves given up, throttles. */
import type { AdminClient } from '../cli/admin-client.ts';
import { elect } from '../cli/elections.ts';
import { comparePartitions, type TopicPartition } from '../cli/partitions.ts';
import { currentPlan } from '../cli/reassign/generate.ts';
import {
  alterReassignments,
  type Reassignment,
  runningReassignments,
} from '../cli/reassign/reassignments.ts';
import {
  clearBrokerThrottles,
  clearTopicThrottles,
  removeThrottles,
  throttleBetweenBrokers,
  throttlesInPlace,
} from '../cli/reassign/throttles.ts';
import { BadQuestion } from './refusals.ts';
import type { ThrottlesView } from './views.ts';

/** Throws with the reason when nobody is elected; that the leader is the right one already is no failure. */
export async function electLeader(
  admin: AdminClient,
  place: TopicPartition,
  type: 'preferred' | 'unclean',
): Promise<void> {
  for (const { reason } of await elect(admin, type, [place])) if (reason !== null) throw new Error(reason);
}

/** Throttles are set first; `rate` in bytes a second, null: as fast as it goes. */
export async function movePartition(
  admin: AdminClient,
  place: TopicPartition,
  { replicas, rate }: { readonly replicas: readonly number[]; readonly rate: number | null },
): Promise<void> {
  const plan = [{ ...place, replicas }];
  if (rate !== null) {
    const [metadata, running] = await Promise.all([
      admin.metadata([place.topic]),
      runningReassignments(admin),
    ]);
    const current = currentPlan(metadata).filter((each) => comparePartitions(each, place) === 0);
    await throttleBetweenBrokers(admin, { plan, current, running }, rate);
  }
  await alterReassignments(admin, plan);
}

/** What was throttled for it is not any more, unless others move still. */
export async function cancelMove(admin: AdminClient, place: TopicPartition): Promise<void> {
  await alterReassignments(admin, [{ ...place, replicas: null }]);
  if ((await runningReassignments(admin)).length === 0) await clearAll(admin, [place.topic]);
}

/** All that moves is held to another rate. */
export async function throttleMoves(admin: AdminClient, rate: number): Promise<void> {
  const running = await runningReassignments(admin);
  if (running.length === 0) throw new BadQuestion('nothing moves');
  await throttleBetweenBrokers(admin, { plan: [], current: [], running }, rate);
}

/** As `odradek reassign --verify` does when all is done; refused while anything moves. */
export async function clearThrottles(admin: AdminClient): Promise<void> {
  refuseWhile(await runningReassignments(admin));
  await removeThrottles(admin, await throttlesInPlace(admin));
}

function refuseWhile(running: readonly Reassignment[]): void {
  if (running.length > 0)
    throw new BadQuestion(`${running.length} partitions move still: throttles are taken away after that`);
}

async function clearAll(admin: AdminClient, topics: readonly string[]): Promise<void> {
  const { brokers } = await admin.metadata([]);
  await clearBrokerThrottles(
    admin,
    brokers.map(({ nodeId }) => nodeId),
  );
  await clearTopicThrottles(admin, topics);
}

/** What is throttled, as the page shows it. */
export async function throttlesView(admin: AdminClient): Promise<ThrottlesView> {
  const { brokers, topics } = await throttlesInPlace(admin);
  return {
    brokers: Array.from(brokers, ([id, values]) => ({ id, configs: [...values] })),
    topics: Array.from(topics, ([name, values]) => ({ name, configs: [...values] })),
  };
}
