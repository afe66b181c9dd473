/**
 * EndTxn (26), versions 0-4: the producer commits or aborts. The answer comes as soon as the end is certain;
 * until all partitions have learned of it, the next transaction is told CONCURRENT_TRANSACTIONS.
 * v0-1 don't know PRODUCER_FENCED: they are told INVALID_PRODUCER_EPOCH.
 * Source: KafkaApis.handleEndTxnRequest.
 */
import { ErrorCode } from '../errors.ts';
import { EndTxn } from '../protocol/messages/26-end-txn.ts';
import { Operation, transactionNamed } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { fencedFrom } from './shared/fenced-error.ts';

const FIRST_VERSION_WITH_FENCED = 2;

export const endTxn = defineHandler(EndTxn, ['transactions'], {
  async handle(request, context, services) {
    if (!context.may(Operation.WRITE, transactionNamed(request.transactionalId))) {
      return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
    }
    const error = await services.transactions.endTransaction(request, request.committed);
    return { errorCode: fencedFrom(FIRST_VERSION_WITH_FENCED, context.apiVersion, error) };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
