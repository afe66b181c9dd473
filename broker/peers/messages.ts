/**
 * What brokers tell each other besides record data: Kafka's inter-broker requests with Kafka's field
 * names, as plain objects (CBOR on the wire). Every message that acts carries its sender's epoch, and
 * the receiver compares it before anything else. Error fields are Kafka error codes.
 * Source: LeaderAndIsr v7, UpdateMetadata v8, StopReplica v4, ControlledShutdown v3, AlterPartition v2,
 * AllocateProducerIds v0, WriteTxnMarkers v1, AddPartitionsToTxn v4 (to verify only) in Kafka 3.9.
 */
import type { BrokerInfo } from '../cluster.ts';
import type { ErrorCode } from '../errors.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { BrokerId, Uuid } from '../types.ts';

export interface PartitionStateMessage {
  readonly topic: string;
  readonly partition: number;
  readonly controllerEpoch: number;
  /** -1 none, -2 the topic is being deleted. */
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly isr: readonly BrokerId[];
  /** Version of the partition's state znode. */
  readonly partitionEpoch: number;
  readonly replicas: readonly BrokerId[];
  readonly addingReplicas: readonly BrokerId[];
  readonly removingReplicas: readonly BrokerId[];
  readonly isNew: boolean;
  /** 0 recovered, 1 recovering (after an unclean election). */
  readonly leaderRecoveryState: number;
  /** The event of the controller's journal that tells of this state; that of the request unless given. */
  readonly causeId?: EventId;
}

/** What everybody learns of a partition, whether he holds it or not. */
export interface UpdatePartitionMessage {
  readonly topic: string;
  readonly partition: number;
  readonly controllerEpoch: number;
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly isr: readonly BrokerId[];
  readonly partitionEpoch: number;
  readonly replicas: readonly BrokerId[];
  readonly offlineReplicas: readonly BrokerId[];
}

interface FromController {
  readonly controllerId: BrokerId;
  readonly controllerEpoch: number;
  /** The receiver's broker epoch as the controller knows it, -1 unknown. */
  readonly brokerEpoch: number;
  /** The event of the controller's journal that this follows from, for the journals of those who obey. */
  readonly causeId?: EventId;
}

/** Pairs, as topics may be named like members that objects have anyway, `__proto__` for one. */
export type TopicIds = readonly (readonly [topic: string, topicId: Uuid])[];

export interface LeaderAndIsrRequest extends FromController {
  readonly type: 'LeaderAndIsr';
  readonly topicIds: TopicIds;
  readonly partitions: readonly PartitionStateMessage[];
}

export interface PartitionError {
  readonly topic: string;
  readonly partition: number;
  readonly error: ErrorCode;
}

export interface LeaderAndIsrResponse {
  readonly error: ErrorCode;
  readonly partitions: readonly PartitionError[];
}

export interface UpdateMetadataRequest extends FromController {
  readonly type: 'UpdateMetadata';
  readonly topicIds: TopicIds;
  readonly partitions: readonly UpdatePartitionMessage[];
  /** All live brokers. */
  readonly liveBrokers: readonly BrokerInfo[];
  /**
   * Every topic there is: what is not named is gone. For a broker that may have missed a deletion, because
   * it was away or because a controller was. (What Kafka 3.9 does on a full update from KRaft.) Whatever of
   * them can be told has been told, now or before: from here on the broker knows the whole cluster.
   */
  readonly onlyTopics?: readonly string[];
}

export interface UpdateMetadataResponse {
  readonly error: ErrorCode;
}

/** Follow these partitions no longer; with `deletePartition` remove their logs as well. */
export interface StopReplicaRequest extends FromController {
  readonly type: 'StopReplica';
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    /** -1 unknown, -2 the topic is being deleted: both always apply. */
    readonly leaderEpoch: number;
    readonly deletePartition: boolean;
  }[];
}

export interface StopReplicaResponse {
  readonly error: ErrorCode;
  readonly partitions: readonly PartitionError[];
}

/** Moves the leaders away from the broker that asks; the answer names what it still leads. */
export interface ControlledShutdownRequest {
  readonly type: 'ControlledShutdown';
  readonly brokerId: BrokerId;
  readonly brokerEpoch: number;
  /** The event of the sender's journal that it follows from. */
  readonly causeId?: EventId;
}

export interface ControlledShutdownResponse {
  readonly error: ErrorCode;
  /** Partitions with more than one replica that the broker still leads. */
  readonly remainingPartitions: readonly { readonly topic: string; readonly partition: number }[];
}

/** A leader asks for other in-sync sets; each stands only for the epochs it names. */
export interface AlterPartitionRequest {
  readonly type: 'AlterPartition';
  readonly brokerId: BrokerId;
  readonly brokerEpoch: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly leaderEpoch: number;
    readonly newIsr: readonly BrokerId[];
    readonly leaderRecoveryState: number;
    readonly partitionEpoch: number;
    /** The event of the sender's journal that tells of the proposal. */
    readonly causeId?: EventId;
  }[];
}

export interface AlterPartitionResponse {
  readonly error: ErrorCode;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly error: ErrorCode;
    readonly leader: BrokerId;
    readonly leaderEpoch: number;
    readonly isr: readonly BrokerId[];
    readonly leaderRecoveryState: number;
    readonly partitionEpoch: number;
  }[];
}

/** Asks for a block of producer ids that nobody else gets. */
export interface AllocateProducerIdsRequest {
  readonly type: 'AllocateProducerIds';
  readonly brokerId: BrokerId;
  readonly brokerEpoch: number;
}

export interface AllocateProducerIdsResponse {
  readonly error: ErrorCode;
  readonly producerIdStart: number;
  readonly producerIdLength: number;
}

/** How the transaction of a producer ended, and the partitions that are to learn of it. */
export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly committed: boolean;
  /** The leader epoch of the transaction's partition of `__transaction_state`, by which old coordinators are told. */
  readonly coordinatorEpoch: number;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

export interface WriteTxnMarkersRequest {
  readonly type: 'WriteTxnMarkers';
  /** The sender. */
  readonly brokerId: BrokerId;
  readonly markers: readonly TransactionMarker[];
}

export interface WriteTxnMarkersResponse {
  /** With an error there are no answers to the markers. */
  readonly error: ErrorCode;
  /** In the order of the request. A marker that is written is on all in-sync replicas. */
  readonly markers: readonly {
    readonly producerId: number;
    readonly partitions: readonly PartitionError[];
  }[];
}

/** Asks the coordinator of some transactions whether they are open and the partitions belong to them. */
export interface VerifyTransactionsRequest {
  readonly type: 'VerifyTransactions';
  /** The sender. */
  readonly brokerId: BrokerId;
  readonly transactions: readonly {
    readonly transactionalId: string;
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  }[];
}

export interface VerifyTransactionsResponse {
  /** With an error there are no answers to the transactions. */
  readonly error: ErrorCode;
  /** NONE for a partition that belongs to the open transaction; each id at most once. */
  readonly transactions: readonly {
    readonly transactionalId: string;
    readonly partitions: readonly PartitionError[];
  }[];
}

/** Request and response by type: the one table of what peers can ask of each other. */
export interface PeerExchange {
  LeaderAndIsr: { request: LeaderAndIsrRequest; response: LeaderAndIsrResponse };
  UpdateMetadata: { request: UpdateMetadataRequest; response: UpdateMetadataResponse };
  StopReplica: { request: StopReplicaRequest; response: StopReplicaResponse };
  ControlledShutdown: { request: ControlledShutdownRequest; response: ControlledShutdownResponse };
  AlterPartition: { request: AlterPartitionRequest; response: AlterPartitionResponse };
  AllocateProducerIds: { request: AllocateProducerIdsRequest; response: AllocateProducerIdsResponse };
  WriteTxnMarkers: { request: WriteTxnMarkersRequest; response: WriteTxnMarkersResponse };
  VerifyTransactions: { request: VerifyTransactionsRequest; response: VerifyTransactionsResponse };
}

export type PeerRequestType = keyof PeerExchange;
export type PeerRequest = PeerExchange[PeerRequestType]['request'];
export type PeerResponseTo<R extends PeerRequest> = PeerExchange[R['type']]['response'];
