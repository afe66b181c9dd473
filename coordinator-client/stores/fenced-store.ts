/**
 * What the controller writes. Every commit begins with a check of /controller_epoch's data version, so a
 * controller that has been replaced without noticing changes nothing: it gets ControllerMoved.
 * Source: kafka.zk.KafkaZkClient with expectedControllerEpochZkVersion.
 */

import type { Change, Committed, Coordinator, Rejected, RejectReason } from '../coordinator.ts';
import { ANY_VERSION } from '../coordinator.ts';
import type { LegacyReassignment } from '../znodes/admin-znodes.ts';
import {
  deleteTopicsZnode,
  isrChangeZnode,
  logDirEventZnode,
  preferredElectionZnode,
  reassignPartitionsZnode,
} from '../znodes/admin-znodes.ts';
import { configZnode } from '../znodes/config-znodes.ts';
import type { FeatureState, PartitionState, TopicAssignment } from '../znodes/znodes.ts';
import {
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  NO_DATA,
  partitionStateZnode,
  producerIdBlockZnode,
  topicZnode,
} from '../znodes/znodes.ts';
import { assertPassing, commitKnown, type Pace, pipelined } from './commits.ts';

/** Another controller has been elected since: stop acting as one. */
export class ControllerMoved extends Error {
  override readonly name = 'ControllerMoved';
}

/** Independent writes that share a commit; far below what one request of ZooKeeper may hold. */
const GROUP_SIZE = 32;
/** So many groups are put into bytes in one turn of the event loop. */
const GROUPS_A_TURN = 4;

export interface PartitionWrite {
  readonly topic: string;
  readonly partition: number;
  readonly state: PartitionState;
}

/** A refusal concerns one partition only; `version` means that somebody else has written the state. */
export type PartitionWritten =
  | { readonly ok: true; readonly version: number }
  | { readonly ok: false; readonly reason: RejectReason };

/**
 * Of one term: once another controller is elected no commit of it succeeds, each rejects with {@link
 * ControllerMoved}.
 */
export class FencedStore {
  readonly epoch: number;
  readonly #coordinator: Coordinator;
  /** The data version of /controller_epoch that our election made. */
  readonly #epochVersion: number;
  readonly #turn: () => Promise<void>;

  /** `turn` gives the event loop a turn for its other work; where little is written none is needed. */
  constructor(
    coordinator: Coordinator,
    epoch: number,
    epochVersion: number,
    turn: () => Promise<void> = async () => {},
  ) {
    this.#coordinator = coordinator;
    this.#turn = turn;
    this.epoch = epoch;
    this.#epochVersion = epochVersion;
  }

  /**
   * Makes state nodes of new partitions, with the directories above them; results in order. Few groups are
   * under way at a time: nobody is without a leader meanwhile, and other requests get their turn. The first
   * partition of a topic brings the topic's directory with it. Nothing relies on that commit being the
   * first: one that finds no directory makes it.
   */
  createPartitionStates(writes: readonly PartitionWrite[]): Promise<PartitionWritten[]> {
    const first = new Map<string, PartitionWrite>();
    for (const write of writes) if (!first.has(write.topic)) first.set(write.topic, write);
    return this.#grouped(
      writes,
      (write) => {
        const changes = [directoryOf(write), createdState(write)];
        return first.get(write.topic) === write ? [topicDirectoryOf(write), ...changes] : changes;
      },
      (write) => this.#createState(write),
      { depth: GROUPS_A_TURN },
    );
  }

  /**
   * Replaces states whose nodes still have the given version; results in order. Partitions have no leader until
   * then, so that no group waits for the answer to another; it only gives other work a turn to be put into bytes.
   */
  updatePartitionStates(
    writes: readonly (PartitionWrite & { readonly version: number })[],
  ): Promise<PartitionWritten[]> {
    const changeOf = ({ topic, partition, state, version }: (typeof writes)[number]): Change => {
      const path = partitionStateZnode.path(topic, partition);
      return { op: 'put', path, data: partitionStateZnode.encode(state), version };
    };
    let begun = 1;
    return this.#grouped(
      writes,
      (write) => [changeOf(write)],
      async (write) => writeResult(await this.#commit([changeOf(write)])),
      { between: async () => (begun++ % GROUPS_A_TURN === 0 ? this.#turn() : undefined) },
    );
  }

  /** Writes a topic's assignment; the answer's version is that of the node afterwards. */
  async writeAssignment(
    topic: string,
    assignment: TopicAssignment,
    version: number,
  ): Promise<PartitionWritten> {
    const data = topicZnode.encode(assignment);
    return writeResult(await this.#commit([{ op: 'put', path: topicZnode.path(topic), data, version }]));
  }

  /**
   * Removes a topic, its configuration, and the request to delete it. The three go in one commit (Kafka
   * removes one after the other), so that a topic of that name that is made at once keeps what belongs to it.
   */
  async deleteTopic(topic: string): Promise<void> {
    const path = topicZnode.path(topic);
    const companions = [configZnode.path('topics', topic), deleteTopicsZnode.path(topic)];
    for (;;) {
      const children = await this.#coordinator.children(path);
      await pipelined(children ?? [], (child) => this.#removeTree(`${path}/${child}`));
      const nodes = await pipelined([path, ...companions], (at) => this.#coordinator.read(at));
      const changes = [path, ...companions].flatMap((at, index): Change[] => {
        const version = nodes[index]?.version;
        return version === undefined ? [] : [{ op: 'remove', path: at, version }];
      });
      if (changes.length === 0) return;
      const answer = await this.#commit(changes);
      if (answer.ok) return;
      // Somebody has changed or removed one of them, or added partitions, since they were read.
      assertPassing(answer, ['missing', 'version', 'not-empty'], `remove ${path}`);
    }
  }

  async deleteTopicRequests(topics: readonly string[]): Promise<void> {
    await pipelined(topics, (topic) => this.#remove(deleteTopicsZnode.path(topic)));
  }

  async deleteIsrChanges(names: readonly string[]): Promise<void> {
    await pipelined(names, (name) => this.#remove(isrChangeZnode.path(name)));
  }

  async deleteLogDirEvents(names: readonly string[]): Promise<void> {
    await pipelined(names, (name) => this.#remove(logDirEventZnode.path(name)));
  }

  async deletePreferredElection(): Promise<void> {
    await this.#remove(preferredElectionZnode.path);
  }

  /** What is left of the legacy reassignment; the node goes with the last of it, or has been removed by whoever cancelled it. */
  async writeReassignments(moves: readonly LegacyReassignment[]): Promise<void> {
    const path = reassignPartitionsZnode.path;
    if (moves.length === 0) return this.#remove(path);
    const data = reassignPartitionsZnode.encode(moves);
    const answer = await this.#commit([{ op: 'put', path, data, version: ANY_VERSION }]);
    if (!answer.ok) assertPassing(answer, ['missing'], `write ${path}`);
  }

  async writeFeature(feature: FeatureState, version: number | null): Promise<void> {
    const path = featureZnode.path;
    const data = featureZnode.encode(feature);
    const answer = await this.#commit([
      version === null
        ? { op: 'create', path, data, lifetime: 'persistent' }
        : { op: 'put', path, data, version },
    ]);
    if (!answer.ok) throw new Error(`cannot write ${path}: ${answer.reason}`);
  }

  /** Takes the next block of producer ids; `null` when the ids are used up. */
  async nextProducerIdBlock(
    brokerId: number,
    length: number,
  ): Promise<{ start: number; length: number } | null> {
    const path = producerIdBlockZnode.path;
    for (;;) {
      const node = await this.#coordinator.read(path);
      const last = node === null ? null : producerIdBlockZnode.decode(node.data);
      const start = last === null ? 0 : last.lastProducerId + 1;
      if (start > Number.MAX_SAFE_INTEGER - length) return null;
      const block = { brokerId, firstProducerId: start, lastProducerId: start + length - 1 };
      const data = producerIdBlockZnode.encode(block);
      const answer = await this.#commit([
        node === null
          ? { op: 'create', path, data, lifetime: 'persistent' }
          : { op: 'put', path, data, version: node.version },
      ]);
      if (answer.ok) return { start, length };
      assertPassing(answer, node === null ? ['exists'] : ['missing', 'version'], `write ${path}`);
    }
  }

  /** Gives the office up, so that another election begins. */
  async resign(): Promise<void> {
    await this.#remove(controllerZnode.path);
  }

  /**
   * Commits the changes of several independent writes at a time, which spares the ensemble a round of
   * agreement for each. A group that is refused for one of them is written one by one: no refusal loses
   * a neighbour.
   */
  async #grouped<Write>(
    writes: readonly Write[],
    changesOf: (write: Write) => Change[],
    writeOne: (write: Write) => Promise<PartitionWritten>,
    pace: Pace,
  ): Promise<PartitionWritten[]> {
    const groups: Write[][] = [];
    for (let at = 0; at < writes.length; at += GROUP_SIZE) groups.push(writes.slice(at, at + GROUP_SIZE));
    const commitGroup = async (group: Write[]): Promise<PartitionWritten[]> => {
      const changes = group.map(changesOf);
      const answer = await this.#commit(changes.flat());
      if (!answer.ok) return pipelined(group, writeOne);
      let at = -1;
      return changes.map((own) => {
        at += own.length;
        return { ok: true, version: answer.results[at]?.version ?? 0 };
      });
    };
    return (await pipelined(groups, commitGroup, pace)).flat();
  }

  async #createState(write: PartitionWrite): Promise<PartitionWritten> {
    const create = createdState(write);
    const answer = await this.#commit([directoryOf(write), create]);
    if (answer.ok || answer.index !== 0) return writeResult(answer);
    // A controller that was cut off, or an old one, has left the directory without the state.
    if (answer.reason === 'exists') return writeResult(await this.#commit([create]));
    if (answer.reason !== 'missing') return writeResult(answer);
    const above = await this.#commit([topicDirectoryOf(write)]);
    if (!above.ok && above.reason !== 'exists') return writeResult(above);
    return writeResult(await this.#commit([directoryOf(write), create]));
  }

  async #removeTree(path: string): Promise<void> {
    for (;;) {
      const children = await this.#coordinator.children(path);
      if (children === null) return;
      await pipelined(children, (child) => this.#removeTree(`${path}/${child}`));
      const answer = await this.#commit([{ op: 'remove', path, version: ANY_VERSION }]);
      if (answer.ok || answer.reason === 'missing') return;
      assertPassing(answer, ['not-empty'], `remove ${path}`);
    }
  }

  async #remove(path: string): Promise<void> {
    const answer = await this.#commit([{ op: 'remove', path, version: ANY_VERSION }]);
    if (!answer.ok) assertPassing(answer, ['missing'], `remove ${path}`);
  }

  /** Indexes of the answer count the caller's changes, without the check. */
  async #commit(changes: readonly Change[]): Promise<Committed | Rejected> {
    const check: Change = { op: 'check', path: controllerEpochZnode.path, version: this.#epochVersion };
    const answer = await commitKnown(this.#coordinator, [check, ...changes]);
    if (answer.ok) return { ok: true, results: answer.results.slice(1) };
    if (answer.index === 0) {
      throw new ControllerMoved(`controller epoch ${this.epoch} has been superseded`);
    }
    return { ...answer, index: answer.index - 1 };
  }
}

function createChange(path: string): Change {
  return { op: 'create', path, data: NO_DATA, lifetime: 'persistent' };
}

function topicDirectoryOf({ topic }: PartitionWrite): Change {
  return createChange(partitionStateZnode.partitionsPath(topic));
}

function directoryOf({ topic, partition }: PartitionWrite): Change {
  return createChange(partitionStateZnode.partitionPath(topic, partition));
}

function createdState({ topic, partition, state }: PartitionWrite): Change {
  return {
    op: 'create',
    path: partitionStateZnode.path(topic, partition),
    data: partitionStateZnode.encode(state),
    lifetime: 'persistent',
  };
}

function writeResult(answer: Committed | Rejected): PartitionWritten {
  if (!answer.ok) return { ok: false, reason: answer.reason };
  return { ok: true, version: answer.results.at(-1)?.version ?? 0 };
}
