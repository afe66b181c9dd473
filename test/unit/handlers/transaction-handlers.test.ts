/** InitProducerId with a transactional id, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, DescribeTransactions, ListTransactions. */
import { describe, expect, it } from 'vitest';
import { NameSet } from '../../../broker/bounded-name.ts';
import { newTransaction } from '../../../broker/coordinators/transaction/transaction.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { initProducerId } from '../../../broker/handlers/22-init-producer-id.ts';
import { addPartitionsToTxn } from '../../../broker/handlers/24-add-partitions-to-txn.ts';
import { addOffsetsToTxn } from '../../../broker/handlers/25-add-offsets-to-txn.ts';
import { endTxn } from '../../../broker/handlers/26-end-txn.ts';
import { describeTransactions } from '../../../broker/handlers/65-describe-transactions.ts';
import { listTransactions } from '../../../broker/handlers/66-list-transactions.ts';
import { LargeSet } from '../../../broker/large-map.ts';
import { ask, refusal } from './ask.ts';
import { denying, metadataOf, partition } from './support.ts';

const { NONE, PRODUCER_FENCED, INVALID_PRODUCER_EPOCH } = ErrorCode;
const { TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OPERATION_NOT_ATTEMPTED } = ErrorCode;

/** A coordinator that answers `answer` to that question, and keeps what it was asked. */
function playing<Answer>(method: string, answer: Answer) {
  const asked: unknown[][] = [];
  const transactions = {
    [method]: (...question: unknown[]) => {
      asked.push(question);
      return answer;
    },
  };
  return { asked, transactions };
}

/** The name of what old clients are told: fenced from that version on. */
function toldFrom(first: number, version: number): ErrorCode {
  return version >= first ? PRODUCER_FENCED : INVALID_PRODUCER_EPOCH;
}

describe('InitProducerId with a transactional id', () => {
  const request = { transactionalId: 'tx', transactionTimeoutMs: 9000 };

  it.each([0, 1, 2, 3, 4, 5])('v%i: what the coordinator gives', async (version) => {
    const answer = Promise.resolve({ error: NONE, producerId: 7, producerEpoch: 3 });
    const { asked, transactions } = playing('initProducerId', answer);
    const { response } = await ask(initProducerId, version, request, { transactions });
    expect(response).toMatchObject({ errorCode: NONE, producerId: 7, producerEpoch: 3 });
    expect(asked).toEqual([[{ transactionalId: 'tx', timeoutMs: 9000, expected: null }]]);
  });

  it('v3: a producer names the id and epoch that it has', async () => {
    const { asked, transactions } = playing(
      'initProducerId',
      Promise.resolve({ error: NONE, producerId: 7, producerEpoch: 4 }),
    );
    await ask(initProducerId, 3, { ...request, producerId: 7, producerEpoch: 3 }, { transactions });
    expect(asked).toMatchObject([[{ expected: { producerId: 7, producerEpoch: 3 } }]]);
  });

  it.each([0, 3, 4, 5])('v%i: a fenced producer hears it in words it knows', async (version) => {
    const answer = Promise.resolve({ error: PRODUCER_FENCED, producerId: -1, producerEpoch: -1 });
    const { transactions } = playing('initProducerId', answer);
    const { response } = await ask(initProducerId, version, request, { transactions });
    expect(response).toMatchObject({ errorCode: toldFrom(4, version), producerId: -1, producerEpoch: -1 });
  });

  it('needs the right to write with that id, and no other', async () => {
    const denied = await ask(initProducerId, 4, request, { may: denying('transactional-id') });
    expect(denied.response.errorCode).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const answer = Promise.resolve({ error: NONE, producerId: 7, producerEpoch: 3 });
    const { transactions } = playing('initProducerId', answer);
    const { response } = await ask(initProducerId, 4, request, { transactions, may: denying('cluster') });
    expect(response.errorCode).toBe(NONE);
  });
});

describe('AddPartitionsToTxn of a producer', () => {
  const metadata = metadataOf([
    partition('a', 0),
    partition('a', 1),
    partition('b', 0),
    partition('__consumer_offsets', 0),
  ]);
  const of = (topics: readonly { name: string; partitions: readonly number[] }[]) => ({
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: 7,
    v3AndBelowProducerEpoch: 3,
    v3AndBelowTopics: topics,
  });
  const both = of([
    { name: 'a', partitions: [0, 1] },
    { name: 'b', partitions: [0] },
  ]);

  /** `topic-partition error` each. */
  const add = async (
    version: number,
    request: ReturnType<typeof of>,
    given = {},
    answer: ErrorCode = NONE,
  ) => {
    const { asked, transactions } = playing('addPartitions', Promise.resolve(answer));
    const { response } = await ask(addPartitionsToTxn, version, request, {
      metadata,
      transactions,
      ...given,
    });
    const told = response.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
      resultsByPartition.map((one) => `${name}-${one.partitionIndex} ${one.partitionErrorCode}`),
    );
    return { asked, told };
  };

  it.each([0, 1, 2, 3])('v%i: adds them to its transaction', async (version) => {
    const { asked, told } = await add(version, both);
    expect(told).toEqual(['a-0 0', 'a-1 0', 'b-0 0']);
    expect(asked).toMatchObject([
      [
        { transactionalId: 'tx', producerId: 7, producerEpoch: 3 },
        [
          { topic: 'a', partition: 0 },
          { topic: 'a', partition: 1 },
          { topic: 'b', partition: 0 },
        ],
      ],
    ]);
  });

  it.each([0, 1, 2, 3])('v%i: a fenced producer hears it for each, in words it knows', async (version) => {
    const { told } = await add(version, both, {}, PRODUCER_FENCED);
    const error = toldFrom(2, version);
    expect(told).toEqual([`a-0 ${error}`, `a-1 ${error}`, `b-0 ${error}`]);
  });

  it('one that does not exist keeps out the others', async () => {
    const { asked, told } = await add(
      3,
      of([
        { name: 'a', partitions: [0, 9] },
        { name: 'none', partitions: [0] },
      ]),
    );
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    expect(told).toEqual([`a-0 ${OPERATION_NOT_ATTEMPTED}`, `a-9 ${unknown}`, `none-0 ${unknown}`]);
    expect(asked).toEqual([]);
  });

  it('one of a topic that it may not write to, or that is internal, keeps out the others', async () => {
    const denied = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    const may = (_operation: unknown, { name }: { name: string }) => name !== 'b';
    expect((await add(3, both, { may })).told).toEqual([
      `a-0 ${OPERATION_NOT_ATTEMPTED}`,
      `a-1 ${OPERATION_NOT_ATTEMPTED}`,
      `b-0 ${denied}`,
    ]);
    const internal = of([{ name: '__consumer_offsets', partitions: [0] }]);
    expect((await add(3, internal)).told).toEqual([`__consumer_offsets-0 ${denied}`]);
  });

  it('needs the right to write with that id', async () => {
    const { asked, told } = await add(3, both, { may: denying('transactional-id') });
    const error = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    expect(told).toEqual([`a-0 ${error}`, `a-1 ${error}`, `b-0 ${error}`]);
    expect(asked).toEqual([]);
  });

  it('that are named again are added once, and answered as they were named', async () => {
    const again = of([
      { name: 'a', partitions: [0, 0] },
      { name: 'a', partitions: [0] },
    ]);
    const { asked, told } = await add(3, again);
    expect(told).toEqual(['a-0 0', 'a-0 0', 'a-0 0']);
    expect(asked).toMatchObject([[{}, [{ topic: 'a', partition: 0 }]]]);
  });

  it('v0-3: a refusal names each partition; v4: it stands at the top', async () => {
    expect(await refusal(addPartitionsToTxn, 3, both, ErrorCode.NOT_COORDINATOR)).toMatchObject({
      resultsByTopicV3AndBelow: [
        { name: 'a', resultsByPartition: [{ partitionErrorCode: 16 }, { partitionErrorCode: 16 }] },
        { name: 'b', resultsByPartition: [{ partitionErrorCode: 16 }] },
      ],
    });
    expect((await refusal(addPartitionsToTxn, 4, {}, ErrorCode.NOT_COORDINATOR)).errorCode).toBe(16);
  });
});

describe('AddPartitionsToTxn of a broker', () => {
  const metadata = metadataOf([partition('a', 0), partition('a', 1), partition('__consumer_offsets', 0)]);
  const one = (transactionalId: string, verifyOnly: boolean, topic = 'a') => ({
    transactionalId,
    producerId: 7,
    producerEpoch: 3,
    verifyOnly,
    topics: [{ name: topic, partitions: [0, 1].slice(0, topic === 'a' ? 2 : 1) }],
  });
  const transactions = {
    addPartitions: async () => PRODUCER_FENCED,
    verifyPartitions: () => [NONE, ErrorCode.TRANSACTION_ABORTABLE],
  };

  it.each([4, 5])(
    'v%i: several transactions, to be verified or added to, an answer each',
    async (version) => {
      const request = {
        transactions: [one('x', true), one('y', false), one('z', true, '__consumer_offsets')],
      };
      const { response } = await ask(addPartitionsToTxn, version, request, { metadata, transactions });
      expect(
        response.resultsByTransaction.map(({ transactionalId, topicResults }) => [
          transactionalId,
          ...topicResults.flatMap(({ resultsByPartition }) =>
            resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
          ),
        ]),
      ).toEqual([
        ['x', NONE, ErrorCode.TRANSACTION_ABORTABLE],
        ['y', PRODUCER_FENCED, PRODUCER_FENCED],
        ['z', NONE],
      ]);
    },
  );

  it('an id that is named again is answered once', async () => {
    const request = { transactions: [one('x', true), one('x', false)] };
    const { response } = await ask(addPartitionsToTxn, 5, request, { metadata, transactions });
    expect(response.resultsByTransaction).toHaveLength(1);
  });

  it('is for brokers only', async () => {
    const request = { transactions: [one('x', true)] };
    const { response } = await ask(addPartitionsToTxn, 4, request, { metadata, may: denying('cluster') });
    expect(response).toMatchObject({
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      resultsByTransaction: [],
    });
  });
});

describe('AddOffsetsToTxn', () => {
  const request = { transactionalId: 'tx', producerId: 7, producerEpoch: 3, groupId: 'g' };
  const groups = { partitionFor: () => 17 };

  it.each([0, 1, 2, 3, 4])("v%i: adds the partition of the group's offsets", async (version) => {
    const { asked, transactions } = playing('addPartitions', Promise.resolve(NONE));
    const { response } = await ask(addOffsetsToTxn, version, request, { groups, transactions });
    expect(response.errorCode).toBe(NONE);
    expect(asked).toMatchObject([
      [
        { transactionalId: 'tx', producerId: 7, producerEpoch: 3 },
        [{ topic: '__consumer_offsets', partition: 17 }],
      ],
    ]);
    const fenced = playing('addPartitions', Promise.resolve(PRODUCER_FENCED));
    const answer = await ask(addOffsetsToTxn, version, request, { groups, ...fenced });
    expect(answer.response.errorCode).toBe(toldFrom(2, version));
  });

  it('needs the right to write with the id, and to read with the group', async () => {
    const told = async (type: 'transactional-id' | 'group') =>
      (await ask(addOffsetsToTxn, 4, request, { may: denying(type) })).response.errorCode;
    expect(await told('transactional-id')).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    expect(await told('group')).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  });
});

describe('EndTxn', () => {
  const request = { transactionalId: 'tx', producerId: 7, producerEpoch: 3, committed: true };

  it.each([0, 1, 2, 3, 4])('v%i: commits, aborts, or is told why not', async (version) => {
    const { asked, transactions } = playing('endTransaction', Promise.resolve(PRODUCER_FENCED));
    const { response } = await ask(endTxn, version, request, { transactions });
    expect(response.errorCode).toBe(toldFrom(2, version));
    await ask(endTxn, version, { ...request, committed: false }, { transactions });
    expect(asked).toMatchObject([
      [{ transactionalId: 'tx', producerId: 7, producerEpoch: 3 }, true],
      [{ transactionalId: 'tx' }, false],
    ]);
  });

  it('needs the right to write with that id', async () => {
    const { response } = await ask(endTxn, 4, request, { may: denying('transactional-id') });
    expect(response.errorCode).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  });
});

describe('DescribeTransactions', () => {
  const transaction = {
    ...newTransaction(7, 9000, 1),
    producerEpoch: 3,
    state: 'Ongoing' as const,
    partitions: new Map([
      ['a', new Set([0, 1])],
      ['b', new Set([0])],
    ]),
    startedMs: 5,
  };

  it('tells all of an id, once, but topics that one may not describe', async () => {
    const { asked, transactions } = playing('describe', { error: NONE, transaction });
    const may = (_operation: unknown, { name }: { name: string }) => name !== 'b';
    const request = { transactionalIds: ['tx', 'tx'] };
    const { response } = await ask(describeTransactions, 0, request, { transactions, may });
    expect(response.transactionStates).toEqual([
      {
        errorCode: NONE,
        transactionalId: 'tx',
        transactionState: 'Ongoing',
        transactionTimeoutMs: 9000,
        transactionStartTimeMs: 5,
        producerId: 7,
        producerEpoch: 3,
        topics: [{ topic: 'a', partitions: [0, 1] }],
      },
    ]);
    expect(asked).toEqual([['tx']]);
  });

  it('tells the error of each id', async () => {
    const { transactions } = playing('describe', {
      error: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
      transaction: null,
    });
    const may = (_operation: unknown, { name }: { name: string }) => name !== 'hidden';
    const request = { transactionalIds: ['none', 'hidden'] };
    const { response } = await ask(describeTransactions, 0, request, { transactions, may });
    expect(response.transactionStates).toMatchObject([
      { transactionalId: 'none', errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND },
      { transactionalId: 'hidden', errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
    ]);
  });
});

describe('ListTransactions', () => {
  const known = [
    { transactionalId: 'a', producerId: 1, state: 'Ongoing' },
    { transactionalId: 'hidden', producerId: 2, state: 'Empty' },
  ];

  it('passes its filters on, tells back those that are none, and shows what one may see', async () => {
    const { asked, transactions } = playing('list', { error: NONE, transactions: known });
    const may = (_operation: unknown, { name }: { name: string }) => name !== 'hidden';
    const filters = {
      stateFilters: ['Ongoing', 'Busy', 'Dead'],
      producerIdFilters: [1, 2n ** 62n],
      durationFilter: 9,
    };
    const { response } = await ask(listTransactions, 1, filters, { transactions, may });
    expect(response).toMatchObject({
      errorCode: NONE,
      unknownStateFilters: ['Busy'],
      transactionStates: [{ transactionalId: 'a', producerId: 1, transactionState: 'Ongoing' }],
    });
    expect(asked).toEqual([
      [
        {
          states: new NameSet(['Ongoing', 'Busy', 'Dead']),
          producerIds: new LargeSet([1, 2n ** 62n]),
          longerThanMs: 9,
        },
      ],
    ]);
  });

  it('v0: knows no duration', async () => {
    const { asked, transactions } = playing('list', { error: NONE, transactions: [] });
    await ask(listTransactions, 0, {}, { transactions });
    expect(asked).toMatchObject([[{ longerThanMs: -1 }]]);
  });

  it('tells that partitions are being read', async () => {
    const { transactions } = playing('list', {
      error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      transactions: [],
    });
    const { response } = await ask(listTransactions, 1, {}, { transactions });
    expect(response).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      transactionStates: [],
    });
  });
});
