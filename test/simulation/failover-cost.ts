/**
 * What failovers cost a cluster of many brokers and very many partitions, in requests to the tree and in bytes
 * pushed to brokers. The controllers are the product's own, one for each broker, with a session each; what hosts
 * replicas is not there, so that a broker takes a few kilobytes: each is told what it would be told, which is
 * measured as it would go over the wire, and says that it has done so.
 */
import { type BrokerInfo, PEER_LISTENER } from '../../broker/cluster.ts';
import { LiveValue } from '../../broker/config/live.ts';
import { Controller } from '../../broker/controller/controller.ts';
import type { ControllerRequest } from '../../broker/controller/request-batch.ts';
import { ErrorCode } from '../../broker/errors.ts';
import { assignReplicas } from '../../broker/metadata/placement.ts';
import { encodeEnvelope, sizeOf } from '../../broker/peers/envelope.ts';
import type { PeerRequest, PeerResponseTo } from '../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../broker/peers/peers.contract.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Change, Coordinator } from '../../coordinator-client/coordinator.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import {
  controllerZnode,
  NO_DATA,
  partitionStateZnode,
  topicZnode,
} from '../../coordinator-client/znodes/znodes.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import { World } from '../support/world.ts';
import { CountedCoordinator, type TreeCounts } from './counted-coordinator.ts';

export interface ClusterShape {
  readonly brokers: number;
  /** In topics of a hundred. */
  readonly partitions: number;
}

export interface Costs extends TreeCounts {
  /** From the controller to other brokers. */
  leaderAndIsr: number;
  updateMetadata: number;
  stopReplica: number;
  /** Of all three. */
  bytes: number;
}

export interface Failover {
  readonly what: string;
  readonly costs: Costs;
}

interface Member {
  readonly id: number;
  readonly session: Coordinator;
  readonly store: ClusterStore;
  readonly controller: Controller;
}

export const NO_COSTS: Readonly<Costs> = {
  reads: 0,
  lists: 0,
  commits: 0,
  writes: 0,
  watches: 0,
  fires: 0,
  leaderAndIsr: 0,
  updateMetadata: 0,
  stopReplica: 0,
  bytes: 0,
};
export const PARTITIONS_OF_A_TOPIC = 100;
export const REPLICAS = 3;
const TREE_DELAY_MS = 0.5;
const ANSWER_DELAY_MS = 1;
const QUIET_MS = 500;
const LIMIT_MS = 60_000;
const CONFIG = {
  // A balanced cluster is meant, and a returning broker leads nothing until somebody asks for it.
  autoLeaderRebalanceEnable: false,
  leaderImbalancePerBrokerPercentage: 10,
  leaderImbalanceCheckIntervalSeconds: 300,
  deleteTopicEnable: true,
  controllerSocketTimeoutMs: 30_000,
};

/** One after the other on one cluster, each once all is quiet. */
export async function failoverCosts(shape: ClusterShape): Promise<Failover[]> {
  const cluster = new CountedCluster(shape);
  await cluster.start();
  const moved = await cluster.costsOf('the office moves, and nobody dies', () => cluster.vacate());
  const [victim = 1] = cluster.ids().filter((id) => id !== cluster.controllerId);
  const died = await cluster.costsOf('a broker dies', () => cluster.kill(victim));
  const returned = await cluster.costsOf('it comes back', () => cluster.add(victim));
  const both = await cluster.costsOf('the broker that is the controller dies', () =>
    cluster.kill(cluster.controllerId),
  );
  cluster.stop();
  return [moved, died, returned, both];
}

const COLUMNS: readonly (readonly [string, (costs: Costs) => string])[] = [
  ['znodes read', ({ reads, lists }) => count(reads + lists)],
  ['commits', ({ commits }) => count(commits)],
  ['znodes written', ({ writes }) => count(writes)],
  ['watches', ({ watches }) => count(watches)],
  ['LeaderAndIsr', ({ leaderAndIsr }) => count(leaderAndIsr)],
  ['UpdateMetadata', ({ updateMetadata }) => count(updateMetadata)],
  ['MB to brokers', ({ bytes }) => (bytes / 1e6).toFixed(1)],
];

/** Two lines for each failover: what was measured, and what Kafka does. */
export function costTable(measured: readonly Failover[], kafka: readonly Failover[]): string {
  const rows = measured.flatMap(({ what, costs }, index) => {
    const theirs = kafka[index]?.costs ?? NO_COSTS;
    return [
      [what, 'Odradek', ...COLUMNS.map(([, show]) => show(costs))],
      ['', 'Kafka', ...COLUMNS.map(([, show]) => show(theirs))],
    ];
  });
  const head = ['', '', ...COLUMNS.map(([name]) => name)];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

class CountedCluster {
  readonly #shape: ClusterShape;
  readonly #world = new World();
  readonly #members = new Map<number, Member>();
  /** Since the start. */
  readonly #costs: Costs = { ...NO_COSTS };
  /** In bytes, of what many are told alike. */
  readonly #sizes = new WeakMap<object, number>();

  constructor(shape: ClusterShape) {
    this.#shape = shape;
  }

  get controllerId(): number {
    const node = this.#world.tree.read(controllerZnode.path);
    return node === null ? -1 : controllerZnode.decode(node.data).brokerId;
  }

  ids(): number[] {
    return [...this.#members.keys()];
  }

  /** All brokers register, then one of them takes office. */
  async start(): Promise<void> {
    const ids = Array.from({ length: this.#shape.brokers }, (_, index) => index + 1);
    for (const id of ids) await this.#register(id);
    this.#makeTopics(ids);
    for (const { controller } of this.#members.values()) controller.startup();
    await this.#quiet();
  }

  stop(): void {
    for (const { controller } of this.#members.values()) controller.shutdown();
  }

  async costsOf(what: string, act: () => Promise<void> | void): Promise<Failover> {
    const before = { ...this.#costs };
    await act();
    await this.#quiet();
    const costs = { ...this.#costs };
    for (const name of Object.keys(costs) as (keyof Costs)[]) costs[name] -= before[name];
    return { what, costs };
  }

  /** As an operator does who removes /controller. */
  vacate(): void {
    const { tree, clock } = this.#world;
    tree.commit([{ op: 'remove', path: controllerZnode.path, version: -1 }], 0n, clock.wallMs());
  }

  /** From the moment when its session ends. */
  kill(id: number): void {
    const { tree, clock } = this.#world;
    const member = this.#members.get(id);
    this.#members.delete(id);
    member?.controller.shutdown();
    tree.closeSession(member?.session.sessionId ?? 0n, clock.wallMs());
  }

  async add(id: number): Promise<void> {
    (await this.#register(id)).controller.startup();
  }

  async #register(id: number): Promise<Member> {
    const world = this.#world;
    const source = world.source({ delayMs: TREE_DELAY_MS });
    const session = await world.settled(source.open(LIMIT_MS));
    await world.settled(new ClusterStore(session).ensureTopLevelPaths());
    const store = new ClusterStore(new CountedCoordinator(session, this.#costs));
    const endpoints = ['PLAINTEXT', PEER_LISTENER].map((listener) => ({
      listener,
      host: `broker${id}.example.org`,
      port: 9092,
      securityProtocol: 'PLAINTEXT',
    }));
    const registration = { id, endpoints, rack: null, jmxPort: -1, timestampMs: 1, features: new Map() };
    await world.settled(store.registerBroker(registration));
    const controller = new Controller({
      brokerId: id,
      platform: world.platform(`broker${id}`),
      config: CONFIG,
      liveConfig: new LiveValue({ uncleanLeaderElectionEnable: false }),
      peers: { request: (to, request) => this.#answer(id, to, request) },
      store: () => store,
    });
    const member = { id, session, store, controller };
    this.#members.set(id, member);
    return member;
  }

  /** As a former controller has left them: led by the first replica, and all in sync. */
  #makeTopics(ids: readonly number[]): void {
    const { tree, clock } = this.#world;
    const count = Math.ceil(this.#shape.partitions / PARTITIONS_OF_A_TOPIC);
    for (let index = 0; index < count; index++) {
      const first = index * PARTITIONS_OF_A_TOPIC;
      const size = Math.min(PARTITIONS_OF_A_TOPIC, this.#shape.partitions - first);
      const made = tree.commit(newTopic(index, spread(ids, index, size)), 0n, clock.wallMs());
      if (!made.ok) throw new Error(`topic ${index} can't be made: ${made.reason}`);
    }
  }

  /** Until nobody asks or tells anything any more. */
  async #quiet(): Promise<void> {
    const { clock } = this.#world;
    const endMs = clock.nowMs() + LIMIT_MS;
    for (let before = ''; before !== JSON.stringify(this.#costs) || this.controllerId < 0; ) {
      if (clock.nowMs() > endMs) throw new Error(`the cluster is not quiet after ${LIMIT_MS} ms`);
      before = JSON.stringify(this.#costs);
      await clock.runFor(QUIET_MS);
    }
  }

  async #answer<R extends PeerRequest>(from: number, to: BrokerInfo, request: R): Promise<PeerResponseTo<R>> {
    const told = request as unknown as ControllerRequest;
    // Its own broker hears of it without a network.
    if (to.id !== from) this.#count(told);
    await sleep(this.#world.clock, ANSWER_DELAY_MS);
    if (!this.#members.has(to.id)) throw new PeerUnreachable(`broker ${to.id} is dead`);
    return success(told) as PeerResponseTo<R>;
  }

  #count(request: ControllerRequest): void {
    const costs = this.#costs;
    if (request.type === 'LeaderAndIsr') costs.leaderAndIsr++;
    else if (request.type === 'UpdateMetadata') costs.updateMetadata++;
    else costs.stopReplica++;
    costs.bytes += this.#sizeBytes(request);
  }

  /** Lists are encoded once, however many brokers are told of them. */
  #sizeBytes(request: ControllerRequest): number {
    const { type } = request;
    const short = { ...request, partitions: [] };
    const known = this.#sizes.get(request.partitions);
    const list = known ?? encodedBytes(request.partitions) - encodedBytes([]);
    this.#sizes.set(request.partitions, list);
    return encodedBytes({ id: 1, type, request: short }) + list;
  }
}

function encodedBytes(value: unknown): number {
  return sizeOf(encodeEnvelope(value));
}

/** As Kafka places them, with other companions of each leader from topic to topic. */
function spread(ids: readonly number[], topic: number, partitions: number): number[][] {
  const placed = assignReplicas({
    brokers: ids.map((id) => ({ id, rack: null })),
    partitions,
    replicationFactor: REPLICAS,
    random: simulatedRandom(1),
    startIndex: 0,
    shift: topic,
  });
  if (!placed.ok) throw new Error(`${ids.length} brokers are too few`);
  return [...placed.value.values()];
}

function newTopic(index: number, replicas: readonly (readonly number[])[]): Change[] {
  const topic = `topic-${index}`;
  const topicId = Buffer.from(`topic ${index}`.padEnd(16)).toString('base64url');
  const partitions = new Map(
    replicas.map((one, partition) => [
      partition,
      { replicas: one, addingReplicas: [], removingReplicas: [] },
    ]),
  );
  const create = (path: string, data: Buffer): Change => ({
    op: 'create',
    path,
    data,
    lifetime: 'persistent',
  });
  return [
    create(topicZnode.path(topic), topicZnode.encode({ topicId, partitions })),
    create(partitionStateZnode.partitionsPath(topic), NO_DATA),
    ...replicas.flatMap((isr, partition) => [
      create(partitionStateZnode.partitionPath(topic, partition), NO_DATA),
      create(
        partitionStateZnode.path(topic, partition),
        partitionStateZnode.encode({
          leader: isr[0] ?? -1,
          leaderEpoch: 0,
          isr,
          controllerEpoch: 1,
          leaderRecoveryState: 0,
        }),
      ),
    ]),
  ];
}

function success(request: ControllerRequest): PeerResponseTo<ControllerRequest> {
  if (request.type === 'UpdateMetadata') return { error: ErrorCode.NONE };
  const partitions = request.partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    error: ErrorCode.NONE,
  }));
  return { error: ErrorCode.NONE, partitions };
}
