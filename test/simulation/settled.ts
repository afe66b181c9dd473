/**
 * What must be true once everything is healed and the clients have nothing left to do. Each function
 * answers what is still wrong; an empty list means that the cluster has settled.
 */

import type { CommittedLogs } from './committed-logs.ts';
import type { History } from './history.ts';
import { commitKey } from './history.ts';
import type { ReplicaView, TreeView } from './observation.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import { TOPIC, type Workload } from './workload.ts';

/** Leaders, in-sync replicas, one controller, one picture of the cluster on every broker. */
export function unsettledCluster(cluster: SimulatedCluster, tree: TreeView): string[] {
  const wrong: string[] = [];
  for (const { id, status } of cluster.machines)
    if (status !== 'running') wrong.push(`broker ${id} is ${status}`);
  if (wrong.length > 0) return wrong;
  for (const { name, leader, isr, replicas, reassigning } of tree.states) {
    if (reassigning) wrong.push(`${name} is still being reassigned`);
    if (leader < 0) wrong.push(`${name} has no leader, in sync: ${isr}`);
    if (isr.length !== replicas.length || isr.some((id) => !replicas.includes(id)))
      wrong.push(`${name}: in sync are ${isr}, replicas are ${replicas}`);
  }
  const active = cluster.machines.filter(({ broker }) => broker?.inside.controller.isActive);
  if (active.length !== 1 || active[0]?.id !== tree.controllerId)
    wrong.push(`controllers: ${active.map(({ id }) => id)}, elected ${tree.controllerId}`);
  for (const { id, broker } of cluster.machines) {
    const image = broker?.inside.metadata.image;
    if (image === undefined) continue;
    if (image.controllerId !== tree.controllerId)
      wrong.push(`broker ${id} takes ${image.controllerId} for the controller`);
    for (const { name, leader, leaderEpoch, partitionEpoch } of tree.states) {
      const at = name.lastIndexOf('-');
      const known = image.topics.get(name.slice(0, at))?.partitions.get(Number(name.slice(at + 1)));
      if (
        known?.leader !== leader ||
        known.leaderEpoch !== leaderEpoch ||
        known.partitionEpoch !== partitionEpoch
      )
        wrong.push(`broker ${id} knows another state of ${name}`);
    }
    const names = new Set(tree.states.map(({ name }) => name));
    for (const [topic, { partitions }] of image.topics) {
      for (const partition of partitions.keys())
        if (!names.has(`${topic}-${partition}`))
          wrong.push(`broker ${id} knows ${topic}-${partition}, which is gone`);
    }
  }
  return wrong;
}

/**
 * Every replica has everything, and knows that all have it. A broker that was away when its replica was
 * moved elsewhere keeps it, as with Kafka and ZooKeeper; it must only not lead.
 */
export function unsettledReplicas(
  replicas: readonly ReplicaView[],
  tree: TreeView,
  logs: CommittedLogs,
  mayHaveMoved = false,
): string[] {
  const wrong: string[] = [];
  for (const { key, name, replicas: assigned, leader } of tree.states) {
    const all = replicas.filter((replica) => replica.key === key);
    const views = all.filter(({ brokerId }) => assigned.includes(brokerId));
    for (const { brokerId, role } of all)
      if (role === 'leader' && brokerId !== leader) wrong.push(`${name}: broker ${brokerId} leads as well`);
    if (views.length !== assigned.length)
      wrong.push(`${name}: ${views.length} replicas of ${assigned.length}`);
    for (const { brokerId, role, endOffset, highWatermark } of views) {
      const end = logs.committedEndOffset(key);
      if (role !== (brokerId === leader ? 'leader' : 'follower'))
        wrong.push(`${name}: broker ${brokerId} is ${role}`);
      if (endOffset !== end || highWatermark !== end)
        wrong.push(`${name}: broker ${brokerId} has ${highWatermark}/${endOffset} of ${end}`);
    }
  }
  const keys = new Set(tree.states.map(({ key }) => key));
  for (const { key, name, brokerId } of replicas)
    if (!keys.has(key) && !mayHaveMoved)
      wrong.push(`${name}: broker ${brokerId} has a replica of a deleted topic`);
  return wrong;
}

/** Producers have all their acknowledgements, consumers have read everything. */
export function unsettledClients(
  { producers, consumers }: Workload,
  tree: TreeView,
  logs: CommittedLogs,
): string[] {
  const wrong = producers
    .filter(({ outstanding }) => outstanding > 0)
    .map(({ name, outstanding }) => `${name} waits for ${outstanding} acknowledgements`);
  for (const [partition, { position, committing }] of consumers.entries()) {
    if (committing) wrong.push(`the consumer of ${TOPIC}-${partition} waits for a commit`);
    const key = tree.states.find(({ name }) => name === `${TOPIC}-${partition}`)?.key ?? '';
    const end = logs.committedEndOffset(key);
    if (position !== end) wrong.push(`the consumer of ${TOPIC}-${partition} is at ${position} of ${end}`);
  }
  return wrong;
}

/** Topics are as their last acknowledged change left them. */
export function unsettledTopics(cluster: SimulatedCluster, tree: TreeView, history: History): string[] {
  const wrong: string[] = [];
  const pending = cluster.tree.children('/admin/delete_topics') ?? [];
  if (pending.length > 0) wrong.push(`still to be deleted: ${pending}`);
  for (const [topic, expected] of history.topics) {
    const count = tree.states.filter(({ name }) => name.slice(0, name.lastIndexOf('-')) === topic).length;
    const assigned = cluster.tree.read(`/brokers/topics/${topic}`);
    if (expected === 'deleted' && assigned !== null) wrong.push(`${topic} was deleted and is there`);
    if (expected !== null && expected !== 'deleted' && count !== expected.partitions)
      wrong.push(`${topic} has ${count} partitions of ${expected.partitions}`);
  }
  return wrong;
}

/**
 * No record of an idempotent producer is there twice. One that was deleted before its producer heard of it may
 * come again: of producers whose records are all gone nothing is known after a restart, as in Kafka
 * (ProducerStateManager.truncateAndReload drops the snapshots up to the log's start).
 */
export function repeatedRecords(tree: TreeView, logs: CommittedLogs, history: History): string[] {
  const wrong: string[] = [];
  for (const { key, name } of tree.states) {
    const seen = new Map<string, number>();
    for (const [offset, value] of logs.values(key)) {
      const before = seen.get(value);
      const wasThere = before !== undefined && before >= logs.startOffsetAt(key, offset);
      if (wasThere && history.idempotentValues.has(value))
        wrong.push(`${name}: '${value}' is at ${before} and at ${offset}`);
      seen.set(value, offset);
    }
  }
  return wrong;
}

/**
 * The group's offsets are what it was told is committed, or what it asked for after that. A commit that was given up
 * may also come after later ones: it says no generation, and so nobody knows that it is old, as in Kafka.
 */
export async function lostOffsets(
  workload: Pick<Workload, 'consumers' | 'members'>,
  history: History,
): Promise<string[]> {
  const wrong: string[] = [];
  const byKey = [...history.committedOffsets.values()];
  for (const commit of byKey) {
    const consumer = workload.consumers[commit.partition];
    let held: number | null = null;
    for (let attempt = 0; attempt < 50 && held === null; attempt++)
      held = (await consumer?.committed()) ?? null;
    const most = history.attemptedOffsets.get(commitKey(commit)) ?? -1;
    const isLate = held !== null && history.givenUpOffsets.get(commitKey(commit))?.has(held) === true;
    if (!isLate && (held === null || held < commit.offset || held > most))
      wrong.push(`${commitKey(commit)}: committed ${commit.offset}, at most ${most}, held ${held}`);
  }
  const [member] = workload.members;
  let isVerified = false;
  for (let attempt = 0; attempt < 50 && !isVerified; attempt++) isVerified = (await member?.verify()) ?? true;
  if (!isVerified) wrong.push('nobody tells what the team has committed');
  return wrong;
}
