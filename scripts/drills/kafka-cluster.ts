/**
 * Apache Kafka's brokers to drill on, as processes on a ZooKeeper of their own, with the properties that Odradek's
 * have. There is no fault API: processes are killed and stopped, and links cut by the kernel.
 */
import { join } from 'node:path';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import type { Ensemble } from '../../test/support/ensemble.ts';
import type { Java } from '../benchmark/systems/java.ts';
import { kafkaCommand } from '../benchmark/systems/systems.ts';
import type { Workplace } from '../benchmark/workplace.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { freePort } from '../cluster/ports.ts';
import { BrokerProcess } from '../torment/cluster/broker-process.ts';
import type { Network } from '../torment/cluster/network.ts';
import { BrokerViews } from './broker-views.ts';
import type { Drill } from './drill.ts';
import { BROKERS, DRILL_PROPERTIES, type DrilledCluster, SESSION_TIMEOUT_MS } from './drilled-cluster.ts';
import { DrilledEnsemble, SERVERS, startDrilledEnsemble } from './drilled-ensemble.ts';

const START_LIMIT_MS = 60_000;
const LOOK_MS = 100;

const PROPERTIES = {
  'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  ...DRILL_PROPERTIES,
};

interface KafkaSurroundings {
  readonly workplace: Workplace;
  readonly java: Java;
  readonly network: Network;
  readonly directory: string;
  /** Aborted: what has begun to start is killed, and `start` rejects. */
  readonly signal: AbortSignal;
}

export class KafkaCluster implements DrilledCluster {
  readonly keepsJournals = false;
  readonly events: readonly Recorded[] = [];
  readonly #brokers: readonly BrokerProcess[];
  readonly #ensemble: DrilledEnsemble;
  readonly #network: Network;
  readonly #views: BrokerViews;

  private constructor(brokers: readonly BrokerProcess[], ensemble: Ensemble, network: Network) {
    this.#brokers = brokers;
    this.#ensemble = new DrilledEnsemble(ensemble);
    this.#network = network;
    this.#views = new BrokerViews(() => this.#talking());
  }

  /** Brokers are not awaited: who wants a whole cluster looks at it. */
  static async start(drill: Drill, surroundings: KafkaSurroundings): Promise<KafkaCluster> {
    const { workplace, java, network, directory, signal } = surroundings;
    const nodes = drill.needsEnsemble ? SERVERS : 1;
    const ensemble = await startDrilledEnsemble(signal, { nodes, classpath: java.kafkaClasspath, network });
    try {
      const program = kafkaCommand(directory, java);
      const brokers: BrokerProcess[] = [];
      for (let id = 1; id <= BROKERS; id++) {
        const zookeeper = await network.zookeeperFor(id, ensemble.connect);
        const properties = { ...PROPERTIES, ...drill.properties, 'zookeeper.connect': zookeeper };
        const home = join(directory, `broker-${id}`);
        const at = { place: network.brokerPlace(id), port: await freePort() };
        brokers.push(new BrokerProcess(workplace, { id, home, ...at, properties, program }));
      }
      for (const broker of brokers) broker.start();
      return new KafkaCluster(brokers, ensemble, network);
    } catch (error) {
      await ensemble.close();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return this.#brokers.map(({ address }) => address).join(',');
  }

  get ids(): readonly number[] {
    return this.#brokers.map(({ id }) => id);
  }

  get admin(): AdminClient {
    return this.#views.admin;
  }

  views(): ReturnType<BrokerViews['all']> {
    return this.#views.all();
  }

  newest(): ReturnType<BrokerViews['newest']> {
    return this.#views.newest();
  }

  kill(id: number): Promise<void> {
    return this.#broker(id).kill();
  }

  stop(id: number): Promise<void> {
    return this.#broker(id).stop();
  }

  async start(id: number): Promise<void> {
    const broker = this.#broker(id);
    if (broker.isRunning) return;
    broker.start();
    const deadlineMs = performance.now() + START_LIMIT_MS;
    while (!(await this.views()).some((view) => view.id === id && view.seen !== null)) {
      if (broker.died !== null) throw new Error(broker.died);
      if (performance.now() > deadlineMs)
        throw new Error(
          `broker ${id} does not serve within ${START_LIMIT_MS / 1000} s; see ${broker.logFile}`,
        );
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  pause(id: number): Promise<void> {
    this.#broker(id).pause();
    return Promise.resolve();
  }

  resume(id: number): void {
    this.#broker(id).resume();
  }

  /** Only silent cuts (`kafkaLacks`). */
  strike(id: number, _fault: string, { to, direction }: Readonly<Record<string, unknown>>): Promise<void> {
    if (to === 'zookeeper') this.#network.cutFromZookeeper(id);
    const others =
      to === 'brokers' ? this.ids.filter((each) => each !== id) : this.ids.filter((each) => each === to);
    for (const other of others) {
      if (direction !== 'in') this.#network.cutOneWay(id, other);
      if (direction !== 'out') this.#network.cutOneWay(other, id);
    }
    return Promise.resolve();
  }

  zookeeperLeader(): Promise<number> {
    return this.#ensemble.leader();
  }

  killServer(server: number): Promise<void> {
    return this.#ensemble.kill(server);
  }

  pauseServer(server: number): void {
    this.#ensemble.pause(server);
  }

  startServer(server: number): Promise<void> {
    return this.#ensemble.start(server);
  }

  async heal(): Promise<void> {
    this.#network.heal();
    await this.#ensemble.heal();
    for (const broker of this.#brokers) if (broker.isPaused) broker.resume();
    await Promise.all(this.ids.map((id) => this.start(id)));
  }

  async close(): Promise<void> {
    this.#views.close();
    this.#network.heal();
    await Promise.all(this.#brokers.map((broker) => broker.kill()));
    await this.#ensemble.close();
    await this.#network.close();
  }

  #broker(id: number): BrokerProcess {
    const found = this.#brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  #talking(): readonly BrokerProcess[] {
    return this.#brokers.filter(({ isRunning, isPaused }) => isRunning && !isPaused);
  }
}
