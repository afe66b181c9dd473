/**
 * Creates, extends and deletes topics by writing ZooKeeper; the controller finds the change there and
 * carries it out. What can't be done is a Kafka error with Kafka's message; a coordinator that can't
 * be reached rejects.
 * Source: ZkAdminManager, AdminZkClient of Kafka 3.9.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { StoredAssignment } from '../../coordinator-client/stores/topics-store.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import type { Random } from '../platform/random.ts';
import type { BrokerId } from '../types.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { assignReplicas, type PlacementBroker } from './placement.ts';
import { type Assignment, asStored, TopicCreation } from './topic-creation.ts';
import {
  addedAssignmentRefusal,
  extensionRefusal,
  invalidAssignment,
  validateTopicName,
} from './topic-rules.ts';

const DONE: Outcome<void> = success(undefined);

interface NewPartitions {
  readonly name: string;
  /** How many the topic shall have in all. */
  readonly count: number;
  /** Replicas of each new partition; null leaves the choice to the broker. */
  readonly assignments: readonly (readonly BrokerId[])[] | null;
  readonly validateOnly: boolean;
}

interface TopicAdminOptions {
  /** Of the current session. */
  readonly store: () => ClusterStore;
  readonly metadata: MetadataCache;
  readonly random: Random;
  /** What topics have without overrides of their own; new overrides must not contradict it. */
  readonly topicDefaults?: () => ReadonlyMap<string, string>;
}

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

  /** For the topics of one request. */
  async creation(): Promise<TopicCreation> {
    const { topics } = this.#store();
    const [names, leaving] = await Promise.all([topics.names(), topics.deletionRequests()]);
    return new TopicCreation({
      topics,
      names,
      leaving: new Set(leaving),
      brokers: this.#liveBrokers(),
      random: this.#random,
      defaults: this.#topicDefaults(),
    });
  }

  /** Asks the controller to delete the topic; asking again is fine. The error code. */
  async deleteTopic(name: string): Promise<ErrorCode> {
    const { topics } = this.#store();
    if (validateTopicName(name) !== null || !(await topics.exists(name)))
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    await topics.requestDeletion(name);
    return ErrorCode.NONE;
  }

  /** Extends a topic, or says why not; whoever else changes the assignment meanwhile makes it judge anew. */
  async createPartitions(wanted: NewPartitions): Promise<Outcome<void>> {
    // Not every text that a client sends is the name of a node.
    if (validateTopicName(wanted.name) !== null) return unknownTopic(wanted.name);
    const { topics } = this.#store();
    if ((await topics.deletionRequests()).includes(wanted.name)) {
      return failure(ErrorCode.INVALID_TOPIC_EXCEPTION, 'The topic is queued for deletion.');
    }
    for (;;) {
      const stored = await topics.assignment(wanted.name);
      if (stored === null) return unknownTopic(wanted.name);
      const added = this.#extend(wanted, stored);
      if (!added.ok) return added;
      if (wanted.validateOnly) return DONE;
      const partitions = new Map([...stored.partitions, ...asStored(added.value)]);
      const { topicId, version } = stored;
      const outcome = await topics.replaceAssignment(wanted.name, { topicId, partitions }, version);
      if (outcome === 'replaced') return DONE;
      if (outcome === 'missing') return unknownTopic(wanted.name);
      // Somebody else has changed the assignment in between: judge the request anew.
    }
  }

  #liveBrokers(): PlacementBroker[] {
    const brokers = [...this.#metadata.image.brokers.values()];
    return brokers.map(({ id, rack }) => ({ id, rack })).sort((a, b) => a.id - b.id);
  }

  /** The partitions to add to a topic. */
  #extend({ name, count, assignments }: NewPartitions, stored: StoredAssignment): Outcome<Assignment> {
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
      return wrong ?? success(new Map(assignments.map((replicas, index) => [current + index, replicas])));
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

function unknownTopic(name: string): Failure {
  return failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
}
