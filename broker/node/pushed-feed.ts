/**
 * The feed of ZooKeeper mode: the controller pushes LeaderAndIsr, UpdateMetadata and StopReplica to every
 * broker. Here these requests become deltas, and what became of them the answers; nothing below knows them.
 * Orders that were meant for the process before this one can't be told before the registration, so all wait
 * for it. Of a controller that nobody has heard of before, ZooKeeper is asked first.
 * Source: KafkaApis.handleLeaderAndIsrRequest, handleUpdateMetadataRequest, handleStopReplicaRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { ControllerEpochs } from '../metadata/controller-epochs.ts';
import type { ControllerFence } from '../metadata/controller-fence.ts';
import {
  type ClusterDelta,
  type DeltaOutcome,
  deltaOutcome,
  type RemovedPartition,
  type ReplicaState,
  type TopicDelta,
} from '../metadata/delta.ts';
import type { PartitionImage } from '../metadata/image.ts';
import type { MetadataFeed, Publish } from '../metadata/metadata-feed.ts';
import type {
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  StopReplicaRequest,
  StopReplicaResponse,
  TopicIds,
  UpdateMetadataRequest,
  UpdateMetadataResponse,
  UpdatePartitionMessage,
} from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Journal } from '../platform/journal.ts';
import { type BrokerId, LEADER_DURING_DELETE, partitionKey, type Uuid, ZERO_UUID } from '../types.ts';

export interface PushedFeedParts {
  readonly brokerId: BrokerId;
  readonly peers: Pick<Peers, 'handle'>;
  readonly fence: Pick<ControllerFence, 'whenRegistered' | 'highestControllerEpoch'>;
  readonly epochs: ControllerEpochs;
  readonly diagnostics: Diagnostics;
  readonly journal: Pick<Journal, 'record'>;
}

/** What the fence answers to those who are not, or no longer, the controller of this broker. */
const FENCED: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.STALE_CONTROLLER_EPOCH,
  ErrorCode.STALE_BROKER_EPOCH,
]);

type Order = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest;

export class PushedFeed implements MetadataFeed {
  readonly #parts: PushedFeedParts;
  /** Whom the news are for; set by `start`. */
  #publish: Publish = () => deltaOutcome(ErrorCode.BROKER_NOT_AVAILABLE);

  constructor(parts: PushedFeedParts) {
    this.#parts = parts;
  }

  start(publish: Publish): void {
    const { peers, brokerId } = this.#parts;
    this.#publish = publish;
    peers.handle('LeaderAndIsr', async (request, from) => {
      const refused = await this.#refusalOf(request, from);
      return refused ?? answer(request, await this.#published(request, leaderAndIsrDelta(request, brokerId)));
    });
    peers.handle('UpdateMetadata', async (request, from): Promise<UpdateMetadataResponse> => {
      const refused = await this.#refusalOf(request, from);
      if (refused !== null) return { error: refused.error };
      const { error } = await this.#published(request, updateMetadataDelta(request));
      return { error };
    });
    peers.handle('StopReplica', async (request, from) => {
      const refused = await this.#refusalOf(request, from);
      return refused ?? answer(request, await this.#published(request, stopReplicaDelta(request)));
    });
  }

  async #published(order: Order, delta: ClusterDelta): Promise<DeltaOutcome> {
    const outcome = await this.#publish(delta);
    if (FENCED.has(outcome.error)) this.#recordRefusal(order, outcome.error);
    return outcome;
  }

  #recordRefusal({ type: order, controllerId, controllerEpoch }: Order, error: ErrorCode): void {
    const knownEpoch = this.#parts.fence.highestControllerEpoch;
    const event = { kind: 'controller-order-refused', order, controllerId, controllerEpoch } as const;
    this.#parts.journal.record({ ...event, error, knownEpoch });
  }

  /** Why an order is not for this broker to obey, or null; that no later one came meanwhile, the fence says. */
  async #refusalOf(order: Order, from: BrokerId): Promise<{ error: ErrorCode; partitions: [] } | null> {
    const { fence, epochs, diagnostics, brokerId } = this.#parts;
    await fence.whenRegistered;
    if (from === brokerId) epochs.trust(order);
    if (await epochs.knows(order)) return null;
    const { epoch, controllerId } = epochs.latest;
    diagnostics.warn(
      `Refused ${order.type} of broker ${from} as controller of epoch ${order.controllerEpoch}: ` +
        `ZooKeeper has epoch ${epoch} of ${controllerId === null ? 'nobody' : `broker ${controllerId}`}`,
    );
    this.#recordRefusal(order, ErrorCode.STALE_CONTROLLER_EPOCH);
    return { error: ErrorCode.STALE_CONTROLLER_EPOCH, partitions: [] };
  }
}

function leaderAndIsrDelta(request: LeaderAndIsrRequest, brokerId: BrokerId): ClusterDelta {
  const topicIds = new Map(request.topicIds);
  const lead: ReplicaState[] = [];
  const follow: ReplicaState[] = [];
  for (const state of request.partitions) {
    const topicId = topicIdOf(topicIds, state.topic);
    const id = state.causeId ?? request.causeId;
    const cause = id === undefined ? {} : { cause: { brokerId: request.controllerId, id } };
    (state.leader === brokerId ? lead : follow).push({ ...state, ...cause, topicId });
  }
  return { ...epochsOf(request), metadata: null, replicas: { lead, follow, stop: [] } };
}

function updateMetadataDelta(request: UpdateMetadataRequest): ClusterDelta {
  const { controllerId, liveBrokers: brokers, onlyTopics } = request;
  const metadata = {
    controllerId,
    brokers,
    topics: topicDeltas(request.partitions, request.topicIds),
    onlyTopics: onlyTopics === undefined ? null : new Set(onlyTopics),
  };
  return { ...epochsOf(request), metadata, replicas: null };
}

function stopReplicaDelta(request: StopReplicaRequest): ClusterDelta {
  const replicas = { lead: [], follow: [], stop: request.partitions };
  return { ...epochsOf(request), metadata: null, replicas };
}

function epochsOf({ controllerEpoch, brokerEpoch }: Order) {
  return { controllerEpoch, brokerEpoch };
}

/** A partition with leader -2 belongs to a topic that is being deleted. */
function topicDeltas(
  partitions: readonly UpdatePartitionMessage[],
  topicIds: TopicIds,
): ReadonlyMap<string, TopicDelta> {
  const ids = new Map(topicIds);
  const topics = new Map<string, TopicDelta & { changed: PartitionImage[]; removed: RemovedPartition[] }>();
  for (const message of partitions) {
    const { topic, partition, leader, replicas } = message;
    let delta = topics.get(topic);
    if (delta === undefined) {
      delta = { topicId: topicIdOf(ids, topic), changed: [], removed: [] };
      topics.set(topic, delta);
    }
    if (leader === LEADER_DURING_DELETE) delta.removed.push({ partition, replicas });
    else delta.changed.push(partitionImage(message));
  }
  return topics;
}

function partitionImage(message: UpdatePartitionMessage): PartitionImage {
  return {
    partition: message.partition,
    leader: message.leader,
    leaderEpoch: message.leaderEpoch,
    partitionEpoch: message.partitionEpoch,
    isr: message.isr,
    replicas: message.replicas,
    offlineReplicas: message.offlineReplicas,
    controllerEpoch: message.controllerEpoch,
  };
}

function topicIdOf(topicIds: ReadonlyMap<string, Uuid>, topic: string): Uuid | null {
  const id = topicIds.get(topic);
  return id === undefined || id === ZERO_UUID ? null : id;
}

function answer(
  request: LeaderAndIsrRequest | StopReplicaRequest,
  { error, failed }: DeltaOutcome,
): LeaderAndIsrResponse & StopReplicaResponse {
  if (error !== ErrorCode.NONE) return { error, partitions: [] };
  const partitions = request.partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    error: failed.get(partitionKey(topic, partition)) ?? ErrorCode.NONE,
  }));
  return { error, partitions };
}
