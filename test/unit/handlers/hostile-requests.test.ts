/** Well-formed requests that ask for far more than they look like: what they may cost is bounded. */
import { describe, expect, it } from 'vitest';
import { splitList } from '../../../broker/config/property.ts';
import { ErrorCode, failure } from '../../../broker/errors.ts';
import { fetch } from '../../../broker/handlers/01-fetch.ts';
import { metadata } from '../../../broker/handlers/03-metadata.ts';
import { offsetCommit } from '../../../broker/handlers/08-offset-commit.ts';
import { offsetFetch } from '../../../broker/handlers/09-offset-fetch.ts';
import { joinGroup } from '../../../broker/handlers/11-join-group.ts';
import { describeGroups } from '../../../broker/handlers/15-describe-groups.ts';
import { createTopics } from '../../../broker/handlers/19-create-topics.ts';
import { deleteRecords } from '../../../broker/handlers/21-delete-records.ts';
import { describeConfigs } from '../../../broker/handlers/32-describe-configs.ts';
import { createPartitions } from '../../../broker/handlers/37-create-partitions.ts';
import { deleteGroups } from '../../../broker/handlers/42-delete-groups.ts';
import { incrementalAlterConfigs } from '../../../broker/handlers/44-incremental-alter-configs.ts';
import { describeProducers } from '../../../broker/handlers/61-describe-producers.ts';
import { AutoTopicCreation } from '../../../broker/handlers/shared/auto-topic-creation.ts';
import { TopicAdmin } from '../../../broker/metadata/topic-admin.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { done, type Steps, Turns } from '../../../broker/platform/turns.ts';
import type { FetchSession } from '../../../broker/replication/requests/fetch-sessions.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { ask } from './ask.ts';
import { broker, context, metadataOf, partition, services, world } from './support.ts';

const store = () => ({
  configs: { read: async () => new Map(), readMany: async () => [new Map(), new Map()] },
});

function times<T>(count: number, one: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => one(index));
}

describe('what is named again and again is answered once', () => {
  it('a topic in Metadata, by name and by id', async () => {
    const { response } = await ask(metadata, 12, { topics: times(50, () => ({ name: 't1' })) });
    expect(response.topics.map(({ name }) => name)).toEqual(['t1']);
  });

  it('a partition in Fetch, as it is named last', async () => {
    let asked: readonly { fetchOffset: number }[] = [];
    const fetchSessions = {
      *open({ partitions }: { partitions: typeof asked }): Steps<FetchSession> {
        asked = partitions;
        yield;
        const answer = { error: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, outcomes: [] };
        return {
          error: answer.error,
          partitions: [],
          throttled: () => answer,
          answer: () => done(answer),
          answerable: () => done([]),
        };
      },
    };
    const partitions = times(50, (index) => ({ partition: 0, fetchOffset: index, partitionMaxBytes: 1 }));
    const request = { maxWaitMs: 1, minBytes: 1, topics: [{ topic: 't1', partitions }] };
    await ask(fetch, 11, request, { fetchSessions });
    expect(asked).toMatchObject([{ fetchOffset: 49 }]);
  });

  it('a resource in DescribeConfigs', async () => {
    const resources = times(50, () => ({ resourceType: 4, resourceName: '1', configurationKeys: null }));
    const { response } = await ask(describeConfigs, 4, { resources }, { store });
    expect(response.results).toHaveLength(1);
  });

  it('a partition in DescribeProducers and DeleteRecords, there as it is named last', async () => {
    const logs = { log: () => ({ producers: () => [] }) };
    const topics = times(50, () => ({ name: 't1', partitionIndexes: [0, 0] }));
    const described = await ask(describeProducers, 0, { topics }, { logs });
    expect(described.response.topics.map(({ partitions }) => partitions.length)).toEqual([1]);
    let asked: readonly { offset: number }[] = [];
    const replicas = {
      deleteRecords: async (entries: typeof asked) => {
        asked = entries;
        return [];
      },
    };
    const partitions = times(50, (index) => ({ partitionIndex: 0, offset: index }));
    await ask(deleteRecords, 2, { topics: [{ name: 't1', partitions }], timeoutMs: 1 }, { replicas });
    expect(asked).toMatchObject([{ offset: 49 }]);
  });

  it('a group in DeleteGroups', async () => {
    const deleted: string[] = [];
    const groups = {
      deleteGroup: async (groupId: string) => {
        deleted.push(groupId);
        return ErrorCode.NONE;
      },
    };
    const { response } = await ask(deleteGroups, 2, { groupsNames: ['g', 'h', 'g'] }, { groups });
    expect(response.results.map(({ groupId }) => groupId)).toEqual(['g', 'h']);
    expect(deleted).toEqual(['g', 'h']);
  });

  it('a group in DescribeGroups and OffsetFetch', async () => {
    const groups = {
      describeGroup: () => ({ error: ErrorCode.NONE, group: null }),
      fetchOffsets: () => ({ error: ErrorCode.NONE, offsets: new Map() }),
    };
    const described = await ask(describeGroups, 5, { groups: times(50, () => 'g') }, { groups });
    expect(described.response.groups).toHaveLength(1);
    const wanted = times(50, () => ({ groupId: 'g', topics: null }));
    const fetched = await ask(offsetFetch, 9, { groups: wanted }, { groups });
    expect(fetched.response.groups).toHaveLength(1);
  });
});

describe('request.max.new.partitions', () => {
  const asked: string[] = [];
  const creating = {
    createTopic: async ({ name }: { name: string }) => {
      asked.push(name);
      return failure(ErrorCode.INVALID_CONFIG);
    },
  };
  const topicAdmin = {
    creation: async () => creating,
    createPartitions: async ({ name }: { name: string }) => {
      asked.push(name);
      return failure(ErrorCode.INVALID_CONFIG);
    },
  };
  const overrides = { store, topicAdmin, controller: { isActive: true } };
  const topic = (name: string, numPartitions: number) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  });

  it('holds for the topics of one CreateTopics request together', async () => {
    asked.length = 0;
    const topics = [topic('a', 6000), topic('huge', 2 ** 31 - 1), topic('b', 4000), topic('c', 1)];
    const { response } = await ask(createTopics, 7, { topics, timeoutMs: 1000 }, overrides);
    const refused = response.topics.filter(({ errorCode }) => errorCode === ErrorCode.POLICY_VIOLATION);
    expect(refused.map(({ name }) => name)).toEqual(['huge', 'c']);
    expect(asked).toEqual(['a', 'b']);
  });

  it('counts for CreatePartitions what is added', async () => {
    asked.length = 0;
    const metadata = metadataOf([partition('t1', 0), partition('t2', 0)]);
    const topics = [
      { name: 't1', count: 10_001, assignments: null },
      { name: 't2', count: 2, assignments: null },
    ];
    const { response } = await ask(
      createPartitions,
      3,
      { topics, timeoutMs: 1000, validateOnly: false },
      { ...overrides, metadata },
    );
    expect(response.results.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.INVALID_CONFIG,
      ErrorCode.POLICY_VIOLATION,
    ]);
    expect(asked).toEqual(['t1']);
  });

  it('holds for topics that come to be because they are asked for; the rest is asked for again', async () => {
    asked.length = 0;
    const { config } = services();
    const creation = new AutoTopicCreation(config, topicAdmin, silent);
    const errors = await creation.create(
      times(10_002, (index) => `t${index}`),
      { charges: null, turns: new Turns(world.clock) },
    );
    expect(asked).toHaveLength(10_000);
    expect(errors.get('t10001')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

// If it did, these would not end within the limit of any test.
describe('the time that is needed does not grow with the square of the request', () => {
  it('for the configs of a resource', async () => {
    const configs = times(200_000, (index) => ({ name: `${index}`, configOperation: 9, value: '' }));
    const resources = [{ resourceType: 2, resourceName: 't1', configs }];
    const { response } = await ask(incrementalAlterConfigs, 1, { resources, validateOnly: true }, { store });
    expect(response.responses[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });

  it('for the topics of CreatePartitions', async () => {
    const topics = times(100_000, (index) => ({ name: `${index}`, count: 1, assignments: null }));
    const overrides = {
      controller: { isActive: true },
      topicAdmin: { createPartitions: async () => failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) },
    };
    await ask(createPartitions, 3, { topics, timeoutMs: 1, validateOnly: true }, overrides);
  });

  it('for a list with many spaces', () => {
    expect(splitList(` a ,${' '.repeat(500_000)}b , c`)).toEqual(['a', 'b', 'c']);
  });
});

describe('a CreateTopics of very many topics', () => {
  it('reads the names that there are once, and lets others have their turn', async () => {
    let reads = 0;
    const tree = {
      names: async () => {
        reads++;
        return times(20_000, (index) => `there${index}`);
      },
      deletionRequests: async () => [],
    };
    const cache = metadataOf([], [broker(1)]);
    const topicAdmin = new TopicAdmin({
      store: () => ({ topics: tree }) as unknown as ClusterStore,
      metadata: cache,
      random: simulatedRandom(1),
    });
    const config = { ...services().config, requestMaxNewPartitions: 100_000 };
    const controller = { isActive: true };
    const overrides = { store, topicAdmin, controller, metadata: cache, config };
    const shape = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const topics = times(20_000, (index) => ({ name: `t${index}`, ...shape }));
    let turns = 0;
    world.clock.afterStep = () => turns++;
    const request = { topics, timeoutMs: 1000, validateOnly: true };
    const answer = await createTopics.handle(request, context(7), services(overrides));
    world.clock.afterStep = null;
    if (answer === null || answer === 'close') throw new Error('no answer');
    expect([...new Set(answer.topics?.map(({ errorMessage }) => errorMessage))]).toEqual([null]);
    expect(answer.topics).toHaveLength(topics.length);
    expect(reads).toBe(1);
    expect(turns).toBeGreaterThan(10);
  });
});

describe('a commit of nothing', () => {
  it('makes no group', async () => {
    const groups = {
      commitOffsets: () => {
        throw new Error('the coordinator was asked');
      },
    };
    const partitions = [{ partitionIndex: 7, committedOffset: 1, committedMetadata: '' }];
    const request = { groupId: 'g', memberId: '', topics: [{ name: 'unknown', partitions }] };
    const { response } = await ask(offsetCommit, 2, request, { groups });
    expect(response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('a JoinGroup that is refused as a whole', () => {
  it('names no protocol: null from v7 on, the empty text before', () => {
    const request = { memberId: 'm' } as Parameters<typeof joinGroup.refuse>[0];
    const refused = (version: number) =>
      joinGroup.refuse(request, ErrorCode.UNKNOWN_SERVER_ERROR, context(version));
    expect(refused(6)).toMatchObject({ protocolName: '', generationId: -1, memberId: '' });
    expect(refused(7)).toMatchObject({ protocolName: null });
  });
});

describe('a negative partition', () => {
  it("is not taken for another topic's", async () => {
    const commit = {
      offset: 42,
      recordOffset: 0,
      leaderEpoch: 1,
      metadata: 'm',
      commitTimestampMs: 0,
      expireTimestampMs: null,
    };
    const groups = { fetchOffsets: () => ({ error: ErrorCode.NONE, offsets: new Map([['a--1', commit]]) }) };
    const wanted = [{ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [-1] }] }];
    const { response } = await ask(offsetFetch, 9, { groups: wanted }, { groups });
    expect(response.groups[0]?.topics[0]).toMatchObject({
      name: 'a',
      partitions: [{ partitionIndex: -1, committedOffset: -1 }],
    });
  });
});
