/**
 * Which transactional ids a list shows. Source: Kafka's TransactionStateManager.listTransactionStates.
 */
import type { Int64 } from '../../int64.ts';
import { TRANSACTION_STATES, type TransactionState } from './transaction.ts';
import type { TransactionEntry } from './transaction-shard.ts';

export interface ListFilters {
  /** Empty: of all. */
  readonly producerIds: ReadonlySet<Int64>;
  /** By name; empty: in all. A name that is no state's matches nothing. */
  readonly states: ReadonlySet<string>;
  /** Begun longer ago than this; negative: whenever. */
  readonly longerThanMs: number;
}

export interface ListedTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly state: TransactionState;
}

/** By name, those that a list may be filtered by. Two of them are never seen: they pass too quickly. */
const STATE_NAMES: ReadonlySet<string> = new Set([...TRANSACTION_STATES, 'PrepareEpochFence', 'Dead']);

export function isStateName(name: string): boolean {
  return STATE_NAMES.has(name);
}

export function* listed(
  entries: Iterable<TransactionEntry>,
  { producerIds, states, longerThanMs }: ListFilters,
  nowMs: number,
): Generator<ListedTransaction> {
  for (const { transactionalId, transaction } of entries) {
    const { producerId, state, startedMs } = transaction;
    if (producerIds.size > 0 && !producerIds.has(producerId)) continue;
    if (states.size > 0 && !states.has(state)) continue;
    if (longerThanMs >= 0 && nowMs - startedMs <= longerThanMs) continue;
    yield { transactionalId, producerId, state };
  }
}
