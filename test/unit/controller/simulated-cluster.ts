/**
 * Controllers under virtual time: real controllers, a local tree, and brokers that are models (they fence
 * as brokers do and remember what they were told). One seed gives one history.
 */

import { type BrokerInfo, PEER_LISTENER } from '../../../broker/cluster.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { Controller } from '../../../broker/controller/controller.ts';
import type { ControllerRequest } from '../../../broker/controller/request-batch.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { PeerRequest, PeerResponseTo } from '../../../broker/peers/messages.ts';
import { PeerUnreachable } from '../../../broker/peers/peers.contract.ts';
import { sleep } from '../../../broker/platform/clock.ts';
import { type PartitionKey, partitionKey } from '../../../broker/types.ts';
import type { Coordinator } from '../../../coordinator-client/coordinator.ts';
import type { LocalSource } from '../../../coordinator-client/local/local.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { World } from '../../support/world.ts';

interface Replica {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** A broker: its process may be down while its session lives on for a while. */
export class ModelBroker {
  readonly id: number;
  readonly source: LocalSource;
  up = false;
  epoch = -1;
  highestControllerEpoch = 0;
  coordinator: Coordinator | null = null;
  controller: Controller | null = null;
  readonly hosted = new Map<PartitionKey, Replica>();
  readonly metadata = new Map<PartitionKey, { leader: number; leaderEpoch: number }>();
  live: readonly number[] = [];
  /** Of processes that are gone; the tree lets them expire. */
  readonly formerSessions: bigint[] = [];
  /** Counts starts, so that what an earlier process began ends with it. */
  incarnation = 0;

  constructor(id: number, source: LocalSource) {
    this.id = id;
    this.source = source;
  }

  /** What a broker answers; fenced as in Kafka. */
  handle(request: ControllerRequest): PeerResponseTo<ControllerRequest> {
    if (request.brokerEpoch < this.epoch) return { error: ErrorCode.STALE_BROKER_EPOCH, partitions: [] };
    if (request.controllerEpoch < this.highestControllerEpoch) {
      return { error: ErrorCode.STALE_CONTROLLER_EPOCH, partitions: [] };
    }
    this.highestControllerEpoch = request.controllerEpoch;
    if (request.type === 'UpdateMetadata') {
      this.live = request.liveBrokers.map(({ id }) => id);
      for (const { topic, partition, leader, leaderEpoch } of request.partitions) {
        const key = partitionKey(topic, partition);
        if (leader === -2) this.metadata.delete(key);
        else this.metadata.set(key, { leader, leaderEpoch });
      }
      return { error: 0 };
    }
    const partitions = request.partitions.map(({ topic, partition, ...told }) => {
      const key = partitionKey(topic, partition);
      const here = this.hosted.get(key);
      if ('deletePartition' in told) {
        if (told.deletePartition) this.hosted.delete(key);
      } else if (here === undefined || told.leaderEpoch > here.leaderEpoch) {
        this.hosted.set(key, told);
      } else return { topic, partition, error: ErrorCode.STALE_CONTROLLER_EPOCH };
      return { topic, partition, error: ErrorCode.NONE };
    });
    return { error: 0, partitions };
  }
}

export class SimulatedControllers {
  readonly world: World;
  readonly brokers: ModelBroker[];
  /** Share of requests that get no answer. */
  loss = 0.05;

  constructor(seed: number, size: number) {
    this.world = new World({ seed });
    this.brokers = Array.from({ length: size }, (_, index) => {
      return new ModelBroker(index + 1, this.world.source({ delayMs: 0.2, jitterMs: 1 }));
    });
  }

  /** Starts the process: a session, the registration (waiting for a former session to go), the controller. */
  async start(broker: ModelBroker): Promise<void> {
    const incarnation = ++broker.incarnation;
    broker.up = true;
    broker.hosted.clear();
    broker.metadata.clear();
    broker.highestControllerEpoch = 0;
    const store = await this.#join(broker, incarnation, undefined);
    if (store === null) return;
    const controller = new Controller({
      brokerId: broker.id,
      platform: this.world.platform(`b${broker.id}`, { random: this.world.random }),
      config: {
        autoLeaderRebalanceEnable: true,
        leaderImbalancePerBrokerPercentage: 10,
        leaderImbalanceCheckIntervalSeconds: 10,
        deleteTopicEnable: true,
        controllerSocketTimeoutMs: 1000,
      },
      liveConfig: new LiveValue({ uncleanLeaderElectionEnable: false }),
      peers: { request: (to, request) => this.#request(to, request) },
      store: () => store,
    });
    broker.controller = controller;
    controller.startup();
  }

  /** The process is gone; its session stays until it expires. */
  kill(broker: ModelBroker): void {
    broker.up = false;
    broker.incarnation++;
    broker.controller?.shutdown();
    broker.controller = null;
    if (broker.coordinator === null) return;
    broker.formerSessions.push(broker.coordinator.sessionId);
    broker.source.suspend(broker.coordinator.sessionId);
    broker.coordinator = null;
  }

  active(): ModelBroker | undefined {
    return this.brokers.find(({ up, controller }) => up && controller?.isActive === true);
  }

  async #join(broker: ModelBroker, incarnation: number, former?: bigint): Promise<ClusterStore | null> {
    while (broker.incarnation === incarnation) {
      try {
        const coordinator = await broker.source.open(5000);
        const store = new ClusterStore(coordinator);
        await store.ensureTopLevelPaths();
        const epoch = await store.registerBroker(registration(broker.id), former);
        if (broker.incarnation !== incarnation || coordinator.session === 'lost') {
          await coordinator.close();
          continue;
        }
        broker.coordinator = coordinator;
        broker.epoch = epoch;
        coordinator.onSession((state) => {
          if (state === 'lost' && broker.incarnation === incarnation) void this.#renew(broker, incarnation);
        });
        return store;
      } catch {
        await sleep(this.world.clock, 100);
      }
    }
    return null;
  }

  async #renew(broker: ModelBroker, incarnation: number): Promise<void> {
    broker.controller?.onSessionLost();
    const store = await this.#join(broker, incarnation, broker.coordinator?.sessionId);
    if (store !== null) broker.controller?.onSessionRegained(store, broker.epoch);
  }

  async #request<R extends PeerRequest>(to: BrokerInfo, request: R): Promise<PeerResponseTo<R>> {
    const { clock, random } = this.world;
    const travel = () => sleep(clock, 1 + random.int(20));
    await travel();
    const broker = this.brokers[to.id - 1];
    if (broker === undefined || !broker.up || random.fraction() < this.loss) {
      throw new PeerUnreachable('the request is lost');
    }
    const answer = broker.handle(request as unknown as ControllerRequest);
    await travel();
    if (random.fraction() < this.loss) throw new PeerUnreachable('the answer is lost');
    return answer as PeerResponseTo<R>;
  }
}

function registration(id: number) {
  const endpoints = ['PLAINTEXT', PEER_LISTENER].map((listener) => {
    return { listener, host: `b${id}`, port: 9092, securityProtocol: 'PLAINTEXT' };
  });
  return { id, endpoints, rack: null, jmxPort: -1, timestampMs: 1, features: new Map() };
}
