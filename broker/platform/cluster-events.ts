/**
 * What can happen to a cluster, as data: one kind an event, with all that a reader needs to know of it
 * without asking anybody. The broker that records an event is in the record (journal.ts), not in the event.
 * Lists of brokers are ids; offsets, epochs and times are numbers; `…Ms` is milliseconds.
 */
import type { ErrorCode } from '../errors.ts';
import type { BrokerId, TopicPartition } from '../types.ts';

/** How long each phase of taking office took. */
export interface FailoverTimeline {
  readonly controllerId: BrokerId;
  readonly epoch: number;
  /** From the attempt to the won election. */
  readonly electedMs: number;
  /** Reading brokers, topics and partition states. */
  readonly loadMs: number;
  /** Deciding and committing new leaders and ISRs, up to the hand-over of the requests. */
  readonly leadersMovedMs: number;
  /** All of it, with pending deletions, reassignments and elections. */
  readonly totalMs: number;
  readonly brokers: number;
  readonly partitions: number;
  /** Partitions whose state was written. */
  readonly partitionsMoved: number;
}

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

/** Of the broker's term of office, or of the office that it sees others hold. */
type OfficeEvent =
  /** `epochVersion`: of the node /controller_epoch, by which every write of the term is fenced. */
  | { readonly kind: 'controller-elected'; readonly epoch: number; readonly epochVersion: number }
  /** The node /controller is gone, which this broker had held. */
  | { readonly kind: 'controller-gone'; readonly controllerId: BrokerId }
  | ({ readonly kind: 'failover-finished' } & FailoverTimeline)
  | { readonly kind: 'controller-resigned'; readonly epoch: number; readonly reason: string }
  /**
   * A write was refused because somebody newer holds the office; `during` names what was going on. Epoch 0:
   * this broker held none any more.
   */
  | {
      readonly kind: 'controller-fenced';
      readonly epoch: number;
      readonly during: string;
      readonly reason: string;
    }
  /** ZooKeeper could not be reached in the middle of something: a term, if there is one, can't go on. */
  | {
      readonly kind: 'controller-interrupted';
      readonly epoch: number;
      readonly during: string;
      readonly reason: string;
    }
  /** The holder of the office as this broker sees it, -1 nobody. */
  | { readonly kind: 'controller-changed'; readonly controllerId: BrokerId; readonly isSelf: boolean }
  | { readonly kind: 'candidacy-resumed'; readonly brokerEpoch: number };

/** Of the brokers of the cluster, as its controller sees them. */
type MembershipEvent =
  | {
      readonly kind: 'brokers-changed';
      readonly joined: readonly BrokerId[];
      /** Back under a new epoch, without having been seen gone. */
      readonly bounced: readonly BrokerId[];
      readonly left: readonly BrokerId[];
      /** All of these with their broker epochs, the czxids of their registrations: the new one, or the one that is gone. */
      readonly registrations: readonly { readonly broker: BrokerId; readonly epoch: number }[];
    }
  | {
      readonly kind: 'lost-leaders-replaced';
      readonly brokers: readonly BrokerId[];
      /** Partitions that they led, and how many of these have a leader again. */
      readonly led: number;
      readonly moved: number;
      readonly tookMs: number;
    }
  | { readonly kind: 'stranger-registered'; readonly broker: BrokerId }
  | { readonly kind: 'log-directories-reported'; readonly brokers: readonly BrokerId[] }
  | {
      readonly kind: 'controlled-shutdown-granted';
      readonly broker: BrokerId;
      /** Partitions that it leads on, as nobody can succeed it. */
      readonly remaining: number;
    }
  | { readonly kind: 'controlled-shutdown-refused'; readonly broker: BrokerId; readonly error: ErrorCode };

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
type StateEvent =
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

type TopicEvent =
  | { readonly kind: 'topics-created'; readonly topics: readonly string[] }
  | { readonly kind: 'topic-grown'; readonly topic: string; readonly added: number }
  | { readonly kind: 'topic-growth-undone'; readonly topic: string }
  | {
      readonly kind: 'new-partitions-leaderless';
      readonly why: 'no-living-replica' | 'not-written';
      readonly count: number;
      /** The first of them. */
      readonly partitions: readonly string[];
    }
  | {
      readonly kind: 'topic-deletion-refused';
      readonly topics: readonly string[];
      readonly why: 'no-such-topics' | 'not-enabled';
    }
  | { readonly kind: 'topic-deletion-begun'; readonly topics: readonly string[] }
  | { readonly kind: 'topic-deletion-waits'; readonly topic: string }
  | { readonly kind: 'topic-deleted'; readonly topic: string }
  /** Its znode is gone, and no deletion of this term has removed it. */
  | { readonly kind: 'topic-vanished'; readonly topic: string };

type ReassignmentEvent =
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
type ReplicaEvent =
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

/** Of the transactional ids that this broker coordinates. */
type TransactionEvent =
  | {
      readonly kind: 'transactions-loaded';
      /** Of `__transaction_state`. */
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly ids: number;
      /** Those whose end was decided before, and whose partitions are told now. */
      readonly resumed: number;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'transactions-resigned';
      readonly partition: number;
      readonly why: 'moved' | 'deleted';
    }
  /** Its open transaction is aborted. `producerEpoch` is the one that nobody has. */
  | {
      readonly kind: 'producer-fenced';
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly why: 'timed-out' | 'replaced';
    }
  /** A partition has heard of a newer coordinator, or of a newer epoch of the producer. */
  | {
      readonly kind: 'transaction-markers-fenced';
      readonly transactionalId: string;
      readonly producerId: number;
      readonly error: ErrorCode;
    }
  | { readonly kind: 'transactional-ids-expired'; readonly partition: number; readonly ids: number };

/** Of what clients ask of this broker. */
type ClientEvent =
  /** What was refused for partitions since the one before, or in the first second. */
  | {
      readonly kind: 'client-errors';
      readonly periodMs: number;
      readonly errors: readonly {
        readonly api: 'Produce' | 'Fetch';
        readonly error: ErrorCode;
        readonly count: number;
        /** The first of them. */
        readonly partitions: readonly string[];
      }[];
    }
  /** Dynamic configs that have taken effect here; values may be secret, and are not told. */
  | {
      readonly kind: 'configs-changed';
      /** null: of the broker, or of all brokers. */
      readonly topic: string | null;
      readonly names: readonly string[];
    };

/** Of the broker itself. */
type BrokerLifeEvent =
  | { readonly kind: 'session-suspended' }
  | { readonly kind: 'session-resumed' }
  /** Session ids as ZooKeeper's tools print them: hexadecimal, with 0x. */
  | { readonly kind: 'session-lost'; readonly sessionId: string }
  | { readonly kind: 'session-regained'; readonly sessionId: string }
  | { readonly kind: 'broker-id-awaited'; readonly reason: string; readonly limitMs: number }
  | {
      readonly kind: 'broker-registered';
      readonly brokerId: BrokerId;
      readonly path: string;
      readonly brokerEpoch: number;
    }
  | { readonly kind: 'broker-started' }
  | { readonly kind: 'shutdown-begun' }
  | { readonly kind: 'leaders-remain'; readonly partitions: number; readonly error: ErrorCode }
  /** The broker goes, and leaders that could not be moved go with it. */
  | { readonly kind: 'shutdown-unclean' }
  | { readonly kind: 'shutdown-finished' };

export type ClusterEvent =
  | OfficeEvent
  | MembershipEvent
  | StateEvent
  | TopicEvent
  | ReassignmentEvent
  | ReplicaEvent
  | TransactionEvent
  | ClientEvent
  | BrokerLifeEvent;

export type EventKind = ClusterEvent['kind'];

/** The event of one kind. */
export type EventOf<Kind extends EventKind> = Extract<ClusterEvent, { readonly kind: Kind }>;
