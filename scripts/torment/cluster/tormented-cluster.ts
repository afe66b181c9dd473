/**
 * The cluster that a run torments: three brokers, each a process, on three servers of ZooKeeper where this
 * machine has them, else on the embedded server. Every fault that befalls it can be taken back by `heal`.
 */
import { join } from 'node:path';
import { type Ensemble, ensembleLacks, startEnsemble } from '../../../test/support/ensemble.ts';
import { startEmbedded, type ZooKeeperServer } from '../../benchmark/systems/zookeeper-server.ts';
import type { Workplace } from '../../benchmark/workplace.ts';
import { AdminClient, type ClusterMetadata } from '../../cli/admin-client.ts';
import { sharedSecret } from '../../cluster/peer-secret.ts';
import { freePort } from '../../cluster/ports.ts';
import { BrokerProcess } from './broker-process.ts';
import type { Network } from './network.ts';

export const BROKERS = 3;
export const SERVERS = 3;
export const SESSION_TIMEOUT_MS = 2000;
const TICK_MS = 500;
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Of one question; whoever is slower counts as somebody who doesn't answer. */
const ASK_LIMIT_MS = 3000;

const PROPERTIES = {
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '6',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.num.partitions': '6',
  'group.initial.rebalance.delay.ms': '0',
  // Partitions lead where their topics say, until something befalls them.
  'auto.leader.rebalance.enable': 'false',
  // A follower that is silent is left out soon, so that a round does not take minutes.
  'replica.lag.time.max.ms': '4000',
  'auto.create.topics.enable': 'false',
  'log.segment.delete.delay.ms': '500',
};

export class TormentedCluster {
  readonly brokers: readonly BrokerProcess[];
  /** null: it is on the embedded server. */
  readonly ensemble: Ensemble | null;
  readonly network: Network;
  readonly admin: AdminClient;
  readonly #embedded: ZooKeeperServer | null;
  readonly #pausedServers = new Set<number>();
  readonly #deadServers = new Set<number>();

  private constructor(parts: {
    brokers: readonly BrokerProcess[];
    ensemble: Ensemble | null;
    embedded: ZooKeeperServer | null;
    network: Network;
  }) {
    this.brokers = parts.brokers;
    this.ensemble = parts.ensemble;
    this.#embedded = parts.embedded;
    this.network = parts.network;
    this.admin = new AdminClient(() => this.answering(), 'torture');
  }

  /** Starts everything; brokers are not awaited (see `unsettled`). */
  static async start(workplace: Workplace, network: Network): Promise<TormentedCluster> {
    const place = (server: number) => network.zookeeperPlace(server);
    const ensemble =
      ensembleLacks() === null ? await startEnsemble({ nodes: SERVERS, tickMs: TICK_MS, place }) : null;
    try {
      const embedded = ensemble === null ? await startEmbedded(workplace, ROOT, network.here) : null;
      const connect = ensemble?.connect ?? embedded?.connect ?? '';
      const directory = workplace.folder('cluster');
      const secret = sharedSecret(join(directory, 'peer.secret'));
      const brokers: BrokerProcess[] = [];
      for (let id = 1; id <= BROKERS; id++) {
        const zookeeper = await network.zookeeperFor(id, connect);
        const properties = { ...PROPERTIES, 'zookeeper.connect': zookeeper, 'peer.shared.secret': secret };
        const home = join(directory, `broker-${id}`);
        const at = { place: network.brokerPlace(id), port: await freePort() };
        brokers.push(new BrokerProcess(workplace, { id, home, ...at, properties }));
      }
      for (const broker of brokers) broker.start();
      return new TormentedCluster({ brokers, ensemble, embedded, network });
    } catch (error) {
      await ensemble?.close();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(',');
  }

  /** Who can answer, as far as this process knows. */
  answering(): string {
    const alive = this.brokers.filter(({ isRunning, isPaused }) => isRunning && !isPaused);
    return (alive.length === 0 ? this.brokers : alive).map(({ address }) => address).join(',');
  }

  broker(id: number): BrokerProcess {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** kill -9 of a server of ZooKeeper. */
  async killServer(server: number): Promise<void> {
    this.#deadServers.add(server);
    await this.ensemble?.kill(server);
  }

  pauseServer(server: number): void {
    this.#pausedServers.add(server);
    this.ensemble?.stop(server);
  }

  /** Ends all cuts and pauses, and starts what is dead. */
  async heal(): Promise<void> {
    this.network.heal();
    for (const server of this.#pausedServers) this.ensemble?.cont(server);
    this.#pausedServers.clear();
    await Promise.all([...this.#deadServers].map((server) => this.ensemble?.start(server)));
    this.#deadServers.clear();
    for (const broker of this.brokers) {
      if (broker.isPaused) broker.resume();
      if (!broker.isRunning) broker.start();
    }
  }

  /** What one broker knows of the cluster; null when it does not answer. */
  async seenBy(id: number, topics: readonly string[] | null): Promise<ClusterMetadata | null> {
    const asking = new AdminClient(this.broker(id).address, 'torture');
    const timer = setTimeout(() => asking.close(), ASK_LIMIT_MS);
    try {
      return await asking.metadata(topics);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
      asking.close();
    }
  }

  async close(): Promise<void> {
    this.admin.close();
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await this.#embedded?.stop();
    await this.ensemble?.close();
    await this.network.close();
  }
}
