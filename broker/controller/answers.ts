/**
 * What an answer of a broker means to the controller. Most answers mean nothing; a failed disk and a
 * deletion carried out become events. Source: KafkaController.processLeaderAndIsrResponseReceived,
 * processTopicDeletionStopReplicaResponseReceived.
 *
 * Until its turn comes, the broker may be back under another epoch and told anew: then it is the answer of a
 * former self, which tells nothing. Kafka does not look here, so that there a refusal to the former self can
 * leave a topic half deleted until a broker of it starts again or the office moves.
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
  const event = (name: string, run: (current: Term) => Promise<void>): void =>
    schedule(name, undefined, async (current) => {
      if (current.state.brokers.get(broker)?.epoch === request.brokerEpoch) await run(current);
    });
  if (request.type === 'LeaderAndIsr') {
    const concernsDisks =
      term.state.offlineDirs.has(broker) ||
      response.partitions.some(({ error }) => error === ErrorCode.KAFKA_STORAGE_ERROR);
    if (!concernsDisks) return;
    event('LeaderAndIsrResponseReceived', (current) => leaderAndIsrAnswered(current, broker, response));
  }
  if (request.type === 'StopReplica' && request.partitions.some(({ deletePartition }) => deletePartition)) {
    event('TopicDeletionStopReplicaResponseReceived', (current) =>
      stopReplicaAnswered(current, broker, request, response),
    );
  }
}
