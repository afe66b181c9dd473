/**
 * The records of `__transaction_state`: the transactional id as key, what is known of it as value, each with
 * its version first. We write version 0, as Kafka 3.9 does with ZooKeeper, and read the flexible 1 as well.
 * A null value is a tombstone.
 * Source: TransactionLogKey/Value of Kafka's transaction coordinator, TransactionLog.
 */
import { array, data, int8, int16, int32, safeInt64, string } from '../../protocol/schema.ts';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../../records/batch.ts';
import type { KeyValue, RecordCodec } from '../runtime/shard.ts';
import { decodeVersioned, encodeVersioned, versionOf } from '../runtime/versioned.ts';
import { NO_PARTITIONS, TRANSACTION_STATES, type Transaction } from './transaction.ts';

const TransactionLogKey = data({
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: { transactionalId: string('0+') },
});

const TransactionLogValue = data({
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: safeInt64('0+'),
    producerEpoch: int16('0+'),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: array(
      '0+',
      { topic: string('0+'), partitionIds: array('0+', int32) },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: safeInt64('0+'),
    transactionStartTimestampMs: safeInt64('0+'),
  },
});

export interface TransactionRecord {
  readonly transactionalId: string;
  /** Null: the id is forgotten. */
  readonly transaction: Transaction | null;
}

const KEY_VERSION = 0;
const VALUE_VERSION = 0;

export const transactionRecordCodec: RecordCodec<TransactionRecord> = {
  encode({ transactionalId, transaction }) {
    return {
      key: encodeVersioned(TransactionLogKey, KEY_VERSION, { transactionalId }),
      value: transaction === null ? null : encodeTransaction(transaction),
    };
  },

  decode({ key, value }: KeyValue) {
    if (versionOf(key) > KEY_VERSION) return null;
    const { transactionalId } = decodeVersioned(TransactionLogKey, key);
    return { transactionalId, transaction: value === null ? null : decodeTransaction(value) };
  },
};

function encodeTransaction(transaction: Transaction): Buffer {
  const { state, partitions } = transaction;
  return encodeVersioned(TransactionLogValue, VALUE_VERSION, {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: TRANSACTION_STATES.indexOf(state),
    transactionPartitions:
      state === 'Empty'
        ? null
        : [...partitions].map(([topic, numbers]) => ({ topic, partitionIds: [...numbers] })),
    transactionLastUpdateTimestampMs: transaction.updatedMs,
    transactionStartTimestampMs: transaction.startedMs,
  });
}

/** Throws on a state that there is not. */
function decodeTransaction(bytes: Buffer): Transaction {
  const value = decodeVersioned(TransactionLogValue, bytes);
  const state = TRANSACTION_STATES[value.transactionStatus];
  if (state === undefined) throw new RangeError(`${value.transactionStatus} is no state of a transaction`);
  const topics = value.transactionPartitions ?? [];
  return {
    producerId: value.producerId,
    lastProducerId: NO_PRODUCER_ID,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions:
      topics.length === 0
        ? NO_PARTITIONS
        : new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)])),
    startedMs: value.transactionStartTimestampMs,
    updatedMs: value.transactionLastUpdateTimestampMs,
  };
}
