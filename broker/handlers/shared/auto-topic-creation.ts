/**
 * Topics that come to be because a client asked about them (Metadata) or needs a coordinator
 * (FindCoordinator). In ZooKeeper mode any broker creates them itself; the controller then finds them
 * in ZooKeeper. The asker gets a retriable error in any case, for the leaders are not elected yet.
 * Source: DefaultAutoTopicCreationManager.createTopics, createTopicsInZk.
 */
import type { FixedConfig } from '../../config/broker-config.ts';
import { ErrorCode } from '../../errors.ts';
import type { TopicCreation } from '../../metadata/topic-creation.ts';
import { validateTopicName } from '../../metadata/topic-rules.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../../types.ts';
import { partitionAllowance } from './request-allowances.ts';

interface Shape {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** What it needs of TopicAdmin: the names that there are, read once, and then topic after topic. */
interface TopicMaker {
  creation(): Promise<Pick<TopicCreation, 'createTopic'>>;
}

export class AutoTopicCreation {
  readonly #config: FixedConfig;
  readonly #topicAdmin: TopicMaker;
  readonly #diagnostics: Diagnostics;
  /** Topics that are being made; each by one request at a time. */
  readonly #inFlight = new Set<string>();

  constructor(config: FixedConfig, topicAdmin: TopicMaker, diagnostics: Diagnostics) {
    this.#config = config;
    this.#topicAdmin = topicAdmin;
    this.#diagnostics = diagnostics;
  }

  /** Creates what is missing; the error to answer for each topic meanwhile. */
  async create(topics: readonly string[]): Promise<Map<string, ErrorCode>> {
    const { requestMaxNewPartitions, numPartitions } = this.#config;
    const { offsetsTopicNumPartitions, transactionStateLogNumPartitions } = this.#config;
    // One topic as the configuration wants it is always allowed.
    const fits = partitionAllowance(
      Math.max(
        requestMaxNewPartitions,
        numPartitions,
        offsetsTopicNumPartitions,
        transactionStateLogNumPartitions,
      ),
    );
    let opened: ReturnType<TopicMaker['creation']> | null = null;
    const creation: TopicMaker['creation'] = () => {
      opened ??= this.#topicAdmin.creation();
      return opened;
    };
    const errors = await Promise.all(
      topics.map((topic) => {
        // Over the limit: answered as if its creation were under way; the client asks again, and it fits then.
        if (!fits(this.#shapeOf(topic).partitions)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        return this.#createOne(topic, creation);
      }),
    );
    return new Map(topics.map((topic, index) => [topic, errors[index] ?? ErrorCode.UNKNOWN_SERVER_ERROR]));
  }

  async #createOne(topic: string, creation: TopicMaker['creation']): Promise<ErrorCode> {
    if (validateTopicName(topic) !== null) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    if (this.#inFlight.has(topic)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    this.#inFlight.add(topic);
    try {
      const { partitions, replicationFactor, configs } = this.#shapeOf(topic);
      const created = await (await creation()).createTopic({
        name: topic,
        partitions,
        replicationFactor,
        configs,
        validateOnly: false,
      });
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

/** Created, or created by somebody else: the leader is what is still missing. */
function creatingError(error: ErrorCode): ErrorCode {
  const exists =
    error === ErrorCode.NONE ||
    error === ErrorCode.TOPIC_ALREADY_EXISTS ||
    error === ErrorCode.REQUEST_TIMED_OUT;
  return exists ? ErrorCode.LEADER_NOT_AVAILABLE : error;
}
