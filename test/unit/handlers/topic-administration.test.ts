/** CreateTopics, DeleteTopics, CreatePartitions, ElectLeaders: the controller's, and what they wait for. */
import { describe, expect, it } from 'vitest';
import type { Controller } from '../../../broker/controller/controller.ts';
import { ErrorCode, failure, success } from '../../../broker/errors.ts';
import { createTopics } from '../../../broker/handlers/19-create-topics.ts';
import { deleteTopics } from '../../../broker/handlers/20-delete-topics.ts';
import { createPartitions } from '../../../broker/handlers/37-create-partitions.ts';
import { electLeaders } from '../../../broker/handlers/43-elect-leaders.ts';
import type { NewTopic } from '../../../broker/metadata/topic-creation.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { metadataDelta, type Told } from '../../support/metadata-deltas.ts';
import { ask } from './ask.ts';
import { metadataOf, partition, services, T1_ID, world } from './support.ts';

const CONTROLLER = { isActive: true };
const store = () => ({ configs: { readMany: async () => [new Map(), new Map()] } });

/** A topic admin that accepts everything and lets the controller's answer arrive at once, or never. */
function admin(metadata: ReturnType<typeof metadataOf>, answered = true) {
  const asked: NewTopic[] = [];
  const creating = {
    createTopic: async (topic: NewTopic) => {
      asked.push(topic);
      const replicas =
        topic.assignment?.get(0) ?? Array.from({ length: topic.replicationFactor }, (_, i) => i + 1);
      const numbers = Array.from({ length: topic.partitions }, (_, index) => index);
      if (answered && !topic.validateOnly)
        update(metadata, { partitions: numbers.map((number) => partition(topic.name, number)) });
      return success({
        topicId: topic.validateOnly ? ZERO_UUID : T1_ID,
        assignment: new Map(numbers.map((number) => [number, replicas])),
      });
    },
  };
  const deleted: string[] = [];
  return {
    asked,
    deleted,
    creation: async () => creating,
    deleteTopic: async (name: string) => {
      deleted.push(name);
      if (answered) update(metadata, { removed: [{ topic: name, partition: 0, replicas: [1, 2] }] });
      return ErrorCode.NONE;
    },
    createPartitions: async ({ name, count }: { name: string; count: number }) => {
      if (count === 1) return failure(ErrorCode.INVALID_PARTITIONS, 'too few');
      if (answered) update(metadata, { partitions: [partition(name, count - 1)] });
      return success(undefined);
    },
  };
}

function update(cache: ReturnType<typeof metadataOf>, told: Told): void {
  cache.apply(metadataDelta({ ...told, brokers: [...cache.image.brokers.values()] }));
}

function cluster(answered = true) {
  const metadata = metadataOf([partition('t1', 0)]);
  const topicAdmin = admin(metadata, answered);
  return { metadata, topicAdmin, controller: CONTROLLER, store };
}

const newTopic = { name: 'new', numPartitions: 2, replicationFactor: 1 };

describe('elsewhere than on the controller', () => {
  const away = { ...cluster(), controller: { isActive: false } };

  it('everything is answered NOT_CONTROLLER', async () => {
    const created = await ask(createTopics, 5, { topics: [newTopic] }, away);
    expect(created.response.topics).toMatchObject([{ name: 'new', errorCode: ErrorCode.NOT_CONTROLLER }]);
    const deleted = await ask(deleteTopics, 1, { topicNames: ['t1'] }, away);
    expect(deleted.response.responses).toMatchObject([{ name: 't1', errorCode: ErrorCode.NOT_CONTROLLER }]);
    const extended = await ask(createPartitions, 0, { topics: [{ name: 't1', count: 2 }] }, away);
    expect(extended.response.results).toMatchObject([{ name: 't1', errorCode: ErrorCode.NOT_CONTROLLER }]);
  });
});

describe('CreateTopics', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('v%i: answered when every partition has a leader', async (version) => {
    const { response } = await ask(createTopics, version, { topics: [newTopic], timeoutMs: 1000 }, cluster());
    expect(response.topics).toMatchObject([{ name: 'new', errorCode: 0 }]);
    if (version < 5) return;
    expect(response.topics).toMatchObject([{ numPartitions: 2, replicationFactor: 1 }]);
    expect(response.topics[0]?.configs?.find(({ name }) => name === 'cleanup.policy')).toMatchObject({
      value: 'delete',
      configSource: 5,
    });
    expect(response.topics[0]?.topicId).toBe(version === 7 ? T1_ID : ZERO_UUID);
  });

  it('is REQUEST_TIMED_OUT without leaders in time, or with no time at all', async () => {
    const late = await world.settled(
      ask(createTopics, 5, { topics: [newTopic], timeoutMs: 5 }, cluster(false)),
    );
    expect(late.response.topics).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }]);
    const hasty = await ask(createTopics, 5, { topics: [newTopic], timeoutMs: 0 }, cluster());
    expect(hasty.response.topics).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }]);
  });

  it('that exists is TOPIC_ALREADY_EXISTS, whatever else is wrong', async () => {
    const both = {
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [{ partitionIndex: 0, brokerIds: [1] }],
    };
    const topics = [{ name: 't1', ...both, configs: [{ name: 'no.such', value: null }] }];
    const { response } = await ask(createTopics, 7, { topics, timeoutMs: 10 }, cluster());
    expect(response.topics[0]).toMatchObject({
      errorCode: ErrorCode.TOPIC_ALREADY_EXISTS,
      errorMessage: "Topic 't1' already exists.",
    });
  });

  it('validateOnly waits for nothing', async () => {
    const request = { topics: [newTopic], timeoutMs: 0, validateOnly: true };
    const { response } = await ask(createTopics, 5, request, cluster(false));
    expect(response.topics).toMatchObject([{ errorCode: 0, numPartitions: 2 }]);
  });

  it('-1 means the defaults of the broker; given replicas count instead of numbers', async () => {
    const one = cluster();
    const assigned = { partitionIndex: 0, brokerIds: [2, 1] };
    const topics = [
      { name: 'a', numPartitions: -1, replicationFactor: -1 },
      { name: 'b', numPartitions: -1, replicationFactor: -1, assignments: [assigned] },
    ];
    const { response } = await ask(createTopics, 5, { topics, timeoutMs: 1000 }, one);
    expect(one.topicAdmin.asked[0]).toMatchObject({ partitions: 1, replicationFactor: 1 });
    expect(one.topicAdmin.asked[1]?.assignment).toEqual(new Map([[0, [2, 1]]]));
    expect(response.topics[1]).toMatchObject({ numPartitions: 1, replicationFactor: 2 });
  });

  it.each([
    [
      'numbers and replicas',
      [{ ...newTopic, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'a config without a value',
      [{ ...newTopic, configs: [{ name: 'x', value: null }] }],
      ErrorCode.INVALID_CONFIG,
    ],
    ["KRaft's own topic", [{ ...newTopic, name: '__cluster_metadata' }], ErrorCode.INVALID_REQUEST],
  ])('%s is refused', async (_name, topics, errorCode) => {
    const one = cluster();
    const { response } = await ask(createTopics, 5, { topics, timeoutMs: 1000 }, one);
    expect(response.topics).toMatchObject([{ errorCode }]);
    expect(one.topicAdmin.asked).toEqual([]);
  });
});

describe('a name that stands twice in a request', () => {
  it('of CreateTopics is refused as often, and the others are made', async () => {
    const one = cluster();
    const topics = [newTopic, { ...newTopic, name: 'other' }, newTopic];
    const { response } = await ask(createTopics, 5, { topics, timeoutMs: 1000 }, one);
    expect(response.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['new', ErrorCode.INVALID_REQUEST],
      ['other', ErrorCode.NONE],
      ['new', ErrorCode.INVALID_REQUEST],
    ]);
    expect(one.topicAdmin.asked.map(({ name }) => name)).toEqual(['other']);
  });

  it('of DeleteTopics is answered as often, by name or id, and deleted once', async () => {
    const one = cluster();
    const topics = [
      { name: 't1' },
      { name: 't1' },
      { name: null, topicId: T1_ID },
      { name: 'x' },
      { name: 'x' },
    ];
    const { response } = await ask(deleteTopics, 6, { topics, timeoutMs: 1000 }, one);
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t1', 0],
      ['t1', 0],
      ['t1', 0],
      ['x', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['x', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(one.topicAdmin.deleted).toEqual(['t1']);
  });
});

describe('DeleteTopics', () => {
  it.each([0, 1, 2, 3, 4, 5])('v%i: answered when the topic is gone', async (version) => {
    const request = { topicNames: ['t1', 'unknown'], timeoutMs: 1000 };
    const { response } = await ask(deleteTopics, version, request, cluster());
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t1', 0],
      ['unknown', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });

  it('v6: by id or by name', async () => {
    const topics = [
      { name: null, topicId: T1_ID },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAZA' },
      { name: null },
    ];
    const { response } = await ask(deleteTopics, 6, { topics, timeoutMs: 1000 }, cluster());
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t1', 0],
      [null, ErrorCode.UNKNOWN_TOPIC_ID],
      [null, ErrorCode.TOPIC_AUTHORIZATION_FAILED],
    ]);
  });

  it('v6: nothing is deleted by a request that names a topic by both', async () => {
    const one = cluster();
    const topics = [{ name: 't1' }, { name: 'x', topicId: T1_ID }];
    const { response } = await ask(deleteTopics, 6, { topics, timeoutMs: 1000 }, one);
    expect(response.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t1', ErrorCode.INVALID_REQUEST],
      ['x', ErrorCode.INVALID_REQUEST],
    ]);
    expect(one.topicAdmin.deleted).toEqual([]);
  });

  it('is REQUEST_TIMED_OUT while the topic is still there', async () => {
    const request = { topicNames: ['t1'], timeoutMs: 5 };
    const { response } = await world.settled(ask(deleteTopics, 5, request, cluster(false)));
    expect(response.responses).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT }]);
  });

  it.each([
    [2, ErrorCode.INVALID_REQUEST],
    [3, ErrorCode.TOPIC_DELETION_DISABLED],
  ])('v%i: with delete.topic.enable=false', async (version, errorCode) => {
    const config = { ...services().config, deleteTopicEnable: false };
    const { response } = await ask(deleteTopics, version, { topicNames: ['t1'] }, { ...cluster(), config });
    expect(response.responses).toMatchObject([{ errorCode }]);
  });
});

describe('CreatePartitions', () => {
  it('is answered when the new partitions have leaders; refusals keep their message', async () => {
    const topics = [
      { name: 't1', count: 2, assignments: null },
      { name: 't2', count: 1, assignments: null },
    ];
    const { response } = await ask(createPartitions, 2, { topics, timeoutMs: 1000 }, cluster());
    expect(response.results).toMatchObject([
      { name: 't1', errorCode: 0 },
      { name: 't2', errorCode: ErrorCode.INVALID_PARTITIONS, errorMessage: 'too few' },
    ]);
  });

  it('a topic named twice is refused once', async () => {
    const topic = { name: 't1', count: 2, assignments: null };
    const { response } = await ask(createPartitions, 2, { topics: [topic, topic] }, cluster());
    expect(response.results).toMatchObject([{ name: 't1', errorCode: ErrorCode.INVALID_REQUEST }]);
  });
});

describe('ElectLeaders', () => {
  const withAnswers = (answers: Awaited<ReturnType<Controller['electLeaders']>>) => ({
    ...cluster(),
    controller: { isActive: true, electLeaders: async () => answers },
  });
  const t1 = { topic: 't1', partition: 0 };

  it.each([0, 1, 2])('v%i: results per partition', async (version) => {
    const request = { topicPartitions: [{ topic: 't1', partitions: [0] }], timeoutMs: 1000 };
    const { response } = await ask(
      electLeaders,
      version,
      request,
      withAnswers(success([{ ...t1, error: 0, message: null }])),
    );
    expect(response.replicaElectionResults).toMatchObject([
      { topic: 't1', partitionResult: [{ partitionId: 0, errorCode: 0 }] },
    ]);
  });

  it('asked for all partitions, those that needed no election are left out', async () => {
    const answers = [{ ...t1, error: ErrorCode.ELECTION_NOT_NEEDED, message: 'not needed' }];
    const { response } = await ask(electLeaders, 2, { topicPartitions: null }, withAnswers(success(answers)));
    expect(response.replicaElectionResults).toEqual([]);
  });

  it('what a partition is refused with is said in the answer', async () => {
    const answers = [{ ...t1, error: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, message: 'it is dead' }];
    const request = { topicPartitions: [{ topic: 't1', partitions: [0] }], timeoutMs: 1000 };
    const { response } = await ask(electLeaders, 2, request, withAnswers(success(answers)));
    expect(response.replicaElectionResults[0]?.partitionResult).toEqual([
      { partitionId: 0, errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, errorMessage: 'it is dead' },
    ]);
  });

  it.each([
    ['with every named partition, once', [{ topic: 't1', partitions: [0, 0] }]],
    ['with every partition there is, when all are asked for', null],
  ])('NOT_CONTROLLER stands %s', async (_name, topicPartitions) => {
    const away = withAnswers(failure(ErrorCode.NOT_CONTROLLER));
    const { response } = await ask(electLeaders, 2, { topicPartitions }, away);
    expect(response.errorCode).toBe(ErrorCode.NONE);
    expect(response.replicaElectionResults).toEqual([
      {
        topic: 't1',
        partitionResult: [{ partitionId: 0, errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: null }],
      },
    ]);
  });
});
