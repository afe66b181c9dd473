/**
 * Blocks of producer ids for brokers, from a counter in the tree. A block is never handed out twice; one
 * whose answer is lost is lost with it. Source: kafka.controller.KafkaController.allocateProducerIds,
 * ZkProducerIdManager.
 */

import { ErrorCode } from '../errors.ts';
import type { AllocateProducerIdsRequest, AllocateProducerIdsResponse } from '../peers/messages.ts';
import type { Term } from './term.ts';

/** Kafka's ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE. */
const BLOCK_LENGTH = 1000;

/** A block that no other broker has had or will have. */
export async function allocateProducerIds(
  term: Term,
  { brokerId, brokerEpoch }: AllocateProducerIdsRequest,
): Promise<AllocateProducerIdsResponse> {
  const known = term.state.brokers.get(brokerId);
  if (known === undefined) return refusedAllocation(ErrorCode.BROKER_ID_NOT_REGISTERED);
  if (known.epoch !== brokerEpoch) return refusedAllocation(ErrorCode.STALE_BROKER_EPOCH);
  const block = await term.fenced.nextProducerIdBlock(brokerId, BLOCK_LENGTH);
  if (block === null) return refusedAllocation(ErrorCode.UNKNOWN_SERVER_ERROR);
  return { error: ErrorCode.NONE, producerIdStart: block.start, producerIdLength: block.length };
}

/** An answer without a block. */
export function refusedAllocation(error: ErrorCode): AllocateProducerIdsResponse {
  return { error, producerIdStart: 0, producerIdLength: 0 };
}
