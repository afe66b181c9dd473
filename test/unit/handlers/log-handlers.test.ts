/** DeleteRecords, OffsetForLeaderEpoch, DescribeLogDirs, DescribeProducers, reassignments. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, failure, success } from '../../../broker/errors.ts';
import { deleteRecords } from '../../../broker/handlers/21-delete-records.ts';
import { offsetForLeaderEpoch } from '../../../broker/handlers/23-offset-for-leader-epoch.ts';
import { describeLogDirs } from '../../../broker/handlers/35-describe-log-dirs.ts';
import { alterPartitionReassignments } from '../../../broker/handlers/45-alter-partition-reassignments.ts';
import { listPartitionReassignments } from '../../../broker/handlers/46-list-partition-reassignments.ts';
import { describeProducers } from '../../../broker/handlers/61-describe-producers.ts';
import { ask } from './ask.ts';
import { denying, metadataOf, partition } from './support.ts';

describe('DeleteRecords', () => {
  it.each([0, 1, 2])('v%i: outcomes go where they were asked for', async (version) => {
    const asked: unknown[] = [];
    const overrides = {
      metadata: metadataOf([partition('t1', 0), partition('__consumer_offsets', 0)]),
      replicas: {
        deleteRecords: async (entries: { topic: string; partition: number }[], timeoutMs: number) => {
          asked.push({ entries, timeoutMs });
          return entries.map((entry) => ({ ...entry, error: ErrorCode.NONE, lowWatermark: 5 }));
        },
      },
    };
    const one = { partitionIndex: 0, offset: 5 };
    const topics = [
      { name: '__consumer_offsets', partitions: [one] },
      { name: 't1', partitions: [{ partitionIndex: 9, offset: 1 }, one] },
    ];
    const { response } = await ask(deleteRecords, version, { topics, timeoutMs: 100 }, overrides);
    expect(asked).toEqual([{ entries: [{ topic: 't1', partition: 0, offset: 5 }], timeoutMs: 100 }]);
    expect(response.topics.flatMap(({ partitions }) => partitions)).toEqual([
      { partitionIndex: 0, lowWatermark: -1, errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION },
      { partitionIndex: 9, lowWatermark: -1, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      { partitionIndex: 0, lowWatermark: 5, errorCode: 0 },
    ]);
  });
});

describe('OffsetForLeaderEpoch', () => {
  it.each([0, 1, 2, 3, 4])('v%i: where the epoch ends', async (version) => {
    const asked: unknown[] = [];
    const replicas = {
      endOffsetForEpoch: (...query: unknown[]) => {
        asked.push(query);
        return { error: ErrorCode.NONE, epoch: 2, endOffset: 40 };
      },
    };
    const topics = [{ topic: 't1', partitions: [{ partition: 0, leaderEpoch: 2 }] }];
    const { response } = await ask(offsetForLeaderEpoch, version, { topics }, { replicas });
    expect(response.topics[0]?.partitions).toMatchObject([
      { errorCode: 0, partition: 0, leaderEpoch: version >= 1 ? 2 : -1, endOffset: 40 },
    ]);
    // Only a debugging consumer, which v3+ can say to be (and is by default), may ask a follower.
    expect(asked).toMatchObject([['t1', 0, { leaderEpoch: 2, fetchOnlyLeader: version < 3 }]]);
  });
});

describe('DescribeLogDirs', () => {
  const log = (topic: string, number: number) => ({
    topic,
    partition: number,
    logDirectory: '/a',
    sizeBytes: 100,
    highWatermark: 5,
    endOffset: 9,
  });
  const overrides = {
    disk: { freeBytes: () => 777, totalBytes: () => 999 },
    logs: {
      all: () => [log('t1', 0), log('t1', 1), log('t2', 0)],
      directories: () => [
        { path: '/a', online: true },
        { path: '/b', online: false },
      ],
    },
  };

  it.each([0, 1, 2, 3, 4])('v%i: all replicas by directory', async (version) => {
    const { response } = await ask(describeLogDirs, version, { topics: null }, overrides);
    expect(response.results).toMatchObject([
      {
        errorCode: 0,
        logDir: '/a',
        topics: [
          {
            name: 't1',
            partitions: [{ partitionIndex: 0, partitionSize: 100, offsetLag: 0 }, { partitionIndex: 1 }],
          },
          { name: 't2', partitions: [{ partitionIndex: 0 }] },
        ],
        totalBytes: version >= 4 ? 999 : -1,
        usableBytes: version >= 4 ? 777 : -1,
      },
      { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: '/b', topics: [] },
    ]);
  });

  it('or only those that are asked for', async () => {
    const topics = [{ topic: 't1', partitions: [1] }];
    const { response } = await ask(describeLogDirs, 4, { topics }, overrides);
    expect(response.results[0]?.topics).toMatchObject([{ name: 't1', partitions: [{ partitionIndex: 1 }] }]);
  });
});

describe('DescribeProducers', () => {
  it('tells what the log remembers, and who is not there', async () => {
    const entry = {
      producerId: 7,
      epoch: 2,
      coordinatorEpoch: -1,
      lastTimestampMs: 99,
      transactionFirstOffset: -1,
      batches: [{ lastSequence: 3 }, { lastSequence: 4 }],
    };
    const logs = {
      log: (_topic: string, number: number) => (number === 0 ? { producers: () => [entry] } : undefined),
    };
    const metadata = metadataOf([partition('t1', 0), partition('t1', 1)]);
    const topics = [{ name: 't1', partitionIndexes: [0, 1, 2] }];
    const { response } = await ask(describeProducers, 0, { topics }, { logs, metadata });
    expect(response.topics[0]?.partitions).toMatchObject([
      {
        errorCode: 0,
        activeProducers: [{ producerId: 7, producerEpoch: 2, lastSequence: 4, lastTimestamp: 99 }],
      },
      { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, errorMessage: null },
      { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null },
    ]);
  });

  it('says in words what is wrong with a whole topic', async () => {
    const one = async (name: string, overrides = {}) => {
      const topics = [{ name, partitionIndexes: [0] }];
      const { response } = await ask(describeProducers, 0, { topics }, overrides);
      return response.topics[0]?.partitions[0];
    };
    expect(await one('no name')).toMatchObject({
      errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION,
      errorMessage: expect.stringContaining('Topic name is invalid: '),
    });
    expect(await one('t1', { may: denying('topic') })).toMatchObject({
      errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
      errorMessage: 'Topic authorization failed.',
    });
    expect(await one('nobody')).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: 'This server does not host this topic-partition.',
    });
  });
});

describe('reassignments', () => {
  it('are begun and called off by the controller, with an answer per partition', async () => {
    const asked: unknown[] = [];
    const controller = {
      alterReassignments: async (wanted: { topic: string; partition: number }[]) => {
        asked.push(...wanted);
        return success(
          wanted.map((one, index) => ({
            ...one,
            error: index === 0 ? ErrorCode.NONE : ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
            message: index === 0 ? null : 'none',
          })),
        );
      },
    };
    const partitions = [
      { partitionIndex: 0, replicas: [2, 3] },
      { partitionIndex: 1, replicas: null },
    ];
    const topics = [{ name: 't1', partitions }];
    const { response } = await ask(alterPartitionReassignments, 0, { topics }, { controller });
    expect(asked).toEqual([
      { topic: 't1', partition: 0, replicas: [2, 3] },
      { topic: 't1', partition: 1, replicas: null },
    ]);
    expect(response).toMatchObject({
      errorCode: 0,
      responses: [
        {
          name: 't1',
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: 'none' },
          ],
        },
      ],
    });
  });

  it('under way are listed; null asks for all', async () => {
    const asked: unknown[] = [];
    const ongoing = {
      topic: 't1',
      partition: 0,
      replicas: [1, 2],
      addingReplicas: [2],
      removingReplicas: [1],
    };
    const controller = {
      listReassignments: async (partitions: unknown) => {
        asked.push(partitions);
        return success([ongoing]);
      },
    };
    const { response } = await ask(listPartitionReassignments, 0, { topics: null }, { controller });
    expect(asked).toEqual([null]);
    expect(response.topics).toMatchObject([
      { name: 't1', partitions: [{ partitionIndex: 0, replicas: [1, 2], addingReplicas: [2] }] },
    ]);
  });

  it('are refused at the top elsewhere than on the controller', async () => {
    const notController = async () => failure(ErrorCode.NOT_CONTROLLER);
    const controller = { alterReassignments: notController, listReassignments: notController };
    const altered = await ask(alterPartitionReassignments, 0, { topics: [] }, { controller });
    const listed = await ask(listPartitionReassignments, 0, { topics: null }, { controller });
    expect([altered.response.errorCode, listed.response.errorCode]).toEqual([41, 41]);
  });
});
