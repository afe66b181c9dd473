/**
 * What can happen to a cluster, as data: one kind an event, with all that a reader needs to know of it
 * without asking anybody. The broker that records an event is in the record (journal.ts), not in the event.
 * Lists of brokers are ids; offsets, epochs and times are numbers; `…Ms` is milliseconds.
 */
import type { ErrorCode } from '../errors.ts';
import type { BrokerId } from '../types.ts';
import type { FaultEvent } from './fault-events.ts';
import type { ReassignmentEvent, ReplicaEvent, StateEvent } from './partition-events.ts';

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
  /** Nobody is answered from it until another replica leads: others have whole what is damaged here. */
  | {
      readonly kind: 'transactions-failed';
      readonly partition: number;
      readonly leaderEpoch: number;
      readonly reason: string;
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
  | BrokerLifeEvent
  | FaultEvent;

export type EventKind = ClusterEvent['kind'];

/** The event of one kind. */
export type EventOf<Kind extends EventKind> = Extract<ClusterEvent, { readonly kind: Kind }>;
