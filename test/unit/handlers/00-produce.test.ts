/** Produce: which partitions are appended, in which order answers come, what acks=0 means. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { produce } from '../../../broker/handlers/00-produce.ts';
import { TopicMetrics } from '../../../broker/handlers/shared/topic-metrics.ts';
import { freeAtOnce } from '../../../broker/platform/free-at-once.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import { buildBatch } from '../../../broker/records/build.ts';
import type { AppendOutcome, AppendRequest } from '../../../broker/replication/requests/replica-append.ts';
import { World } from '../../support/world.ts';
import { denying, type Given, metadataOf, partition, sender, services } from './support.ts';

const RECORDS = Buffer.from('not looked at here');

function outcome(overrides: Partial<AppendOutcome> = {}): AppendOutcome {
  return {
    topic: 't1',
    partition: 0,
    error: ErrorCode.NONE,
    baseOffset: 100,
    lastOffset: 100,
    logAppendTimeMs: -1,
    logStartOffset: 5,
    recordErrors: [],
    errorMessage: null,
    currentLeader: null,
    ...overrides,
  };
}

function run(
  request: RequestInput<typeof Produce>,
  options: {
    version?: number;
    clientId?: string;
    append?: (request: AppendRequest) => AppendOutcome[] | Promise<AppendOutcome[]>;
    given?: Given;
  } = {},
) {
  const version = options.version ?? 7;
  const asked: AppendRequest[] = [];
  const append = (one: AppendRequest) => {
    asked.push(one);
    return (options.append ?? ((given) => given.entries.map(() => outcome())))(one);
  };
  const decoded = decodeRequest(Produce, version, Buffer.concat(encodeRequest(Produce, version, request)));
  const answer = produce.handle(
    decoded,
    sender(version, options.given ?? {}, { clientId: options.clientId ?? 'client' }),
    services({ replicas: { append }, ...options.given }),
  );
  const decode = (response: Awaited<typeof answer>) => {
    if (response === null || response === 'close') return response;
    return decodeResponse(Produce, version, Buffer.concat(encodeResponse(Produce, version, response)));
  };
  return { asked, answer, response: async () => decode(await answer) };
}

function one(acks: number, records: Buffer | null = RECORDS): RequestInput<typeof Produce> {
  return { acks, timeoutMs: 100, topicData: [{ name: 't1', partitionData: [{ index: 0, records }] }] };
}

describe('acks', () => {
  it('1: answered without waiting, with the offset', () => {
    const { answer, asked } = run(one(1));
    expect(answer).not.toBeInstanceOf(Promise);
    expect(asked[0]).toMatchObject({ acks: 1, timeoutMs: 100, origin: 'client', apiVersion: 7 });
    expect(answer).toMatchObject({
      responses: [{ name: 't1', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 100 }] }],
    });
  });

  it('-1: answered when the append is', async () => {
    const { response } = run(one(-1), { append: async () => [outcome({ baseOffset: 7 })] });
    expect(await response()).toMatchObject({ responses: [{ partitionResponses: [{ baseOffset: 7 }] }] });
  });

  it('-1: answered as it was asked, whatever has become of the frame meanwhile', async () => {
    const metrics = createMetrics();
    const records = Buffer.alloc(100_000);
    const append = async ({ entries }: AppendRequest) => {
      for (const entry of entries) freeAtOnce(entry.records);
      return entries.map((entry) => {
        expect(entry.records).toHaveLength(0);
        return outcome({ baseOffset: 7 });
      });
    };
    const given = { topicMetrics: new TopicMetrics(metrics, metadataOf([partition('t1', 0)])) };
    const { response } = run(one(-1, records), { append, given });
    expect(await response()).toMatchObject({ responses: [{ partitionResponses: [{ baseOffset: 7 }] }] });
    expect(given.topicMetrics.topic('t1').bytesIn.value).toBe(records.length);
  });

  it('0: no response, and the connection closes when anything failed', async () => {
    expect(await run(one(0)).answer).toBeNull();
    const failing = () => [outcome({ error: ErrorCode.MESSAGE_TOO_LARGE })];
    expect(await run(one(0), { append: failing }).answer).toBe('close');
    expect(
      produce.refuse({ ...emptyRequest(), acks: 0 }, ErrorCode.UNKNOWN_SERVER_ERROR, sender(7, {})),
    ).toBe('close');
  });

  it('anything else is INVALID_REQUIRED_ACKS for every partition, and nothing is appended', async () => {
    const { response, asked } = run(one(2));
    expect(await response()).toMatchObject({
      responses: [{ partitionResponses: [{ errorCode: ErrorCode.INVALID_REQUIRED_ACKS, baseOffset: -1 }] }],
    });
    expect(asked).toEqual([]);
  });
});

describe('partitions that are not there', () => {
  it('are named before acks that do not exist', async () => {
    const topicData = ['unknown', 't1'].map((name) => ({
      name,
      partitionData: [{ index: 0, records: Buffer.alloc(0) }],
    }));
    const { response } = run({ ...one(2), topicData });
    expect(await response()).toMatchObject({
      responses: [
        { partitionResponses: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
        { partitionResponses: [{ errorCode: ErrorCode.INVALID_REQUIRED_ACKS }] },
      ],
    });
  });
});

function emptyRequest() {
  return decodeRequest(Produce, 7, Buffer.concat(encodeRequest(Produce, 7, { acks: 1, timeoutMs: 1 })));
}

describe('partitions', () => {
  it('that are named again are appended to once, as named last, and empty topics are not spoken of', async () => {
    const other = Buffer.from('other');
    const request = {
      acks: 1,
      timeoutMs: 100,
      topicData: [
        { name: 't1', partitionData: [1, 0, 1].map((index) => ({ index, records: RECORDS })) },
        { name: 't2', partitionData: [] },
        { name: 't1', partitionData: [{ index: 0, records: other }] },
      ],
    };
    const { response, asked } = run(request, {
      append: ({ entries }) => entries.map(() => outcome()),
      given: { metadata: metadataOf([partition('t1', 0), partition('t1', 1)]) },
    });
    expect(asked[0]?.entries.map((entry) => [entry.partition, entry.records.equals(other)])).toEqual([
      [1, false],
      [0, true],
    ]);
    const partitionResponses = [1, 0].map((index) => expect.objectContaining({ index }));
    expect(await response()).toMatchObject({ responses: [{ name: 't1', partitionResponses }] });
  });

  it('are answered in request order, whether appended or refused', async () => {
    const request = {
      acks: 1,
      timeoutMs: 100,
      topicData: [
        { name: 'unknown', partitionData: [{ index: 0, records: RECORDS }] },
        {
          name: 't1',
          partitionData: [
            { index: 1, records: RECORDS },
            { index: 9, records: RECORDS },
            { index: 2, records: null },
            { index: 0, records: RECORDS },
          ],
        },
      ],
    };
    const { response, asked } = run(request, {
      append: ({ entries }) => entries.map((entry) => outcome({ baseOffset: entry.partition * 10 })),
      given: { metadata: metadataOf([0, 1, 2].map((number) => partition('t1', number))) },
    });
    expect(asked[0]?.entries.map((entry) => [entry.topic, entry.partition])).toEqual([
      ['t1', 1],
      ['t1', 0],
    ]);
    const missing = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 };
    expect(await response()).toMatchObject({
      responses: [
        { name: 'unknown', partitionResponses: [{ index: 0, ...missing }] },
        {
          name: 't1',
          partitionResponses: [
            { index: 1, errorCode: 0, baseOffset: 10 },
            { index: 9, ...missing },
            { index: 2, errorCode: ErrorCode.INVALID_RECORD },
            { index: 0, errorCode: 0, baseOffset: 0 },
          ],
        },
      ],
    });
  });

  it('that may not be written are refused before anything is said about their existence', async () => {
    const { response } = run(
      { acks: 1, timeoutMs: 1, topicData: [{ name: 'x', partitionData: [{ index: 0, records: RECORDS }] }] },
      { given: { may: () => false } },
    );
    expect(await response()).toMatchObject({
      responses: [{ partitionResponses: [{ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }] }],
    });
  });

  it('of internal topics are open to __admin_client only', () => {
    expect(run(one(1)).asked[0]?.internalTopicsAllowed).toBe(false);
    expect(run(one(1), { clientId: '__admin_client' }).asked[0]?.internalTopicsAllowed).toBe(true);
  });
});

describe('what is decompressed', () => {
  it('has the limits of the configs, anew for every request', () => {
    const config = brokerConfig(
      new Map([
        ['zookeeper.connect', 'localhost:2181'],
        ['compressed.batch.max.decompressed.bytes', '1048576'],
        ['request.max.decompressed.bytes', '2000000'],
        ['compressed.batch.max.records', '7'],
        ['request.max.decompressed.records', '10'],
      ]),
    );
    for (const _request of [1, 2]) {
      const decompression = run(one(1), { given: { config } }).asked[0]?.decompression;
      if (decompression === undefined) throw new Error('no limits');
      expect(decompression.within((limitBytes) => Buffer.alloc(limitBytes))).toHaveLength(1_048_576);
      expect(decompression.within((limitBytes) => Buffer.alloc(limitBytes))).toHaveLength(951_424);
      expect(() => decompression.within(() => Buffer.alloc(0))).toThrow();
      expect(() => decompression.takeRecords(8)).toThrow();
      decompression.takeRecords(7);
      expect(() => decompression.takeRecords(4)).toThrow();
    }
  });
});

describe('errors', () => {
  it.each([7, 8, 11])('v%i: bad records are named from v8 on', async (version) => {
    const error = {
      error: ErrorCode.INVALID_RECORD,
      errorMessage: 'bad',
      recordErrors: [{ batchIndex: 2, message: 'no key' }],
    } as const;
    const { response } = run(one(1), { version, append: () => [outcome(error)] });
    expect(await response()).toMatchObject({
      responses: [
        {
          partitionResponses: [
            version < 8
              ? { errorCode: ErrorCode.INVALID_RECORD, recordErrors: [] }
              : { errorMessage: 'bad', recordErrors: [{ batchIndex: 2, batchIndexErrorMessage: 'no key' }] },
          ],
        },
      ],
    });
  });

  it('v10+: NOT_LEADER_OR_FOLLOWER comes with the leader and its endpoint', async () => {
    const lost = { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 2, leaderEpoch: 8 } };
    const old = await run(one(1), { version: 9, append: () => [outcome(lost)] }).response();
    expect(old).toMatchObject({ nodeEndpoints: [] });
    const { response } = run(one(1), { version: 10, append: () => [outcome(lost)] });
    expect(await response()).toMatchObject({
      responses: [{ partitionResponses: [{ currentLeader: { leaderId: 2, leaderEpoch: 8 } }] }],
      nodeEndpoints: [{ nodeId: 2, host: 'host2', port: 9092, rack: null }],
    });
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('v%i: success and failure both encode', async (version) => {
    expect(await run(one(1), { version }).response()).not.toBeNull();
    const failing = () => [outcome({ error: ErrorCode.CORRUPT_MESSAGE, baseOffset: -1 })];
    expect(await run(one(1), { version, append: failing }).response()).not.toBeNull();
  });
});

describe('records of a transaction', () => {
  const records = () =>
    buildBatch({
      transactional: true,
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      records: [{ offset: 0, timestampMs: 1, key: null, value: Buffer.from('v'), headers: [] }],
    });

  it('go on with the id of the transaction; others go without it', async () => {
    const transactional = run({ ...one(-1, records()), transactionalId: 'tx' });
    await transactional.response();
    expect(transactional.asked).toMatchObject([{ transactionalId: 'tx' }]);
    const plain = run({ ...one(-1), transactionalId: 'tx' });
    await plain.response();
    expect(plain.asked).not.toHaveProperty('0.transactionalId');
  });

  it.each([
    ['without an id', { ...one(-1, records()), transactionalId: null }, {}],
    [
      'of the id of somebody else',
      { ...one(-1, records()), transactionalId: 'tx' },
      { given: { may: denying('transactional-id') } },
    ],
  ])('are refused %s', async (_what, request, options) => {
    const { response, asked } = run(request, options);
    expect(await response()).toMatchObject({
      responses: [{ partitionResponses: [{ errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }] }],
    });
    expect(asked).toEqual([]);
  });
});

it('a request that may take its turns appends partition by partition, in request order, as others have theirs', async () => {
  const partitionData = Array.from({ length: 60 }, (_, index) => ({ index, records: RECORDS }));
  const asked: number[] = [];
  const clock = World.flowing().clock;
  let seen = -1;
  clock.soon(() => {
    seen = asked.length;
  });
  const answer = await produce.handle(
    { acks: 1, timeoutMs: 1000, transactionalId: null, topicData: [{ name: 't1', partitionData }] },
    sender(7, {}, { isAlone: true }),
    services({
      clock,
      metadata: metadataOf(partitionData.map(({ index }) => partition('t1', index))),
      replicas: {
        append: ({ entries }: AppendRequest) =>
          entries.map((entry) => {
            asked.push(entry.partition);
            return outcome({ partition: entry.partition, baseOffset: 1000 + entry.partition });
          }),
      },
    }),
  );
  expect(asked).toEqual(partitionData.map(({ index }) => index));
  expect(seen).toBe(25);
  expect(answer).toMatchObject({
    responses: [{ partitionResponses: asked.map((index) => ({ index, baseOffset: 1000 + index })) }],
  });
});
