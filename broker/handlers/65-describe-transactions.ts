/**
 * DescribeTransactions (65), version 0: what the coordinator knows of transactional ids. Partitions of topics
 * that the asker may not describe are left out.
 * Source: KafkaApis.handleDescribeTransactionsRequest, TransactionCoordinator.handleDescribeTransactions.
 */

import type { Transaction } from '../coordinators/transaction/transaction.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { DescribeTransactions } from '../protocol/messages/65-describe-transactions.ts';
import type { ResponseInput } from '../protocol/schema.ts';
import { Operation, topicNamed, transactionNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach } from './shared/named-once.ts';
import { refuseEach } from './shared/refusals.ts';

type Described = NonNullable<ResponseInput<typeof DescribeTransactions>['transactionStates']>[number];

export const describeTransactions = defineHandler(DescribeTransactions, ['transactions'], {
  handle(request, context, services) {
    return context.turns.take(describedOnce(request.transactionalIds, context, services));
  },

  refuse: ({ transactionalIds }, errorCode, context) =>
    refuseEach(
      transactionalIds,
      context,
      (transactionalId) => ({ transactionalId, errorCode }),
      (transactionStates) => ({ transactionStates }),
    ),
});

function* describedOnce(
  transactionalIds: readonly string[],
  context: RequestContext,
  services: Needs<'transactions'>,
): Steps<ResponseInput<typeof DescribeTransactions>> {
  const transactionStates: Described[] = [];
  // An id that is named again and again is described once: its partitions may be far longer than its name.
  for (const transactionalId of yield* onceEach(transactionalIds, (id) => id)) {
    yield;
    if (!context.may(Operation.DESCRIBE, transactionNamed(transactionalId))) {
      const errorCode = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      transactionStates.push({ transactionalId, errorCode });
      continue;
    }
    const { error, transaction } = services.transactions.describe(transactionalId);
    if (transaction === null) transactionStates.push({ transactionalId, errorCode: error });
    else transactionStates.push({ transactionalId, ...(yield* described(transaction, context)) });
  }
  return { transactionStates };
}

function* described(transaction: Transaction, context: RequestContext): Steps<Described> {
  const topics: { topic: string; partitions: number[] }[] = [];
  for (const [topic, partitions] of transaction.partitions) {
    if (context.may(Operation.DESCRIBE, topicNamed(topic)))
      topics.push({ topic, partitions: [...partitions] });
    yield;
  }
  return {
    errorCode: ErrorCode.NONE,
    transactionState: transaction.state,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startedMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics,
  };
}
