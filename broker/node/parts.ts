/** What makers are given, and what they make: the words that broker.ts and the makers of this folder share. */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { FixedConfig } from '../config/broker-config.ts';
import type { Controller } from '../controller/controller.ts';
import type { GroupCoordinator } from '../coordinators/group/group-coordinator.ts';
import type { MarkerReceiver } from '../coordinators/marker-receiver.ts';
import type { ProducerIdManager } from '../coordinators/producer-id-manager.ts';
import type { TransactionCoordinator } from '../coordinators/transaction/transaction-coordinator.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { AclFeed } from '../metadata/acl-feed.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import type { FeatureFeed } from '../metadata/feature-feed.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { TokenFeed } from '../metadata/token-feed.ts';
import type { NetworkServer } from '../network/server.ts';
import type { ListeningPeers } from '../peers/peers.ts';
import type { Platform } from '../platform/platform.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import type { LogDirMoves } from '../replication/log-dir-moves.ts';
import type { ReplicaManager } from '../replication/replica-manager.ts';
import type { AnswerMemory } from '../replication/requests/answer-memory.ts';
import type { AclAdmin } from '../security/acl-admin.ts';
import type { Authorizer } from '../security/authorizer.ts';
import type { ScramCredentials } from '../security/sasl/scram-credentials.ts';
import type { TokenLogins } from '../security/tokens/token-logins.ts';
import type { TokenManager } from '../security/tokens/token-manager.ts';
import type { ControllerLink } from './controller-link.ts';
import type { CoordinatorPartitionCounts } from './coordinator-wiring.ts';
import type { DynamicConfigs } from './dynamic-configs.ts';
import type { ListenerSecurity } from './listener-security.ts';
import type { StopList } from './stop-list.ts';

/** What every maker is given. A maker pushes the stop of what it makes. */
export interface Ground {
  readonly platform: Platform;
  /** What is stored, by way of the session there is at that moment; throws before the first. */
  readonly store: () => ClusterStore;
  readonly stops: StopList;
}

/** The parts of a broker, all there before anybody can reach it. */
export interface Parts {
  readonly clusterId: string;
  /** With the id that the broker has; what may change while it runs is in `configs.live`. */
  readonly config: FixedConfig;
  readonly configs: DynamicConfigs;
  readonly quotas: ClientQuotas;
  readonly scram: ScramCredentials;
  readonly features: FeatureFeed;
  readonly authorizer: Authorizer;
  /** null without an authorizer, as `acls`. */
  readonly aclFeed: AclFeed | null;
  readonly acls: AclAdmin | null;
  /** null without delegation.token.secret.key, as the next two. */
  readonly tokenFeed: TokenFeed | null;
  readonly tokens: TokenManager | null;
  readonly tokenLogins: TokenLogins | null;
  readonly fence: ControllerFence;
  readonly metadata: MetadataCache;
  readonly peers: ListeningPeers;
  readonly controller: Controller;
  readonly logs: LogManager;
  readonly link: ControllerLink;
  readonly replicas: ReplicaManager;
  readonly logDirMoves: LogDirMoves;
  readonly markers: MarkerReceiver;
  readonly producerIds: ProducerIdManager;
  readonly partitionCounts: CoordinatorPartitionCounts;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly answerMemory: AnswerMemory;
  readonly network: NetworkServer;
  readonly listenerSecurity: ListenerSecurity;
}
