/**
 * The topics that one request creates. The names that are taken are read once, and each topic of the
 * request is checked against those before it too: what it costs grows with the number of topics, and two
 * names of one request that would collide are not both made.
 * Source: ZkAdminManager.createTopics, AdminZkClient.createTopicWithAssignment.
 */
import type { TopicsStore } from '../../coordinator-client/stores/topics-store.ts';
import type { ReplicaAssignment } from '../../coordinator-client/znodes/znodes.ts';
import { NameMap } from '../bounded-name.ts';
import { validateTopicOverrides } from '../config/topic-config.ts';
import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import { type Random, randomUuid } from '../platform/random.ts';
import { type BrokerId, type Uuid, ZERO_UUID } from '../types.ts';
import { assignReplicas, type PlacementBroker } from './placement.ts';
import { givenAssignmentRefusal, metricForm, validateTopicName } from './topic-rules.ts';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Replicas by partition; then `partitions` and `replicationFactor` don't count. */
  readonly assignment?: ReadonlyMap<number, readonly BrokerId[]>;
  readonly configs: ReadonlyMap<string, string>;
  readonly validateOnly: boolean;
  /** Asked once nothing else is wrong: whether the client's quota allows that many partitions now. */
  readonly allows?: (partitions: number) => boolean;
}

export interface CreatedTopic {
  /** ZERO_UUID when it was only checked. */
  readonly topicId: Uuid;
  readonly assignment: Assignment;
}

export type Assignment = ReadonlyMap<number, readonly BrokerId[]>;

interface TopicCreationOptions {
  readonly topics: TopicsStore;
  /** Of all topics, also of those that are being deleted. */
  readonly names: readonly string[];
  /** Topics that somebody has asked to delete. */
  readonly leaving: ReadonlySet<string>;
  readonly brokers: readonly PlacementBroker[];
  readonly random: Random;
  /** What topics have without overrides of their own; new overrides must not contradict it. */
  readonly defaults: ReadonlyMap<string, string>;
}

export class TopicCreation {
  readonly #options: TopicCreationOptions;
  /** Taken names by what they look like in a metric. */
  readonly #taken = new Map<string, Set<string>>();
  /** Verdicts on overrides: most topics of a request have the same. */
  readonly #judged = new NameMap<Failure | null>();

  constructor(options: TopicCreationOptions) {
    this.#options = options;
    for (const name of options.names) this.#take(name);
  }

  /** Checks and takes the name before it first waits, so calls made in a row are checked in that order. */
  async createTopic(topic: NewTopic): Promise<Outcome<CreatedTopic>> {
    const { topics, random } = this.#options;
    // Of several things that are wrong Kafka names the first in this order.
    const placed = topic.assignment === undefined ? this.#place(topic) : success(topic.assignment);
    if (!placed.ok) return placed;
    const assignment = placed.value;
    const refusal =
      this.#nameRefusal(topic.name) ??
      (topic.assignment === undefined ? null : givenAssignmentRefusal(topic.assignment)) ??
      this.#configRefusal(topic.configs);
    if (refusal !== null) return refusal;
    if (topic.validateOnly) return success({ topicId: ZERO_UUID, assignment });
    if (topic.allows?.(assignment.size) === false) return failure(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    this.#take(topic.name);
    const topicId = randomUuid(random);
    const stored = { topicId, partitions: asStored(assignment) };
    const created = await topics.create(topic.name, stored, topic.configs);
    if (created === 'exists') return alreadyExists(topic.name);
    return success({ topicId, assignment });
  }

  #take(name: string): void {
    const form = metricForm(name);
    const names = this.#taken.get(form);
    if (names === undefined) this.#taken.set(form, new Set([name]));
    else names.add(name);
  }

  #nameRefusal(name: string): Failure | null {
    const complaint = validateTopicName(name);
    if (complaint !== null) return failure(ErrorCode.INVALID_TOPIC_EXCEPTION, complaint);
    const colliding = this.#taken.get(metricForm(name)) ?? new Set();
    if (colliding.size === 0) return null;
    if (this.#options.leaving.has(name)) return isLeaving(name);
    if (colliding.has(name)) return alreadyExists(name);
    return failure(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topics: ${[...colliding].join(', ')}`,
    );
  }

  #configRefusal(configs: ReadonlyMap<string, string>): Failure | null {
    const key = JSON.stringify([...configs]);
    const known = this.#judged.get(key);
    if (known !== undefined) return known;
    const wrong = validateTopicOverrides(configs, this.#options.defaults);
    const verdict = wrong === null ? null : failure(ErrorCode.INVALID_CONFIG, wrong.message);
    this.#judged.set(key, verdict);
    return verdict;
  }

  #place({ partitions, replicationFactor }: NewTopic): Outcome<Assignment> {
    const { brokers, random } = this.#options;
    return assignReplicas({ brokers, partitions, replicationFactor, random });
  }
}

/** As the topic's znode has it, with no reassignment under way. */
export function asStored(assignment: Assignment): Map<number, ReplicaAssignment> {
  return new Map(
    [...assignment].map(([partition, replicas]) => [
      partition,
      { replicas, addingReplicas: [], removingReplicas: [] },
    ]),
  );
}

function alreadyExists(name: string): Failure {
  return failure(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
}

function isLeaving(name: string): Failure {
  return failure(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' is marked for deletion.`);
}
