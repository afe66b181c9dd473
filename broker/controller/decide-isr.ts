/**
 * Whether a leader may change its ISR: the checks of AlterPartition in Kafka's order. Pure.
 * Source: KafkaController.tryProcessAlterPartition (KIP-497, KIP-841).
 */

import { ErrorCode } from '../errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../peers/messages.ts';
import type { BrokerId } from '../types.ts';
import type { ClusterView, IsrAndLeader, PartitionView } from './cluster-state.ts';
import { RECOVERED, RECOVERING } from './leader-election.ts';
import type { LeaderWrite } from './plan.ts';

export type AlterItem = AlterPartitionRequest['partitions'][number];
export type AlterAnswer = AlterPartitionResponse['partitions'][number];

export type AlterDecision =
  | { readonly do: 'refuse'; readonly error: ErrorCode }
  /** The change is in place already: a retry whose first answer was lost. */
  | { readonly do: 'confirm'; readonly leadership: IsrAndLeader }
  | { readonly do: 'write'; readonly change: LeaderWrite };

/** The answer for the whole request, before any partition is looked at; NONE to go on. */
export function alterRequestError(view: ClusterView, broker: BrokerId, brokerEpoch: number): ErrorCode {
  return view.brokers.get(broker)?.epoch === brokerEpoch ? ErrorCode.NONE : ErrorCode.STALE_BROKER_EPOCH;
}

/** What becomes of one item of an AlterPartition. */
export function decideAlteration(view: ClusterView, item: AlterItem): AlterDecision {
  const partition = view.partition(item.topic, item.partition);
  const leadership = partition?.leadership;
  if (partition === undefined || leadership === null || leadership === undefined) {
    return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
  // The leader knows of something newer than we do: it has heard from a newer controller.
  if (item.partitionEpoch > leadership.partitionEpoch || item.leaderEpoch > leadership.leaderEpoch) {
    return refuse(ErrorCode.NOT_CONTROLLER);
  }
  if (item.leaderEpoch < leadership.leaderEpoch) return refuse(ErrorCode.FENCED_LEADER_EPOCH);
  if (isInPlace(item, leadership)) return { do: 'confirm', leadership };
  if (item.partitionEpoch < leadership.partitionEpoch) return refuse(ErrorCode.INVALID_UPDATE_VERSION);
  if (item.leaderRecoveryState === RECOVERING && item.newIsr.length > 1) {
    return refuse(ErrorCode.INVALID_REQUEST);
  }
  if (leadership.leaderRecoveryState === RECOVERED && item.leaderRecoveryState === RECOVERING) {
    return refuse(ErrorCode.INVALID_REQUEST);
  }
  if (item.newIsr.length === 0) return refuse(ErrorCode.INVALID_REQUEST);
  if (item.newIsr.some((replica) => !isEligible(view, partition, replica))) {
    return refuse(ErrorCode.INELIGIBLE_REPLICA);
  }
  return { do: 'write', change: alteration(view, partition, leadership, item) };
}

/** An answer that carries only an error. */
export function refusedAlteration({ topic, partition }: AlterItem, error: ErrorCode): AlterAnswer {
  return {
    topic,
    partition,
    error,
    leader: -1,
    leaderEpoch: -1,
    isr: [],
    leaderRecoveryState: RECOVERED,
    partitionEpoch: -1,
  };
}

/** The answer to an item whose state is now `leadership`. */
export function acceptedAlteration({ topic, partition }: AlterItem, leadership: IsrAndLeader): AlterAnswer {
  const { leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = leadership;
  const error = ErrorCode.NONE;
  return { topic, partition, error, leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch };
}

function refuse(error: ErrorCode): AlterDecision {
  return { do: 'refuse', error };
}

function isInPlace(item: AlterItem, leadership: IsrAndLeader): boolean {
  return (
    item.leaderRecoveryState === leadership.leaderRecoveryState &&
    item.newIsr.length === leadership.isr.length &&
    item.newIsr.every((replica, index) => leadership.isr[index] === replica)
  );
}

function isEligible(view: ClusterView, partition: PartitionView, replica: BrokerId): boolean {
  return (
    view.brokers.has(replica) &&
    !view.shuttingDown.has(replica) &&
    partition.assignment.replicas.includes(replica)
  );
}

/** The leader epoch stays: an ISR change is no election. */
function alteration(
  view: ClusterView,
  partition: PartitionView,
  leadership: IsrAndLeader,
  item: AlterItem,
): LeaderWrite {
  return {
    partition,
    state: {
      leader: leadership.leader,
      leaderEpoch: leadership.leaderEpoch,
      isr: item.newIsr,
      controllerEpoch: view.controllerEpoch,
      leaderRecoveryState: item.leaderRecoveryState,
    },
    expectedVersion: leadership.partitionEpoch,
    recipients: [],
    isNew: false,
    unclean: false,
  };
}
