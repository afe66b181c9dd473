/**
 * Brokers reduced to their logs, peers and replica managers on a simulated network, and a controller
 * that is told whom to elect. Everything else is the real code.
 */

import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import type { LogConfig } from '../../../broker/config/topic-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { LogDirectories } from '../../../broker/log/log-directories.ts';
import { LogManager } from '../../../broker/log/log-manager.ts';
import type { DeltaOutcome } from '../../../broker/metadata/delta.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../../../broker/peers/messages.ts';
import { createPeers, type ListeningPeers } from '../../../broker/peers/peers.ts';
import type { Journal } from '../../../broker/platform/journal.ts';
import type { Metrics } from '../../../broker/platform/metrics.ts';
import { atOnce as allAtOnce } from '../../../broker/platform/turns.ts';
import type { ReplicationConfigs, TransactionVerifier } from '../../../broker/replication/collaborators.ts';
import type { Partition } from '../../../broker/replication/partition.ts';
import { ReplicaManager } from '../../../broker/replication/replica-manager.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import type { AppendOutcome } from '../../../broker/replication/requests/replica-append.ts';
import { replicaDelta } from '../../support/metadata-deltas.ts';
import type { SimulatedDisk } from '../../support/simulated-disk.ts';
import { World } from '../../support/world.ts';
import { batch, contents, LOG_DIRS, MANAGER_CONFIG, topicConfig } from '../log/support.ts';

export const TOPIC = 'orders';
export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** What the controller holds to be true of the partition. */
export interface Truth {
  leader: number;
  leaderEpoch: number;
  partitionEpoch: number;
  isr: number[];
  replicas: number[];
}

interface Node {
  readonly id: number;
  readonly disk: SimulatedDisk;
  readonly logs: LogManager;
  readonly peers: ListeningPeers;
  readonly replicas: ReplicaManager;
  readonly metrics: Metrics;
  readonly journal: Journal;
  readonly info: BrokerInfo;
}

export interface ClusterOptions {
  readonly brokers?: number;
  readonly topic?: Readonly<Record<string, string>>;
  readonly config?: Partial<Configs>;
  readonly racks?: readonly (string | null)[];
  readonly latencyMs?: number;
}

export class ReplicationCluster extends World {
  readonly nodes = new Map<number, Node>();
  readonly answerMemory = new AnswerMemory(128 * 1024 * 1024);
  readonly infos = new Map<number, BrokerInfo>();
  readonly alive = new Set<number>();
  readonly truths = new Map<number, Truth>();
  readonly proposals: AlterPartitionRequest[] = [];
  /** Instead of the controller's own answer. */
  alterPartition: ((request: AlterPartitionRequest) => Promise<AlterPartitionResponse>) | null = null;
  /** What the coordinator of a transaction says of it. */
  verify: TransactionVerifier['verify'] = () => Promise.resolve(new Map());
  controllerEpoch = 1;
  readonly #options: ClusterOptions;
  readonly #topicConfig: LogConfig;

  constructor(options: ClusterOptions) {
    const latencyMs = options.latencyMs ?? 0.5;
    super({ latencyMs: [latencyMs, latencyMs * 2] });
    this.#options = options;
    this.#topicConfig = topicConfig(options.topic ?? {});
  }

  static async start(options: ClusterOptions = {}): Promise<ReplicationCluster> {
    const cluster = new ReplicationCluster(options);
    for (let id = 1; id <= (options.brokers ?? 3); id++) await cluster.startBroker(id);
    return cluster;
  }

  node(id: number): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`broker ${id} is not up`);
    return node;
  }

  partition(id: number, partition = 0): Partition {
    const found = this.node(id).replicas.partition(TOPIC, partition);
    if (found === undefined) throw new Error(`broker ${id} does not host ${partition}`);
    return found;
  }

  log(id: number, partition = 0) {
    const { log } = this.partition(id, partition);
    if (log === null) throw new Error(`broker ${id} has no log`);
    return log;
  }

  truth(partition = 0): Truth {
    const truth = this.truths.get(partition);
    if (truth === undefined) throw new Error('no such partition');
    return truth;
  }

  contents(id: number, partition = 0): string[] {
    return contents(this.log(id, partition));
  }

  async startBroker(id: number): Promise<Node> {
    const platform = this.platform(`host${id}`);
    const { disk, journal, metrics } = platform;
    const logs = new LogManager({
      ...platform,
      config: MANAGER_CONFIG,
      directories: new LogDirectories({ ...platform, paths: LOG_DIRS }),
      liveConfig: new LiveValue(MANAGER_CONFIG),
      topicConfig: () => this.#topicConfig,
    });
    await this.settled(logs.start());
    const epoch = (this.infos.get(id)?.epoch ?? 0) + 100;
    const config = { ...CONFIG, brokerId: id, ...this.#options.config };
    const peers = createPeers({
      ...platform,
      brokerId: id,
      brokerEpoch: () => epoch,
      clusterId: 'cluster',
      sharedSecret: 'secret',
      maxMessageBytes: config.peerMaxMessageBytes,
      maxInFlightRequests: 100,
      maxHandshakes: 100,
      maxHandshakesPerAddress: 100,
      tls: null,
      handshakeTimeoutMs: 1000,
      http: async () => ({ status: 404, contentType: 'text/plain', body: '' }),
    });
    const { port } = await peers.listen({ host: '', port: 0 });
    const rack = this.#options.racks?.[id - 1] ?? null;
    const endpoints = [{ listener: PEER_LISTENER, host: `host${id}`, port, securityProtocol: 'PLAINTEXT' }];
    const info: BrokerInfo = { id, epoch, rack, endpoints };
    this.infos.set(id, info);
    this.alive.add(id);
    const replicas = new ReplicaManager({
      ...platform,
      config,
      liveConfig: new LiveValue(config),
      logs,
      peers,
      brokerEpoch: () => epoch,
      metadata: {
        isAlive: (broker) => this.alive.has(broker),
        broker: (broker) => (this.alive.has(broker) ? this.infos.get(broker) : undefined),
        partition: (topic, partition) => (topic === TOPIC ? this.truths.get(partition) : undefined),
      },
      propose: (request) => this.#propose(request),
      verifier: { verify: (transaction) => this.verify(transaction) },
      answerMemory: this.answerMemory,
    });
    const node: Node = { id, disk, logs, peers, replicas, metrics, journal, info };
    this.nodes.set(id, node);
    return node;
  }

  /** kill -9; `power`: what was not synced is lost as well. */
  kill(id: number, power = false): void {
    const node = this.node(id);
    node.replicas.abandon();
    node.logs.abandon();
    void node.peers.close();
    this.network.crash(`host${id}`);
    node.disk.crash(power ? 'synced' : 'all');
    this.nodes.delete(id);
    this.alive.delete(id);
  }

  /** Makes a partition with its first leader and tells everyone. */
  create(replicas: readonly number[], partition = 0): void {
    const [leader = -1] = replicas;
    const truth = { leader, leaderEpoch: 0, partitionEpoch: 0, isr: [...replicas], replicas: [...replicas] };
    this.truths.set(partition, truth);
    this.tell(partition, { isNew: true });
  }

  /** A new election; the leader comes from `to`, the ISR is given or what is alive of the old one. */
  elect(to: number, isr?: readonly number[], partition = 0): void {
    const truth = this.truth(partition);
    truth.leader = to;
    truth.leaderEpoch += 1;
    truth.partitionEpoch += 1;
    truth.isr = [...(isr ?? truth.isr.filter((id) => this.alive.has(id)))];
    this.tell(partition);
  }

  /** Tells all replicas that are up, or those named, who leads. */
  tell(
    partition = 0,
    {
      isNew = false,
      only,
      truth = this.truth(partition),
    }: { isNew?: boolean; only?: readonly number[]; truth?: Truth } = {},
  ): Map<number, DeltaOutcome> {
    const outcomes = new Map<number, DeltaOutcome>();
    for (const id of only ?? truth.replicas) {
      const node = this.nodes.get(id);
      if (node === undefined) continue;
      const state = {
        topic: TOPIC,
        partition,
        topicId: TOPIC_ID,
        controllerEpoch: this.controllerEpoch,
        leader: truth.leader,
        leaderEpoch: truth.leaderEpoch,
        isr: [...truth.isr],
        partitionEpoch: truth.partitionEpoch,
        replicas: [...truth.replicas],
        addingReplicas: [],
        removingReplicas: [],
        isNew,
      };
      outcomes.set(id, allAtOnce(node.replicas.apply(replicaDelta(id, [state]))));
    }
    return outcomes;
  }

  /** Appends one batch through the leader. */
  produce(
    id: number,
    values: readonly string[],
    o: { acks?: number; timeoutMs?: number; partition?: number; codec?: 'none' | 'gzip' } = {},
  ): Promise<AppendOutcome> {
    const entry = {
      topic: TOPIC,
      partition: o.partition ?? 0,
      records: batch(values, { codec: o.codec ?? 'none' }),
    };
    const outcomes = this.node(id).replicas.append({
      acks: o.acks ?? -1,
      timeoutMs: o.timeoutMs ?? 30_000,
      origin: 'client',
      apiVersion: 9,
      entries: [entry],
    });
    return Promise.resolve(outcomes).then(([outcome]) => {
      if (outcome === undefined) throw new Error('no outcome');
      return outcome;
    });
  }

  /** {@link produce}, awaited in virtual time. */
  async produced(...args: Parameters<ReplicationCluster['produce']>): Promise<AppendOutcome> {
    return this.settled(this.produce(...args));
  }

  async #propose(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    this.proposals.push(request);
    await new Promise<void>((resolve) => {
      this.clock.after(1, resolve);
    });
    return this.alterPartition === null ? this.decide(request) : this.alterPartition(request);
  }

  /** The controller's judgement, as Kafka's. */
  decide(request: AlterPartitionRequest): AlterPartitionResponse {
    const partitions = request.partitions.map((item) => {
      const truth = this.truth(item.partition);
      const stale = item.leaderEpoch < truth.leaderEpoch || truth.leader !== request.brokerId;
      const error = stale
        ? ErrorCode.FENCED_LEADER_EPOCH
        : item.partitionEpoch < truth.partitionEpoch
          ? ErrorCode.INVALID_UPDATE_VERSION
          : item.newIsr.some((id) => !this.alive.has(id))
            ? ErrorCode.INELIGIBLE_REPLICA
            : ErrorCode.NONE;
      if (error === ErrorCode.NONE) {
        truth.isr = [...item.newIsr];
        truth.partitionEpoch += 1;
      }
      const { leader, leaderEpoch, isr, partitionEpoch } = truth;
      const { topic, partition } = item;
      return {
        topic,
        partition,
        error,
        leader,
        leaderEpoch,
        isr: [...isr],
        leaderRecoveryState: 0,
        partitionEpoch,
      };
    });
    return { error: ErrorCode.NONE, partitions };
  }
}

type Configs = ReplicationConfigs['config'] & ReplicationConfigs['liveConfig']['now'];

const CONFIG: Configs = {
  brokerId: 0,
  replicaLagTimeMaxMs: 30_000,
  replicaHighWatermarkCheckpointIntervalMs: 5000,
  replicaFetchBackoffMs: 1000,
  replicaFetchMaxBytes: 1024 * 1024,
  replicaFetchResponseMaxBytes: 10 * 1024 * 1024,
  replicaFetchWaitMaxMs: 500,
  replicaSocketTimeoutMs: 30_000,
  numReplicaFetchers: 1,
  transactionPartitionVerificationEnable: true,
  replicaSelectorClass: null,
  fetchMaxBytes: 55 * 1024 * 1024,
  socketConnectionSetupTimeoutMs: 10_000,
  transactionMaxTimeoutMs: 900_000,
  peerStreamCreditBytes: 8 * 1024 * 1024,
  peerMaxMessageBytes: 128 * 1024 * 1024,
  peerCompressionType: 'none',
  replicationQuotaWindowNum: 11,
  replicationQuotaWindowSizeSeconds: 1,
  leaderReplicationThrottledRate: Number.MAX_SAFE_INTEGER,
  followerReplicationThrottledRate: Number.MAX_SAFE_INTEGER,
};

/** What is answered at once: nothing had to be opened elsewhere. */
export function atOnce<Answer>(answer: Answer | Promise<Answer>): Answer {
  if (answer instanceof Promise) throw new Error('the answer is still to come');
  return answer;
}
