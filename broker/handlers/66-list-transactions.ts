/**
 * ListTransactions (66), versions 0-1: the transactional ids that this broker coordinates, filtered by
 * producer ids, by states and, from v1 on, by how long ago their transactions began (KIP-994). Names that are
 * no states are told back.
 * Source: KafkaApis.handleListTransactionsRequest, TransactionStateManager.listTransactionStates.
 */
import { NameSet } from '../bounded-name.ts';
import { isStateName } from '../coordinators/transaction/transaction-listing.ts';
import { ErrorCode } from '../errors.ts';
import type { Int64 } from '../int64.ts';
import { LargeSet } from '../large-map.ts';
import { filtered, type Steps } from '../platform/turns.ts';
import { ListTransactions } from '../protocol/messages/66-list-transactions.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, transactionNamed } from '../security/operations.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import { onceEach } from './shared/named-once.ts';

type Request = RequestOf<typeof ListTransactions>;
type Response = ResponseInput<typeof ListTransactions>;

export const listTransactions = defineHandler(ListTransactions, ['transactions'], {
  handle: (request, context, services) => context.turns.take(listed(request, context, services)),
  refuse: (_request, errorCode) => ({ errorCode }),
});

function* listed(
  { stateFilters, producerIdFilters, durationFilter }: Request,
  context: RequestContext,
  services: Needs<'transactions'>,
): Steps<Response> {
  const wanted = yield* onceEach(stateFilters, (name) => name);
  const unknownStateFilters = yield* filtered(wanted, (name) => !isStateName(name));
  const states = yield* setOf(wanted, new NameSet());
  const producerIds = yield* setOf(producerIdFilters, new LargeSet<Int64>());
  const { error, transactions } = services.transactions.list({
    states,
    producerIds,
    longerThanMs: durationFilter,
  });
  if (error !== ErrorCode.NONE) return { errorCode: error };
  const transactionStates: NonNullable<Response['transactionStates']>[number][] = [];
  for (const { transactionalId, producerId, state } of transactions) {
    if (context.couldDo(Operation.DESCRIBE, transactionNamed(transactionalId))) {
      transactionStates.push({ transactionalId, producerId, transactionState: state });
    }
    yield;
  }
  return { errorCode: ErrorCode.NONE, unknownStateFilters, transactionStates };
}

function* setOf<Item>(items: readonly Item[], all: Set<Item>): Steps<ReadonlySet<Item>> {
  for (const item of items) {
    all.add(item);
    yield;
  }
  return all;
}
