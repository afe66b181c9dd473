/** Topics are made, extended and deleted by writing the tree, and refused in Kafka's words. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode, type Outcome } from '../../../broker/errors.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { TopicAdmin } from '../../../broker/metadata/topic-admin.ts';
import type { NewTopic } from '../../../broker/metadata/topic-creation.ts';
import { validateTopicName } from '../../../broker/metadata/topic-rules.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { metadataDelta } from '../../support/metadata-deltas.ts';
import { World } from '../../support/world.ts';

let store: ClusterStore;
let admin: TopicAdmin;

beforeEach(async () => {
  const world = World.flowing();
  store = await world.store();
  const metadata = new MetadataCache(world.clock);
  const brokers = [3, 1, 2].map((id) => ({ id, epoch: 1, rack: null, endpoints: [] }));
  metadata.apply(metadataDelta({ brokers }));
  const topicDefaults = () => new Map([['max.compaction.lag.ms', '100']]);
  admin = new TopicAdmin({ store: () => store, metadata, random: world.random, topicDefaults });
});

async function create(name: string, more: Partial<NewTopic> = {}) {
  const shape = {
    partitions: 3,
    replicationFactor: 2,
    configs: new Map<string, string>(),
    validateOnly: false,
  };
  return (await admin.creation()).createTopic({ name, ...shape, ...more });
}

const extend = (count: number, assignments: number[][] | null = null, validateOnly = false) =>
  admin.createPartitions({ name: 't', count, assignments, validateOnly });

/** The code that a response would carry. */
const codeOf = (outcome: Outcome<unknown>): ErrorCode => (outcome.ok ? ErrorCode.NONE : outcome.error);
const messageOf = (outcome: Outcome<unknown>) => (outcome.ok ? undefined : outcome.message);

describe('creating a topic', () => {
  it('writes assignment, id and configs', async () => {
    const created = await create('t', { configs: new Map([['retention.ms', '5']]) });
    if (!created.ok) throw new Error(created.message);
    const { topicId, assignment } = created.value;
    const stored = await store.topics.assignment('t');
    expect(stored?.topicId).toBe(topicId);
    expect([...(stored?.partitions ?? [])].map(([partition, { replicas }]) => [partition, replicas])).toEqual(
      [...assignment],
    );
    expect([...assignment.keys()]).toEqual([0, 1, 2]);
    expect(await store.configs.read('topics', 't')).toEqual(new Map([['retention.ms', '5']]));
  });

  it('writes nothing when it is only to be checked', async () => {
    const checked = await create('t', { validateOnly: true });
    expect(checked).toMatchObject({ ok: true, value: { topicId: ZERO_UUID } });
    expect(checked.ok && checked.value.assignment.size).toBe(3);
    expect(await store.topics.exists('t')).toBe(false);
  });

  it('is refused for a name that is taken, bad, or looks like another', async () => {
    await create('a.b');
    expect(await create('a.b')).toMatchObject({
      error: ErrorCode.TOPIC_ALREADY_EXISTS,
      message: "Topic 'a.b' already exists.",
    });
    expect(await create('a_b')).toMatchObject({
      error: ErrorCode.INVALID_TOPIC_EXCEPTION,
      message: "Topic 'a_b' collides with existing topics: a.b",
    });
    expect(codeOf(await create('sp ace'))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  });

  it('is refused for a name that looks like one before it in the same request, unless nothing is made', async () => {
    const topic = { partitions: 1, replicationFactor: 1, configs: new Map() };
    const both = async (validateOnly: boolean) => {
      const creation = await admin.creation();
      const names = ['x.a', 'x_a', 'y'];
      return Promise.all(names.map((name) => creation.createTopic({ ...topic, name, validateOnly })));
    };
    expect((await both(true)).map(codeOf)).toEqual([0, 0, 0]);
    const [first, second, third] = await both(false);
    expect([first?.ok, third?.ok]).toEqual([true, true]);
    expect(second).toMatchObject({
      error: ErrorCode.INVALID_TOPIC_EXCEPTION,
      message: "Topic 'x_a' collides with existing topics: x.a",
    });
    expect(await store.topics.names()).toEqual(['x.a', 'y']);
  });

  it('is refused while a topic of that name is being deleted', async () => {
    await create('t');
    await admin.deleteTopic('t');
    expect(await create('t')).toMatchObject({
      error: ErrorCode.TOPIC_ALREADY_EXISTS,
      message: "Topic 't' is marked for deletion.",
    });
  });

  it('is refused for configs and counts that can’t be', async () => {
    const wrong = await create('t', { configs: new Map([['nonsense', '1']]) });
    expect(wrong).toMatchObject({
      error: ErrorCode.INVALID_CONFIG,
      message: 'Unknown topic config name: nonsense',
    });
    const againstDefault = await create('t', { configs: new Map([['min.compaction.lag.ms', '101']]) });
    expect(codeOf(againstDefault)).toBe(ErrorCode.INVALID_CONFIG);
    expect(codeOf(await create('t', { partitions: 0 }))).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(codeOf(await create('t', { replicationFactor: 4 }))).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
  });

  it('is refused for the counts before the name, and for the configs last', async () => {
    const configs = new Map([['nonsense', '1']]);
    expect(codeOf(await create('a b', { partitions: 0, configs }))).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(codeOf(await create('a b', { replicationFactor: 0 }))).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
    const assignment = new Map([[0, [1, 1]]]);
    expect(codeOf(await create('a b', { assignment, configs }))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(codeOf(await create('t', { assignment, configs }))).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(codeOf(await create('a b', { configs }))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  });

  it('takes a given assignment, if it is one', async () => {
    const given = (...replicas: number[][]) => new Map(replicas.map((ids, partition) => [partition, ids]));
    expect(codeOf(await create('t', { assignment: given([2, 1], [1, 3]) }))).toBe(ErrorCode.NONE);
    expect((await store.topics.assignment('t'))?.partitions.get(1)?.replicas).toEqual([1, 3]);
    for (const assignment of [given([1, 1]), given([1], [1, 2]), given([]), new Map([[1, [1]]])]) {
      expect(codeOf(await create('u', { assignment }))).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    }
  });

  it('is refused in the words in which Scala writes an assignment', async () => {
    const assignment = new Map([
      [0, [1, 2]],
      [1, [2, 2]],
    ]);
    expect(messageOf(await create('u', { assignment }))).toBe(
      'Duplicate replica assignment found: HashMap(0 -> ArrayBuffer(1, 2), 1 -> ArrayBuffer(2, 2))',
    );
  });

  it('by two at once succeeds once', async () => {
    const both = await Promise.all([create('t'), create('t')]);
    expect(both.map(codeOf).sort()).toEqual([ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS]);
  });
});

describe('adding partitions', () => {
  beforeEach(async () => {
    await create('t', { assignment: new Map([[0, [2, 3]]]) });
  });

  it('goes on where the assignment ends', async () => {
    const id = (await store.topics.assignment('t'))?.topicId;
    expect(await extend(4)).toEqual({ ok: true });
    const stored = await store.topics.assignment('t');
    expect(stored?.topicId).toBe(id);
    expect([...(stored?.partitions.values() ?? [])].map(({ replicas }) => replicas)).toEqual([
      [2, 3],
      [3, 2],
      [1, 3],
      [2, 3],
    ]);
  });

  it('takes given replicas, if they fit', async () => {
    const rules: [number, number[][], string][] = [
      [2, [[9, 1]], 'Unknown broker(s) in replica assignment: 9.'],
      [3, [[1, 2]], 'Increasing the number of partitions by 2 but 1 assignments provided.'],
      [2, [[1, 1]], 'Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 1.'],
      [2, [[]], 'Cannot have replication factor of 0 for partition id 1.'],
      [
        4,
        [[1], [1, 2], [3]],
        'Inconsistent replication factor between partitions, partition 0 has 2 while partitions [1, 3] have replication factors [1, 1], respectively.',
      ],
    ];
    for (const [count, assignments, message] of rules) {
      const refused = await extend(count, assignments);
      expect(codeOf(refused)).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
      expect(messageOf(refused)).toContain(message);
    }
    expect(codeOf(await extend(2, [[1, 3]]))).toBe(ErrorCode.NONE);
    expect((await store.topics.assignment('t'))?.partitions.get(1)?.replicas).toEqual([1, 3]);
  });

  it('is refused when there are as many already, when the topic is unknown, and while it moves', async () => {
    expect(await extend(1)).toEqual({
      ok: false,
      error: ErrorCode.INVALID_PARTITIONS,
      message: 'Topic already has 1 partitions.',
    });
    expect(messageOf(await extend(0))).toContain('which is higher than the requested 0');
    const unknown = await admin.createPartitions({
      name: 'x',
      count: 2,
      assignments: null,
      validateOnly: false,
    });
    expect(codeOf(unknown)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    for (const name of ['', '.', 'a/b', '../../controller', 'Grüße'])
      expect(
        codeOf(await admin.createPartitions({ name, count: 2, assignments: null, validateOnly: false })),
      ).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const moving = { replicas: [2, 3, 1], addingReplicas: [1], removingReplicas: [3] };
    await store.topics.replaceAssignment('t', { topicId: null, partitions: new Map([[0, moving]]) }, 0);
    expect(codeOf(await extend(2))).toBe(ErrorCode.REASSIGNMENT_IN_PROGRESS);
  });

  it('is refused for a topic that is about to be deleted', async () => {
    await admin.deleteTopic('t');
    expect(await extend(2)).toEqual({
      ok: false,
      error: ErrorCode.INVALID_TOPIC_EXCEPTION,
      message: 'The topic is queued for deletion.',
    });
  });

  it('writes nothing when it is only to be checked, and loses nothing of two at once', async () => {
    expect(codeOf(await extend(5, null, true))).toBe(ErrorCode.NONE);
    expect((await store.topics.assignment('t'))?.partitions.size).toBe(1);
    const both = await Promise.all([extend(2), extend(3)]);
    expect(both.map(codeOf)).toContain(ErrorCode.NONE);
    expect((await store.topics.assignment('t'))?.partitions.size).toBe(3);
  });
});

describe('deleting a topic', () => {
  it('asks the controller, once or more often', async () => {
    await create('t');
    expect(await admin.deleteTopic('t')).toBe(ErrorCode.NONE);
    expect(await admin.deleteTopic('t')).toBe(ErrorCode.NONE);
    expect(await store.topics.deletionRequests()).toEqual(['t']);
    expect(await admin.deleteTopic('x')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('a topic’s name', () => {
  it('is 1 to 249 letters, digits, dots, underscores and hyphens', () => {
    for (const good of ['a', 'A.b_c-9', '__consumer_offsets', 'x'.repeat(249), '...']) {
      expect(validateTopicName(good)).toBeNull();
    }
    expect(validateTopicName('')).toBe('Topic name is invalid: the empty string is not allowed');
    expect(validateTopicName('..')).toBe("Topic name is invalid: '..' is not allowed");
    expect(validateTopicName('x'.repeat(250))).toContain('is longer than the max allowed length 249');
    for (const bad of ['a/b', 'a b', 'ä', 'a\n']) {
      expect(validateTopicName(bad)).toContain(
        'contains one or more characters other than ASCII alphanumerics',
      );
    }
  });
});
