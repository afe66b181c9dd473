/**
 * What handlers may use of the broker: one object, put together by node/make-services.ts. Handlers keep
 * no state of their own, so that several brokers live in one process. Each declares what it needs of it,
 * and sees no more.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';
import type { Controller } from '../controller/controller.ts';
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import type { MarkerReceiver } from '../coordinators/marker-receiver.ts';
import type { ProducerIdManager } from '../coordinators/producer-id-manager.ts';
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { FeatureFeed } from '../metadata/feature-feed.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { TopicAdmin } from '../metadata/topic-admin.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Disk } from '../platform/disk.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Workers } from '../platform/workers.ts';
import type { LogDirMoves } from '../replication/log-dir-moves.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import type { FetchSessions } from '../replication/requests/fetch-sessions.ts';
import type { AclAdmin } from '../security/acl-admin.ts';
import type { TokenManager } from '../security/tokens/token-manager.ts';
import type { BrokerId } from '../types.ts';
import type { AutoTopicCreation } from './shared/auto-topic-creation.ts';
import type { TopicMetrics } from './shared/topic-metrics.ts';

export interface Services {
  readonly brokerId: BrokerId;
  readonly clusterId: string;
  readonly config: FixedConfig;
  readonly liveConfig: Live<BrokerConfig>;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly diagnostics: Diagnostics;
  readonly metrics: Metrics;
  readonly workers: Workers;
  readonly topicMetrics: TopicMetrics;
  readonly metadata: MetadataCache;
  readonly features: Pick<FeatureFeed, 'current'>;
  readonly replicas: ReplicaManager;
  readonly fetchSessions: FetchSessions;
  readonly logs: LogManager;
  readonly logDirMoves: Pick<LogDirMoves, 'alter'>;
  readonly topicAdmin: TopicAdmin;
  readonly autoTopics: AutoTopicCreation;
  readonly controller: Controller;
  /** Of the current session; another object after a new one. Rejects with CoordinatorError while there is none. */
  store(): ClusterStore;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly markers: Pick<MarkerReceiver, 'write'>;
  readonly producerIds: ProducerIdManager;
  /** null without delegation.token.secret.key. */
  readonly tokens: Pick<TokenManager, 'count' | 'create' | 'renew' | 'expire' | 'all' | 'issued'> | null;
  readonly listenerSecurity: {
    /** Why listeners can't be as these configs have them; null when they can. */
    problemOf(texts: ReadonlyMap<string, string>): Promise<string | null>;
  };
  /** null without an authorizer. */
  readonly acls: Pick<AclAdmin, 'list' | 'create' | 'delete'> | null;
}

export type ServiceName = keyof Services;

/** The services of these names. */
export type Needs<N extends ServiceName> = Pick<Services, N>;
