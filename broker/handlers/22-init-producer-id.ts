/**
 * InitProducerId (22), versions 0-5: a producer id and epoch. For an idempotent producer a new id, from any
 * broker; for a transactional id what its coordinator gives.
 * v3+ a producer may name the id and epoch it had; without a transactional id it gets a new id anyway.
 * v0-3 don't know PRODUCER_FENCED: they are told INVALID_PRODUCER_EPOCH.
 * Source: KafkaApis.handleInitProducerIdRequest, TransactionCoordinator.handleInitProducerId.
 */
import { ErrorCode } from '../errors.ts';
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation, transactionNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import { fencedFrom } from './shared/fenced-error.ts';

const NONE = -1;
const FIRST_VERSION_WITH_FENCED = 4;

export const initProducerId = defineHandler(InitProducerId, ['producerIds', 'transactions'], {
  async handle(request, context, services) {
    const refused = check(request, context);
    if (refused !== ErrorCode.NONE) return refuse(request, refused);
    const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request;
    if (transactionalId === null) {
      const given = await services.producerIds.generate();
      if (given === null) return refuse(request, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
      return { errorCode: ErrorCode.NONE, producerId: given, producerEpoch: 0 };
    }
    const expected = producerId === NONE ? null : { producerId, producerEpoch };
    const { error, ...answer } = await services.transactions.initProducerId({
      transactionalId,
      timeoutMs,
      expected,
    });
    return { errorCode: fencedFrom(FIRST_VERSION_WITH_FENCED, context.apiVersion, error), ...answer };
  },
  refuse,
});

function refuse(
  _request: RequestOf<typeof InitProducerId>,
  errorCode: ErrorCode,
): ResponseInput<typeof InitProducerId> {
  return { errorCode, producerId: NONE, producerEpoch: NONE };
}

function check(request: RequestOf<typeof InitProducerId>, context: RequestContext): ErrorCode {
  const { transactionalId, producerId, producerEpoch } = request;
  if (transactionalId !== null) {
    if (!context.may(Operation.WRITE, transactionNamed(transactionalId))) {
      return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
  } else if (!mayWriteSomewhere(context)) return ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
  return (producerId === NONE) === (producerEpoch === NONE) ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST;
}

/** WRITE on any topic, of which none needs to exist (KIP-679), or IDEMPOTENT_WRITE on the cluster. */
function mayWriteSomewhere(context: RequestContext): boolean {
  return context.mayForSome(Operation.WRITE, 'topic') || context.may(Operation.IDEMPOTENT_WRITE, CLUSTER);
}
