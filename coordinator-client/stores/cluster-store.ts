/**
 * What brokers do in the tree, one method an operation of Kafka's KafkaZkClient: the cluster's identity,
 * registration, election, and through `topics` and `configs` the rest. Writes here are not fenced by a
 * controller epoch; those of the controller are in fenced-store.ts. One store belongs to one session.
 */

import type { Coordinator, ZNode } from '../coordinator.ts';
import { ANY_VERSION } from '../coordinator.ts';
import { deleteTopicsZnode, isrChangeZnode, logDirEventZnode } from '../znodes/admin-znodes.ts';
import { CONFIG_TYPES, configChangeZnode, configZnode } from '../znodes/config-znodes.ts';
import { readable, type Unreadable } from '../znodes/znode-json.ts';
import type { BrokerRegistration, ControllerRegistration, FeatureState } from '../znodes/znodes.ts';
import {
  brokerSequencePath,
  brokerZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  NO_DATA,
  producerIdBlockZnode,
  topicZnode,
} from '../znodes/znodes.ts';
import { AclStore } from './acl-store.ts';
import { assertPassing, commitKnown, pipelined } from './commits.ts';
import { ConfigStore } from './config-store.ts';
import { ConsumerOffsetsStore } from './consumer-offsets-store.ts';
import { ensurePaths } from './paths.ts';
import { TokenStore } from './token-store.ts';
import { TopicsStore } from './topics-store.ts';

/** A registration as it stands in the tree; `epoch` is the creation zxid of its node. */
export interface RegisteredBroker extends BrokerRegistration {
  readonly epoch: number;
}

/** The broker id is registered by a session that isn't known as this broker's; it may be alive or not. */
export class BrokerIdTaken extends Error {
  override readonly name = 'BrokerIdTaken';
  /** The owner of the registration. */
  readonly sessionId: bigint;

  constructor(brokerId: number, node: ZNode) {
    super(
      `broker id ${brokerId} is registered by ZooKeeper session 0x${node.ephemeralOwner.toString(16)} (${whereabouts(brokerId, node)})`,
    );
    this.sessionId = node.ephemeralOwner;
  }
}

type ElectionResult =
  | { readonly won: true; readonly epoch: number; readonly epochVersion: number }
  /** null: the winner is gone already; its vanishing will fire the watch on /controller. */
  | { readonly won: false; readonly lostTo: number | null };

const TOP_LEVEL_PATHS = [
  '/consumers',
  brokerZnode.parent,
  topicZnode.parent,
  configChangeZnode.parent,
  deleteTopicsZnode.parent,
  brokerSequencePath,
  isrChangeZnode.parent,
  producerIdBlockZnode.path,
  logDirEventZnode.parent,
  ...CONFIG_TYPES.map((type) => configZnode.typePath(type)),
];

export class ClusterStore {
  readonly coordinator: Coordinator;
  readonly topics: TopicsStore;
  readonly configs: ConfigStore;
  readonly consumerOffsets: ConsumerOffsetsStore;
  readonly acls: AclStore;
  readonly tokens: TokenStore;

  constructor(coordinator: Coordinator) {
    this.coordinator = coordinator;
    this.topics = new TopicsStore(coordinator);
    this.configs = new ConfigStore(coordinator);
    this.consumerOffsets = new ConsumerOffsetsStore(coordinator);
    this.acls = new AclStore(coordinator);
    this.tokens = new TokenStore(coordinator);
  }

  /** Makes the directories that every other operation expects. */
  async ensureTopLevelPaths(): Promise<void> {
    await ensurePaths(this.coordinator, TOP_LEVEL_PATHS);
  }

  /** The cluster's id; `proposed` becomes it if there is none. */
  async getOrCreateClusterId(proposed: string): Promise<string> {
    for (;;) {
      const node = await this.coordinator.read(clusterIdZnode.path);
      if (node !== null) return clusterIdZnode.decode(node.data);
      await ensurePaths(this.coordinator, ['/cluster']);
      const data = clusterIdZnode.encode(proposed);
      const answer = await commitKnown(this.coordinator, [
        { op: 'create', path: clusterIdZnode.path, data, lifetime: 'persistent' },
      ]);
      if (answer.ok) return proposed;
      assertPassing(answer, ['exists', 'missing'], `create ${clusterIdZnode.path}`);
    }
  }

  /** The next number of the sequence for generated broker ids; the caller adds reserved.broker.max.id. */
  async nextSequenceBrokerId(): Promise<number> {
    for (;;) {
      const answer = await commitKnown(this.coordinator, [
        { op: 'put', path: brokerSequencePath, data: NO_DATA, version: ANY_VERSION },
      ]);
      if (answer.ok) return answer.results[0]?.version ?? 0;
      assertPassing(answer, ['missing'], `write ${brokerSequencePath}`);
      await ensurePaths(this.coordinator, [brokerSequencePath]);
    }
  }

  /**
   * Registers the broker for the life of this session and answers its epoch. A node of `formerSessionId`,
   * which this process itself used before, is replaced; one of any other session is {@link BrokerIdTaken}.
   */
  async registerBroker(registration: BrokerRegistration, formerSessionId?: bigint): Promise<number> {
    const path = brokerZnode.path(registration.id);
    const data = brokerZnode.encode(registration);
    for (;;) {
      // Kafka makes the node empty and then writes it, so a fresh registration has data version 1.
      const answer = await commitKnown(this.coordinator, [
        { op: 'create', path, data: NO_DATA, lifetime: 'session' },
        { op: 'put', path, data, version: 0 },
      ]);
      const created = answer.ok ? answer.results[0] : undefined;
      if (created !== undefined) return Number(created.czxid);
      if (!answer.ok) assertPassing(answer, ['exists'], `create ${path}`);
      const node = await this.coordinator.read(path);
      if (node === null) continue;
      if (node.ephemeralOwner === this.coordinator.sessionId) return Number(node.czxid);
      if (node.ephemeralOwner !== formerSessionId) throw new BrokerIdTaken(registration.id, node);
      const removed = await commitKnown(this.coordinator, [{ op: 'remove', path, version: node.version }]);
      if (!removed.ok) assertPassing(removed, ['missing', 'version'], `remove ${path}`);
    }
  }

  /** Ids of the living brokers, ascending. */
  async brokerIds(): Promise<number[]> {
    const names = (await this.coordinator.children(brokerZnode.parent)) ?? [];
    return names
      .filter((name) => /^\d{1,10}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async broker(brokerId: number, unreadable?: Unreadable): Promise<RegisteredBroker | null> {
    const node = await this.coordinator.read(brokerZnode.path(brokerId));
    // Between the two steps of a registration nobody sees the node; empty data is a broken tool's work.
    if (node === null || node.data.length === 0) return null;
    const decoded = readable(() => brokerZnode.decode(brokerId, node.data), unreadable);
    return decoded === null ? null : { ...decoded, epoch: Number(node.czxid) };
  }

  /** All living brokers by id; or of `ids`, those that live. */
  async brokers(unreadable?: Unreadable, ids?: readonly number[]): Promise<RegisteredBroker[]> {
    const found = await pipelined(ids ?? (await this.brokerIds()), (id) => this.broker(id, unreadable));
    return found.filter((one) => one !== null);
  }

  /** The controller's registration, and whether this very session holds it. */
  async controller(): Promise<(ControllerRegistration & { readonly isThisSession: boolean }) | null> {
    const node = await this.coordinator.read(controllerZnode.path);
    if (node === null) return null;
    const isThisSession = node.ephemeralOwner === this.coordinator.sessionId;
    return { ...controllerZnode.decode(node.data), isThisSession };
  }

  /** null until the first election. `version` is the data version of the node, the fence. */
  async controllerEpoch(): Promise<{ readonly epoch: number; readonly version: number } | null> {
    const node = await this.coordinator.read(controllerEpochZnode.path);
    return node === null ? null : { epoch: controllerEpochZnode.decode(node.data), version: node.version };
  }

  /**
   * Tries to become the controller, for whoever has seen that there is none: one commit makes /controller and
   * counts /controller_epoch up. Rejects when that is refused although nobody else was faster.
   */
  async electController(brokerId: number, timestampMs: number): Promise<ElectionResult> {
    const stored = await this.#getOrCreateControllerEpoch();
    const registration = { brokerId, timestampMs, kraftControllerEpoch: -1 };
    const epoch = stored.epoch + 1;
    const answer = await commitKnown(this.coordinator, [
      {
        op: 'create',
        path: controllerZnode.path,
        data: controllerZnode.encode(registration),
        lifetime: 'session',
      },
      {
        op: 'put',
        path: controllerEpochZnode.path,
        data: controllerEpochZnode.encode(epoch),
        version: stored.version,
      },
    ]);
    if (answer.ok) return { won: true, epoch, epochVersion: stored.version + 1 };
    assertPassing(answer, ['exists', 'version'], `be elected at ${controllerZnode.path}`);
    return { won: false, lostTo: (await this.controller())?.brokerId ?? null };
  }

  /** Tells the controller that a log directory of this broker has failed. */
  async notifyLogDirFailure(brokerId: number): Promise<void> {
    const { prefix: path } = logDirEventZnode;
    const data = logDirEventZnode.encode(brokerId);
    const answer = await commitKnown(this.coordinator, [
      { op: 'create', path, data, lifetime: 'persistent', sequential: true },
    ]);
    if (!answer.ok) throw new Error(`cannot create ${path}: ${answer.reason}`);
  }

  async feature(): Promise<(FeatureState & { readonly version: number }) | null> {
    const node = await this.coordinator.read(featureZnode.path);
    return node === null ? null : { ...featureZnode.decode(node.data), version: node.version };
  }

  async #getOrCreateControllerEpoch(): Promise<{ epoch: number; version: number }> {
    for (;;) {
      const stored = await this.controllerEpoch();
      if (stored !== null) return stored;
      const epoch = controllerEpochZnode.initialEpoch;
      const data = controllerEpochZnode.encode(epoch);
      const answer = await commitKnown(this.coordinator, [
        { op: 'create', path: controllerEpochZnode.path, data, lifetime: 'persistent' },
      ]);
      if (answer.ok) return { epoch, version: 0 };
      assertPassing(answer, ['exists'], `create ${controllerEpochZnode.path}`);
    }
  }
}

/** Where a registered broker says that it is reached, and since when it is registered. */
function whereabouts(brokerId: number, node: ZNode): string {
  const since = `since ${new Date(node.createdMs).toISOString()}`;
  const registration = readable(
    () => brokerZnode.decode(brokerId, node.data),
    () => {},
  );
  const endpoints = registration?.endpoints.map(
    ({ listener, host, port }) => `${listener}://${host}:${port}`,
  );
  return endpoints === undefined ? since : `${endpoints.join(', ')}, ${since}`;
}
