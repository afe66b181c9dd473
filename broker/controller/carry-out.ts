/**
 * Carrying a plan out: its states are committed, then noted and recorded, then told. Where somebody else has written
 * a state meanwhile, it is read and decided anew. Throws TermOver once the term is over, and ControllerMoved when a
 * newer controller's hand is seen. Source: kafka.controller.ZkPartitionStateMachine.
 */
import { ControllerMoved, type PartitionWritten } from '../../coordinator-client/stores/fenced-store.ts';
import type { StoredState } from '../../coordinator-client/stores/topics-store.ts';
import type { StateReason } from '../platform/partition-events.ts';
import { type BrokerId, type PartitionKey, partitionKey } from '../types.ts';
import type { IsrAndLeader, PartitionView } from './cluster-state.ts';
import type { LeaderWrite, Plan } from './plan.ts';
import type { RequestBatch } from './request-batch.ts';
import { recordStates, type StateWritten } from './state-events.ts';
import type { Term } from './term.ts';

interface CarriedOut {
  /** Partitions whose state was written as decided. */
  readonly written: ReadonlySet<PartitionKey>;
  /** Partitions whose state somebody else keeps changing, or whose node is gone. */
  readonly failed: ReadonlySet<PartitionKey>;
}

/** How often a decision is made anew because somebody else has written a state meanwhile. */
const MAX_ROUNDS = 10;

/**
 * Commits what `decide` asks for, all partitions pipelined; where somebody else has written a state
 * meanwhile, reads it and decides again for those partitions only; then tells. `reason` goes into the
 * events of what is written.
 */
export async function carryOut(
  term: Term,
  reason: StateReason,
  partitions: readonly PartitionView[],
  decide: (partitions: readonly PartitionView[]) => Plan,
): Promise<CarriedOut> {
  const batch = term.newBatch();
  const written = new Set<PartitionKey>();
  const failed = new Set<PartitionKey>();
  let undecided = partitions;
  for (let round = 1; round === 1 || undecided.length > 0; round++) {
    const plan = decide(undecided);
    const results = await write(term, plan.changes);
    const refused: PartitionView[] = [];
    const changed: StateWritten[] = [];
    plan.changes.forEach((change, index) => {
      const result = results[index];
      if (result?.ok) {
        changed.push(wrote(term, change, result.version, batch));
        written.add(change.partition.key);
      } else refused.push(change.partition);
    });
    for (const [key, id] of recordStates(term, reason, changed)) batch.toldIn(key, id);
    for (const { partition, replica, status } of plan.notes) {
      term.state.setReplicaStatus(partition, replica, status);
    }
    // What follows from a change that was refused is decided anew with it: nothing may be deleted meanwhile.
    const waiting = new Set(refused.map(({ key }) => key));
    for (const tell of plan.tell) {
      if (tell.request === 'UpdateMetadata' || !waiting.has(tell.partition.key)) batch.add(tell);
    }
    const again = await reread(term, refused);
    undecided = round < MAX_ROUNDS ? again : [];
    for (const { key } of refused) failed.add(key);
    for (const { key } of undecided) failed.delete(key);
  }
  term.send(batch);
  return { written, failed };
}

/** Reads states again; answers the partitions that have one. A newer controller's hand ends the term. */
export async function reread(term: Term, partitions: readonly PartitionView[]): Promise<PartitionView[]> {
  if (partitions.length === 0) return [];
  const states = await term.store.topics.partitionStates(partitions, term.unreadable);
  return partitions.filter((partition, index) => {
    const stored = states[index] ?? null;
    if (stored === null) {
      const { topic, partition: number } = partition;
      term.record({ kind: 'partition-state-vanished', topic, partition: number });
      return false;
    }
    if (stored.controllerEpoch > term.epoch) {
      throw new ControllerMoved(`${partition.key} was written by epoch ${stored.controllerEpoch}`);
    }
    term.state.setLeadership(partition, isrAndLeaderOf(stored));
    return true;
  });
}

async function write(term: Term, changes: readonly LeaderWrite[]): Promise<PartitionWritten[]> {
  const creates: LeaderWrite[] = [];
  const updates: (LeaderWrite & { readonly expectedVersion: number })[] = [];
  for (const change of changes) {
    const { expectedVersion } = change;
    if (expectedVersion === null) creates.push(change);
    else updates.push({ ...change, expectedVersion });
  }
  const stateOf = ({ partition, state }: LeaderWrite) => ({
    topic: partition.topic,
    partition: partition.partition,
    state,
  });
  const { fenced } = term;
  const [created, updated] = await Promise.all([
    fenced.createPartitionStates(creates.map(stateOf)),
    fenced.updatePartitionStates(
      updates.map((change) => ({ ...stateOf(change), version: change.expectedVersion })),
    ),
  ]);
  const byKey = new Map<PartitionKey, PartitionWritten>();
  for (const [list, results] of [
    [creates, created],
    [updates, updated],
  ] as const) {
    list.forEach(({ partition }, index) => {
      const result = results[index];
      if (result !== undefined) byKey.set(partition.key, result);
    });
  }
  return changes.map(({ partition: { topic, partition } }) => {
    return byKey.get(partitionKey(topic, partition)) ?? { ok: false, reason: 'invalid' };
  });
}

function wrote(term: Term, change: LeaderWrite, version: number, batch: RequestBatch): StateWritten {
  const { partition, state, recipients, isNew, unclean } = change;
  const before = partition.leadership;
  const now = { ...state, partitionEpoch: version };
  term.state.setLeadership(partition, now);
  if (isNew) for (const replica of partition.assignment.replicas) madeReplica(term, partition, replica);
  if (before?.leader !== state.leader) term.options.elections.add(1);
  if (unclean) term.options.uncleanElections.add(1);
  batch.add({ request: 'LeaderAndIsr', to: recipients, partition, isNew });
  return { partition, unclean, before, now };
}

function madeReplica(term: Term, partition: PartitionView, replica: BrokerId): void {
  const online = term.state.isOnline(replica, partition);
  term.state.setReplicaStatus(partition, replica, online ? 'Online' : 'Offline');
}

/** A partition's stored state, with the version of its znode as the partition epoch. */
export function isrAndLeaderOf({ version, ...state }: StoredState): IsrAndLeader {
  return { ...state, partitionEpoch: version };
}
