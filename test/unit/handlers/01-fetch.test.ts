/** Fetch: what is read and from whom, what each version is told, sessions, old formats, buffers. */

import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { fetch } from '../../../broker/handlers/01-fetch.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { RequestCharges } from '../../../broker/quotas/request-charges.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import { readLegacyMessages } from '../../../broker/records/legacy.ts';
import { NO_CLAIM } from '../../../broker/replication/requests/answer-memory.ts';
import { FetchSessions } from '../../../broker/replication/requests/fetch-sessions.ts';
import type { FetchOutcome, FetchPartition } from '../../../broker/replication/requests/read-partition.ts';
import type { FetchRequest } from '../../../broker/replication/requests/replica-fetch.ts';
import { ask } from './ask.ts';
import { type Given, metadataOf, partition, T1_ID, world } from './support.ts';

const RECORDS = buildBatch({
  records: [
    { timestampMs: 5, key: Buffer.from('k'), value: Buffer.from('v0') },
    { timestampMs: 6, key: null, value: Buffer.from('v1') },
  ],
});

function broker(
  outcome: (wanted: FetchPartition) => Partial<FetchOutcome> = () => ({}),
  config: object = { compressionType: 'producer', messageDownconversionEnable: true },
) {
  const asked: FetchRequest[] = [];
  const released: string[] = [];
  const release = ({ topic, partition }: FetchPartition) => released.push(`${topic}-${partition}`);
  const read = (wanted: FetchPartition): FetchOutcome => ({
    wanted,
    error: ErrorCode.NONE,
    highWatermark: 10,
    lastStableOffset: 9,
    logStartOffset: 1,
    records: RECORDS,
    isFull: false,
    release: () => release(wanted),
    giveBack: () => release(wanted),
    claim: NO_CLAIM,
    abortedTransactions: null,
    divergingEpoch: null,
    preferredReadReplica: -1,
    currentLeader: null,
    ...outcome(wanted),
  });
  const metrics = createMetrics();
  const overrides: Given<(typeof fetch.needs)[number]> = {
    metadata: metadataOf([partition('t1', 0), partition('t1', 1), partition('t2', 0)]),
    fetchSessions: new FetchSessions({
      slots: 10,
      maxPartitions: 1000,
      ...world.platform(),
      metrics,
    }),
    logs: { log: () => ({ config }) },
    replicas: {
      fetch: (request: FetchRequest) => {
        asked.push(request);
        return request.partitions.map(read);
      },
    },
  };
  return {
    asked,
    released,
    ask: (
      version: number,
      request: RequestInput<typeof Fetch>,
      more: Given<(typeof fetch.needs)[number]> = {},
    ) => ask(fetch, version, request, { ...overrides, ...more }),
  };
}

function request(version: number, ...partitions: number[]): RequestInput<typeof Fetch> {
  const topic = version >= 13 ? { topicId: T1_ID } : { topic: 't1' };
  const wanted = (partitions.length === 0 ? [0] : partitions).map((one) => ({
    partition: one,
    fetchOffset: 0,
    partitionMaxBytes: 1000,
  }));
  return { maxWaitMs: 10, minBytes: 1, topics: [{ ...topic, partitions: wanted }] };
}

const VERSIONS = Array.from({ length: 18 }, (_, version) => version);

describe('every version', () => {
  it.each(VERSIONS)('v%i: records, high watermark and what the version knows besides', async (version) => {
    const { response } = await broker().ask(version, request(version));
    const [topic] = response.responses;
    expect(topic).toMatchObject(version >= 13 ? { topicId: T1_ID } : { topic: 't1' });
    expect(topic?.partitions).toMatchObject([
      {
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 10,
        lastStableOffset: version >= 4 ? 9 : -1,
        logStartOffset: version >= 5 ? 1 : -1,
      },
    ]);
    if (version >= 4) expect(topic?.partitions[0]?.records).toEqual(RECORDS);
  });

  it.each(VERSIONS)('v%i: limits, isolation and rack as the version has them', async (version) => {
    const one = broker();
    await one.ask(version, {
      ...request(version),
      ...(version >= 3 ? { maxBytes: 500 } : {}),
      ...(version >= 4 ? { isolationLevel: 1 } : {}),
      ...(version >= 11 ? { rackId: 'r1' } : {}),
    });
    expect(one.asked[0]).toMatchObject({
      maxWaitMs: 10,
      minBytes: 1,
      maxBytes: version >= 3 ? 500 : 0x7fffffff,
      hardMaxBytes: version <= 2,
      isolation: version >= 4 ? 'read_committed' : 'read_uncommitted',
      clientRack: version >= 11 ? 'r1' : null,
      partitions: [
        { topic: 't1', partition: 0, maxBytes: 1000, ...(version >= 13 ? { topicId: T1_ID } : {}) },
      ],
    });
  });

  it.each(VERSIONS)('v%i: errors, divergence, preferred replica and leader', async (version) => {
    const everything = () => ({
      error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      records: Buffer.alloc(0),
      divergingEpoch: { epoch: 1, endOffset: 5 },
      preferredReadReplica: 2,
      currentLeader: { leaderId: 2, leaderEpoch: 8 },
    });
    const { response } = await broker(everything).ask(version, request(version));
    expect(response.responses[0]?.partitions).toMatchObject([
      {
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        preferredReadReplica: version >= 11 ? 2 : -1,
        divergingEpoch: version >= 12 ? { epoch: 1, endOffset: 5 } : { epoch: -1, endOffset: -1 },
        currentLeader: version >= 16 ? { leaderId: 2, leaderEpoch: 8 } : { leaderId: -1, leaderEpoch: -1 },
      },
    ]);
    expect(response.nodeEndpoints).toMatchObject(version >= 16 ? [{ nodeId: 2, host: 'host2' }] : []);
  });

  it('KAFKA_STORAGE_ERROR is NOT_LEADER_OR_FOLLOWER to clients before v6', async () => {
    const failing = () => ({ error: ErrorCode.KAFKA_STORAGE_ERROR, records: Buffer.alloc(0) });
    const errorIn = async (version: number) =>
      (await broker(failing).ask(version, request(version))).response.responses[0]?.partitions[0]?.errorCode;
    expect(await errorIn(5)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await errorIn(6)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});

describe('what is not read', () => {
  it('unknown partitions and ids are answered in their place, the others are read', async () => {
    const one = broker();
    const { response } = await one.ask(12, {
      maxWaitMs: 1,
      minBytes: 1,
      topics: [
        { topic: 't1', partitions: [{ partition: 7, fetchOffset: 0, partitionMaxBytes: 1 }] },
        { topic: 't2', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] },
        { topic: 't1', partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1 }] },
      ],
    });
    expect(one.asked[0]?.partitions.map(({ topic }) => topic)).toEqual(['t2', 't1']);
    expect(response.responses.map(({ topic, partitions }) => [topic, partitions[0]?.errorCode])).toEqual([
      ['t1', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['t2', 0],
      ['t1', 0],
    ]);
    const unknownId = {
      ...request(13),
      topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAZA', partitions: [{ partition: 0 }] }],
    };
    const byId = await broker().ask(13, unknownId);
    expect(byId.response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  it('replicas are turned away: they are fed over the channels of the peers', async () => {
    const one = broker();
    const old = await one.ask(12, { ...request(12), replicaId: 2 });
    expect(old.response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const recent = await one.ask(17, { ...request(17), replicaState: { replicaId: 2, replicaEpoch: 1 } });
    expect(recent.response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(one.asked).toEqual([]);
  });

  it.each([
    [9, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
    [10, ErrorCode.NONE],
  ])('v%i: a topic that compresses with zstd', async (version, errorCode) => {
    const { response } = await broker(() => ({}), { compressionType: 'zstd' }).ask(version, request(version));
    expect(response.responses[0]?.partitions[0]?.errorCode).toBe(errorCode);
  });
});

describe('a consumer over its quota', () => {
  const config = {
    quotaWindowNum: 11,
    quotaWindowSizeSeconds: 1,
    controllerQuotaWindowNum: 11,
    controllerQuotaWindowSizeSeconds: 1,
    clientQuotaMaxSensors: 10,
    metricsNumSamples: 2,
    metricsSampleWindowMs: 30_000,
  };

  function charges(rate: number): RequestCharges {
    const quotas = new ClientQuotas(config);
    quotas.configured({ type: 'clients', name: 'client' }, new Map([['consumer_byte_rate', String(rate)]]));
    return new RequestCharges({
      sensors: quotas.sensorsOf('ANONYMOUS', 'client'),
      exempt: quotas.exempt,
      sizeBytes: 0,
      nowMs: () => 1000,
      longestRequestThrottleMs: 1000,
    });
  }

  it('gets no records, and its session does not think that it did', async () => {
    const one = broker();
    const full = await one.ask(12, { ...request(12, 0), sessionEpoch: 0 });
    const { sessionId } = full.response;
    const over = await one.ask(
      12,
      { maxWaitMs: 1, minBytes: 1, sessionId, sessionEpoch: 1 },
      { charges: charges(1) },
    );
    expect(over.response).toMatchObject({ errorCode: ErrorCode.NONE, sessionId, responses: [] });
    expect(over.released).toHaveLength(1);
    const next = await one.ask(12, { maxWaitMs: 1, minBytes: 1, sessionId, sessionEpoch: 2 });
    expect(next.response.responses[0]?.partitions[0]?.records).toEqual(RECORDS);
  });

  it('is read no more than its quota allows in the whole of its window', async () => {
    const one = broker();
    await one.ask(12, { ...request(12, 0), maxBytes: 1_000_000 }, { charges: charges(1000) });
    expect(one.asked[0]?.maxBytes).toBe(10_000);
  });
});

describe('sessions', () => {
  it('an incremental answer names only what is new', async () => {
    const empty = new Set<number>();
    const one = broker(({ partition: index }) => (empty.has(index) ? { records: Buffer.alloc(0) } : {}));
    const full = await one.ask(12, { ...request(12, 0, 1), sessionEpoch: 0 });
    const { sessionId } = full.response;
    expect(sessionId).not.toBe(0);
    empty.add(0);
    const next = { maxWaitMs: 1, minBytes: 1, sessionId, sessionEpoch: 1 };
    const { response } = await one.ask(12, next);
    expect(response.responses[0]?.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([1]);
    const repeated = await one.ask(12, next);
    expect(repeated.response).toMatchObject({
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
      sessionId: 0,
      responses: [],
    });
  });

  it('neighbours of one topic share an entry', async () => {
    const { response } = await broker().ask(12, request(12, 0, 1));
    expect(response.responses.map(({ partitions }) => partitions.length)).toEqual([2]);
  });
});

describe('old formats', () => {
  it.each([0, 1, 2, 3])('v%i gets messages it can read', async (version) => {
    const { response } = await broker().ask(version, request(version));
    const records = response.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
    const magic = version >= 2 ? 1 : 0;
    expect(records.readInt8(16)).toBe(magic);
    expect(readLegacyMessages(records, 0).map(({ value }) => value?.toString())).toEqual(['v0']);
  });

  it('fetch.max.converted.bytes is for the partitions of an answer together, and nothing is lost of them', async () => {
    const properties = new Map([
      ['zookeeper.connect', 'localhost:2181'],
      ['fetch.max.converted.bytes', '10'],
    ]);
    const config = brokerConfig(properties);
    const { response } = await broker().ask(3, request(3, 0, 1), { config });
    const partitions = response.responses[0]?.partitions ?? [];
    expect(partitions.map(({ errorCode, highWatermark }) => [errorCode, highWatermark])).toEqual([
      [0, 10],
      [0, 10],
    ]);
    expect(partitions.map(({ records }) => (records?.length ?? 0) > 0)).toEqual([true, false]);
  });

  it('message.downconversion.enable=false refuses them', async () => {
    const config = { compressionType: 'producer', messageDownconversionEnable: false };
    const { response } = await broker(() => ({}), config).ask(3, request(3));
    expect(response.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });
});

it('every buffer goes back once the response has left, told or not', async () => {
  for (const version of [2, 12]) {
    const one = broker();
    const { released } = await one.ask(version, request(version, 0, 1));
    // Converted records are bytes of their own: those that were read are given back, and once more afterwards.
    expect(one.released).toEqual(version === 2 ? ['t1-0', 't1-1'] : []);
    one.released.length = 0;
    for (const run of released) run();
    expect(one.released).toEqual(['t1-0', 't1-1']);
  }
});
