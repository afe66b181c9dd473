/**
 * What an answer of a broker means to the controller. Most answers mean nothing; a failed disk and a
 * deletion carried out become events. Source: KafkaController.processLeaderAndIsrResponseReceived,
 * processTopicDeletionStopReplicaResponseReceived.
 */

import { ErrorCode } from '../errors.ts';
import type { PeerResponseTo } from '../peers/messages.ts';
import type { BrokerId } from '../types.ts';
import { leaderAndIsrAnswered } from './broker-events.ts';
import type { ControllerRequest } from './request-batch.ts';
import type { Term } from './term.ts';
import { stopReplicaAnswered } from './topic-events.ts';

/** Logs a refusal, and puts an event where the answer changes what the controller knows. */
export function takeAnswer(
  term: Term,
  broker: BrokerId,
  request: ControllerRequest,
  response: PeerResponseTo<ControllerRequest>,
): void {
  const { diagnostics, schedule } = term.options;
  if (response.error !== ErrorCode.NONE) {
    diagnostics.warn(`Broker ${broker} refused ${request.type} with error ${response.error}`);
  }
  if (!('partitions' in response)) return;
  if (request.type === 'LeaderAndIsr') {
    const concernsDisks =
      term.state.offlineDirs.has(broker) ||
      response.partitions.some(({ error }) => error === ErrorCode.KAFKA_STORAGE_ERROR);
    if (!concernsDisks) return;
    schedule('LeaderAndIsrResponseReceived', undefined, (current) =>
      leaderAndIsrAnswered(current, broker, request, response),
    );
  }
  if (request.type === 'StopReplica' && request.partitions.some(({ deletePartition }) => deletePartition)) {
    schedule('TopicDeletionStopReplicaResponseReceived', undefined, (current) =>
      stopReplicaAnswered(current, broker, request, response),
    );
  }
}
