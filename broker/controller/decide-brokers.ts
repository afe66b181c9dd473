/**
 * What to do when brokers come, go, are about to go, or lose a disk. Pure: view in, plan out.
 *
 * A partition is settled when its leader is online and its ISR holds none but online replicas. Kafka gets
 * there in up to two writes a partition (elect, then take dead replicas from the ISR); both are decided
 * here at once, so a failover costs one write for each partition that needs one.
 * Source: KafkaController.onBrokerStartup, onBrokerFailure, onReplicasBecomeOffline, doControlledShutdown;
 * PartitionStateMachine, ReplicaStateMachine.
 */
import type { BrokerId } from '../types.ts';
import type { ClusterView, IsrAndLeader, PartitionView } from './cluster-state.ts';
import { electAfterLoss, electForShutdown, RECOVERED } from './leader-election.ts';
import { combine, electionOf, type LeaderWrite, NOTHING, type Plan, type Tell } from './plan.ts';

/** Topics, by name, whose configuration allows an unclean election. */
export type UncleanTopics = ReadonlySet<string>;

/**
 * Brings partitions in line with who is alive: makes new ones, elects where the leader is gone, takes dead
 * replicas out of ISRs. Partitions of topics that are being deleted are left alone.
 */
export function decideSettled(
  view: ClusterView,
  partitions: Iterable<PartitionView>,
  unclean: UncleanTopics,
): Plan {
  const changes: LeaderWrite[] = [];
  for (const partition of partitions) {
    if (view.topicsToDelete.has(partition.topic)) continue;
    const change = settle(view, partition, unclean.has(partition.topic));
    if (change !== null) changes.push(change);
  }
  return { ...NOTHING, changes };
}

/** Partitions that can be led again only by an unclean election: whose configuration must be known. */
export function withoutCleanLeader(view: ClusterView, partitions: Iterable<PartitionView>): PartitionView[] {
  const found: PartitionView[] = [];
  for (const partition of partitions) {
    const { leadership } = partition;
    if (leadership === null || view.topicsToDelete.has(partition.topic)) continue;
    if (leadership.leader >= 0 && view.isOnline(leadership.leader, partition)) continue;
    if (electAfterLoss(view, partition, false) === null && electAfterLoss(view, partition, true) !== null) {
      found.push(partition);
    }
  }
  return found;
}

/** Replicas have gone offline, with their broker or their disk. `lost` are the replicas of each partition. */
export function decideReplicasLost(
  view: ClusterView,
  lost: ReadonlyMap<PartitionView, readonly BrokerId[]>,
  unclean: UncleanTopics,
): Plan {
  const settled = decideSettled(view, lost.keys(), unclean);
  const tell: Tell[] = [];
  const notes: Plan['notes'][number][] = [];
  for (const [partition, replicas] of lost) {
    const leaving = view.topicsToDelete.has(partition.topic);
    for (const replica of replicas) {
      if (!leaving) notes.push({ partition, replica, status: 'Offline' });
      else if (partition.replicaStatus.get(replica) !== 'DeletionSuccessful') {
        notes.push({ partition, replica, status: 'DeletionIneligible' });
      }
      if (!leaving && view.brokers.has(replica)) {
        tell.push({ request: 'StopReplica', to: replica, partition, deletePartition: false });
      }
    }
  }
  // Also partitions whose state stays as it is have other offline replicas now.
  const known = [...lost.keys()].filter(({ leadership }) => leadership !== null);
  tell.push({ request: 'UpdateMetadata', to: 'all', partitions: known });
  return combine(settled, { changes: [], notes, tell });
}

/** What a broker that has just registered must hear of the replicas it holds, besides settling them. */
export function decideBrokersStarted(
  view: ClusterView,
  started: ReadonlySet<BrokerId>,
  unclean: UncleanTopics,
): Plan {
  const tell: Tell[] = [];
  const notes: Plan['notes'][number][] = [];
  for (const partition of view.partitionsOn(started)) {
    if (view.deletionStarted.has(partition.topic)) continue;
    const here = partition.assignment.replicas.filter((replica) => started.has(replica));
    for (const replica of here) notes.push({ partition, replica, status: 'Online' });
    if (partition.leadership !== null) {
      tell.push({ request: 'LeaderAndIsr', to: here, partition, isNew: false });
    }
  }
  const waiting = [...view.partitions()].filter(({ status }) => status !== 'Online');
  return combine({ changes: [], notes, tell }, decideSettled(view, waiting, unclean));
}

/**
 * A broker asks to leave; it is in `view.shuttingDown` already. What it leads moves where somebody else
 * can lead, what it follows it stops following. A partition with one replica stays.
 */
export function decideControlledShutdown(
  view: ClusterView,
  broker: BrokerId,
  partitions: Iterable<PartitionView>,
): Plan {
  const changes: LeaderWrite[] = [];
  const tell: Tell[] = [];
  const notes: Plan['notes'][number][] = [];
  for (const partition of partitions) {
    const { leadership } = partition;
    if (leadership === null || !moves(view, partition)) continue;
    if (leadership.leader === broker) {
      const elected = electForShutdown(view, partition);
      if (elected !== null) changes.push(electionOf(view, partition, elected));
      continue;
    }
    const change = settle(view, partition, false);
    if (change !== null) changes.push(change);
    notes.push({ partition, replica: broker, status: 'Offline' });
    tell.push({ request: 'StopReplica', to: broker, partition, deletePartition: false });
  }
  return { changes, notes, tell };
}

/** Partitions with several replicas that `broker` leads still: the answer to a controlled shutdown. */
export function stillLed(view: ClusterView, broker: BrokerId): PartitionView[] {
  return view
    .partitionsOn(new Set([broker]))
    .filter((partition) => partition.leadership?.leader === broker && moves(view, partition));
}

function moves(view: ClusterView, { topic, assignment }: PartitionView): boolean {
  return assignment.replicas.length > 1 && !view.topicsToDelete.has(topic);
}

function settle(view: ClusterView, partition: PartitionView, unclean: boolean): LeaderWrite | null {
  const { leadership } = partition;
  if (leadership === null) return firstLeader(view, partition);
  const { leader } = leadership;
  const online = (replica: BrokerId): boolean => view.isOnline(replica, partition);
  if (online(leader)) return withoutLostReplicas(view, partition, leadership, online);
  const elected = electAfterLoss(view, partition, unclean);
  if (elected !== null) return electionOf(view, partition, elected);
  // A leader that is shutting down and has no successor leads until it is gone.
  const reachable = (replica: BrokerId): boolean => view.isOnlineOrShuttingDown(replica, partition);
  if (reachable(leader)) return withoutLostReplicas(view, partition, leadership, reachable);
  return leaderless(view, partition, leadership);
}

/** A new partition: every living replica is in sync, the first of them leads. null while none lives. */
function firstLeader(view: ClusterView, partition: PartitionView): LeaderWrite | null {
  const living = partition.assignment.replicas.filter((replica) => view.isOnline(replica, partition));
  const [leader] = living;
  if (leader === undefined) return null;
  return {
    ...electionOf(view, partition, {
      leader,
      isr: living,
      leaderRecoveryState: RECOVERED,
      recipients: living,
      unclean: false,
    }),
    isNew: true,
  };
}

function withoutLostReplicas(
  view: ClusterView,
  partition: PartitionView,
  leadership: IsrAndLeader,
  stays: (replica: BrokerId) => boolean,
): LeaderWrite | null {
  const isr = leadership.isr.filter(stays);
  if (isr.length === leadership.isr.length) return null;
  const recipients = partition.assignment.replicas.filter((replica) => view.isOnline(replica, partition));
  const { leader, leaderRecoveryState } = leadership;
  return electionOf(view, partition, { leader, isr, leaderRecoveryState, recipients, unclean: false });
}

/**
 * Nobody can lead. The ISR never empties: one member stays as the one to wait for, by preference one that
 * is about to stop and will be back, then the one that led.
 */
function leaderless(
  view: ClusterView,
  partition: PartitionView,
  leadership: IsrAndLeader,
): LeaderWrite | null {
  const { leader, isr, leaderRecoveryState } = leadership;
  if (leader < 0) return null;
  const last =
    isr.find((replica) => view.isOnlineOrShuttingDown(replica, partition)) ??
    (isr.includes(leader) ? leader : isr[0]);
  const recipients = partition.assignment.replicas.filter((replica) => view.isOnline(replica, partition));
  return electionOf(view, partition, {
    leader: -1,
    isr: last === undefined ? isr : [last],
    leaderRecoveryState,
    recipients,
    unclean: false,
  });
}
