/**
 * WriteTxnMarkers (27), versions 0-1: ends transactions in partitions that this broker leads. Brokers tell each
 * other by another way (broker/peers); here it is for administrators, who end a transaction that its
 * coordinator has forgotten (kafka-transactions.sh --abort). The answer has one entry for each producer, however
 * many markers there are of it, and none for markers without partitions.
 * Source: KafkaApis.handleWriteTxnMarkersRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import type { PartitionError } from '../peers/messages.ts';
import { WriteTxnMarkers } from '../protocol/messages/27-write-txn-markers.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../records/batch.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

type Request = RequestOf<typeof WriteTxnMarkers>;
type Response = ResponseInput<typeof WriteTxnMarkers>;
type MarkerResponse = NonNullable<Response['markers']>[number];

export const writeTxnMarkers = defineHandler(WriteTxnMarkers, ['markers'], {
  async handle(request, context, { markers }) {
    if (!context.may(Operation.ALTER, CLUSTER) && !context.may(Operation.CLUSTER_ACTION, CLUSTER)) {
      return refused(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    if (request.markers.some(isOfNobody)) return refused(request, ErrorCode.UNKNOWN_SERVER_ERROR);
    const written = await markers.write(
      request.markers.map(({ transactionResult, topics, ...marker }) => ({
        ...marker,
        committed: transactionResult,
        topics: topics.map(({ name, partitionIndexes }) => ({ topic: name, partitions: partitionIndexes })),
      })),
    );
    const byProducer = new Map<Int64, PartitionError[]>();
    for (const [index, { producerId }] of request.markers.entries()) {
      const errors = written[index] ?? [];
      if (errors.length > 0) byProducer.set(producerId, [...(byProducer.get(producerId) ?? []), ...errors]);
    }
    return {
      markers: [...byProducer].map(([producerId, errors]) => ({ producerId, topics: byTopic(errors) })),
    };
  },

  refuse: refused,
});

/** Kafka stumbles over these while it makes the batch. */
function isOfNobody({ producerId, producerEpoch }: Request['markers'][number]): boolean {
  return producerId === NO_PRODUCER_ID || producerEpoch === NO_PRODUCER_EPOCH;
}

/** Each partition once, with its last error. */
function byTopic(errors: readonly PartitionError[]): NonNullable<MarkerResponse['topics']> {
  const topics = new Map<string, Map<number, ErrorCode>>();
  for (const { topic, partition, error } of errors) {
    const partitions = topics.get(topic) ?? new Map<number, ErrorCode>();
    topics.set(topic, partitions.set(partition, error));
  }
  return [...topics].map(([name, partitions]) => ({
    name,
    partitions: [...partitions].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
  }));
}

function refused(request: Request, errorCode: ErrorCode): Response {
  return {
    markers: request.markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    })),
  };
}
