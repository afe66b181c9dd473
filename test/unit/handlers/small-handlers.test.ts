/** FindCoordinator, InitProducerId, DescribeCluster, ListOffsets: small answers, many versions. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { listOffsets } from '../../../broker/handlers/02-list-offsets.ts';
import { findCoordinator } from '../../../broker/handlers/10-find-coordinator.ts';
import { saslHandshake } from '../../../broker/handlers/17-sasl-handshake.ts';
import { initProducerId } from '../../../broker/handlers/22-init-producer-id.ts';
import { saslAuthenticate } from '../../../broker/handlers/36-sasl-authenticate.ts';
import { describeCluster } from '../../../broker/handlers/60-describe-cluster.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { ask } from './ask.ts';
import { broker, denying, metadataOf, partition } from './support.ts';

describe('FindCoordinator', () => {
  // "group" hashes to 98629247: partition 1 of 2.
  const known = {
    metadata: metadataOf([
      partition('__consumer_offsets', 0, { leader: 1 }),
      partition('__consumer_offsets', 1, { leader: 2 }),
    ]),
    groups: { partitionFor: (key: string) => partitionForKey(key, 2) },
  };

  it('goes by the number of partitions that the coordinators go by, not by those that have a leader so far', async () => {
    const { metadata } = known;
    const groups = { partitionFor: (key: string) => partitionForKey(key, 50) };
    const { response } = await ask(findCoordinator, 2, { key: 'group' }, { metadata, groups });
    expect(response).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1 });
  });

  it.each([0, 1, 2, 3])('v%i: the leader of the partition that the group falls into', async (version) => {
    const { response } = await ask(findCoordinator, version, { key: 'group' }, known);
    expect(response).toMatchObject({ errorCode: 0, nodeId: 2, host: 'host2', port: 9092 });
  });

  it.each([4, 6])('v%i: many keys, an answer each', async (version) => {
    const { response } = await ask(findCoordinator, version, { coordinatorKeys: ['group', 'groupa'] }, known);
    expect(response.coordinators.map(({ key, nodeId, errorCode }) => [key, nodeId, errorCode])).toEqual([
      ['group', 2, 0],
      ['groupa', 1, 0],
    ]);
  });

  it('creates the offsets topic when it is missing, and answers that there is no coordinator yet', async () => {
    const created: unknown[] = [];
    const autoTopics = {
      create: async (topics: unknown) => {
        created.push(topics);
        return new Map();
      },
    };
    const { response } = await ask(findCoordinator, 2, { key: 'g' }, { autoTopics });
    expect(created).toEqual([['__consumer_offsets']]);
    expect(response).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1, port: -1 });
  });

  it.each([1, 2, 3])("v%i: tells Kafka's text of the error", async (version) => {
    const text = async (request: { key: string; keyType?: number }, overrides = {}) =>
      (await ask(findCoordinator, version, request, { ...known, ...overrides })).response.errorMessage;
    const groups = { partitionFor: () => 7 };
    expect(await text({ key: 'group' })).toBe('NONE');
    expect(await text({ key: 'group' }, { groups })).toBe('The coordinator is not available.');
    expect(await text({ key: 'group' }, { may: () => false })).toBe('Group authorization failed.');
    expect(await text({ key: 'group', keyType: 9 })).toMatch(/^This most likely occurs because of a request/);
  });

  it('v4: tells the text where the request as a whole is refused, and none for a key', async () => {
    const { response } = await ask(findCoordinator, 4, { coordinatorKeys: ['a'], keyType: 9 }, known);
    expect(response.coordinators).toMatchObject([
      {
        key: 'a',
        nodeId: -1,
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: expect.stringMatching(/^This/),
      },
    ]);
    const groups = { partitionFor: () => 7 };
    const one = await ask(findCoordinator, 4, { coordinatorKeys: ['a'] }, { ...known, groups });
    expect(one.response.coordinators).toMatchObject([
      { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: '' },
    ]);
  });

  it('of a transactional id is the leader of the partition of __transaction_state that it falls into', async () => {
    const metadata = metadataOf([
      partition('__transaction_state', 0, { leader: 1 }),
      partition('__transaction_state', 1, { leader: 2 }),
    ]);
    const given = { metadata, transactions: { partitionFor: () => 1 } };
    const { response } = await ask(findCoordinator, 2, { key: 'tx', keyType: 1 }, given);
    expect(response).toMatchObject({ errorCode: 0, nodeId: 2, host: 'host2', port: 9092 });
    const denied = { ...given, may: denying('transactional-id') };
    const refused = await ask(findCoordinator, 4, { coordinatorKeys: ['tx'], keyType: 1 }, denied);
    expect(refused.response.coordinators).toMatchObject([
      { key: 'tx', errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, nodeId: -1 },
    ]);
  });

  it('creates __transaction_state when it is missing', async () => {
    const created: unknown[] = [];
    const autoTopics = {
      create: async (topics: unknown) => {
        created.push(topics);
        return new Map();
      },
    };
    const given = { autoTopics, transactions: { partitionFor: () => 0 } };
    const { response } = await ask(findCoordinator, 2, { key: 'tx', keyType: 1 }, given);
    expect(created).toEqual([['__transaction_state']]);
    expect(response.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  });

  it('an unknown key type is invalid', async () => {
    const { response } = await ask(findCoordinator, 2, { key: 'x', keyType: 9 }, known);
    expect(response.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe('InitProducerId', () => {
  const producerIds = { producerIds: { generate: async () => 4711 } };
  const noId = { transactionalId: null, transactionTimeoutMs: 1 };

  it.each([0, 1, 2, 3, 4, 5])('v%i: a producer id with epoch 0', async (version) => {
    const { response } = await ask(initProducerId, version, noId, producerIds);
    expect(response).toMatchObject({ errorCode: 0, producerId: 4711, producerEpoch: 0 });
  });

  it.each([
    ['an epoch without an id', { ...noId, producerEpoch: 3 }, ErrorCode.INVALID_REQUEST],
    ['an id without an epoch', { ...noId, transactionalId: 'tx', producerId: 3 }, ErrorCode.INVALID_REQUEST],
  ])('%s is refused', async (_name, request, errorCode) => {
    const { response } = await ask(initProducerId, 4, request, producerIds);
    expect(response).toMatchObject({ errorCode, producerId: -1, producerEpoch: -1 });
  });

  it('without an id from the controller the client is to try again', async () => {
    const none = { producerIds: { generate: async () => null } };
    const { response } = await ask(initProducerId, 4, noId, none);
    expect(response.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  });
});

describe('without security', () => {
  it('a client that wants to authenticate is told that it can not', async () => {
    const illegal = { errorCode: ErrorCode.ILLEGAL_SASL_STATE };
    expect((await ask(saslHandshake, 1, { mechanism: 'PLAIN' })).response).toMatchObject(illegal);
    expect((await ask(saslAuthenticate, 2, { authBytes: Buffer.alloc(1) })).response).toMatchObject(illegal);
  });
});

describe('DescribeCluster', () => {
  it('names the brokers on the listener of the request, the controller and the cluster', async () => {
    const cache = metadataOf([], [broker(2), broker(1), broker(3, ['OTHER'])]);
    const { response } = await ask(describeCluster, 1, {}, { metadata: cache });
    expect(response).toMatchObject({ errorCode: 0, clusterId: 'cluster', controllerId: 1, endpointType: 1 });
    expect(response.brokers.map(({ brokerId, rack }) => [brokerId, rack])).toEqual([
      [1, 'r1'],
      [2, null],
    ]);
  });

  it.each([
    [2, ErrorCode.MISMATCHED_ENDPOINT_TYPE],
    [9, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE],
  ])('endpoint type %i is refused', async (endpointType, errorCode) => {
    const { response } = await ask(describeCluster, 1, { endpointType });
    expect(response.errorCode).toBe(errorCode);
  });
});

describe('ListOffsets', () => {
  const topics = (...partitions: object[]) => ({ replicaId: -1, topics: [{ name: 't1', partitions }] });
  const replicas = (answers: Record<number, object>, asked: object[] = []) => ({
    replicas: {
      listOffset: (topic: string, index: number, query: { timestampMs: number }) => {
        asked.push({ topic, index, ...query });
        const none = { error: ErrorCode.NONE, offset: -1, timestampMs: -1, leaderEpoch: -1 };
        return { ...none, ...answers[query.timestampMs] };
      },
    },
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'v%i: the offset, its time, and from v4 the epoch',
    async (version) => {
      const asked: object[] = [];
      const found = replicas({ 5: { offset: 42, timestampMs: 6, leaderEpoch: 3 } }, asked);
      const isolation = version >= 2 ? { isolationLevel: 1 } : {};
      const request = { ...topics({ partitionIndex: 0, timestamp: 5 }), ...isolation };
      const { response } = await ask(listOffsets, version, request, found);
      expect(response.topics[0]?.partitions).toMatchObject([
        { errorCode: 0, offset: 42, timestamp: 6, leaderEpoch: version >= 4 ? 3 : -1 },
      ]);
      expect(asked).toMatchObject([
        {
          timestampMs: 5,
          isolation: version >= 2 ? 'read_committed' : 'read_uncommitted',
          fetchOnlyLeader: true,
        },
      ]);
    },
  );

  it.each([
    [-3, 6, 7],
    [-4, 7, 8],
    [-5, 8, 9],
    [-6, 9, null],
  ])('timestamp %i is unsupported in v%i', async (timestamp, before, since) => {
    const request = topics({ partitionIndex: 0, timestamp });
    const old = await ask(listOffsets, before, request, replicas({}));
    expect(old.response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    if (since === null) return;
    const { response } = await ask(listOffsets, since, request, replicas({}));
    expect(response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
  });

  it('a partition named twice is invalid, its neighbours are not', async () => {
    const twice = { partitionIndex: 0, timestamp: -1 };
    const request = topics(twice, { partitionIndex: 1, timestamp: -1 }, twice);
    const { response } = await ask(listOffsets, 5, request, replicas({}));
    expect(response.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.NONE,
      ErrorCode.INVALID_REQUEST,
    ]);
  });

  it('OFFSET_NOT_AVAILABLE is LEADER_NOT_AVAILABLE to clients before v5', async () => {
    const found = replicas({ '-1': { error: ErrorCode.OFFSET_NOT_AVAILABLE } });
    const request = topics({ partitionIndex: 0, timestamp: -1 });
    const errorIn = async (version: number) =>
      (await ask(listOffsets, version, request, found)).response.topics[0]?.partitions[0]?.errorCode;
    expect(await errorIn(4)).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
    expect(await errorIn(5)).toBe(ErrorCode.OFFSET_NOT_AVAILABLE);
  });

  it('v0: asks for segments, as a consumer or as one who sees everything', async () => {
    const asked: object[] = [];
    const found = {
      replicas: {
        legacyOffsets: (topic: string, index: number, query: object) => {
          asked.push({ topic, index, ...query });
          return { error: ErrorCode.NONE, offsets: [50, 10] };
        },
      },
    };
    const request = topics({ partitionIndex: 0, timestamp: 7, maxNumOffsets: 3 });
    for (const replicaId of [-1, -2, 5]) {
      const { response } = await ask(listOffsets, 0, { ...request, replicaId }, found);
      expect(response.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, oldStyleOffsets: [50, 10] });
    }
    const query = { topic: 't1', index: 0, timestampMs: 7, maxOffsets: 3 };
    expect(asked).toEqual([
      { ...query, isConsumer: true, fetchOnlyLeader: true },
      { ...query, isConsumer: false, fetchOnlyLeader: false },
      { ...query, isConsumer: false, fetchOnlyLeader: true },
    ]);
  });

  it.each([-3, -4, -100])('v0: timestamp %i is unsupported', async (timestamp) => {
    const request = topics({ partitionIndex: 0, timestamp, maxNumOffsets: 1 });
    const { response } = await ask(listOffsets, 0, request, replicas({}));
    expect(response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });
});
