/**
 * A running broker as whoever only looks sees it: tests and the simulator's checkers, metrics, status
 * pages. Nothing here changes anything, but what is seen goes on changing: it is a window, not a picture.
 */
import type { CoordinatorSource, SessionState } from '../../coordinator-client/coordinator.ts';
import type { Controller } from '../controller/controller.ts';
import type { Health } from '../http/status-pages.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { Journal } from '../platform/journal.ts';
import type { Partition } from '../replication/partition.ts';
import type { BrokerId } from '../types.ts';
import type { Parts } from './parts.ts';
import type { SessionKeeper } from './session-keeper.ts';

export interface BrokerView {
  readonly state: Health['state'];
  readonly clusterId: string;
  readonly brokerId: BrokerId;
  /** czxid of the current registration; NO_EPOCH before the first. */
  readonly brokerEpoch: number;
  readonly session: SessionView;
  readonly journal: Pick<Journal, 'since' | 'lastId' | 'first' | 'onEvent'>;
  /** `waitFor` only waits. */
  readonly metadata: Pick<MetadataCache, 'image' | 'topic' | 'broker' | 'isAlive' | 'waitFor'>;
  readonly replicas: { partitions(): Iterable<HostedReplicaView> };
  readonly controller: Readonly<Pick<Controller, 'isActive' | 'epoch' | 'controllerId' | 'failoverTimeline'>>;
  readonly logs: { log(topic: string, partition: number): LogView | undefined } & Pick<
    LogManager,
    'directories'
  >;
}

interface SessionView {
  readonly state: SessionState;
  /** Sessions lost since the start. */
  readonly expirations: number;
  /** What was asked of ZooKeeper so far, in all sessions. */
  readonly counts: Readonly<CoordinatorSource['counts']>;
}

export type HostedReplicaView = Pick<
  Partition,
  | 'topic'
  | 'partition'
  | 'key'
  | 'role'
  | 'leader'
  | 'leaderEpoch'
  | 'partitionEpoch'
  | 'replicas'
  | 'inSyncReplicas'
> & { readonly log: LogView | null };

/** What `read` gives is to be released. */
export type LogView = Pick<
  PartitionLog,
  | 'topic'
  | 'partition'
  | 'topicId'
  | 'directory'
  | 'logDirectory'
  | 'startOffset'
  | 'endOffset'
  | 'highWatermark'
  | 'lastStableOffset'
  | 'sizeBytes'
  | 'closed'
  | 'read'
>;

/** What is seen of a broker besides its parts. */
interface Surroundings {
  readonly keeper: Pick<SessionKeeper, 'coordinator' | 'counts' | 'expirations'>;
  readonly journal: Journal;
  readonly state: () => Health['state'];
}

/** The view of a broker whose parts are all there, from before anybody can reach it to after its end. */
export function viewOf(
  { clusterId, config, fence, metadata, replicas, controller, logs }: Parts,
  { keeper, journal, state }: Surroundings,
): BrokerView {
  const session: SessionView = {
    get state() {
      return keeper.coordinator.session;
    },
    get expirations() {
      return keeper.expirations;
    },
    get counts() {
      return keeper.counts;
    },
  };
  return {
    get state() {
      return state();
    },
    clusterId,
    brokerId: config.brokerId,
    get brokerEpoch() {
      return fence.brokerEpoch;
    },
    session,
    metadata,
    replicas,
    controller,
    logs,
    journal,
  };
}

/** What /healthz says. */
export function healthOf({
  state,
  brokerId,
  brokerEpoch,
  session,
  metadata,
  controller,
}: BrokerView): Health {
  return {
    state,
    brokerId,
    brokerEpoch,
    session: session.state,
    knowsCluster: metadata.image.complete,
    controllerId: metadata.image.controllerId,
    isController: controller.isActive,
  };
}
