/** `odradek reassign --verify`: how far a plan is, and when all of it is done, no throttles any more. */
import { ErrorCode } from '../../../broker/errors.ts';
import type { AdminClient } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonFile } from '../json-file.ts';
import { print } from '../output.ts';
import { byTopic, partitionName } from '../partitions.ts';
import { movesOf, replicaName, replicaPlaces } from './log-dir-moves.ts';
import { moveStatus, partitionStatus } from './move-status.ts';
import { type PlannedPartition, planOf } from './plan-file.ts';
import { runningReassignments } from './reassignments.ts';
import { clearBrokerThrottles, clearTopicThrottles } from './throttles.ts';

export async function verify(admin: AdminClient, given: Arguments): Promise<number> {
  const plan = planOf(jsonFile('reassignment-json-file', given.needText('reassignment-json-file')));
  const running = await runningReassignments(admin);
  const { topics } = await admin.metadata([...byTopic(plan).keys()]);
  const moving = new Set(running.map(partitionName));
  await print('Status of partition reassignment:');
  for (const each of plan) {
    const topic = topics.find(({ name, errorCode }) => name === each.topic && errorCode === ErrorCode.NONE);
    const found = topic?.partitions.find(({ partitionIndex }) => partitionIndex === each.partition);
    await print(partitionStatus(each, moving.has(partitionName(each)), found?.replicaNodes ?? []));
  }
  await print('');
  const moves = movesOf(plan);
  const places = await replicaPlaces(admin, moves);
  for (const move of moves) await print(moveStatus(move, places.get(replicaName(move)) ?? null));
  if (moves.length > 0) await print('');
  const isMoving = moves.some((move) => (places.get(replicaName(move))?.future ?? null) !== null);
  if (running.length === 0 && !isMoving && !given.flag('preserve-throttles'))
    await clearThrottles(admin, plan);
  return 0;
}

/** Of all living brokers and the plan's topics, whoever set them. */
export async function clearThrottles(admin: AdminClient, plan: readonly PlannedPartition[]): Promise<void> {
  const { brokers } = await admin.metadata([]);
  const ids = brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
  await print(`Clearing broker-level throttles on broker${ids.length === 1 ? '' : 's'} ${ids.join(',')}`);
  await clearBrokerThrottles(admin, ids);
  const topics = [...byTopic(plan).keys()];
  await print(`Clearing topic-level throttles on topic${topics.length === 1 ? '' : 's'} ${topics.join(',')}`);
  await clearTopicThrottles(admin, topics);
}
