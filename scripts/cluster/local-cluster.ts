/**
 * A cluster of processes on this machine: the embedded ZooKeeper-compatible server (unless an ensemble
 * is given) and N brokers, each with its own directory, properties file and log. Used by quickstart,
 * `odradek cluster` and the tests of real processes.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type Started } from './child.ts';
import { sharedSecret } from './peer-secret.ts';

export interface ClusterOptions {
  readonly brokers: number;
  /** Kafka port of broker 1; broker N has basePort + N - 1. 0: any free port each. */
  readonly basePort: number;
  readonly directory: string;
  /** Connect string of an ensemble; null: an embedded server is started. */
  readonly zookeeper: string | null;
  /** 0: any free port. */
  readonly zookeeperPort: number;
  readonly sessionTimeoutMs: number;
  /** More properties for every broker. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
  /** Told of each step as it happens. */
  readonly progress?: (message: string) => void;
}

export interface BrokerProcess {
  readonly id: number;
  readonly directory: string;
  port: number;
  peerPort: number;
  child: Child;
}

const DEFAULT_START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const SECRET_FILE = 'peer.secret';
/** For the owner only: the secret stands in it. */
const PRIVATE = 0o600;

export class LocalCluster {
  readonly options: ClusterOptions;
  readonly brokers: BrokerProcess[] = [];
  zookeeper: Child | null = null;
  zookeeperConnect: string;
  /** What the brokers prove to each other, unless the given properties say otherwise. */
  private secret = '';

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
      cluster.secret = sharedSecret(join(options.directory, SECRET_FILE));
      if (options.zookeeper === null) await cluster.startZookeeper();
      await Promise.all(
        Array.from({ length: options.brokers }, (_, index) => cluster.startBroker(index + 1)),
      );
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
    const { child, started } = await this.launch(id, broker.port);
    broker.child = child;
    broker.port = started.port;
    broker.peerPort = started.peerPort ?? 0;
  }

  /** Clean stop of all brokers (the controller last), then of the embedded server. */
  async close(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.child.stop(STOP_TIMEOUT_MS)));
    await this.zookeeper?.stop(STOP_TIMEOUT_MS);
  }

  /** SIGKILL for everything: for when nothing of it will be used again. */
  async abandon(): Promise<void> {
    await Promise.all([...this.brokers.map((broker) => broker.child.kill()), this.zookeeper?.kill()]);
  }

  private async startZookeeper(): Promise<void> {
    const directory = join(this.options.directory, 'zookeeper');
    mkdirSync(directory, { recursive: true });
    const argv = ['zookeeper', '--port', String(this.options.zookeeperPort), '--data-dir', directory];
    this.zookeeper = new Child('the embedded ZooKeeper', argv, join(this.options.directory, 'zookeeper.log'));
    const { port } = await this.zookeeper.started(this.startTimeoutMs);
    this.zookeeperConnect = `127.0.0.1:${port}`;
    this.options.progress?.(`zookeeper (embedded) on 127.0.0.1:${port}`);
  }

  private async startBroker(id: number): Promise<void> {
    const port = this.options.basePort === 0 ? 0 : this.options.basePort + id - 1;
    const directory = join(this.options.directory, `broker-${id}`);
    mkdirSync(directory, { recursive: true });
    const { child, started } = await this.launch(id, port, (launched) => {
      this.brokers.push({ id, directory, port, peerPort: 0, child: launched });
    });
    const broker = this.broker(id);
    broker.child = child;
    broker.port = started.port;
    broker.peerPort = started.peerPort ?? 0;
    this.options.progress?.(`broker ${id} on 127.0.0.1:${started.port} (pid ${child.pid})`);
  }

  private async launch(
    id: number,
    port: number,
    launched?: (child: Child) => void,
  ): Promise<{ child: Child; started: Started }> {
    const directory = join(this.options.directory, `broker-${id}`);
    const file = join(directory, 'server.properties');
    writeFileSync(file, this.propertiesFor(id, port, directory), { mode: PRIVATE });
    // One that was there already keeps its rights.
    chmodSync(file, PRIVATE);
    const child = new Child(`broker ${id}`, ['broker', '--config', file], join(directory, 'server.log'));
    launched?.(child);
    return { child, started: await child.started(this.startTimeoutMs) };
  }

  private propertiesFor(id: number, port: number, directory: string): string {
    const properties: Record<string, string> = {
      'broker.id': String(id),
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': join(directory, 'data'),
      'zookeeper.connect': this.zookeeperConnect,
      'peer.shared.secret': this.secret,
      'zookeeper.session.timeout.ms': String(this.options.sessionTimeoutMs),
      'default.replication.factor': String(Math.min(3, this.options.brokers)),
      'offsets.topic.replication.factor': String(Math.min(3, this.options.brokers)),
      'min.insync.replicas': String(Math.min(2, this.options.brokers)),
      // All brokers stop together: there is nobody to wait for.
      'controlled.shutdown.max.retries': '2',
      'controlled.shutdown.retry.backoff.ms': '500',
      ...this.options.properties,
    };
    return `${Object.entries(properties)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\n`;
  }

  private get startTimeoutMs(): number {
    return this.options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS;
  }
}
