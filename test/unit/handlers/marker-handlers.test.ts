/** WriteTxnMarkers and TxnOffsetCommit. */
import { describe, expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { writeTxnMarkers } from '../../../broker/handlers/27-write-txn-markers.ts';
import { txnOffsetCommit } from '../../../broker/handlers/28-txn-offset-commit.ts';
import { ClientQuotas } from '../../../broker/quotas/client-quotas.ts';
import { RequestCharges } from '../../../broker/quotas/request-charges.ts';
import { ask, refusal } from './ask.ts';
import { denying, metadataOf, partition, playing } from './support.ts';

const { NONE } = ErrorCode;

describe('WriteTxnMarkers', () => {
  const request = {
    markers: [
      {
        producerId: 2n ** 60n,
        producerEpoch: 3,
        transactionResult: false,
        topics: [{ name: 't1', partitionIndexes: [0, 1] }],
        coordinatorEpoch: 9,
      },
    ],
  };
  const answers = [
    { topic: 't1', partition: 0, error: NONE },
    { topic: 't1', partition: 1, error: ErrorCode.TRANSACTION_COORDINATOR_FENCED },
  ];

  it.each([0, 1])('v%i: has the marker written and tells the outcome of each partition', async (version) => {
    const asked: unknown[] = [];
    const markers = {
      write: (all: readonly unknown[]) => {
        asked.push(...all);
        return Promise.resolve([answers]);
      },
    };
    const { response } = await ask(writeTxnMarkers, version, request, { markers });
    expect(asked).toEqual([
      {
        producerId: 2n ** 60n,
        producerEpoch: 3,
        committed: false,
        coordinatorEpoch: 9,
        topics: [{ topic: 't1', partitions: [0, 1] }],
      },
    ]);
    expect(response.markers).toMatchObject([
      {
        producerId: 2n ** 60n,
        topics: [
          {
            name: 't1',
            partitions: [
              { partitionIndex: 0, errorCode: NONE },
              { partitionIndex: 1, errorCode: ErrorCode.TRANSACTION_COORDINATOR_FENCED },
            ],
          },
        ],
      },
    ]);
  });

  it.each([
    ['cluster’s own work, that of who may ask for it', true],
    ['its sender’s, that of who may not', false],
  ])('is the %s', async (_, isAllowed) => {
    const quotas = new ClientQuotas(brokerConfig(new Map([['zookeeper.connect', 'localhost:2181']])));
    let nowMs = 0;
    const charges = new RequestCharges({
      sensors: quotas.sensorsOf('ANONYMOUS', 'client'),
      exempt: quotas.exempt,
      sizeBytes: 0,
      nowMs: () => nowMs,
      longestRequestThrottleMs: 1000,
    });
    const markers = { write: () => Promise.resolve([answers]) };
    await ask(writeTxnMarkers, 1, request, { markers, charges, may: () => isAllowed });
    nowMs = 300;
    charges.finish('answered');
    expect(quotas.exempt.rate(nowMs)).toBe(isAllowed ? 1 : 0);
    expect(quotas.sensorsOf('ANONYMOUS', 'client').of('request', nowMs).rate.rate(nowMs)).toBe(
      isAllowed ? 0 : 3,
    );
  });

  it('answers once for each producer, and not for one without partitions', async () => {
    const markers = {
      write: (all: readonly { topics: readonly unknown[] }[]) =>
        Promise.resolve(all.map(({ topics }) => (topics.length === 0 ? [] : answers))),
    };
    const nothing = request.markers.map((marker) => ({ ...marker, producerId: 8, topics: [] }));
    const named = { markers: [...request.markers, ...request.markers, ...nothing] };
    const { response } = await ask(writeTxnMarkers, 1, named, { markers });
    expect(response.markers.map(({ producerId }) => producerId)).toEqual([2n ** 60n]);
    expect(response.markers[0]?.topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([
      0, 1,
    ]);
  });

  it.each([{ producerId: -1 }, { producerEpoch: -1 }])('writes none of %o, of nobody', async (nobody) => {
    const markers = { write: () => Promise.reject(new Error('written')) };
    const others = request.markers.map((marker) => ({ ...marker, ...nobody }));
    const named = { markers: [...request.markers, ...others] };
    const { response } = await ask(writeTxnMarkers, 1, named, { markers });
    expect(response).toEqual(await refusal(writeTxnMarkers, 1, named, ErrorCode.UNKNOWN_SERVER_ERROR));
  });

  it('is for those who may alter the cluster or act for it', async () => {
    const markers = { write: () => Promise.reject(new Error('written')) };
    const { response } = await ask(writeTxnMarkers, 1, request, { markers, may: denying('cluster') });
    expect(response).toEqual(
      await refusal(writeTxnMarkers, 1, request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED),
    );
    expect(response.markers[0]?.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    ]);
  });
});

describe('TxnOffsetCommit', () => {
  const request = {
    transactionalId: 'tx',
    groupId: 'g',
    producerId: 7,
    producerEpoch: 2,
    topics: [
      { name: 't1', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] },
      { name: 'gone', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }] },
    ],
  };
  const metadata = metadataOf([partition('t1', 0)]);

  function errors(topics: readonly { name: string; partitions: readonly { errorCode: number }[] }[]) {
    return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions[0]?.errorCode]));
  }

  it.each([0, 1, 2, 3, 4])('v%i: commits what there is, in the name of the producer', async (version) => {
    const { asked, groups } = playing('commitInTransaction', Promise.resolve([NONE]));
    const given = version < 3 ? {} : { memberId: 'm', generationId: 4, groupInstanceId: 'i' };
    const { response } = await ask(txnOffsetCommit, version, { ...request, ...given }, { metadata, groups });
    expect(asked).toMatchObject([
      {
        groupId: 'g',
        transactionalId: 'tx',
        producerId: 7,
        producerEpoch: 2,
        memberId: version < 3 ? '' : 'm',
        generationId: version < 3 ? -1 : 4,
        instanceId: version < 3 ? null : 'i',
        commits: [{ topic: 't1', partition: 0, offset: 5, metadata: '', expireTimestampMs: null }],
      },
    ]);
    expect(errors(response.topics)).toEqual({ t1: NONE, gone: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  });

  it.each([
    [1, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [2, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [3, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.INVALID_TXN_STATE],
    [4, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.TRANSACTION_ABORTABLE],
  ])('v%i: is told %d as %d', async (version, error, told) => {
    const { groups } = playing('commitInTransaction', Promise.resolve([error]));
    const { response } = await ask(txnOffsetCommit, version, request, { metadata, groups });
    expect(errors(response.topics)['t1']).toBe(told);
  });

  it.each([
    ['transactional-id', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    ['group', ErrorCode.GROUP_AUTHORIZATION_FAILED],
    ['topic', ErrorCode.TOPIC_AUTHORIZATION_FAILED],
  ] as const)('needs the right to its %s', async (type, error) => {
    const { asked, groups } = playing('commitInTransaction', Promise.resolve([NONE]));
    const { response } = await ask(txnOffsetCommit, 4, request, { metadata, groups, may: denying(type) });
    expect(errors(response.topics)).toEqual({ t1: error, gone: error });
    expect(asked).toEqual([]);
  });
});
