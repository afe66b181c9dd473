/**
 * Gathers what brokers are to be told, merges it by receiver and partition, and builds the requests from
 * the state as it is then. Order of sending: LeaderAndIsr, UpdateMetadata, StopReplica. Everything that is
 * told of a partition's leadership goes to every broker as metadata. Pure.
 * Source: kafka.controller.AbstractControllerBrokerRequestBatch.
 */
import type {
  LeaderAndIsrRequest,
  PartitionStateMessage,
  StopReplicaRequest,
  TopicIds,
  UpdateMetadataRequest,
  UpdatePartitionMessage,
} from '../peers/messages.ts';
import type { EventId } from '../platform/event-ring.ts';
import {
  type BrokerId,
  EPOCH_DURING_DELETE,
  LEADER_DURING_DELETE,
  NO_EPOCH,
  type PartitionKey,
  type Uuid,
  ZERO_UUID,
} from '../types.ts';
import type { ClusterView, IsrAndLeader, PartitionView } from './cluster-state.ts';
import type { MetadataTell, Tell } from './plan.ts';

/** What only a controller sends. */
export type ControllerRequest = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest;

interface Outgoing {
  readonly to: BrokerId;
  readonly request: ControllerRequest;
}

/** A partition takes a few hundred bytes; a broker takes in this many within a few hundred milliseconds. */
const MAX_METADATA_PARTITIONS = 10_000;
/**
 * What makes, opens or removes files takes a millisecond a partition where the disk is slow. In between
 * a broker must get to its other work, or it loses its session, and all that it leads.
 */
export const MAX_REPLICAS = 250;

/**
 * By receiver and partition, the last word on a partition stands; `isNew` and `remove` stay once they
 * were said.
 */
export class RequestBatch {
  readonly #leaders = new Map<BrokerId, Map<PartitionKey, { partition: PartitionView; isNew: boolean }>>();
  readonly #stops = new Map<BrokerId, Map<PartitionKey, { partition: PartitionView; remove: boolean }>>();
  /** Told to every broker of `#metadataTo` alike. */
  readonly #metadata = new Map<PartitionKey, PartitionView>();
  readonly #metadataTo = new Set<BrokerId>();
  /** Those of `#metadataTo` that are told of all topics there are, and so of those that are no more. */
  readonly #forgetOthers = new Set<BrokerId>();
  /** The events that tell of the states of these partitions; of all others `#causeId` is what they follow from. */
  readonly #causeIds = new Map<PartitionKey, EventId>();
  readonly #causeId: EventId | null;
  readonly #view: ClusterView;
  readonly #controllerId: BrokerId;

  /** `causeId`: the event of this broker's journal that all of it follows from. */
  constructor(view: ClusterView, controllerId: BrokerId, causeId: EventId | null = null) {
    this.#view = view;
    this.#controllerId = controllerId;
    this.#causeId = causeId;
  }

  /** The state of a partition is told in this event. */
  toldIn(key: PartitionKey, eventId: EventId): void {
    this.#causeIds.set(key, eventId);
  }

  add(tell: Tell): void {
    switch (tell.request) {
      case 'LeaderAndIsr':
        this.#addLeaderAndIsr(tell.to, tell.partition, tell.isNew);
        break;
      case 'UpdateMetadata':
        this.#addUpdate(tell.to === 'all' ? [...this.#view.brokers.keys()] : tell.to, tell);
        break;
      case 'StopReplica': {
        const stops = this.#stops.get(tell.to) ?? new Map();
        this.#stops.set(tell.to, stops);
        const remove = tell.deletePartition || stops.get(tell.partition.key)?.remove === true;
        stops.set(tell.partition.key, { partition: tell.partition, remove });
        break;
      }
    }
  }

  /** In the order in which they must be handed to each broker. Brokers that are gone get nothing. */
  requests(): Outgoing[] {
    const live = (id: BrokerId): boolean => this.#view.brokers.has(id);
    const outgoing: Outgoing[] = [];
    for (const [to, items] of this.#leaders) {
      for (const part of live(to) ? parts([...items.values()], MAX_REPLICAS) : []) {
        outgoing.push({ to, request: this.#leaderAndIsr(to, part) });
      }
    }
    const known = [...this.#metadata.values()].filter(({ leadership }) => leadership !== null);
    // Without partitions the request says who is alive.
    const shared =
      known.length === 0
        ? [this.#sharedMetadata([])]
        : parts(known, MAX_METADATA_PARTITIONS).map((part) => this.#sharedMetadata(part));
    const onlyTopics = [...this.#view.topics.keys(), ...this.#view.unreadTopics];
    for (const to of this.#metadataTo) {
      for (const part of live(to) ? shared : []) {
        // With the last one, so that nothing that comes with the others is missed.
        const more = part === shared.at(-1) && this.#forgetOthers.has(to) ? { onlyTopics } : {};
        outgoing.push({ to, request: { ...part, ...more, ...this.#head(to) } });
      }
    }
    for (const [to, items] of this.#stops) {
      for (const part of live(to) ? parts([...items.values()], MAX_REPLICAS) : []) {
        outgoing.push({ to, request: this.#stopReplica(to, part) });
      }
    }
    return outgoing;
  }

  #addLeaderAndIsr(to: readonly BrokerId[], partition: PartitionView, isNew: boolean): void {
    for (const id of to) {
      const items = this.#leaders.get(id) ?? new Map();
      this.#leaders.set(id, items);
      items.set(partition.key, { partition, isNew: isNew || items.get(partition.key)?.isNew === true });
    }
    this.#addMetadata([...this.#view.brokers.keys()], [partition]);
  }

  #addUpdate(to: readonly BrokerId[], { partitions, forgetOthers }: MetadataTell): void {
    this.#addMetadata(to, partitions);
    if (forgetOthers === true) for (const id of to) this.#forgetOthers.add(id);
  }

  #addMetadata(to: readonly BrokerId[], partitions: readonly PartitionView[]): void {
    for (const id of to) this.#metadataTo.add(id);
    for (const partition of partitions) this.#metadata.set(partition.key, partition);
  }

  #head(to: BrokerId) {
    return {
      controllerId: this.#controllerId,
      controllerEpoch: this.#view.controllerEpoch,
      brokerEpoch: this.#view.brokers.get(to)?.epoch ?? NO_EPOCH,
      ...(this.#causeId !== null && { causeId: this.#causeId }),
    };
  }

  #leaderAndIsr(
    to: BrokerId,
    items: readonly { partition: PartitionView; isNew: boolean }[],
  ): LeaderAndIsrRequest {
    const partitions: PartitionStateMessage[] = [];
    for (const { partition, isNew } of items) {
      const { leadership } = partition;
      if (leadership === null) continue;
      const causeId = this.#causeIds.get(partition.key);
      const message = stateMessage(partition, leadership, isNew);
      partitions.push(causeId === undefined ? message : { ...message, causeId });
    }
    return {
      type: 'LeaderAndIsr',
      ...this.#head(to),
      topicIds: this.#topicIds(partitions),
      partitions,
    };
  }

  #sharedMetadata(
    items: readonly PartitionView[],
  ): Omit<UpdateMetadataRequest, 'controllerId' | 'controllerEpoch' | 'brokerEpoch'> {
    const partitions: UpdatePartitionMessage[] = [];
    for (const partition of items) {
      if (partition.leadership !== null)
        partitions.push(metadataMessage(this.#view, partition, partition.leadership));
    }
    return {
      type: 'UpdateMetadata',
      topicIds: this.#topicIds(partitions),
      partitions,
      liveBrokers: [...this.#view.brokers.values()],
    };
  }

  #stopReplica(
    to: BrokerId,
    items: readonly { partition: PartitionView; remove: boolean }[],
  ): StopReplicaRequest {
    const partitions = items.map(({ partition, remove }) => ({
      topic: partition.topic,
      partition: partition.partition,
      leaderEpoch: this.#view.topicsToDelete.has(partition.topic)
        ? EPOCH_DURING_DELETE
        : (partition.leadership?.leaderEpoch ?? NO_EPOCH),
      deletePartition: remove,
    }));
    return { type: 'StopReplica', ...this.#head(to), partitions };
  }

  #topicIds(partitions: readonly { readonly topic: string }[]): TopicIds {
    const ids = new Map<string, Uuid>();
    for (const { topic } of partitions) {
      const id = this.#view.topics.get(topic)?.topicId ?? ZERO_UUID;
      if (id !== ZERO_UUID) ids.set(topic, id);
    }
    return [...ids];
  }
}

/** Pieces of which none comes near peer.max.message.bytes; one if there is nothing. */
function parts<Item>(items: readonly Item[], most: number): (readonly Item[])[] {
  if (items.length <= most) return [items];
  const pieces: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += most) {
    pieces.push(items.slice(at, at + most));
  }
  return pieces;
}

function stateMessage(
  partition: PartitionView,
  leadership: IsrAndLeader,
  isNew: boolean,
): PartitionStateMessage {
  return {
    topic: partition.topic,
    partition: partition.partition,
    ...leadership,
    ...partition.assignment,
    isNew,
  };
}

/** Leader and epochs of a partition that is going away are those of a fresh one, except for the leader -2. */
function metadataMessage(
  view: ClusterView,
  partition: PartitionView,
  leadership: IsrAndLeader,
): UpdatePartitionMessage {
  const { replicas } = partition.assignment;
  const leaving = view.topicsToDelete.has(partition.topic);
  return {
    topic: partition.topic,
    partition: partition.partition,
    controllerEpoch: leadership.controllerEpoch,
    leader: leaving ? LEADER_DURING_DELETE : leadership.leader,
    leaderEpoch: leaving ? 0 : leadership.leaderEpoch,
    isr: leadership.isr,
    partitionEpoch: leaving ? 0 : leadership.partitionEpoch,
    replicas,
    offlineReplicas: replicas.filter((replica) => !view.isOnline(replica, partition)),
  };
}
