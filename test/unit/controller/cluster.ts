/**
 * A cluster for the controller's tests: one tree, a session a broker, controllers that are real, and
 * brokers that only note what they are told and answer as the test wants. Its world flows: what is due
 * happens as soon as a test waits, and time passes only by `until`, `settle` and `pass`.
 */

import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { Controller } from '../../../broker/controller/controller.ts';
import type { ControllerRequest } from '../../../broker/controller/request-batch.ts';
import type { ControllerConfig } from '../../../broker/controller/term.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PeerRequest, PeerResponseTo } from '../../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import { sleep } from '../../../broker/platform/clock.ts';
import type { EventKind, EventOf } from '../../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import type { Journal } from '../../../broker/platform/journal.ts';
import type { Metrics } from '../../../broker/platform/metrics.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';

interface Told {
  readonly from: number;
  readonly to: number;
  readonly request: ControllerRequest;
}

export interface Member {
  readonly id: number;
  readonly epoch: number;
  readonly coordinator: Coordinator;
  readonly store: ClusterStore;
  readonly controller: Controller;
  readonly metrics: Metrics;
  readonly journal: Journal;
}

type Answer = (request: ControllerRequest) => PeerResponseTo<ControllerRequest> | null;

const CONFIG: ControllerConfig = {
  autoLeaderRebalanceEnable: true,
  leaderImbalancePerBrokerPercentage: 10,
  leaderImbalanceCheckIntervalSeconds: 300,
  deleteTopicEnable: true,
  controllerSocketTimeoutMs: 30_000,
};

const UNTIL_MS = 3000;
/** So long that a request without an answer has been sent once more. */
const SETTLE_MS = 110;

export class TestCluster {
  readonly world = World.flowing();
  readonly tree = this.world.tree;
  /** What the controllers say. */
  readonly log = this.world.lines;
  readonly told: Told[] = [];
  readonly members = new Map<number, Member>();
  /** What has been recorded, of the dead as well, in its order. */
  readonly recorded: Recorded[] = [];
  readonly source: LocalSource = this.world.source({ reconnectMs: 1 });
  /** Brokers whose watches tell them nothing. */
  readonly deaf = new Set<number>();
  /** What brokers answer; by default success for everything. null: no answer comes. */
  readonly answers = new Map<number, Answer>();
  readonly #config: ControllerConfig;

  constructor(config: Partial<ControllerConfig> = {}) {
    this.#config = { ...CONFIG, ...config };
  }

  /** Registers a broker and starts its controller. */
  async start(id: number): Promise<Member> {
    const coordinator = await this.#open(id);
    const store = new ClusterStore(coordinator);
    await store.ensureTopLevelPaths();
    const epoch = await this.register(store, id);
    const platform = this.world.platform(`b${id}`);
    const { metrics, journal } = platform;
    journal.identify(id, epoch);
    journal.onEvent((recorded) => this.recorded.push(recorded));
    const controller = new Controller({
      brokerId: id,
      platform,
      config: this.#config,
      liveConfig: new LiveValue({ uncleanLeaderElectionEnable: false }),
      peers: { request: (to, request) => this.#request(id, to, request) },
      store: () => store,
    });
    const member = { id, epoch, coordinator, store, controller, metrics, journal };
    this.members.set(id, member);
    controller.startup();
    return member;
  }

  async startAll(...ids: number[]): Promise<Member[]> {
    const members: Member[] = [];
    for (const id of ids) members.push(await this.start(id));
    await this.until(() => this.active() !== undefined);
    await this.settle();
    return members;
  }

  register(store: ClusterStore, id: number): Promise<number> {
    return store.registerBroker({
      id,
      endpoints: ['PLAINTEXT', PEER_LISTENER].map((listener) => {
        return { listener, host: `b${id}`, port: 9092, securityProtocol: 'PLAINTEXT' };
      }),
      rack: null,
      jmxPort: -1,
      timestampMs: 1,
      features: new Map(),
    });
  }

  /** As after kill -9, with the session's end at once. */
  async kill(id: number): Promise<void> {
    const member = this.member(id);
    this.members.delete(id);
    member.controller.shutdown();
    await member.coordinator.close();
  }

  member(id: number): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no broker ${id}`);
    return member;
  }

  active(): Member | undefined {
    return [...this.members.values()].find(
      ({ controller }) => controller.failoverTimeline !== null && controller.isActive,
    );
  }

  controller(): Controller {
    const active = this.active();
    if (active === undefined) throw new Error('no controller');
    return active.controller;
  }

  any(): ClusterStore {
    const [member] = this.members.values();
    if (member === undefined) throw new Error('no broker');
    return member.store;
  }

  async createTopic(name: string, ...partitions: number[][]): Promise<void> {
    await this.any().topics.create(name, assignment(partitions), new Map());
    await this.until(() => partitions.every((_, index) => this.state(name, index) !== null));
    await this.settle();
  }

  /** leader, ISR and leader epoch as stored; null when there is no state node. */
  state(topic: string, partition: number): { leader: number; isr: number[]; leaderEpoch: number } | null {
    const node = this.tree.read(`/brokers/topics/${topic}/partitions/${partition}/state`);
    if (node === null) return null;
    const json = JSON.parse(node.data.toString());
    return { leader: json.leader, isr: json.isr, leaderEpoch: json.leader_epoch };
  }

  /** The events of one kind that anybody has recorded. */
  events<Kind extends EventKind>(kind: Kind): EventOf<Kind>[] {
    return this.recorded.flatMap(({ event }) => (event.kind === kind ? [event as EventOf<Kind>] : []));
  }

  toldTo(id: number): ControllerRequest[] {
    return this.told.filter(({ to }) => to === id).map(({ request }) => request);
  }

  forget(): void {
    this.told.length = 0;
  }

  async until(holds: () => boolean): Promise<void> {
    await this.world.until(holds, UNTIL_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.log.join('\n')}`);
    });
  }

  /** Until everybody has been told what there is to tell. */
  settle(): Promise<void> {
    return this.pass(SETTLE_MS);
  }

  /** Lets time pass. */
  pass(durationMs: number): Promise<void> {
    return this.world.pass(durationMs);
  }

  async stop(): Promise<void> {
    for (const id of [...this.members.keys()]) await this.kill(id);
  }

  async #open(id: number): Promise<Coordinator> {
    const coordinator = await this.source.open(1000);
    const watch = coordinator.watch.bind(coordinator);
    coordinator.watch = (path, what, changed) =>
      watch(path, what, () => {
        if (!this.deaf.has(id)) changed();
      });
    return coordinator;
  }

  async #request<R extends PeerRequest>(
    from: number,
    to: BrokerInfo,
    request: R,
  ): Promise<PeerResponseTo<R>> {
    await sleep(this.world.clock, 0);
    const asked = request as unknown as ControllerRequest;
    const answer = (this.answers.get(to.id) ?? success)(asked);
    if (answer === null) throw new PeerUnreachable('no answer');
    this.told.push({ from, to: to.id, request: asked });
    return answer as PeerResponseTo<R>;
  }
}

export function success(request: ControllerRequest): PeerResponseTo<ControllerRequest> {
  if (request.type === 'UpdateMetadata') return { error: 0 };
  const partitions = request.partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    error: ErrorCode.NONE,
  }));
  return { error: 0, partitions };
}

export function assignment(partitions: readonly (readonly number[])[]) {
  const plain = (replicas: readonly number[]) => ({ replicas, addingReplicas: [], removingReplicas: [] });
  return {
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partitions: new Map(partitions.map((replicas, index) => [index, plain(replicas)])),
  };
}

/** A leader of t-0 asks for another ISR. */
export const alter = (brokerId: number, brokerEpoch: number, newIsr: number[], more: object = {}) => ({
  type: 'AlterPartition' as const,
  brokerId,
  brokerEpoch,
  partitions: [
    {
      topic: 't',
      partition: 0,
      leaderEpoch: 0,
      newIsr,
      leaderRecoveryState: 0,
      partitionEpoch: 0,
      ...more,
    },
  ],
});
