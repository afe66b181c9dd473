/**
 * Topics in the tree: names, assignments, partition states. Reads of many nodes are pipelined.
 * Source: kafka.zk.KafkaZkClient, kafka.zk.AdminZkClient.
 */

import type { Change, Coordinator } from '../coordinator.ts';
import { deleteTopicsZnode } from '../znodes/admin-znodes.ts';
import { configZnode } from '../znodes/config-znodes.ts';
import { readable, type Unreadable } from '../znodes/znode-json.ts';
import type { PartitionState, TopicAssignment } from '../znodes/znodes.ts';
import { NO_DATA, partitionStateZnode, topicZnode } from '../znodes/znodes.ts';
import { assertPassing, commitKnown, pipelined } from './commits.ts';
import { ensurePaths } from './paths.ts';

/** An assignment with the data version of its node. */
export interface StoredAssignment extends TopicAssignment {
  readonly version: number;
}

/** A partition state with the data version of its node: the partition epoch. */
export interface StoredState extends PartitionState {
  readonly version: number;
}

export class TopicsStore {
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /** All topics, sorted. */
  async names(): Promise<readonly string[]> {
    return (await this.#coordinator.children(topicZnode.parent)) ?? [];
  }

  async exists(topic: string): Promise<boolean> {
    return (await this.#coordinator.read(topicZnode.path(topic))) !== null;
  }

  /** null when there is no such topic. */
  async assignment(topic: string): Promise<StoredAssignment | null> {
    const node = await this.#coordinator.read(topicZnode.path(topic));
    return node === null ? null : { ...topicZnode.decode(topic, node.data), version: node.version };
  }

  /** Assignments of many topics; a topic that is not there, or cannot be read, is left out. */
  async assignments(
    topics: readonly string[],
    unreadable?: Unreadable,
  ): Promise<Map<string, StoredAssignment>> {
    const found = await pipelined(topics, async (topic) => {
      const node = await this.#coordinator.read(topicZnode.path(topic));
      if (node === null) return null;
      const decoded = readable(() => topicZnode.decode(topic, node.data), unreadable);
      return decoded === null ? null : { ...decoded, version: node.version };
    });
    const assignments = new Map<string, StoredAssignment>();
    topics.forEach((topic, index) => {
      const one = found[index];
      if (one !== undefined && one !== null) assignments.set(topic, one);
    });
    return assignments;
  }

  /** null for a partition that no controller has made yet. */
  async partitionState(
    topic: string,
    partition: number,
    unreadable?: Unreadable,
  ): Promise<StoredState | null> {
    const node = await this.#coordinator.read(partitionStateZnode.path(topic, partition));
    if (node === null) return null;
    const decoded = readable(() => partitionStateZnode.decode(topic, partition, node.data), unreadable);
    return decoded === null ? null : { ...decoded, version: node.version };
  }

  /** In the order asked. */
  partitionStates(
    partitions: readonly { readonly topic: string; readonly partition: number }[],
    unreadable?: Unreadable,
  ): Promise<(StoredState | null)[]> {
    return pipelined(partitions, ({ topic, partition }) => this.partitionState(topic, partition, unreadable));
  }

  /**
   * Makes the topic and its configuration in one commit. The controller sees the new node and makes the
   * partitions.
   */
  async create(
    topic: string,
    assignment: TopicAssignment,
    config: ReadonlyMap<string, string>,
  ): Promise<'created' | 'exists'> {
    const data = configZnode.encode(config);
    const configPath = configZnode.path('topics', topic);
    for (;;) {
      const stored = await this.#coordinator.read(configPath);
      const answer = await commitKnown(this.#coordinator, [
        {
          op: 'create',
          path: topicZnode.path(topic),
          data: topicZnode.encode(assignment),
          lifetime: 'persistent',
        },
        stored === null
          ? { op: 'create', path: configPath, data, lifetime: 'persistent' }
          : { op: 'put', path: configPath, data, version: stored.version },
      ]);
      if (answer.ok) return 'created';
      if (answer.index === 0 && answer.reason === 'exists') return 'exists';
      const isParentMissing = answer.index === 1 && answer.reason === 'missing' && stored === null;
      if (isParentMissing) await ensurePaths(this.#coordinator, [configZnode.typePath('topics')]);
      else {
        const passing = answer.index === 0 ? [] : (['exists', 'missing', 'version'] as const);
        assertPassing(answer, passing, `create topic ${topic}`);
      }
    }
  }

  /** Replaces the assignment if the node still has `version`; partitions are added this way. */
  async replaceAssignment(
    topic: string,
    assignment: TopicAssignment,
    version: number,
  ): Promise<'replaced' | 'changed' | 'missing'> {
    const change: Change = {
      op: 'put',
      path: topicZnode.path(topic),
      data: topicZnode.encode(assignment),
      version,
    };
    const answer = await commitKnown(this.#coordinator, [change]);
    if (answer.ok) return 'replaced';
    assertPassing(answer, ['missing', 'version'], `write ${change.path}`);
    return answer.reason === 'missing' ? 'missing' : 'changed';
  }

  /** Topics somebody has asked to delete. */
  async deletionRequests(): Promise<readonly string[]> {
    return (await this.#coordinator.children(deleteTopicsZnode.parent)) ?? [];
  }

  /** Asks the controller to delete a topic. */
  async requestDeletion(topic: string): Promise<'requested' | 'already-requested'> {
    const answer = await commitKnown(this.#coordinator, [
      { op: 'create', path: deleteTopicsZnode.path(topic), data: NO_DATA, lifetime: 'persistent' },
    ]);
    if (answer.ok) return 'requested';
    if (answer.reason === 'exists') return 'already-requested';
    throw new Error(`cannot ask for the deletion of ${topic}: ${answer.reason}`);
  }
}
