/**
 * Elections somebody asks for: the admin API, the legacy znode, the periodic check that leaders are where
 * the assignment wants them. Source: KafkaController.processReplicaLeaderElection,
 * checkAndTriggerAutoLeaderRebalance.
 */
import { preferredElectionZnode } from '../../coordinator-client/admin-znodes.ts';
import { readable } from '../../coordinator-client/znode-json.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { type BrokerId, type PartitionKey, partitionKey, type TopicPartition } from '../types.ts';
import {
  type ClusterView,
  isReassigning,
  type PartitionRecord,
  type PartitionView,
} from './cluster-state.ts';
import { decideSettled } from './decide-brokers.ts';
import { electAfterLoss, electPreferred } from './leader-election.ts';
import { electionOf, NOTHING, type Plan } from './plan.ts';
import type { Term } from './term.ts';

export type ElectionType = 'preferred' | 'unclean';

export interface ElectionAnswer extends TopicPartition {
  readonly error: number;
}

/** `asked` null: all partitions. */
export async function electLeaders(
  term: Term,
  type: ElectionType,
  asked: readonly TopicPartition[] | null,
): Promise<ElectionAnswer[]> {
  const { state } = term;
  const partitions: readonly TopicPartition[] = asked ?? [...state.partitions()];
  const errors = new Map<PartitionKey, number>();
  const candidates: PartitionRecord[] = [];
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition);
    const error = electionError(state, type, topic, partition);
    const record = state.partition(topic, partition);
    errors.set(key, error);
    if (error === ErrorCode.NONE && record !== undefined) candidates.push(record);
  }
  const { written, failed } = await term.carryOut(candidates, (undecided) =>
    decideElections(state, type, undecided),
  );
  for (const { key } of candidates) {
    if (!written.has(key)) errors.set(key, failed.has(key) ? ErrorCode.NOT_CONTROLLER : unavailable(type));
  }
  return partitions.map(({ topic, partition }) => {
    const error = errors.get(partitionKey(topic, partition)) ?? ErrorCode.NONE;
    return { topic, partition, error };
  });
}

/** The preferred elections of the legacy znode; it is removed when they are over. */
export async function preferredElectionNode(term: Term): Promise<void> {
  const node = await term.options.store.coordinator.read(preferredElectionZnode.path);
  term.inOffice();
  if (node === null) return;
  const asked = readable(() => preferredElectionZnode.decode(node.data), term.unreadable);
  await electLeaders(term, 'preferred', asked ?? []);
  await term.options.fenced.deletePreferredElection();
}

/** The periodic check. Brokers whose share of leaders elsewhere is above the limit get theirs back. */
export async function rebalanceLeaders(term: Term): Promise<void> {
  const limit = term.options.config.leaderImbalancePerBrokerPercentage / 100;
  const candidates = decideRebalance(term.state, limit);
  if (candidates.length === 0) return;
  const answers = await electLeaders(term, 'preferred', candidates);
  const moved = answers.filter(({ error }) => error === ErrorCode.NONE).length;
  term.options.diagnostics.info(
    `Leaders rebalanced: ${moved} partitions are led by their first replica again`,
  );
}

/** Pure: the partitions to give back, of brokers out of balance, as far as their first replica can lead. */
export function decideRebalance(view: ClusterView, limit: number): PartitionView[] {
  const byPreferred = new Map<BrokerId, PartitionView[]>();
  for (const partition of view.partitions()) {
    const preferred = partition.assignment.replicas[0];
    if (preferred === undefined || view.topicsToDelete.has(partition.topic)) continue;
    const there = byPreferred.get(preferred);
    if (there === undefined) byPreferred.set(preferred, [partition]);
    else there.push(partition);
  }
  const candidates: PartitionView[] = [];
  for (const [preferred, partitions] of byPreferred) {
    const elsewhere = partitions.filter(({ leadership }) => leadership?.leader !== preferred);
    if (elsewhere.length / partitions.length <= limit) continue;
    candidates.push(...elsewhere.filter((one) => !isReassigning(one) && electPreferred(view, one) !== null));
  }
  return candidates;
}

/** Unclean elections have become allowed, for one topic or by default: another try. */
export async function retryElections(term: Term, topic: string | null): Promise<void> {
  const { state } = term;
  const offline = [...state.partitions()].filter(
    (partition) => partition.status !== 'Online' && (topic === null || partition.topic === topic),
  );
  const unclean = await term.uncleanTopics(offline);
  await term.carryOut(offline, (undecided) => decideSettled(state, undecided, unclean));
}

/** The admin API may elect uncleanly whatever the configuration says. */
function decideElections(view: ClusterView, type: ElectionType, partitions: readonly PartitionView[]): Plan {
  const changes = partitions.flatMap((partition) => {
    const elected =
      type === 'preferred' ? electPreferred(view, partition) : electAfterLoss(view, partition, true);
    return elected === null ? [] : [electionOf(view, partition, elected)];
  });
  return { ...NOTHING, changes };
}

function electionError(view: ClusterView, type: ElectionType, topic: string, partition: number): number {
  const record = view.partition(topic, partition);
  if (record === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (view.topicsToDelete.has(topic)) return ErrorCode.INVALID_TOPIC_EXCEPTION;
  const leader = record.leadership?.leader ?? -1;
  const needed =
    type === 'preferred'
      ? leader !== record.assignment.replicas[0]
      : leader < 0 || !view.isOnlineOrShuttingDown(leader, record);
  return needed ? ErrorCode.NONE : ErrorCode.ELECTION_NOT_NEEDED;
}

function unavailable(type: ElectionType): number {
  return type === 'preferred'
    ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
    : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE;
}
