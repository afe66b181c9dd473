/**
 * InitProducerId (22), versions 0-5: a producer id for an idempotent producer, from any broker.
 * A transactional id is refused with UNSUPPORTED_VERSION, which clients treat as final and report:
 * a coordinator error would make them look for a coordinator for ever.
 * v3+ a producer may name the id and epoch it had; without a transactional id it gets a new id anyway.
 * Source: KafkaApis.handleInitProducerIdRequest, TransactionCoordinator.handleInitProducerId.
 */
import { ErrorCode } from '../errors.ts';
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation, topicNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';

const NONE = -1;

const NEEDS = ['metadata', 'producerIds'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const initProducerId = defineHandler(InitProducerId, NEEDS, {
  handle(request, context, services) {
    const error = check(request, context, services);
    if (error !== ErrorCode.NONE) return refuse(request, error);
    return services.producerIds.generate().then((producerId) => {
      if (producerId === null) return refuse(request, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
      return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
    });
  },
  refuse,
});

function refuse(
  _request: RequestOf<typeof InitProducerId>,
  errorCode: ErrorCode,
): ResponseInput<typeof InitProducerId> {
  return { errorCode, producerId: NONE, producerEpoch: NONE };
}

function check(
  request: RequestOf<typeof InitProducerId>,
  context: RequestContext,
  services: Needed,
): ErrorCode {
  const { transactionalId, producerId, producerEpoch } = request;
  if (transactionalId === '') return ErrorCode.INVALID_REQUEST;
  if (transactionalId !== null) return ErrorCode.UNSUPPORTED_VERSION;
  if ((producerId === NONE) !== (producerEpoch === NONE)) return ErrorCode.INVALID_REQUEST;
  return mayWriteSomewhere(context, services) ? ErrorCode.NONE : ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
}

/** IDEMPOTENT_WRITE on the cluster, or WRITE on any topic (KIP-679). */
function mayWriteSomewhere(context: RequestContext, services: Needed): boolean {
  if (context.may(Operation.IDEMPOTENT_WRITE, CLUSTER)) return true;
  for (const topic of services.metadata.image.topics.keys()) {
    if (context.may(Operation.WRITE, topicNamed(topic))) return true;
  }
  return false;
}
