/**
 * A cluster of processes on this machine: the embedded ZooKeeper-compatible server (unless an ensemble
 * is given, or real servers are wanted) and N brokers, each with its own directory, properties file and log. Used by quickstart,
 * `odradek cluster` and the tests of real processes.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SupervisorOrder } from '../../broker/faults/supervisor.ts';
import { Child, type ChildOptions, type Started } from './child.ts';
import { STOP_TIMEOUT_MS } from './ending.ts';
import { notStarted, type OwnZookeeper, startEmbedded, startServers } from './own-zookeeper.ts';
import { sharedSecret } from './peer-secret.ts';
import { freePort } from './ports.ts';
import { shellLine } from './program.ts';
import { ZookeeperServers } from './zookeeper-servers.ts';

export interface ClusterOptions {
  readonly brokers: number;
  /** Kafka port of broker 1; broker N has basePort + N - 1. 0: any free port each. */
  readonly basePort: number;
  readonly directory: string;
  /** Connect string of an ensemble; null: a ZooKeeper of its own is started. */
  readonly zookeeper: string | null;
  /** Of the embedded server, or of the first of several, which have the ports after it as well. 0: any free port. */
  readonly zookeeperPort: number;
  /** So many real servers instead of the embedded one (see `ensembleLacks`); 0 unless given. */
  readonly zookeeperServers?: number;
  readonly sessionTimeoutMs: number;
  /** More properties for every broker. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Where clients are told that a broker is, by its id: something in front of it. Left out: where it is. */
  readonly advertisedPort?: (id: number) => number;
  readonly startTimeoutMs?: number;
  /** Told of each step as it happens, and of what went wrong, in lines for the user. */
  readonly progress?: (lines: string) => void;
  /** Somebody asked a child to end that has to be the last: all must be ended. */
  readonly askedToEnd?: () => void;
}

interface BrokerProcess {
  readonly id: number;
  readonly directory: string;
  port: number;
  peerPort: number;
  child: Child;
}

/** The same for all lives of a broker: one that the system gave away would be anybody's while the broker is down. */
interface Ports {
  readonly port: number;
  readonly peerPort: number;
}

/** Before a broker that is to be restarted ends, so long for its answer to leave. */
const ANSWER_TIME_MS = 100;
const DEFAULT_START_TIMEOUT_MS = 30_000;
const LAST_LINES = 5;
const BEING_ENDED = 'the cluster is being ended';
const SECRET_FILE = 'peer.secret';
/** Where peers listen. */
const EVERYWHERE = '0.0.0.0';
/** ZooKeeper is somebody else's. */
const NO_SERVERS = new ZookeeperServers([], () => {});
/** For the owner only: the secret stands in it. */
const PRIVATE = 0o600;

export class LocalCluster {
  readonly options: ClusterOptions;
  readonly brokers: BrokerProcess[] = [];
  zookeeperConnect: string;
  #isEnding = false;
  /** null: it is somebody else's, or not there yet. */
  #zookeeper: OwnZookeeper | null = null;
  /** What the brokers prove to each other, unless the given properties say otherwise. */
  #secret = '';

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.zookeeperConnect = options.zookeeper ?? '';
  }

  /**
   * Starts everything, or stops what was started and rejects. `made` gets the cluster before anything of
   * it runs, for whoever may have to end it in the middle of its start.
   */
  static async start(options: ClusterOptions, made?: (cluster: LocalCluster) => void): Promise<LocalCluster> {
    const cluster = new LocalCluster(options);
    made?.(cluster);
    try {
      mkdirSync(options.directory, { recursive: true });
      cluster.#secret = sharedSecret(join(options.directory, SECRET_FILE));
      if (options.zookeeper === null) await cluster.#startZookeeper();
      await Promise.all(
        Array.from({ length: options.brokers }, (_, index) => cluster.#startBroker(index + 1)),
      );
      if (cluster.#isEnding) throw new Error(BEING_ENDED);
      cluster.brokers.sort((a, b) => a.id - b.id);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return this.brokers.map((broker) => `127.0.0.1:${broker.port}`).join(',');
  }

  broker(id: number): BrokerProcess {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** Starts a broker that was stopped or killed, on the directory and the ports it had. */
  async restart(id: number): Promise<void> {
    const broker = this.broker(id);
    // It is of this cluster from its first moment: whoever ends all of it ends this one as well.
    const { started } = await this.#launchBroker(id, broker, (launched) => {
      broker.child = launched;
    });
    broker.port = started.port;
    broker.peerPort = started.peerPort ?? 0;
  }

  /** Whoever asks for another process from here on is refused; what runs goes on. */
  startNothingMore(): void {
    this.#isEnding = true;
    this.#zookeeper?.servers.release();
  }

  /** Clean stop of all brokers, then of its own ZooKeeper, without which none of them ends cleanly. */
  async close(): Promise<void> {
    this.startNothingMore();
    await Promise.all(this.brokers.map((broker) => this.#stop(broker.child)));
    await this.#zookeeper?.stop((child) => this.#stop(child));
  }

  /** SIGKILL for everything: for when nothing of it will be used again. */
  async abandon(): Promise<void> {
    this.startNothingMore();
    await Promise.all([...this.brokers.map((broker) => broker.child.kill()), this.#zookeeper?.kill()]);
  }

  async #stop(child: Child): Promise<void> {
    await child.stop(STOP_TIMEOUT_MS);
    if (child.outstayed)
      this.options.progress?.(`${child.name} did not end within ${STOP_TIMEOUT_MS} ms and was killed`);
  }

  /** A child of this cluster; with all of it ending, there are no new ones. */
  #launch(
    options: Pick<ChildOptions, 'name' | 'argv' | 'logFile' | 'ordered'>,
    startAgain: () => string,
  ): Child {
    if (this.#isEnding) throw new Error(BEING_ENDED);
    return new Child({
      ...options,
      askedToEnd: () => this.options.askedToEnd?.(),
      died: (child) => {
        if (!this.#isEnding) this.options.progress?.(obituary(child, startAgain()));
      },
    });
  }

  async #startZookeeper(): Promise<void> {
    const { directory, zookeeperPort, zookeeperServers = 0, sessionTimeoutMs, progress } = this.options;
    const surroundings = {
      ...{ directory, port: zookeeperPort, sessionTimeoutMs, canBeCut: this.#takesFaults },
      startTimeoutMs: this.#startTimeoutMs,
      launch: this.#launch.bind(this),
      say: (lines: string) => {
        if (!this.#isEnding) progress?.(lines);
      },
      made: (made: OwnZookeeper) => {
        this.#zookeeper = made;
      },
    };
    this.zookeeperConnect = await (zookeeperServers === 0
      ? startEmbedded(surroundings)
      : startServers(zookeeperServers, surroundings));
    if (this.#isEnding) throw new Error(BEING_ENDED);
  }

  async #startBroker(id: number): Promise<void> {
    const port = this.options.basePort === 0 ? await freePort() : this.options.basePort + id - 1;
    const peerPort = await freePort(EVERYWHERE);
    const directory = join(this.options.directory, `broker-${id}`);
    mkdirSync(directory, { recursive: true });
    const { child, started } = await this.#launchBroker(id, { port, peerPort }, (launched) => {
      this.brokers.push({ id, directory, port, peerPort, child: launched });
    });
    const broker = this.broker(id);
    broker.child = child;
    broker.port = started.port;
    broker.peerPort = started.peerPort ?? 0;
    const faults = this.#takesFaults ? `, faults at http://127.0.0.1:${broker.peerPort}/faults` : '';
    this.options.progress?.(`  broker ${id} on 127.0.0.1:${started.port} (pid ${child.pid})${faults}`);
  }

  get #takesFaults(): boolean {
    return this.options.properties?.['fault.api.enable'] === 'true';
  }

  /** What a broker orders on somebody's demand. */
  async #ordered(id: number, order: SupervisorOrder): Promise<void> {
    if (this.#isEnding) throw new Error(BEING_ENDED);
    const servers = this.#zookeeper?.servers ?? NO_SERVERS;
    if (order.what === 'zookeeper') await servers.strike(order.how, order.server, order.forMs);
    else if (order.what === 'zookeeper-mend') servers.mend(order.server);
    // The answer must leave the broker before it ends.
    else setTimeout(() => void this.#bounce(id, order), ANSWER_TIME_MS);
  }

  async #bounce(id: number, { how, downMs }: Extract<SupervisorOrder, { what: 'restart' }>): Promise<void> {
    const { child } = this.broker(id);
    if (how === 'hard') await child.kill();
    else await this.#stop(child);
    await new Promise((resolve) => setTimeout(resolve, downMs));
    if (this.#isEnding) return;
    await this.restart(id).catch((error: unknown) => {
      if (!this.#isEnding) this.options.progress?.(notStarted(`broker ${id}`, error));
    });
  }

  async #launchBroker(
    id: number,
    ports: Ports,
    launched?: (child: Child) => void,
  ): Promise<{ child: Child; started: Started }> {
    const directory = join(this.options.directory, `broker-${id}`);
    const file = join(directory, 'server.properties');
    writeFileSync(file, this.#propertiesFor(id, ports, directory), { mode: PRIVATE });
    // One that was there already keeps its rights.
    chmodSync(file, PRIVATE);
    const argv = ['broker', '--config', file];
    const logFile = join(directory, 'server.log');
    const ordered = (order: SupervisorOrder) => this.#ordered(id, order);
    const child = this.#launch({ name: `broker ${id}`, argv, logFile, ordered }, () => shellLine(argv));
    launched?.(child);
    return { child, started: await child.started(this.#startTimeoutMs) };
  }

  #propertiesFor(id: number, { port, peerPort }: Ports, directory: string): string {
    const advertised = this.options.advertisedPort?.(id);
    const properties: Record<string, string> = {
      'broker.id': String(id),
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      ...(advertised === undefined ? {} : { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised}` }),
      'peer.listener': `PEER://:${peerPort}`,
      'log.dirs': join(directory, 'data'),
      'zookeeper.connect': this.zookeeperConnect,
      'peer.shared.secret': this.#secret,
      'zookeeper.session.timeout.ms': String(this.options.sessionTimeoutMs),
      ...clusterDefaults(this.options.brokers),
      ...this.options.properties,
    };
    return `${Object.entries(properties)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\n`;
  }

  /** With the time that a broker waits for the session of an earlier run. */
  get #startTimeoutMs(): number {
    return this.options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS + 2 * this.options.sessionTimeoutMs;
  }
}

/** What differs from Kafka's defaults in every broker, unless it is overridden. */
export function clusterDefaults(brokers: number): Readonly<Record<string, string>> {
  const replicas = String(Math.min(3, brokers));
  return {
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'min.insync.replicas': String(Math.min(2, brokers)),
    // All brokers stop together: there is nobody to wait for.
    'controlled.shutdown.max.retries': '2',
    'controlled.shutdown.retry.backoff.ms': '500',
  };
}

/** What became of a child that nobody asked to end, and what can be done. */
function obituary(child: Child, startAgain: string): string {
  const words = child.lastLines(LAST_LINES).map((line) => `    ${line}`);
  return [
    `${child.name} (pid ${child.pid}) has ended: ${child.ended}. The end of ${child.logFile}:`,
    ...(words.length === 0 ? ['    (nothing was said)'] : words),
    `start it again with: ${startAgain}`,
  ].join('\n');
}
