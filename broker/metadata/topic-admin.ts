/**
 * Creates, extends and deletes topics by writing ZooKeeper; the controller finds the change there and
 * carries it out. What can't be done is a Kafka error with Kafka's message; a coordinator that can't
 * be reached rejects.
 * Source: ZkAdminManager, AdminZkClient of Kafka 3.9.
 */
import type { ClusterStore } from '../../coordinator-client/cluster-store.ts';
import type { StoredAssignment } from '../../coordinator-client/topics-store.ts';
import type { ReplicaAssignment } from '../../coordinator-client/znodes.ts';
import { validateTopicOverrides } from '../config/topic-config.ts';
import { type Random, randomUuid } from '../platform/random.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { type BrokerId, topicNameComplaint, type Uuid, ZERO_UUID } from '../types.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { assignReplicas, type PlacementBroker, type Refusal } from './placement.ts';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Replicas by partition; then `partitions` and `replicationFactor` don't count. */
  readonly assignment?: ReadonlyMap<number, readonly BrokerId[]>;
  readonly configs: ReadonlyMap<string, string>;
  readonly validateOnly: boolean;
}

export interface CreatedTopic {
  readonly error: number;
  readonly message?: string;
  /** ZERO_UUID unless it was created. */
  readonly topicId: Uuid;
  /** Empty when it failed. */
  readonly assignment: ReadonlyMap<number, readonly BrokerId[]>;
}

export interface NewPartitions {
  readonly name: string;
  /** How many the topic shall have in all. */
  readonly count: number;
  /** Replicas of each new partition; null leaves the choice to the broker. */
  readonly assignments: readonly (readonly BrokerId[])[] | null;
  readonly validateOnly: boolean;
}

export interface TopicAdminOptions {
  /** Of the current session. */
  readonly store: () => ClusterStore;
  readonly metadata: MetadataCache;
  readonly random: Random;
  /** What topics have without overrides of their own; new overrides must not contradict it. */
  readonly topicDefaults?: () => ReadonlyMap<string, string>;
}

type Assignment = ReadonlyMap<number, readonly BrokerId[]>;

export class TopicAdmin {
  readonly #store: () => ClusterStore;
  readonly #metadata: MetadataCache;
  readonly #random: Random;
  readonly #topicDefaults: () => ReadonlyMap<string, string>;

  constructor({ store, metadata, random, topicDefaults }: TopicAdminOptions) {
    this.#store = store;
    this.#metadata = metadata;
    this.#random = random;
    this.#topicDefaults = topicDefaults ?? (() => new Map());
  }

  async createTopic(topic: NewTopic): Promise<CreatedTopic> {
    const { topics } = this.#store();
    const existing = await topics.names();
    const refusal = nameRefusal(topic.name, existing) ?? this.#configRefusal(topic.configs);
    if (refusal !== null) return failed(refusal);
    const assignment = this.#place(topic);
    if (isRefusal(assignment)) return failed(assignment);
    if (topic.validateOnly) return { error: ErrorCode.NONE, topicId: ZERO_UUID, assignment };
    const topicId = randomUuid(this.#random);
    const created = await topics.create(
      topic.name,
      { topicId, partitions: asStored(assignment) },
      topic.configs,
    );
    if (created === 'exists') return failed(alreadyExists(topic.name));
    return { error: ErrorCode.NONE, topicId, assignment };
  }

  /** Asks the controller to delete the topic; asking again is fine. The error code. */
  async deleteTopic(name: string): Promise<number> {
    const { topics } = this.#store();
    if (validateTopicName(name) !== null || !(await topics.exists(name)))
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    await topics.requestDeletion(name);
    return ErrorCode.NONE;
  }

  async createPartitions(wanted: NewPartitions): Promise<{ error: number; message?: string }> {
    // Not every text that a client sends is the name of a node.
    if (validateTopicName(wanted.name) !== null) return unknownTopic(wanted.name);
    const { topics } = this.#store();
    if ((await topics.deletionRequests()).includes(wanted.name)) {
      return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: 'The topic is queued for deletion.' };
    }
    for (;;) {
      const stored = await topics.assignment(wanted.name);
      if (stored === null) return unknownTopic(wanted.name);
      const added = this.#extend(wanted, stored);
      if (isRefusal(added)) return added;
      if (wanted.validateOnly) return { error: ErrorCode.NONE };
      const partitions = new Map([...stored.partitions, ...asStored(added)]);
      const { topicId, version } = stored;
      const outcome = await topics.replaceAssignment(wanted.name, { topicId, partitions }, version);
      if (outcome === 'replaced') return { error: ErrorCode.NONE };
      if (outcome === 'missing') return unknownTopic(wanted.name);
      // Somebody else has changed the assignment in between: judge the request anew.
    }
  }

  #configRefusal(configs: ReadonlyMap<string, string>): Refusal | null {
    const wrong = validateTopicOverrides(configs, this.#topicDefaults());
    return wrong === null ? null : { error: ErrorCode.INVALID_CONFIG, message: wrong.message };
  }

  #liveBrokers(): PlacementBroker[] {
    const brokers = [...this.#metadata.image.brokers.values()];
    return brokers.map(({ id, rack }) => ({ id, rack })).sort((a, b) => a.id - b.id);
  }

  #place({ assignment, partitions, replicationFactor }: NewTopic): Assignment | Refusal {
    if (assignment !== undefined) return givenAssignmentRefusal(assignment) ?? assignment;
    return assignReplicas({
      brokers: this.#liveBrokers(),
      partitions,
      replicationFactor,
      random: this.#random,
    });
  }

  /** The partitions to add to a topic. */
  #extend({ name, count, assignments }: NewPartitions, stored: StoredAssignment): Assignment | Refusal {
    const current = stored.partitions.size;
    const first = stored.partitions.get(0);
    const refusal = extensionRefusal(name, count, stored);
    if (refusal !== null) return refusal;
    if (first === undefined) {
      return invalidAssignment(
        `Unexpected existing replica assignment for topic '${name}', partition id 0 is missing.`,
      );
    }
    const brokers = this.#liveBrokers();
    if (assignments !== null) {
      const live = new Set(brokers.map(({ id }) => id));
      const wrong = addedAssignmentRefusal(assignments, {
        live,
        count: count - current,
        current,
        replicationFactor: first.replicas.length,
      });
      return wrong ?? new Map(assignments.map((replicas, index) => [current + index, replicas]));
    }
    const preferred = first.replicas[0] ?? 0;
    return assignReplicas({
      brokers,
      partitions: count - current,
      replicationFactor: first.replicas.length,
      random: this.#random,
      firstPartition: current,
      startIndex: Math.max(
        0,
        brokers.findIndex(({ id }) => id >= preferred),
      ),
    });
  }
}

function nameRefusal(name: string, existing: readonly string[]): Refusal | null {
  const complaint = validateTopicName(name);
  if (complaint !== null) return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: complaint };
  if (existing.includes(name)) return alreadyExists(name);
  const colliding = existing.filter((other) => namesCollide(name, other));
  if (colliding.length === 0) return null;
  return {
    error: ErrorCode.INVALID_TOPIC_EXCEPTION,
    message: `Topic '${name}' collides with existing topics: ${colliding.join(', ')}`,
  };
}

/** Brokers that are not there are let through, as in Kafka. */
function givenAssignmentRefusal(assignment: Assignment): Refusal | null {
  for (const [partition, replicas] of assignment) {
    if (new Set(replicas).size !== replicas.length) {
      return invalidAssignment(`Duplicate replica assignment found: ${partition} -> ${replicas.join(', ')}`);
    }
    if (replicas.length === 0) return invalidAssignment('All partitions should have at least one replica');
    if (replicas.some((id) => id < 0))
      return invalidAssignment(`Broker ids must not be negative: ${replicas.join(', ')}`);
  }
  if (new Set([...assignment.values()].map((replicas) => replicas.length)).size !== 1) {
    return invalidAssignment('All partitions should have the same number of replicas');
  }
  for (let partition = 0; partition < assignment.size; partition++) {
    if (!assignment.has(partition)) {
      return invalidAssignment('partitions should be a consecutive 0-based integer sequence');
    }
  }
  return null;
}

function extensionRefusal(name: string, count: number, stored: StoredAssignment): Refusal | null {
  const current = stored.partitions.size;
  for (const { addingReplicas, removingReplicas } of stored.partitions.values()) {
    if (addingReplicas.length + removingReplicas.length === 0) continue;
    return {
      error: ErrorCode.REASSIGNMENT_IN_PROGRESS,
      message: `A partition reassignment is in progress for the topic '${name}'.`,
    };
  }
  if (count > current) return null;
  const message =
    count === current
      ? `Topic already has ${current} partitions.`
      : `Topic currently has ${current} partitions, which is higher than the requested ${count}.`;
  return { error: ErrorCode.INVALID_PARTITIONS, message };
}

function addedAssignmentRefusal(
  assignments: readonly (readonly BrokerId[])[],
  topic: { live: ReadonlySet<BrokerId>; count: number; current: number; replicationFactor: number },
): Refusal | null {
  const unknown = assignments.flat().filter((id) => !topic.live.has(id));
  if (unknown.length > 0) {
    return invalidAssignment(`Unknown broker(s) in replica assignment: ${unknown.join(', ')}.`);
  }
  if (assignments.length !== topic.count) {
    return invalidAssignment(
      `Increasing the number of partitions by ${topic.count} but ${assignments.length} assignments provided.`,
    );
  }
  for (const [index, replicas] of assignments.entries()) {
    const partition = topic.current + index;
    if (replicas.length === 0) {
      return invalidAssignment(`Cannot have replication factor of 0 for partition id ${partition}.`);
    }
    if (new Set(replicas).size !== replicas.length) {
      return invalidAssignment(
        `Duplicate brokers not allowed in replica assignment: ${replicas.join(', ')} for partition id ${partition}.`,
      );
    }
    if (replicas.length !== topic.replicationFactor) {
      return invalidAssignment(
        `Inconsistent replication factor between partitions, partition 0 has ${topic.replicationFactor} while partitions [${partition}] have replication factors [${replicas.length}], respectively.`,
      );
    }
  }
  return null;
}

function asStored(assignment: Assignment): Map<number, ReplicaAssignment> {
  return new Map(
    [...assignment].map(([partition, replicas]) => [
      partition,
      { replicas, addingReplicas: [], removingReplicas: [] },
    ]),
  );
}

function isRefusal(outcome: Assignment | Refusal): outcome is Refusal {
  return 'error' in outcome;
}

function failed({ error, message }: Refusal): CreatedTopic {
  return { error, message, topicId: ZERO_UUID, assignment: new Map() };
}

function alreadyExists(name: string): Refusal {
  return { error: ErrorCode.TOPIC_ALREADY_EXISTS, message: `Topic '${name}' already exists.` };
}

function unknownTopic(name: string): Refusal {
  return {
    error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    message: `The topic '${name}' does not exist.`,
  };
}

function invalidAssignment(message: string): Refusal {
  return { error: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message };
}

/** Why `name` is no topic name, in Kafka's words; null for a good one. */
export function validateTopicName(name: string): string | null {
  const complaint = topicNameComplaint(name);
  return complaint === null ? null : `Topic name is invalid: ${complaint}`;
}

/** Whether two names differ but look the same in the name of a metric, where `.` and `_` are one. */
function namesCollide(one: string, other: string): boolean {
  return one !== other && one.replaceAll('.', '_') === other.replaceAll('.', '_');
}
