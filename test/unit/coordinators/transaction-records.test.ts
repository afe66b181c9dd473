/** The records of `__transaction_state`, to the byte as Kafka 3.9.1's TransactionLogKey and TransactionLogValue write them. */
import { describe, expect, it } from 'vitest';
import { NO_PARTITIONS, type Transaction } from '../../../broker/coordinators/transaction/transaction.ts';
import { transactionRecordCodec } from '../../../broker/coordinators/transaction/transaction-records.ts';

const NOW_MS = 1_767_225_600_000;

const EMPTY: Transaction = {
  producerId: 4000,
  lastProducerId: -1,
  producerEpoch: 0,
  lastProducerEpoch: -1,
  timeoutMs: 60_000,
  state: 'Empty',
  partitions: NO_PARTITIONS,
  startedMs: -1,
  updatedMs: NOW_MS,
};

const ONGOING: Transaction = {
  ...EMPTY,
  producerEpoch: 3,
  state: 'Ongoing',
  partitions: new Map([
    ['bonus', new Set([0, 2])],
    ['__consumer_offsets', new Set([17])],
  ]),
  startedMs: NOW_MS,
  updatedMs: NOW_MS + 123,
};

const COMPLETE: Transaction = { ...ONGOING, state: 'CompleteCommit', partitions: NO_PARTITIONS };

/** What Kafka writes of each, in version 0. */
const VECTORS: readonly (readonly [Transaction, string])[] = [
  [EMPTY, '00000000000000000fa000000000ea6000ffffffff0000019b76daa800ffffffffffffffff'],
  [
    ONGOING,
    '00000000000000000fa000030000ea6001000000020005626f6e757300000002000000000000000200125f5f636f6e73756d65725f6f66667365747300000001000000110000019b76daa87b0000019b76daa800',
  ],
  [COMPLETE, '00000000000000000fa000030000ea6004000000000000019b76daa87b0000019b76daa800'],
];
const ONGOING_V1 =
  '00010000000000000fa000030000ea60010306626f6e757303000000000000000200135f5f636f6e73756d65725f6f6666736574730200000011000000019b76daa87b0000019b76daa80000';
const KEY = Buffer.from('000000067061792dc3a4', 'hex');
const ID = 'pay-ä';

describe('a record of a transactional id', () => {
  it.each(VECTORS)('is written as Kafka writes it, and read back: %#', (transaction, hex) => {
    const { key, value } = transactionRecordCodec.encode({ transactionalId: ID, transaction });
    expect(key.toString('hex')).toBe(KEY.toString('hex'));
    expect(value?.toString('hex')).toBe(hex);
    expect(transactionRecordCodec.decode({ key: KEY, value: Buffer.from(hex, 'hex') })).toEqual({
      transactionalId: ID,
      transaction,
    });
  });

  it('of the flexible version, which a newer Kafka writes, is read', () => {
    const value = Buffer.from(ONGOING_V1, 'hex');
    expect(transactionRecordCodec.decode({ key: KEY, value })?.transaction).toEqual(ONGOING);
  });

  it('without a value says that the id is forgotten', () => {
    expect(transactionRecordCodec.encode({ transactionalId: ID, transaction: null }).value).toBeNull();
    const decoded = transactionRecordCodec.decode({ key: KEY, value: null });
    expect(decoded).toEqual({ transactionalId: ID, transaction: null });
  });

  it('under a key that something newer wrote is passed over', () => {
    const key = Buffer.from(KEY);
    key.writeInt16BE(1);
    expect(transactionRecordCodec.decode({ key, value: null })).toBeNull();
  });

  it('in a state that there is not, or cut short, is no record', () => {
    const value = Buffer.from(VECTORS[0]?.[1] ?? '', 'hex');
    value.writeInt8(9, 16);
    expect(() => transactionRecordCodec.decode({ key: KEY, value })).toThrow('9 is no state');
    expect(() => transactionRecordCodec.decode({ key: KEY, value: value.subarray(0, 12) })).toThrow();
  });
});
