/**
 * WriteTxnMarkers (27), versions 0-1: ends transactions in partitions that this broker leads. Brokers tell each
 * other by another way (broker/peers); here it is for administrators, who end a transaction that its
 * coordinator has forgotten (kafka-transactions.sh --abort). The answer has one entry for each producer, however
 * many markers there are of it, and none for markers without partitions.
 * Source: KafkaApis.handleWriteTxnMarkersRequest.
 */

import { NameMap } from '../bounded-name.ts';
import type { Marker } from '../coordinators/marker-receiver.ts';
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import { LargeMap } from '../large-map.ts';
import type { PartitionError } from '../peers/messages.ts';
import type { Steps } from '../platform/turns.ts';
import { WriteTxnMarkers } from '../protocol/messages/27-write-txn-markers.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../records/batch.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';
import { ofPartitions } from './shared/refusals.ts';

type Request = RequestOf<typeof WriteTxnMarkers>;
type Response = ResponseInput<typeof WriteTxnMarkers>;
type MarkerResponse = NonNullable<Response['markers']>[number];

export const writeTxnMarkers = defineHandler(WriteTxnMarkers, ['markers'], {
  async handle(request, context, { markers }) {
    if (!context.may(Operation.ALTER, CLUSTER) && !context.may(Operation.CLUSTER_ACTION, CLUSTER)) {
      return refused(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    context.charges?.exempt();
    if (request.markers.some(isOfNobody)) return refused(request, ErrorCode.UNKNOWN_SERVER_ERROR, context);
    const { turns } = context;
    const written = await markers.write(await turns.take(markersIn(request)), turns);
    return turns.take(answer(request, written));
  },

  refuse: refused,
});

/** Kafka stumbles over these while it makes the batch. */
function isOfNobody({ producerId, producerEpoch }: Request['markers'][number]): boolean {
  return producerId === NO_PRODUCER_ID || producerEpoch === NO_PRODUCER_EPOCH;
}

function* markersIn(request: Request): Steps<Marker[]> {
  const markers: Marker[] = [];
  for (const { transactionResult: committed, topics: asked, ...marker } of request.markers) {
    yield;
    const topics: Marker['topics'][number][] = [];
    for (const { name, partitionIndexes } of asked) {
      topics.push({ topic: name, partitions: partitionIndexes });
      yield;
    }
    markers.push({ ...marker, committed, topics });
  }
  return markers;
}

/** Each partition of a producer once, with its last error. */
function* answer(request: Request, written: readonly (readonly PartitionError[])[]): Steps<Response> {
  const byProducer = new LargeMap<Int64, NameMap<Written>>();
  for (const [index, { producerId }] of request.markers.entries()) {
    for (const { topic, partition, error } of written[index] ?? []) {
      const topics = byProducer.get(producerId) ?? new NameMap<Written>();
      const ofTopic = topics.get(topic) ?? { name: topic, errors: new LargeMap() };
      ofTopic.errors.set(partition, error);
      byProducer.set(producerId, topics.set(topic, ofTopic));
      yield;
    }
  }
  const markers: MarkerResponse[] = [];
  for (const [producerId, topics] of byProducer) {
    markers.push({ producerId, topics: yield* topicsOf(topics.values()) });
    yield;
  }
  return { markers };
}

/** What came of the markers of a producer in a topic, by partition. */
interface Written {
  readonly name: string;
  readonly errors: Map<number, ErrorCode>;
}

function* topicsOf(topics: Iterable<Written>): Steps<NonNullable<MarkerResponse['topics']>> {
  const answers: NonNullable<MarkerResponse['topics']>[number][] = [];
  for (const { name, errors } of topics) {
    const partitions: { partitionIndex: number; errorCode: ErrorCode }[] = [];
    for (const [partitionIndex, errorCode] of errors) {
      partitions.push({ partitionIndex, errorCode });
      yield;
    }
    answers.push({ name, partitions });
  }
  return answers;
}

function refused(request: Request, errorCode: ErrorCode, { turns }: Refusing): Response | Promise<Response> {
  return turns.take(refusal(request, errorCode));
}

function* refusal(request: Request, errorCode: ErrorCode): Steps<Response> {
  const markers: MarkerResponse[] = [];
  for (const { producerId, topics } of request.markers) {
    const ofTopics = yield* ofPartitions(topics, {
      partitionsOf: ({ partitionIndexes }) => partitionIndexes,
      answer: (partitionIndex) => ({ partitionIndex, errorCode }),
      topic: ({ name }, partitions) => ({ name, partitions }),
    });
    markers.push({ producerId, topics: ofTopics });
    yield;
  }
  return { markers };
}
