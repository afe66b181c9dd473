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
  | { readonly kind: 'controller-elected'; readonly epoch: number }
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

/** What the controller has written about a partition. */
type StateEvent =
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

/** Of a replica on the broker that records it. */
type ReplicaEvent =
  | (TopicPartition & {
      readonly kind: 'isr-shrink-proposed';
      readonly from: readonly BrokerId[];
      readonly to: readonly BrokerId[];
      readonly leaderEpoch: number;
      readonly leaderEndOffset: number;
      readonly highWatermark: number;
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

/** What ends a fault: its time, its count, whoever asked for it or no longer does, the broker's own end. */
export type HealReason = 'time' | 'count' | 'asked' | 'asker-gone' | 'shutdown';

/** Faults that were asked for (faults/): what comes next is no accident. */
type FaultEvent =
  | {
      readonly kind: 'fault-struck';
      /** Counts the faults of one run of the broker. */
      readonly id: number;
      readonly fault: string;
      /** As JSON. */
      readonly parameters: string;
      /** After which it ends by itself; 0: it was over when it had struck. */
      readonly forMs: number;
    }
  | {
      readonly kind: 'fault-healed';
      readonly id: number;
      readonly fault: string;
      readonly why: HealReason;
    };

export type ClusterEvent =
  | OfficeEvent
  | MembershipEvent
  | StateEvent
  | TopicEvent
  | ReassignmentEvent
  | ReplicaEvent
  | TransactionEvent
  | BrokerLifeEvent
  | FaultEvent;

export type EventKind = ClusterEvent['kind'];

/** The event of one kind. */
export type EventOf<Kind extends EventKind> = Extract<ClusterEvent, { readonly kind: Kind }>;
