/**
 * The composition root: makes every part of a broker, wires them together, and takes them through
 * Kafka's start-up and shutdown order. A broker touches the world only through its Platform and its
 * CoordinatorSource, so that the simulator runs this very class. Source: Kafka's KafkaServer.
 */

import type { CoordinatorSource } from '../coordinator-client/coordinator.ts';
import { ClusterStore } from '../coordinator-client/stores/cluster-store.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import { Controller } from './controller/controller.ts';
import { GroupCoordinator } from './coordinators/group/group-coordinator.ts';
import { ProducerIdManager } from './coordinators/producer-id-manager.ts';
import type { Services } from './handlers/services.ts';
import { AutoTopicCreation } from './handlers/shared/auto-topic-creation.ts';
import { TopicMetrics } from './handlers/shared/topic-metrics.ts';
import { HANDLERS } from './handlers/table.ts';
import { type Health, statusPage } from './http/status-pages.ts';
import { LogManager } from './log/log-manager.ts';
import { ControllerEpochs } from './metadata/controller-epochs.ts';
import { ControllerFence } from './metadata/controller-fence.ts';
import { FeatureFeed } from './metadata/feature-feed.ts';
import { MetadataCache } from './metadata/metadata-cache.ts';
import { ownRegistration } from './metadata/registration.ts';
import { TopicAdmin } from './metadata/topic-admin.ts';
import { createDispatch } from './network/dispatch.ts';
import { NetworkServer } from './network/server.ts';
import { moveLeadersAway } from './node/controlled-shutdown.ts';
import { ControllerLink } from './node/controller-link.ts';
import { DynamicConfigs } from './node/dynamic-configs.ts';
import { reportFailedDirectories } from './node/failed-directories.ts';
import { groupPartitionCount, groupSettings, stateLogOf } from './node/group-wiring.ts';
import { identify } from './node/identity.ts';
import { joinCluster } from './node/joining.ts';
import { registerBrokerMetrics } from './node/node-metrics.ts';
import { answerPeers } from './node/peer-answers.ts';
import { makePeers, peerEndpoint } from './node/peer-wiring.ts';
import { SessionKeeper } from './node/session-keeper.ts';
import type { ListeningPeers } from './peers/peers.ts';
import type { EventId } from './platform/event-ring.ts';
import type { Platform } from './platform/platform.ts';
import { randomUuid } from './platform/random.ts';
import { ReplicaManager } from './replication/replica-manager.ts';
import { FetchSessions } from './replication/requests/fetch-sessions.ts';
import { allowEverything } from './security/authorizer.ts';
import { GROUP_METADATA_TOPIC, NO_EPOCH } from './types.ts';

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly platform: Platform;
  readonly coordinators: CoordinatorSource;
  /** What others call this machine, for listeners without a host. */
  readonly hostName: string;
  /** The broker has given up by itself, and has shut down. */
  readonly ended?: () => void;
}

/** Everything that start() makes, in the order it is made. */
interface Parts {
  readonly config: BrokerConfig;
  readonly configs: DynamicConfigs;
  readonly features: FeatureFeed;
  readonly logs: LogManager;
  readonly fence: ControllerFence;
  readonly metadata: MetadataCache;
  readonly network: NetworkServer;
  readonly peers: ListeningPeers;
  readonly peerPort: number;
  readonly link: ControllerLink;
  readonly replicas: ReplicaManager;
  readonly controller: Controller;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIdManager;
}

const NETWORK_GRACE_MS = 500;
/** Without a controller there is no metadata; clients are told so after this time (handlers/before-metadata.ts). */
const FIRST_METADATA_WAIT_MS = 2000;

export class Broker {
  readonly #options: BrokerOptions;
  readonly #keeper: SessionKeeper;
  /** What is stored in the session of that moment. */
  readonly #store = (): ClusterStore => new ClusterStore(this.#keeper.coordinator);
  #state: Health['state'] = 'starting';
  #parts: Parts | null = null;
  #clusterId = '';
  /** Never rejects. */
  #starting: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | null = null;
  #closed = false;
  /** Closes what was opened before there are parts, the last first. */
  readonly #opened: (() => void | Promise<void>)[] = [];

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { clock, diagnostics, journal } = options.platform;
    this.#keeper = new SessionKeeper({
      source: options.coordinators,
      clock,
      diagnostics: diagnostics.named('ZooKeeperClient'),
      journal: journal.named('ZooKeeperClient'),
      openTimeoutMs: options.config.zookeeperConnectionTimeoutMs,
    });
  }

  get brokerId(): number {
    return this.#made.config.brokerId;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** Client ports by listener name, as bound. */
  get ports(): ReadonlyMap<string, number> {
    return this.#made.network.ports;
  }

  get peerPort(): number {
    return this.#made.peerPort;
  }

  /** For tests and the simulator's checkers: the parts as they are. */
  get inside(): Pick<Parts, 'metadata' | 'replicas' | 'controller' | 'groups' | 'logs' | 'fence'> {
    return this.#made;
  }

  /** Resolves when clients are served. Rejects, with nothing left open, when the broker can't run. */
  start(): Promise<void> {
    const started = this.#start();
    this.#starting = started.catch(() => {});
    return started;
  }

  async #start(): Promise<void> {
    try {
      const store = new ClusterStore(await this.#keeper.open());
      await store.ensureTopLevelPaths();
      await this.#make(store);
      await this.#register(store, undefined, null);
      this.#keeper.listen({
        lost: (causeId) => this.#sessionLost(causeId),
        regained: (coordinator, former, causeId) =>
          this.#sessionRegained(new ClusterStore(coordinator), former, causeId),
      });
      await this.#serve();
    } catch (error) {
      await this.#tearDown(false);
      throw error;
    }
  }

  /** The clean stop: leaders are moved away first, and what is in the logs is made durable. Idempotent. */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#shutdown();
    return this.#stopping;
  }

  get #made(): Parts {
    if (this.#parts === null) throw new Error('the broker has not been started');
    return this.#parts;
  }

  /** Steps 2 to 11 of Kafka's order: identity, configs, logs, sockets, replication. */
  async #make(store: ClusterStore): Promise<void> {
    const { platform } = this.#options;
    const { clock, random, diagnostics, journal, metrics, sockets } = platform;
    this.#clusterId = await store.getOrCreateClusterId(randomUuid(random));
    diagnostics.info(`Cluster ID = ${this.#clusterId}`);
    let configs: DynamicConfigs | null = null;
    const live = { ...this.#options.config };
    const logs = new LogManager({
      ...platform,
      config: live,
      topicConfig: (topic) => {
        if (configs === null) throw new Error('configs are read before logs are loaded');
        return configs.topicConfig(topic);
      },
    });
    this.#opened.push(() => logs.shutdown());
    const own = await identify(this.#options.config, this.#clusterId, store, logs);
    journal.identify(own.brokerId, NO_EPOCH);
    configs = new DynamicConfigs(own, live, { clock, diagnostics: diagnostics.named('DynamicConfigs') });
    const { config } = configs;
    await configs.start(store);
    await logs.start();
    const features = new FeatureFeed(diagnostics.named('FinalizedFeatures'));
    await features.start(store);
    const fence = new ControllerFence();
    const metadata = new MetadataCache(clock);
    const network = new NetworkServer({ config, sockets, clock, diagnostics, metrics });
    await network.start();
    this.#opened.push(() => network.stop());
    const peers = makePeers(config, platform, {
      clusterId: this.#clusterId,
      brokerEpoch: () => fence.brokerEpoch,
      http: (path) => statusPage(path, metrics, () => this.#health()),
    });
    this.#opened.push(() => peers.close());
    const peerPort = (await peers.listen(peerEndpoint(config))).port;
    const groupPartitions = await groupPartitionCount(store, config);
    const made = { config, configs, features, logs, fence, metadata, network, peers, peerPort };
    this.#parts = { ...made, ...this.#makeActors(made, groupPartitions) };
    reportFailedDirectories(logs, {
      brokerId: config.brokerId,
      store: this.#store,
      diagnostics,
      allFailed: () => void this.shutdown().finally(() => this.#options.ended?.()),
    });
    registerBrokerMetrics(metrics, this.#keeper, () => this.#state);
  }

  /** Those who act: they hear of each other only through what is handed to them here. */
  #makeActors(
    made: Omit<Parts, 'link' | 'replicas' | 'controller' | 'groups' | 'producerIds'>,
    groupPartitions: number,
  ): Pick<Parts, 'link' | 'replicas' | 'controller' | 'groups' | 'producerIds'> {
    const { config, configs, logs, fence, metadata, peers, network } = made;
    const { clock, random, diagnostics, journal, metrics } = this.#options.platform;
    const link = new ControllerLink(peers, metadata, () => config.controllerSocketTimeoutMs);
    const brokerEpoch = (): number => fence.brokerEpoch;
    const replicas = new ReplicaManager({
      clock,
      diagnostics,
      journal,
      metrics,
      config,
      logs,
      metadata,
      peers,
      brokerEpoch,
      propose: (request) => link.ask(request),
    });
    const controller = new Controller({
      brokerId: config.brokerId,
      platform: this.#options.platform,
      config,
      peers,
      store: this.#store,
    });
    const groups = new GroupCoordinator({
      clock,
      random,
      metrics,
      diagnostics: diagnostics.named(`GroupCoordinator id=${config.brokerId}`),
      journal: journal.named(`GroupCoordinator id=${config.brokerId}`),
      log: stateLogOf(GROUP_METADATA_TOPIC, replicas),
      settings: groupSettings(config),
      partitionCount: groupPartitions,
    });
    const producerIds = new ProducerIdManager({
      allocate: () =>
        link.ask({ type: 'AllocateProducerIds', brokerId: config.brokerId, brokerEpoch: brokerEpoch() }),
      clock,
      diagnostics: diagnostics.named('ProducerIdManager'),
      maxWaitMs: config.requestTimeoutMs,
    });
    replicas.onLeadership(({ topic, partition, leaderEpoch, role }) => {
      if (topic !== GROUP_METADATA_TOPIC) return;
      if (role === 'leader') void groups.elect(partition, leaderEpoch);
      else groups.resign(partition, role === 'stopped' ? 'deleted' : 'moved');
    });
    const epochs = new ControllerEpochs(this.#store);
    const brokerId = config.brokerId;
    answerPeers({ ...made, brokerId, diagnostics, epochs, replicas, controller, groups });
    configs.listen({
      topicChanged: (topic, changed) => logs.updateTopicConfig(topic, changed),
      brokerChanged: (changed) => network.reconfigure(changed),
      uncleanElectionAllowed: (topic) => controller.uncleanElectionAllowed(topic),
    });
    return { link, replicas, controller, groups, producerIds };
  }

  /** Step 12: from here on the cluster knows this broker. Rejects beside brokers that it can't be with. */
  async #register(store: ClusterStore, formerSessionId: bigint | undefined, causeId: EventId | null) {
    const { config, network, peerPort, fence } = this.#made;
    const { platform } = this.#options;
    const bound = { ports: network.ports, peerPort, hostName: this.#options.hostName };
    const registration = ownRegistration(config, config.brokerId, bound, platform.clock.wallMs());
    fence.brokerEpoch = await joinCluster(store, registration, { formerSessionId, causeId, ...platform });
  }

  /** Steps 13 to 16: the controller module, the coordinators, and then the clients. */
  async #serve(): Promise<void> {
    const parts = this.#made;
    const { platform } = this.#options;
    const { clock, disk, diagnostics, metrics, random } = platform;
    const { config, configs, metadata, features, replicas, controller, groups, producerIds, logs } = parts;
    controller.startup();
    groups.start();
    const store = this.#store;
    const topicAdmin = new TopicAdmin({
      store,
      metadata,
      random,
      topicDefaults: () => configs.topicDefaults,
    });
    const services: Services = {
      brokerId: config.brokerId,
      clusterId: this.#clusterId,
      config,
      clock,
      disk,
      diagnostics: diagnostics.named(`KafkaApi-${config.brokerId}`),
      metrics,
      topicMetrics: new TopicMetrics(metrics, metadata),
      metadata,
      features,
      replicas,
      fetchSessions: new FetchSessions({
        clock,
        random,
        metrics,
        slots: config.maxIncrementalFetchSessionCacheSlots,
        maxPartitions: config.maxIncrementalFetchSessionCachePartitions,
      }),
      logs,
      topicAdmin,
      autoTopics: new AutoTopicCreation(config, topicAdmin, diagnostics.named('AutoTopicCreation')),
      controller,
      store,
      groups,
      producerIds,
    };
    // A client that came earlier would have to ask again.
    await metadata.waitFor(({ complete }) => complete, FIRST_METADATA_WAIT_MS);
    if (this.#stopping !== null) return;
    parts.network.startAccepting(createDispatch(HANDLERS, services, allowEverything));
    this.#state = 'running';
    platform.journal.named(`KafkaServer id=${config.brokerId}`).record({ kind: 'broker-started' });
  }

  #sessionLost(causeId: EventId): void {
    const { controller, configs, features } = this.#made;
    controller.onSessionLost(causeId);
    configs.stop();
    features.stop();
  }

  async #sessionRegained(store: ClusterStore, formerSessionId: bigint, causeId: EventId): Promise<void> {
    const { controller, configs, features, fence } = this.#made;
    await this.#register(store, formerSessionId, causeId);
    controller.onSessionRegained(store.coordinator, fence.brokerEpoch, causeId);
    await configs.start(store);
    await features.start(store);
  }

  async #shutdown(): Promise<void> {
    const { journal } = this.#options.platform;
    const causeId = journal.record({ kind: 'shutdown-begun' });
    const before = this.#state;
    this.#state = 'stopping';
    if (before === 'starting') {
      // The start meets the closed session at its next step, and takes back what it has made.
      await this.#keeper.close();
      await this.#starting;
    }
    if (before === 'running') {
      await moveLeadersAway(this.#made, this.#options.platform);
    }
    await this.#tearDown(true);
    journal.record({ kind: 'shutdown-finished' }, causeId);
  }

  async #tearDown(clean: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const parts = this.#parts;
    if (parts === null) for (const close of this.#opened.reverse()) await close();
    else {
      parts.configs.stop();
      parts.features.stop();
      await parts.network.stop(clean ? NETWORK_GRACE_MS : 0);
      parts.groups.shutdown();
      parts.producerIds.shutdown();
      parts.replicas.shutdown();
      parts.logs.shutdown();
      parts.controller.shutdown();
      await parts.peers.close();
    }
    await this.#keeper.close();
  }

  #health(): Health {
    const parts = this.#parts;
    if (parts === null) return { state: this.#state };
    return {
      state: this.#state,
      brokerId: parts.config.brokerId,
      brokerEpoch: parts.fence.brokerEpoch,
      session: this.#keeper.coordinator.session,
      controllerId: parts.metadata.image.controllerId,
      isController: parts.controller.isActive,
    };
  }
}
