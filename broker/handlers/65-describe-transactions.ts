/**
 * DescribeTransactions (65), version 0: what the coordinator knows of transactional ids. Partitions of topics
 * that the asker may not describe are left out.
 * Source: KafkaApis.handleDescribeTransactionsRequest, TransactionCoordinator.handleDescribeTransactions.
 */
import type { Transaction } from '../coordinators/transaction/transaction.ts';
import { ErrorCode } from '../errors.ts';
import { DescribeTransactions } from '../protocol/messages/65-describe-transactions.ts';
import type { ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed, transactionNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';

type Described = NonNullable<ResponseInput<typeof DescribeTransactions>['transactionStates']>[number];

export const describeTransactions = defineHandler(DescribeTransactions, ['transactions'], {
  handle(request, context, services) {
    // An id that is named again and again is described once: its partitions may be far longer than its name.
    const transactionStates = [...new Set(request.transactionalIds)].map((transactionalId): Described => {
      if (!context.may(Operation.DESCRIBE, transactionNamed(transactionalId))) {
        return { transactionalId, errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
      }
      const { error, transaction } = services.transactions.describe(transactionalId);
      if (transaction === null) return { transactionalId, errorCode: error };
      return { transactionalId, ...described(transaction, context) };
    });
    return { transactionStates };
  },

  refuse: (request, errorCode) => ({
    transactionStates: request.transactionalIds.map((transactionalId) => ({ transactionalId, errorCode })),
  }),
});

function described(transaction: Transaction, context: RequestContext): Described {
  const topics = [...transaction.partitions].filter(([topic]) =>
    context.may(Operation.DESCRIBE, topicNamed(topic)),
  );
  return {
    errorCode: ErrorCode.NONE,
    transactionState: transaction.state,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startedMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: topics.map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
  };
}
