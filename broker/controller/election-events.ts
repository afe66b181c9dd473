/**
 * Elections somebody asks for: the admin API, the legacy znode, the periodic check that leaders are where
 * the assignment wants them. Source: KafkaController.processReplicaLeaderElection,
 * checkAndTriggerAutoLeaderRebalance.
 */

import { preferredElectionZnode } from '../../coordinator-client/znodes/admin-znodes.ts';
import { readable } from '../../coordinator-client/znodes/znode-json.ts';
import { ErrorCode } from '../errors.ts';
import { LargeMap } from '../large-map.ts';
import { gathered, LOOKS_PER_STEP, type Steps } from '../platform/turns.ts';
import { type BrokerId, type PartitionKey, partitionKey, type TopicPartition } from '../types.ts';
import { carryOut } from './carry-out.ts';
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
  readonly error: ErrorCode;
  /** Kafka's words, null when there is nothing to say. */
  readonly message: string | null;
}

type Verdict = Pick<ElectionAnswer, 'error' | 'message'>;

const DONE: Verdict = { error: ErrorCode.NONE, message: null };

/** `asked` null: all partitions. One answer a partition, however often it is asked for. */
export async function runElection(
  term: Term,
  type: ElectionType,
  asked: readonly TopicPartition[] | null,
): Promise<ElectionAnswer[]> {
  const { state } = term;
  const { verdicts, candidates } = await term.turns.take(judged(term, type, asked));
  const { written, failed } = await carryOut(term, `${type}-election`, candidates, (undecided) =>
    decideElections(state, type, undecided),
  );
  for (const { topic, partition, key } of candidates) {
    if (written.has(key)) continue;
    const overtaken = { error: ErrorCode.NOT_CONTROLLER, message: null };
    verdicts.set(key, { topic, partition, ...(failed.has(key) ? overtaken : unavailable(type, key)) });
  }
  return term.turns.take(gathered(verdicts.values()));
}

interface Judged {
  readonly verdicts: Map<PartitionKey, ElectionAnswer>;
  /** Of whom an election is needed. */
  readonly candidates: readonly PartitionRecord[];
}

function* judged(
  { state }: Term,
  type: ElectionType,
  asked: readonly TopicPartition[] | null,
): Steps<Judged> {
  const verdicts = new LargeMap<PartitionKey, ElectionAnswer>();
  const candidates: PartitionRecord[] = [];
  let looked = 0;
  for (const { topic, partition } of asked ?? state.partitions()) {
    if (++looked % LOOKS_PER_STEP === 0) yield;
    const key = partitionKey(topic, partition);
    if (verdicts.has(key)) continue;
    const verdict = electionError(state, type, topic, partition);
    const record = state.partition(topic, partition);
    verdicts.set(key, { topic, partition, ...verdict });
    if (verdict.error === ErrorCode.NONE && record !== undefined) candidates.push(record);
  }
  return { verdicts, candidates };
}

/** The preferred elections of the legacy znode; it is removed when they are over. */
export async function preferredElectionNode(term: Term): Promise<void> {
  const node = await term.store.coordinator.read(preferredElectionZnode.path);
  if (node === null) return;
  const asked = readable(() => preferredElectionZnode.decode(node.data), term.unreadable);
  await runElection(term, 'preferred', asked ?? []);
  await term.fenced.deletePreferredElection();
}

/** The periodic check. Brokers whose share of leaders elsewhere is above the limit get theirs back. */
export async function rebalanceLeaders(term: Term): Promise<void> {
  const limit = term.options.config.leaderImbalancePerBrokerPercentage / 100;
  const candidates = decideRebalance(term.state, limit);
  if (candidates.length === 0) return;
  const answers = await runElection(term, 'preferred', candidates);
  const moved = answers.filter(({ error }) => error === ErrorCode.NONE).length;
  term.record({ kind: 'leaders-rebalanced', moved });
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
  await carryOut(term, 'unclean-election', offline, (undecided) => decideSettled(state, undecided, unclean));
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

function electionError(view: ClusterView, type: ElectionType, topic: string, partition: number): Verdict {
  const record = view.partition(topic, partition);
  if (record === undefined) {
    return { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: 'The partition does not exist.' };
  }
  if (view.topicsToDelete.has(topic)) {
    return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: 'The topic is being deleted' };
  }
  const leader = record.leadership?.leader ?? -1;
  const needed =
    type === 'preferred'
      ? leader !== record.assignment.replicas[0]
      : leader < 0 || !view.isOnlineOrShuttingDown(leader, record);
  if (needed) return DONE;
  return {
    error: ErrorCode.ELECTION_NOT_NEEDED,
    message: 'Leader election not needed for topic partition.',
  };
}

/** Kafka names its strategies by their classes. */
function unavailable(type: ElectionType, key: PartitionKey): Verdict {
  const [error, strategy] =
    type === 'preferred'
      ? [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, 'PreferredReplicaPartitionLeaderElectionStrategy']
      : [ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'OfflinePartitionLeaderElectionStrategy(true)'];
  return { error, message: `Failed to elect leader for partition ${key} under strategy ${strategy}` };
}
