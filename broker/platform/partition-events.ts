/**
 * What can happen to partitions and their replicas, as data: the states that controllers write, moves to
 * other brokers, and what becomes of the replicas of one broker. Part of cluster-events.ts, with its rules.
 */
import type { ErrorCode } from '../errors.ts';
import type { BrokerId, TopicPartition } from '../types.ts';

/** Why a controller wrote the state of a partition. */
export type StateReason =
  | 'failover'
  | 'broker-started'
  | 'broker-lost'
  | 'replica-lost'
  | 'controlled-shutdown'
  | 'new-partition'
  | 'topic-deletion'
  | 'reassignment'
  | 'preferred-election'
  | 'unclean-election'
  | 'repair';

/** Why in-sync replicas changed: their leader saw them lag or catch up, or the controller decided. */
export type IsrReason = StateReason | 'lagging' | 'caught-up';

interface IsrWritten extends TopicPartition {
  readonly from: readonly BrokerId[];
  readonly to: readonly BrokerId[];
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly controllerEpoch: number;
  readonly reason: IsrReason;
}

/** Partitions by topic: their numbers as `0-99,105`. Pairs, as a topic may be named `__proto__`. */
export type PartitionsByTopic = readonly (readonly [topic: string, partitions: string])[];

/** Partitions of which the same was written. */
export interface AlikeWritten {
  /** The leaders before and after; the same where only the ISR has changed. */
  readonly from: BrokerId;
  readonly to: BrokerId;
  readonly isrFrom: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly unclean: boolean;
  readonly topics: PartitionsByTopic;
}

/** What the controller has written about a partition. */
export type StateEvent =
  /** Many at once: in the place of a leader-moved, an isr-shrunk or an isr-expanded for each. */
  | {
      readonly kind: 'partitions-moved';
      readonly reason: StateReason;
      readonly controllerEpoch: number;
      /** Partitions whose state was written. */
      readonly partitions: number;
      /** Of these, how many have another leader, have none now, have lost and have got in-sync replicas. */
      readonly leadersMoved: number;
      readonly leaderless: number;
      readonly isrsShrunk: number;
      readonly isrsExpanded: number;
      /** How many are led by a replica that was not in sync, and the first of them. */
      readonly unclean: number;
      readonly uncleanPartitions: readonly string[];
      /** All of them, unless that were too much: then so many are left out. */
      readonly details: readonly AlikeWritten[];
      readonly detailsLeftOut: number;
    }
  | (TopicPartition & {
      readonly kind: 'leader-moved';
      /** -1: there was, or is, none. */
      readonly from: BrokerId;
      readonly to: BrokerId;
      readonly isr: readonly BrokerId[];
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
      readonly controllerEpoch: number;
      readonly reason: StateReason;
      /** The new leader was not in sync. */
      readonly unclean: boolean;
    })
  | ({ readonly kind: 'isr-shrunk' } & IsrWritten)
  | ({ readonly kind: 'isr-expanded' } & IsrWritten)
  | (TopicPartition & { readonly kind: 'partition-state-vanished' })
  | {
      readonly kind: 'partitions-repaired';
      readonly count: number;
      /** The first of them. */
      readonly partitions: readonly string[];
    }
  | { readonly kind: 'leaders-rebalanced'; readonly moved: number };

export type ReassignmentEvent =
  | (TopicPartition & {
      readonly kind: 'reassignment-begun';
      readonly from: readonly BrokerId[];
      readonly to: readonly BrokerId[];
    })
  | (TopicPartition & {
      readonly kind: 'reassignment-step';
      /** Replicas that have to catch up, and those that leave then. */
      readonly adding: readonly BrokerId[];
      readonly removing: readonly BrokerId[];
    })
  | (TopicPartition & { readonly kind: 'reassignment-held-up' })
  | (TopicPartition & { readonly kind: 'reassignment-unwritten' })
  | (TopicPartition & { readonly kind: 'reassignment-finished'; readonly replicas: readonly BrokerId[] })
  | (TopicPartition & { readonly kind: 'reassignment-refused'; readonly reason: string });

/** Replicas of this broker that have the same leader in the same epoch now. */
export interface AlikeLed {
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly topics: PartitionsByTopic;
}

interface RoleTaken extends TopicPartition {
  readonly leaderEpoch: number;
  /** The version of the partition's state in ZooKeeper that says so. */
  readonly partitionEpoch: number;
  readonly controllerEpoch: number;
  readonly isr: readonly BrokerId[];
  /** Where its log ends by then. */
  readonly endOffset: number;
}

/** Of a replica on the broker that records it. */
export type ReplicaEvent =
  | ({ readonly kind: 'became-leader' } & RoleTaken)
  | ({ readonly kind: 'became-follower'; readonly leader: BrokerId } & RoleTaken)
  /** Many at once: in the place of a became-leader or a became-follower for each. */
  | {
      readonly kind: 'roles-taken';
      readonly leading: number;
      readonly following: number;
      readonly details: readonly AlikeLed[];
    }
  /** What a controller wanted of this broker, and was not done: it is not the controller, or means a former broker. */
  | {
      readonly kind: 'controller-order-refused';
      readonly order: 'LeaderAndIsr' | 'UpdateMetadata' | 'StopReplica';
      readonly controllerId: BrokerId;
      readonly controllerEpoch: number;
      readonly error: ErrorCode;
      /** The highest epoch of a controller that this broker has obeyed. */
      readonly knownEpoch: number;
    }
  | (TopicPartition & {
      readonly kind: 'isr-shrink-proposed';
      readonly from: readonly BrokerId[];
      readonly to: readonly BrokerId[];
      readonly leaderEpoch: number;
      readonly leaderEndOffset: number;
      readonly highWatermark: number;
      /** Those to go: where their logs end as far as is known, else -1, and how long ago they had all; -1: never. */
      readonly lagging: readonly {
        readonly broker: BrokerId;
        readonly endOffset: number;
        readonly behindMs: number;
      }[];
    })
  | (TopicPartition & {
      readonly kind: 'isr-expand-proposed';
      readonly from: readonly BrokerId[];
      readonly to: readonly BrokerId[];
      readonly leaderEpoch: number;
    })
  | (TopicPartition & { readonly kind: 'isr-change-refused'; readonly error: ErrorCode })
  | (TopicPartition & {
      readonly kind: 'log-truncated';
      readonly from: number;
      readonly to: number;
      readonly highWatermark: number;
      readonly why:
        | { readonly rule: 'leader-epoch'; readonly epoch: number; readonly endOffset: number }
        /** The log ends after the leader's. */
        | { readonly rule: 'leader-end' }
        /** The log ends before the leader's begins: nothing of it is kept. */
        | { readonly rule: 'leader-start' }
        /** A recovery found records missing there, before others. */
        | { readonly rule: 'hole' }
        /** It has no epoch history to compare by. */
        | { readonly rule: 'no-epochs' };
    })
  /** The replica was moved to others while this broker was away. */
  | (TopicPartition & { readonly kind: 'replica-left'; readonly replicas: readonly BrokerId[] })
  | (TopicPartition & { readonly kind: 'replica-offline'; readonly directory: string })
  | { readonly kind: 'log-directory-failed'; readonly directory: string; readonly reason: string }
  | {
      readonly kind: 'groups-loaded';
      /** Of `__consumer_offsets`. */
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly groups: number;
      readonly tookMs: number;
    }
  /** Nobody is answered from it until another replica leads: others have whole what is damaged here. */
  | {
      readonly kind: 'groups-failed';
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly reason: string;
    }
  /** Its session has ended; it is no member any more. */
  | { readonly kind: 'group-member-failed'; readonly groupId: string; readonly memberId: string }
  /** A generation, with how many have come and gone since the one before; neither: they joined again. */
  | {
      readonly kind: 'group-rebalanced';
      readonly groupId: string;
      readonly generationId: number;
      readonly members: number;
      readonly joined: number;
      readonly left: number;
    }
  | {
      readonly kind: 'groups-resigned';
      readonly partition: number;
      readonly why: 'moved' | 'deleted';
    };
