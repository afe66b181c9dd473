/**
 * WriteTxnMarkers (27), versions 0-1: ends transactions in partitions that this broker leads. Brokers tell each
 * other by another way (broker/peers); here it is for administrators, who end a transaction that its
 * coordinator has forgotten (kafka-transactions.sh --abort).
 * Source: KafkaApis.handleWriteTxnMarkersRequest.
 */
import { ErrorCode } from '../errors.ts';
import type { PartitionError } from '../peers/messages.ts';
import { WriteTxnMarkers } from '../protocol/messages/27-write-txn-markers.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
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
    const written = await markers.write(
      request.markers.map(({ transactionResult, topics, ...marker }) => ({
        ...marker,
        committed: transactionResult,
        topics: topics.map(({ name, partitionIndexes }) => ({ topic: name, partitions: partitionIndexes })),
      })),
    );
    return {
      markers: request.markers.map(({ producerId }, index) => ({
        producerId,
        topics: byTopic(written[index] ?? []),
      })),
    };
  },

  refuse: refused,
});

function byTopic(errors: readonly PartitionError[]): NonNullable<MarkerResponse['topics']> {
  const topics = new Map<string, { partitionIndex: number; errorCode: ErrorCode }[]>();
  for (const { topic, partition, error } of errors) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push({ partitionIndex: partition, errorCode: error });
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
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
