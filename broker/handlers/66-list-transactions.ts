/**
 * ListTransactions (66), versions 0-1: the transactional ids that this broker coordinates, filtered by
 * producer ids, by states and, from v1 on, by how long ago their transactions began (KIP-994). Names that are
 * no states are told back.
 * Source: KafkaApis.handleListTransactionsRequest, TransactionStateManager.listTransactionStates.
 */
import { isStateName } from '../coordinators/transaction/transaction-listing.ts';
import { ErrorCode } from '../errors.ts';
import { ListTransactions } from '../protocol/messages/66-list-transactions.ts';
import { Operation, transactionNamed } from '../security/operations.ts';
import { defineHandler } from './handler.ts';

export const listTransactions = defineHandler(ListTransactions, ['transactions'], {
  handle(request, context, services) {
    const states = new Set(request.stateFilters);
    const { error, transactions } = services.transactions.list({
      states,
      producerIds: new Set(request.producerIdFilters),
      longerThanMs: request.durationFilter,
    });
    if (error !== ErrorCode.NONE) return { errorCode: error };
    return {
      errorCode: ErrorCode.NONE,
      unknownStateFilters: [...states].filter((name) => !isStateName(name)),
      transactionStates: transactions
        .filter(({ transactionalId }) =>
          context.couldDo(Operation.DESCRIBE, transactionNamed(transactionalId)),
        )
        .map(({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
    };
  },

  refuse: (_request, errorCode) => ({ errorCode }),
});
