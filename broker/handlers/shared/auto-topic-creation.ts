/**
 * Topics that come to be because a client asked about them (Metadata) or needs a coordinator
 * (FindCoordinator). In ZooKeeper mode any broker creates them itself; the controller then finds them
 * in ZooKeeper. The asker gets a retriable error in any case, for the leaders are not elected yet.
 * Source: DefaultAutoTopicCreationManager.createTopics, createTopicsInZk.
 */
import { NameMap, NameSet } from '../../bounded-name.ts';
import type { FixedConfig } from '../../config/broker-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { TopicCreation } from '../../metadata/topic-creation.ts';
import { validateTopicName } from '../../metadata/topic-rules.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Steps, Turns } from '../../platform/turns.ts';
import type { RequestCharges } from '../../quotas/request-charges.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../../types.ts';
import { partitionAllowance } from './request-allowances.ts';

interface Shape {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

type Creation = Pick<TopicCreation, 'createTopic'>;

/** What it needs of TopicAdmin: the names that there are, read once, and then topic after topic. */
interface TopicMaker {
  creation(): Promise<Creation>;
}

/** Who asks: it is done at his charge, a few topics in each turn. */
interface Asker {
  readonly charges: Pick<RequestCharges, 'autoCreated'> | null;
  readonly turns: Turns;
}

export class AutoTopicCreation {
  readonly #config: FixedConfig;
  readonly #topicAdmin: TopicMaker;
  readonly #diagnostics: Diagnostics;
  /** Topics that are being made; each by one request at a time. */
  readonly #inFlight = new NameSet();

  constructor(config: FixedConfig, topicAdmin: TopicMaker, diagnostics: Diagnostics) {
    this.#config = config;
    this.#topicAdmin = topicAdmin;
    this.#diagnostics = diagnostics;
  }

  /** Creates what is missing; the error to answer for each topic meanwhile. */
  async create(topics: readonly string[], asker: Asker): Promise<ReadonlyMap<string, ErrorCode>> {
    const { turns } = asker;
    const errors = new NameMap<ErrorCode>();
    const fits = this.#allowance();
    const refusals = await turns.each(topics, (topic) => this.#refusalOf(topic, fits));
    const wanted = await turns.take(unrefused(topics, refusals, errors));
    if (wanted.length === 0) return errors;
    const creation = await this.#opened();
    const created = await turns.begin(wanted, (topic) => this.#createOne(topic, creation, asker));
    const outcomes = created.values();
    await turns.each(wanted, (topic) =>
      errors.set(topic, outcomes.next().value ?? ErrorCode.UNKNOWN_SERVER_ERROR),
    );
    return errors;
  }

  /** One topic as the configuration wants it is always allowed. */
  #allowance(): (partitions: number) => boolean {
    const { requestMaxNewPartitions, numPartitions } = this.#config;
    const { offsetsTopicNumPartitions, transactionStateLogNumPartitions } = this.#config;
    return partitionAllowance(
      Math.max(
        requestMaxNewPartitions,
        numPartitions,
        offsetsTopicNumPartitions,
        transactionStateLogNumPartitions,
      ),
    );
  }

  /** Over the limit it is answered as if its creation were under way; the client asks again, and it fits then. */
  #refusalOf(topic: string, fits: (partitions: number) => boolean): ErrorCode | null {
    if (!fits(this.#shapeOf(topic).partitions)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return validateTopicName(topic) === null ? null : ErrorCode.INVALID_TOPIC_EXCEPTION;
  }

  /** Before topics are begun, or all of them would go on at once when it is there. null: it is not to be had. */
  async #opened(): Promise<Creation | null> {
    try {
      return await this.#topicAdmin.creation();
    } catch (error) {
      this.#diagnostics.warn('could not create topics', error);
      return null;
    }
  }

  async #createOne(topic: string, creation: Creation | null, { charges }: Asker): Promise<ErrorCode> {
    if (creation === null || this.#inFlight.has(topic)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    this.#inFlight.add(topic);
    try {
      const { partitions, replicationFactor, configs } = this.#shapeOf(topic);
      const created = await creation.createTopic({
        name: topic,
        partitions,
        replicationFactor,
        configs,
        validateOnly: false,
      });
      if (created.ok) charges?.autoCreated(created.value.assignment.size);
      return creatingError(created.ok ? ErrorCode.NONE : created.error);
    } catch (error) {
      this.#diagnostics.warn(`could not create topic ${topic}`, error);
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    } finally {
      this.#inFlight.delete(topic);
    }
  }

  #shapeOf(topic: string): Shape {
    const config = this.#config;
    if (topic === GROUP_METADATA_TOPIC) {
      return {
        partitions: config.offsetsTopicNumPartitions,
        replicationFactor: config.offsetsTopicReplicationFactor,
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['segment.bytes', String(config.offsetsTopicSegmentBytes)],
          ['compression.type', 'producer'],
        ]),
      };
    }
    if (topic === TRANSACTION_STATE_TOPIC) {
      return {
        partitions: config.transactionStateLogNumPartitions,
        replicationFactor: config.transactionStateLogReplicationFactor,
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['segment.bytes', String(config.transactionStateLogSegmentBytes)],
          ['compression.type', 'uncompressed'],
          ['min.insync.replicas', String(config.transactionStateLogMinIsr)],
          ['unclean.leader.election.enable', 'false'],
        ]),
      };
    }
    return {
      partitions: config.numPartitions,
      replicationFactor: config.defaultReplicationFactor,
      configs: new Map(),
    };
  }
}

/** The topics that nothing is wrong with; what is wrong with the others is in `errors`. */
function* unrefused(
  topics: readonly string[],
  refusals: readonly (ErrorCode | null)[],
  errors: NameMap<ErrorCode>,
): Steps<readonly string[]> {
  const wanted: string[] = [];
  for (const [index, topic] of topics.entries()) {
    const refusal = refusals[index] ?? null;
    if (refusal === null) wanted.push(topic);
    else errors.set(topic, refusal);
    yield;
  }
  return wanted;
}

/** Created, or created by somebody else: the leader is what is still missing. */
function creatingError(error: ErrorCode): ErrorCode {
  const exists =
    error === ErrorCode.NONE ||
    error === ErrorCode.TOPIC_ALREADY_EXISTS ||
    error === ErrorCode.REQUEST_TIMED_OUT;
  return exists ? ErrorCode.LEADER_NOT_AVAILABLE : error;
}
