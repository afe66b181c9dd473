/**
 * A broker's life: Kafka's order of starting, a session that is lost and regained, and the stop. The parts
 * are made in node/, one maker each. A broker touches the world only through its Platform and its
 * CoordinatorSource, so that the simulator runs this very class. Source: Kafka's KafkaServer.
 */

import type { CoordinatorSource } from '../coordinator-client/coordinator.ts';
import { ClusterStore } from '../coordinator-client/stores/cluster-store.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import type { Vulnerable } from './faults/fault-kind.ts';
import { HANDLERS } from './handlers/table.ts';
import { type FaultsPage, pagesOf } from './http/pages.ts';
import type { Health } from './http/status-pages.ts';
import { ControllerEpochs } from './metadata/controller-epochs.ts';
import { ControllerFence } from './metadata/controller-fence.ts';
import { MetadataCache } from './metadata/metadata-cache.ts';
import { ownRegistration } from './metadata/registration.ts';
import { createDispatch } from './network/dispatch.ts';
import type { InterferenceSlot } from './network/interference.ts';
import { type BrokerView, healthOf, viewOf } from './node/broker-view.ts';
import { moveLeadersAway } from './node/controlled-shutdown.ts';
import { ControllerLink } from './node/controller-link.ts';
import { CoordinatorPartitionCounts } from './node/coordinator-wiring.ts';
import { reportFailedDirectories } from './node/failed-directories.ts';
import { joinCluster } from './node/joining.ts';
import { makeClients } from './node/make-clients.ts';
import { followConfigs, makeConfigs } from './node/make-configs.ts';
import { makeController } from './node/make-controller.ts';
import {
  makeGroups,
  makeMarkers,
  makeProducerIds,
  makeTransactions,
  makeVerifier,
} from './node/make-coordinators.ts';
import { makeJournal } from './node/make-journal.ts';
import { makePeers, peerEndpoint } from './node/make-peers.ts';
import { makeReplication } from './node/make-replication.ts';
import { makeSecurity } from './node/make-security.ts';
import { makeServices } from './node/make-services.ts';
import { claimDirectories, makeLogs } from './node/make-storage.ts';
import { makeTokens, removeExpiredTokens } from './node/make-tokens.ts';
import { registerBrokerMetrics } from './node/node-metrics.ts';
import type { Ground, Parts } from './node/parts.ts';
import { answerPeers } from './node/peer-answers.ts';
import { SessionKeeper } from './node/session-keeper.ts';
import { StopList } from './node/stop-list.ts';
import type { EventId } from './platform/event-ring.ts';
import type { Platform } from './platform/platform.ts';
import { randomUuid } from './platform/random.ts';
import { Turns } from './platform/turns.ts';
import { NO_EPOCH } from './types.ts';

export interface BrokerOptions {
  readonly config: BrokerConfig;
  readonly platform: Platform;
  readonly coordinators: CoordinatorSource;
  /** What others call this machine, for listeners without a host. */
  readonly hostName: string;
  /** The broker has given up by itself, and has shut down. */
  readonly ended?: () => void;
  /** Of whoever has requests fail on purpose. */
  readonly interference?: InterferenceSlot;
  /** What can be hurt of it, when faults may be asked for (fault.api.enable). */
  readonly vulnerable?: Vulnerable;
}

/** Without a controller there is no metadata; clients are told so after this time (handlers/before-metadata.ts). */
const FIRST_METADATA_WAIT_MS = 2000;

/** One life of a broker: it is started once, and shut down for good. */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #keeper: SessionKeeper;
  readonly #journal: ReturnType<typeof makeJournal>;
  /** What the parts are made on; its `stops` hold all that is open so far. */
  readonly #ground: Ground;
  /** Only forwards. */
  #state: Health['state'] = 'starting';
  /** Set all at once, when every part is made; then the same to the end. So is `#view`. */
  #parts: Parts | null = null;
  #view: BrokerView | null = null;
  /** -1 before the peer endpoint is bound. */
  #peerPort = -1;
  /** Never rejects. */
  #starting: Promise<unknown> = Promise.resolve();
  /** Set by the first `shutdown`. */
  #stopping: Promise<void> | null = null;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { clock, diagnostics, journal } = options.platform;
    const keeper = new SessionKeeper({
      source: options.coordinators,
      clock,
      diagnostics: diagnostics.named('ZooKeeperClient'),
      journal: journal.named('ZooKeeperClient'),
      openTimeoutMs: options.config.zookeeperConnectionTimeoutMs,
    });
    this.#keeper = keeper;
    this.#journal = makeJournal(options.platform, options.config);
    const stops = new StopList(diagnostics);
    this.#ground = {
      platform: options.platform,
      store: () => new ClusterStore(keeper.coordinator),
      stops,
    };
    // Stops last: its end tells the cluster that this broker is gone, which must be true by then.
    stops.push({ name: 'the ZooKeeper session', stop: () => keeper.close() });
    stops.push({ name: 'the worker threads', stop: () => options.platform.workers.close() });
  }

  get brokerId(): number {
    return this.#made.config.brokerId;
  }

  get clusterId(): string {
    return this.#made.clusterId;
  }

  /** Client ports by listener name, as bound. */
  get ports(): ReadonlyMap<string, number> {
    return this.#made.network.ports;
  }

  get peerPort(): number {
    return this.#peerPort;
  }

  /** What there is to be seen of it; there is nothing before its parts are made. */
  get inside(): BrokerView {
    if (this.#view === null) throw new Error('the broker has not been started');
    return this.#view;
  }

  /** Resolves when clients are served. Rejects, with nothing left open, when the broker can't run. */
  start(): Promise<void> {
    const started = this.#start();
    this.#starting = started.catch(() => {});
    return started;
  }

  async #start(): Promise<void> {
    this.#journal.keeper?.begin();
    try {
      await this.#keeper.open();
      await this.#listen(await this.#make());
      await this.#register(undefined, null);
      this.#keeper.listen({
        lost: (causeId) => this.#sessionLost(causeId),
        regained: (formerSessionId, causeId) => this.#sessionRegained(formerSessionId, causeId),
      });
      await this.#serve();
    } catch (error) {
      await this.#ground.stops.stop(false);
      this.#journal.keeper?.close();
      throw error;
    }
  }

  /**
   * The clean stop: leaders are moved away first, unless there is nobody to hand them to, and what is in the
   * logs is made durable. Idempotent.
   */
  shutdown({ handOver = true }: { handOver?: boolean } = {}): Promise<void> {
    this.#stopping ??= this.#shutdown(handOver);
    return this.#stopping;
  }

  get #made(): Parts {
    if (this.#parts === null) throw new Error('the broker has not been started');
    return this.#parts;
  }

  /**
   * Steps 2 to 11 of Kafka's order: identity, configs, logs, replication, sockets. What must stop late is
   * made early (the peers, the controller: neither does anything yet), because the stops run in reverse.
   */
  async #make(): Promise<Parts> {
    const ground = this.#ground;
    const { clock, random, diagnostics, journal, metrics } = ground.platform;
    const [clusterId] = await Promise.all([
      ground.store().getOrCreateClusterId(randomUuid(random)),
      ground.store().ensureTopLevelPaths(),
    ]);
    diagnostics.info(`Cluster ID = ${clusterId}`);
    const claimed = await claimDirectories(ground, this.#options.config, clusterId);
    journal.identify(claimed.config.brokerId, NO_EPOCH);
    this.#journal.keeper?.open();
    const partitionCounts = new CoordinatorPartitionCounts(claimed.config);
    const [{ config, configs, quotas, scram, features }] = await Promise.all([
      makeConfigs(ground, claimed.config),
      partitionCounts.ask(ground.store()),
    ]);
    const security = {
      ...(await makeSecurity(ground, { config })),
      ...(await makeTokens(ground, { config })),
    };
    const fence = new ControllerFence();
    const metadata = new MetadataCache(clock);
    const faults = await this.#faults(config);
    const health = () => healthOf(this.inside);
    const peers = await makePeers(
      ground,
      { config, configs },
      {
        clusterId,
        brokerEpoch: () => fence.brokerEpoch,
        http: pagesOf({
          ...{ metrics, health, events: this.#journal.page, faults, turns: new Turns(clock) },
          remotePages: config.peerHttpPages,
        }),
      },
    );
    const link = new ControllerLink(peers, metadata, () => config.controllerSocketTimeoutMs);
    const known = {
      ...{ clusterId, config, configs, quotas, scram, features, partitionCounts },
      ...{ ...security, fence, metadata, peers, link },
    };
    const controller = makeController(ground, known);
    const logs = await makeLogs(ground, { ...known, directories: claimed.directories });
    const verifier = makeVerifier(ground, known, partitionCounts.transactions);
    const replication = makeReplication(ground, { ...known, logs, verifier });
    const { replicas, answerMemory } = replication;
    const producerIds = makeProducerIds(ground, known);
    const groups = makeGroups(ground, { config, replicas }, partitionCounts.groups);
    const coordinated = { ...known, replicas, producerIds };
    const transactions = makeTransactions(ground, coordinated, partitionCounts.transactions);
    const markers = makeMarkers(ground, { config, replicas, groups });
    const clients = await makeClients(ground, { ...known, answerMemory });
    const above = { producerIds, groups, transactions, markers, ...clients };
    return { ...known, controller, logs, ...replication, ...above };
  }

  /** Loaded by brokers that take faults on demand. */
  async #faults(config: Parts['config']): Promise<FaultsPage | undefined> {
    const { vulnerable, hostName } = this.#options;
    if (vulnerable === undefined) return undefined;
    const { makeFaults } = await import('./faults/make-faults.ts');
    return makeFaults(this.#ground, vulnerable, { config, hostName, broker: () => this.#made });
  }

  /** All parts are there: what comes from outside reaches them from here on. */
  async #listen(parts: Parts): Promise<void> {
    const { platform, store } = this.#ground;
    const { clock, diagnostics, metrics } = platform;
    const { config, peers } = parts;
    const { brokerId } = config;
    this.#parts = parts;
    this.#view = viewOf(parts, {
      keeper: this.#keeper,
      journal: platform.journal,
      state: () => this.#state,
    });
    followConfigs(this.#ground, parts);
    const epochs = new ControllerEpochs(store);
    answerPeers({ ...parts, brokerId, clock, diagnostics, journal: platform.journal, epochs });
    this.#peerPort = (await peers.listen(peerEndpoint(config))).port;
    reportFailedDirectories(parts.logs, {
      brokerId,
      store,
      diagnostics,
      allFailed: () => void this.shutdown().finally(() => this.#options.ended?.()),
    });
    registerBrokerMetrics(metrics, this.#view);
  }

  /** Step 12: from here on the cluster knows this broker. Rejects beside brokers that it can't be with. */
  async #register(formerSessionId: bigint | undefined, causeId: EventId | null): Promise<void> {
    const { config, network, fence } = this.#made;
    const { platform, store } = this.#ground;
    const bound = { ports: network.ports, peerPort: this.#peerPort, hostName: this.#options.hostName };
    const registration = ownRegistration(config, config.brokerId, bound, platform.clock.wallMs());
    const options = { formerSessionId, causeId, ...platform };
    fence.registered(await joinCluster(store(), registration, options));
  }

  /** Steps 13 to 16: the controller module, the coordinators, and then the clients. */
  async #serve(): Promise<void> {
    const parts = this.#made;
    parts.controller.startup();
    parts.groups.start();
    parts.transactions.start();
    removeExpiredTokens(this.#ground, parts);
    const services = makeServices(this.#ground, parts);
    // A client that were let in earlier would be told to ask again.
    const metadata = parts.metadata.waitFor(({ complete }) => complete, FIRST_METADATA_WAIT_MS);
    // Of a session that is lost meanwhile: the next one asks again.
    const counts = parts.partitionCounts.ask(this.#ground.store()).catch(() => {});
    await Promise.all([metadata, counts]);
    if (this.#stopping !== null) return;
    const { interference } = this.#options;
    const dispatch = createDispatch(
      HANDLERS,
      { ...services, quotas: parts.quotas },
      parts.authorizer,
      interference,
    );
    parts.network.startAccepting(dispatch);
    this.#state = 'running';
    const { journal } = this.#ground.platform;
    journal.named(`KafkaServer id=${parts.config.brokerId}`).record({ kind: 'broker-started' });
  }

  #sessionLost(causeId: EventId): void {
    const { controller, configs, features, aclFeed, tokenFeed } = this.#made;
    controller.onSessionLost(causeId);
    configs.stop();
    features.stop();
    aclFeed?.stop();
    tokenFeed?.stop();
  }

  async #sessionRegained(formerSessionId: bigint, causeId: EventId): Promise<void> {
    const { controller, configs, features, aclFeed, tokenFeed, fence, partitionCounts } = this.#made;
    // The store of this session, also if a newer one begins meanwhile: in that, nothing is registered yet.
    const store = this.#ground.store();
    await this.#register(formerSessionId, causeId);
    controller.onSessionRegained(store, fence.brokerEpoch, causeId);
    await Promise.all([configs.start(store), partitionCounts.ask(store)]);
    await features.start(store);
    await aclFeed?.start(store);
    await tokenFeed?.start(store);
  }

  async #shutdown(handOver: boolean): Promise<void> {
    const { platform, stops } = this.#ground;
    const causeId = platform.journal.record({ kind: 'shutdown-begun' });
    const before = this.#state;
    this.#state = 'stopping';
    if (before === 'starting') {
      // The start meets the closed session at its next step, and takes back what it has made.
      await this.#keeper.close();
      await this.#starting;
    }
    if (before === 'running' && handOver) await moveLeadersAway(this.#made, platform, causeId);
    await stops.stop(true);
    platform.journal.record({ kind: 'shutdown-finished' }, causeId);
    this.#journal.keeper?.close();
  }
}
