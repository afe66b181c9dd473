/**
 * What a decision asks for, as data: states to write (each on its own, so that one refusal loses no
 * neighbour), statuses to note, and what to tell to whom once the writes are done. carry-out.ts
 * carries it out in this order.
 */
import type { PartitionState } from '../../coordinator-client/znodes/znodes.ts';
import type { BrokerId } from '../types.ts';
import type { ClusterView, PartitionView, ReplicaStatus } from './cluster-state.ts';
import type { Elected } from './leader-election.ts';

/** A state to be written; it is told once it stands. */
export interface LeaderWrite {
  readonly partition: PartitionView;
  readonly state: PartitionState;
  /** Data version the znode must have, null to make it. */
  readonly expectedVersion: number | null;
  /** Who gets LeaderAndIsr; everyone gets UpdateMetadata. */
  readonly recipients: readonly BrokerId[];
  readonly isNew: boolean;
  readonly unclean: boolean;
}

/** A replica's status in this controller's memory; nothing is written. */
export interface ReplicaNote {
  readonly partition: PartitionView;
  readonly replica: BrokerId;
  readonly status: ReplicaStatus;
}

export interface MetadataTell {
  readonly request: 'UpdateMetadata';
  readonly to: readonly BrokerId[] | 'all';
  readonly partitions: readonly PartitionView[];
  /** With this the receivers have been told all there is; what else they know is gone. */
  readonly forgetOthers?: true;
}

/** What brokers are told without anything being written for it. */
export type Tell =
  | {
      readonly request: 'LeaderAndIsr';
      readonly to: readonly BrokerId[];
      readonly partition: PartitionView;
      readonly isNew: boolean;
    }
  | MetadataTell
  | {
      readonly request: 'StopReplica';
      readonly to: BrokerId;
      readonly partition: PartitionView;
      readonly deletePartition: boolean;
    };

export interface Plan {
  readonly changes: readonly LeaderWrite[];
  readonly notes: readonly ReplicaNote[];
  readonly tell: readonly Tell[];
}

export const NOTHING: Plan = { changes: [], notes: [], tell: [] };

/** One plan of several, in their order. */
export function combine(...plans: readonly Plan[]): Plan {
  return {
    changes: plans.flatMap(({ changes }) => changes),
    notes: plans.flatMap(({ notes }) => notes),
    tell: plans.flatMap(({ tell }) => tell),
  };
}

/** The write that makes an election good: one leader epoch on. */
export function electionOf(view: ClusterView, partition: PartitionView, elected: Elected): LeaderWrite {
  return {
    partition,
    state: {
      leader: elected.leader,
      leaderEpoch: (partition.leadership?.leaderEpoch ?? -1) + 1,
      isr: elected.isr,
      controllerEpoch: view.controllerEpoch,
      leaderRecoveryState: elected.leaderRecoveryState,
    },
    expectedVersion: partition.leadership?.partitionEpoch ?? null,
    recipients: elected.recipients,
    isNew: false,
    unclean: elected.unclean,
  };
}
