/**
 * What a test sees of a broker: a window, not a picture, and nothing in it changes anything. Said here in
 * plain types, so that who uses the kit does not get the whole broker's with them.
 */
import type { EventId, Recorded } from '../../broker/platform/event-ring.ts';

/** A broker of a test cluster; after a restart another. */
export interface KitBroker {
  readonly brokerId: number;
  readonly clusterId: string;
  /** Client ports by listener name. */
  readonly ports: ReadonlyMap<string, number>;
  readonly peerPort: number;
  /** Throws until the broker has been started. */
  readonly inside: BrokerInside;
}

export interface BrokerInside {
  readonly state: 'starting' | 'running' | 'stopping';
  /** Of its registration in ZooKeeper; -1 before the first. */
  readonly brokerEpoch: number;
  /** Towards ZooKeeper. */
  readonly session: {
    readonly state: 'connected' | 'suspended' | 'lost' | 'closed';
    /** Sessions lost since the start. */
    readonly expirations: number;
  };
  readonly controller: {
    /** This broker is the controller. */
    readonly isActive: boolean;
    readonly epoch: number;
    /** Whom it takes for the controller; -1 when it knows of none. */
    readonly controllerId: number;
  };
  readonly metadata: {
    readonly image: SeenMetadata;
    /** undefined when it knows of no such topic. */
    topic(name: string): SeenTopic | undefined;
    isAlive(broker: number): boolean;
  };
  /** What it hosts. */
  readonly replicas: { partitions(): Iterable<SeenReplica> };
  readonly logs: {
    /** undefined when it has none. */
    log(topic: string, partition: number): SeenLog | undefined;
    directories(): readonly { readonly path: string; readonly online: boolean }[];
  };
  /** What has happened to it. */
  readonly journal: { readonly lastId: EventId; since(id: EventId): readonly Recorded[] };
}

/** What it knows of the cluster at a moment. */
interface SeenMetadata {
  /** A controller has told it of the whole cluster. */
  readonly complete: boolean;
  readonly controllerId: number;
  /** The live brokers. */
  readonly brokers: ReadonlyMap<number, { readonly id: number; readonly rack: string | null }>;
  readonly topics: ReadonlyMap<string, SeenTopic>;
}

interface SeenTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: ReadonlyMap<number, SeenPartition>;
}

interface SeenPartition {
  /** -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

interface SeenReplica {
  readonly topic: string;
  readonly partition: number;
  readonly role: 'leader' | 'follower' | 'none';
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly inSyncReplicas: readonly number[] | null;
  readonly log: SeenLog | null;
}

interface SeenLog {
  readonly startOffset: number;
  /** Of the record that comes next. */
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly sizeBytes: number;
  /** Of its files. */
  readonly directory: string;
}
