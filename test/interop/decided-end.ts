/**
 * The end of an open transaction, decided and not yet told: what a coordinator leaves in `__transaction_state`
 * that is killed in between. It is written as Kafka's tools write to internal topics; the coordinator that
 * runs does not look at its log again, the next one reads it.
 */

import type { KeyValue } from '../../broker/coordinators/runtime/shard.ts';
import { transactionRecordCodec } from '../../broker/coordinators/transaction/transaction-records.ts';
import { partitionForKey } from '../../broker/java-hash.ts';
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { DescribeTransactions } from '../../broker/protocol/messages/65-describe-transactions.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { TRANSACTION_STATE_TOPIC } from '../../broker/types.ts';

const PRODUCE_VERSION = 9;

/** Writes that the open transaction of the id has ended. */
export async function writeDecidedEnd(
  port: number,
  transactionalId: string,
  state: 'PrepareCommit' | 'PrepareAbort',
): Promise<void> {
  const connection = await adminConnection(port);
  try {
    const record = transactionRecordCodec.encode({
      transactionalId,
      transaction: { ...(await openTransaction(connection, transactionalId)), state, updatedMs: Date.now() },
    });
    const { topics } = await connection.request(Metadata, { topics: [{ name: TRANSACTION_STATE_TOPIC }] });
    const partition = partitionForKey(transactionalId, topics[0]?.partitions.length ?? 0);
    await writeState(connection, partition, record);
  } finally {
    connection.close();
  }
}

/** Writes any record to `__transaction_state`. */
export async function writeStateRecord(port: number, partition: number, record: KeyValue): Promise<void> {
  const connection = await adminConnection(port);
  try {
    await writeState(connection, partition, record);
  } finally {
    connection.close();
  }
}

/** As what Kafka calls its own admin client, which may write to internal topics. */
function adminConnection(port: number): Promise<KafkaConnection> {
  const to = { host: '127.0.0.1', port, clientId: '__admin_client', timeoutMs: 20_000 };
  return KafkaConnection.connect(systemPlatform().sockets, to);
}

async function writeState(connection: KafkaConnection, index: number, record: KeyValue): Promise<void> {
  const records = buildBatch({ records: [{ timestampMs: Date.now(), ...record, headers: [] }] });
  const topicData = [{ name: TRANSACTION_STATE_TOPIC, partitionData: [{ index, records }] }];
  const request = { acks: -1, timeoutMs: 5000, topicData };
  const { responses } = await connection.request(Produce, request, PRODUCE_VERSION);
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`the record was not written: ${errorCode}`);
}

async function openTransaction(connection: KafkaConnection, transactionalId: string) {
  const asked = { transactionalIds: [transactionalId] };
  const { transactionStates } = await connection.request(DescribeTransactions, asked);
  const [found] = transactionStates;
  if (found?.transactionState !== 'Ongoing') throw new Error(`${transactionalId} has no open transaction`);
  return {
    producerId: Number(found.producerId),
    lastProducerId: -1,
    producerEpoch: found.producerEpoch,
    lastProducerEpoch: -1,
    timeoutMs: found.transactionTimeoutMs,
    partitions: new Map(found.topics.map(({ topic, partitions }) => [topic, new Set(partitions)])),
    startedMs: Number(found.transactionStartTimeMs),
  };
}
