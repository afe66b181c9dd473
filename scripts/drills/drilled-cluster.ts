/**
 * The cluster that a drill is run on, whichever system it is of. All that was done to it can be taken back by `heal`,
 * and ends with this process however it ends.
 */
import type { Recorded } from '../../broker/platform/event-ring.ts';
import type { AdminClient, ClusterMetadata } from '../cli/admin-client.ts';

export const BROKERS = 3;
export const SESSION_TIMEOUT_MS = 3000;

/** Of every broker of it; all are Kafka's. */
export const DRILL_PROPERTIES = {
  'offsets.topic.num.partitions': '6',
  'transaction.state.log.num.partitions': '6',
  'transaction.state.log.replication.factor': '3',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  // Leaders stay where the drill has put them; it is the drill that moves them.
  'auto.leader.rebalance.enable': 'false',
  // A follower that is silent is left out while somebody watches.
  'replica.lag.time.max.ms': '4000',
};

export interface BrokerView {
  readonly id: number;
  /** What it says of the cluster; null: it does not answer. */
  readonly seen: ClusterMetadata | null;
}

export interface DrilledCluster {
  /** Whether there are events at all. */
  readonly keepsJournals: boolean;
  readonly bootstrapServers: string;
  readonly ids: readonly number[];
  readonly admin: AdminClient;
  /** Of all brokers, through all of their lives, in the order in which they were heard. */
  readonly events: readonly Recorded[];
  /** Of each broker that lives and does not stand still. */
  views(): Promise<readonly BrokerView[]>;
  /** The newest of these: a broker that is cut off goes on telling what it knew. Rejects when nobody answers. */
  newest(): Promise<ClusterMetadata>;
  /** SIGKILL. */
  kill(id: number): Promise<void>;
  /** A clean end. */
  stop(id: number): Promise<void>;
  /** Resolves when it serves; nothing when it lives. */
  start(id: number): Promise<void>;
  /** SIGSTOP. */
  pause(id: number): Promise<void>;
  resume(id: number): void;
  /** A fault of the fault API, or the same by other means. */
  strike(id: number, fault: string, given: Readonly<Record<string, unknown>>): Promise<void>;
  /** The number of the ZooKeeper server that leads. */
  zookeeperLeader(): Promise<number>;
  killServer(server: number): Promise<void>;
  pauseServer(server: number): void;
  startServer(server: number): Promise<void>;
  /** Everything that was done is taken back: dead ones start, paused ones go on, faults end. */
  heal(): Promise<void>;
  /** Nothing of it is left. */
  close(): Promise<void>;
}
