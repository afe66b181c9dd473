/** The life of a transactional id, by transcript: what is asked, and what is decided. */
import { describe, expect, it } from 'vitest';
import {
  completed,
  decideEnd,
  fenceAndAbort,
  isTimedOut,
} from '../../../broker/coordinators/transaction/end-transaction.ts';
import {
  decideInit,
  type InitDecision,
  type ProducerIdAndEpoch,
} from '../../../broker/coordinators/transaction/init-producer-id.ts';
import {
  NO_PARTITIONS,
  newTransaction,
  type Transaction,
  type TransactionState,
  transit,
} from '../../../broker/coordinators/transaction/transaction.ts';
import {
  addPartitions,
  type Decision,
  verifyPartitions,
} from '../../../broker/coordinators/transaction/transaction-partitions.ts';
import type { TransactionEntry } from '../../../broker/coordinators/transaction/transaction-shard.ts';
import { errorName } from '../../../broker/errors.ts';

const NOW_MS = 1_767_225_600_000;
const EXHAUSTED = 0x7ffe;
const T0 = { topic: 't', partition: 0 };
const T1 = { topic: 't', partition: 1 };
const ALL: readonly TransactionState[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
];

/** Producer 7 of epoch 3, in that state; with partition t-0 while there is anything to tell it. */
function entryIn(state: TransactionState, changes: Partial<Transaction> = {}): TransactionEntry {
  const hasPartitions = state === 'Ongoing' || state.startsWith('Prepare');
  const transaction: Transaction = {
    ...newTransaction(7, 60_000, NOW_MS - 1000),
    lastProducerId: 7,
    producerEpoch: 3,
    state,
    partitions: hasPartitions ? new Map([['t', new Set([0])]]) : NO_PARTITIONS,
    startedMs: state === 'Empty' ? -1 : NOW_MS - 1000,
    ...changes,
  };
  return { transactionalId: 'pay', transaction, pending: null, fenceFailed: false, settled: null };
}

function init(
  entry: TransactionEntry,
  expected: ProducerIdAndEpoch | null = null,
  newProducerId: number | null = null,
): string {
  return told(decideInit(entry, { timeoutMs: 9000, expected, newProducerId }, NOW_MS));
}

function told(decision: InitDecision): string {
  if (decision.do === 'refuse') return errorName(decision.error);
  return decision.do === 'write' ? line(decision.next) : decision.do;
}

function line({ state, producerId, producerEpoch, lastProducerEpoch }: Transaction): string {
  return `${state} ${producerId}/${producerEpoch} after ${lastProducerEpoch}`;
}

function outcome({ error, next }: Decision): string {
  return next === null ? errorName(error) : line(next);
}

const OWN = { producerId: 7, producerEpoch: 3 };

describe('InitProducerId', () => {
  it('gives a new id its first epoch', () => {
    const entry = entryIn('Empty', newTransaction(7, 1, NOW_MS));
    expect(init(entry)).toBe('Empty 7/0 after -1');
    // A producer that goes on under an id that the coordinator has forgotten.
    expect(init(entry, { producerId: 99, producerEpoch: 5 })).toBe('Empty 7/0 after -1');
  });

  it.each(['Empty', 'CompleteCommit', 'CompleteAbort'] as const)(
    'of a new producer in %s raises the epoch',
    (state) => {
      expect(init(entryIn(state))).toBe('Empty 7/4 after -1');
    },
  );

  it('takes over the timeout, and leaves nothing of the transaction before', () => {
    const request = { timeoutMs: 9000, expected: null, newProducerId: null };
    const decision = decideInit(entryIn('CompleteCommit'), request, NOW_MS);
    expect(decision).toMatchObject({
      next: { timeoutMs: 9000, partitions: NO_PARTITIONS, startedMs: -1, updatedMs: NOW_MS },
    });
  });

  it('of a producer that goes on after an error raises its epoch, once, however often it asks', () => {
    const entry = entryIn('Empty');
    const request = { timeoutMs: 9000, expected: OWN, newProducerId: null };
    const decision = decideInit(entry, request, NOW_MS);
    expect(told(decision)).toBe('Empty 7/4 after 3');
    if (decision.do === 'write') entry.transaction = decision.next;
    expect(init(entry, OWN)).toBe('Empty 7/4 after 3');
    expect(init(entry, { producerId: 7, producerEpoch: 2 })).toBe('PRODUCER_FENCED');
  });

  it('fences a producer after which another has come', () => {
    const entry = entryIn('Empty', { producerEpoch: 4, lastProducerEpoch: -1 });
    expect(init(entry, OWN)).toBe('PRODUCER_FENCED');
    expect(init(entry, { producerId: 8, producerEpoch: 4 })).toBe('PRODUCER_FENCED');
  });

  it('with all epochs used up gives a new producer id', () => {
    const entry = entryIn('CompleteAbort', { producerEpoch: EXHAUSTED });
    expect(init(entry)).toBe('need-producer-id');
    expect(init(entry, null, 8)).toBe('Empty 8/0 after -1');
    const last = { producerId: 7, producerEpoch: EXHAUSTED };
    expect(init(entry, last, 8)).toBe(`Empty 8/0 after ${EXHAUSTED}`);
    expect(init(entry, OWN, 8)).toBe('PRODUCER_FENCED');
  });

  it('gives the new producer id again to a producer that did not hear of it', () => {
    const entry = entryIn('Empty', {
      producerId: 8,
      lastProducerId: 7,
      producerEpoch: 0,
      lastProducerEpoch: EXHAUSTED,
    });
    expect(init(entry, { producerId: 7, producerEpoch: EXHAUSTED })).toBe(`Empty 8/0 after ${EXHAUSTED}`);
    expect(init(entry, OWN)).toBe('PRODUCER_FENCED');
  });

  it('waits for what is under way, and for an open transaction to be aborted', () => {
    expect(init(entryIn('PrepareCommit'))).toBe('CONCURRENT_TRANSACTIONS');
    expect(init(entryIn('PrepareAbort'))).toBe('CONCURRENT_TRANSACTIONS');
    expect(init({ ...entryIn('Empty'), pending: 'Empty' })).toBe('CONCURRENT_TRANSACTIONS');
    expect(init(entryIn('Ongoing'))).toBe('abort-first');
    expect(init(entryIn('Ongoing'), OWN)).toBe('abort-first');
    expect(init(entryIn('Ongoing'), { producerId: 8, producerEpoch: 0 })).toBe('PRODUCER_FENCED');
  });
});

describe('adding partitions', () => {
  const add = (entry: TransactionEntry, claim = OWN): string =>
    outcome(addPartitions(entry, claim, [T0, T1], NOW_MS));

  it.each(['Empty', 'CompleteCommit', 'CompleteAbort'] as const)('begins a transaction after %s', (state) => {
    const { next } = addPartitions(entryIn(state), OWN, [T0, T1], NOW_MS);
    expect(next).toMatchObject({
      state: 'Ongoing',
      partitions: new Map([['t', new Set([0, 1])]]),
      startedMs: NOW_MS,
      updatedMs: NOW_MS,
    });
  });

  it('to an open one keeps its beginning, and the transaction before as it was', () => {
    const entry = entryIn('Ongoing');
    const { next } = addPartitions(entry, OWN, [T1], NOW_MS);
    expect(next?.partitions).toEqual(new Map([['t', new Set([0, 1])]]));
    expect(next?.startedMs).toBe(NOW_MS - 1000);
    expect(entry.transaction.partitions).toEqual(new Map([['t', new Set([0])]]));
  });

  it('that belong to it already writes nothing', () => {
    expect(outcome(addPartitions(entryIn('Ongoing'), OWN, [T0], NOW_MS))).toBe('NONE');
  });

  it('is for its producer only, and not while it ends', () => {
    expect(add(entryIn('Empty'), { producerId: 8, producerEpoch: 3 })).toBe('INVALID_PRODUCER_ID_MAPPING');
    expect(add(entryIn('Empty'), { producerId: 7, producerEpoch: 2 })).toBe('PRODUCER_FENCED');
    expect(add(entryIn('Empty'), { producerId: 7, producerEpoch: 4 })).toBe('PRODUCER_FENCED');
    expect(add(entryIn('PrepareAbort'))).toBe('CONCURRENT_TRANSACTIONS');
    expect(add({ ...entryIn('CompleteCommit'), pending: 'Ongoing' })).toBe('CONCURRENT_TRANSACTIONS');
    // A zombie hears what it is, also while its transaction is being aborted.
    expect(add({ ...entryIn('Ongoing', { producerEpoch: 4 }), pending: 'PrepareAbort' })).toBe(
      'PRODUCER_FENCED',
    );
  });
});

describe('verifying partitions', () => {
  const verify = (entry: TransactionEntry, claim = OWN): string[] =>
    verifyPartitions(entry, claim, [T0, T1]).map(errorName);

  it('confirms those that belong to the open transaction', () => {
    expect(verify(entryIn('Ongoing'))).toEqual(['NONE', 'TRANSACTION_ABORTABLE']);
    expect(verify(entryIn('CompleteCommit'))).toEqual(['TRANSACTION_ABORTABLE', 'TRANSACTION_ABORTABLE']);
  });

  it('confirms nothing to others, and nothing while the transaction ends', () => {
    const both = (name: string): string[] => [name, name];
    const stranger = { producerId: 8, producerEpoch: 3 };
    expect(verify(entryIn('Ongoing'), stranger)).toEqual(both('INVALID_PRODUCER_ID_MAPPING'));
    const zombie = { producerId: 7, producerEpoch: 2 };
    expect(verify(entryIn('Ongoing'), zombie)).toEqual(both('PRODUCER_FENCED'));
    expect(verify(entryIn('PrepareCommit'))).toEqual(both('CONCURRENT_TRANSACTIONS'));
  });
});

describe('the end of a transaction', () => {
  const end = (entry: TransactionEntry, committed: boolean, claim = OWN): string =>
    outcome(decideEnd(entry, claim, committed, NOW_MS));

  it.each([
    ['Empty', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
    ['Ongoing', 'PrepareCommit 7/3 after -1', 'PrepareAbort 7/3 after -1'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    ['PrepareAbort', 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'NONE', 'INVALID_TXN_STATE'],
    ['CompleteAbort', 'INVALID_TXN_STATE', 'NONE'],
  ] as const)('asked for in %s: commit %s, abort %s', (state, commit, abort) => {
    expect([end(entryIn(state), true), end(entryIn(state), false)]).toEqual([commit, abort]);
  });

  it('is for its producer only, one at a time', () => {
    expect(end(entryIn('Ongoing'), true, { producerId: 8, producerEpoch: 3 })).toBe(
      'INVALID_PRODUCER_ID_MAPPING',
    );
    expect(end(entryIn('Ongoing'), true, { producerId: 7, producerEpoch: 2 })).toBe('PRODUCER_FENCED');
    expect(end(entryIn('Ongoing'), true, { producerId: 7, producerEpoch: 4 })).toBe('PRODUCER_FENCED');
    expect(end({ ...entryIn('Ongoing'), pending: 'PrepareCommit' }, true)).toBe('CONCURRENT_TRANSACTIONS');
  });

  it('keeps the partitions until they have been told', () => {
    const { next } = decideEnd(entryIn('Ongoing'), OWN, true, NOW_MS);
    expect(next?.partitions.size).toBe(1);
    const done = completed(entryIn('PrepareAbort').transaction, NOW_MS);
    expect(done).toMatchObject({
      state: 'CompleteAbort',
      partitions: NO_PARTITIONS,
      startedMs: NOW_MS - 1000,
    });
  });

  it('that the coordinator brings about fences the producer, by one epoch however often it is tried', () => {
    const entry = entryIn('Ongoing', { lastProducerEpoch: 2 });
    const { fenced, next } = fenceAndAbort(entry, NOW_MS);
    expect([line(fenced), line(next)]).toEqual(['Ongoing 7/4 after -1', 'PrepareAbort 7/4 after -1']);
    const again = fenceAndAbort({ ...entry, transaction: fenced, fenceFailed: true }, NOW_MS);
    expect(line(again.next)).toBe('PrepareAbort 7/4 after -1');
  });

  it('of the last epoch that a producer may have can still be brought about', () => {
    const { next } = fenceAndAbort(entryIn('Ongoing', { producerEpoch: EXHAUSTED }), NOW_MS);
    expect(next.producerEpoch).toBe(0x7fff);
    expect(() => fenceAndAbort(entryIn('Ongoing', { producerEpoch: 0x7fff }), NOW_MS)).toThrow(
      'larger epoch',
    );
  });

  it('is due when the open transaction lasts longer than its timeout', () => {
    const startedMs = NOW_MS - 60_000;
    expect(isTimedOut(entryIn('Ongoing', { startedMs }), NOW_MS)).toBe(false);
    expect(isTimedOut(entryIn('Ongoing', { startedMs: startedMs - 1 }), NOW_MS)).toBe(true);
    expect(isTimedOut({ ...entryIn('Ongoing', { startedMs: 0 }), pending: 'Ongoing' }, NOW_MS)).toBe(false);
    for (const state of ALL.filter((one) => one !== 'Ongoing')) {
      expect(isTimedOut(entryIn(state, { startedMs: 0 }), NOW_MS)).toBe(false);
    }
  });
});

it('a state is followed by those that Kafka allows, and by no other', () => {
  const followers = ALL.map((from) => {
    const to = ALL.filter((state) => {
      try {
        transit(entryIn(from).transaction, { state, updatedMs: NOW_MS });
        return true;
      } catch {
        return false;
      }
    });
    return `${from}: ${to.join(', ')}`;
  });
  expect(followers).toEqual([
    'Empty: Empty, Ongoing',
    'Ongoing: Ongoing, PrepareCommit, PrepareAbort',
    'PrepareCommit: CompleteCommit',
    'PrepareAbort: CompleteAbort',
    'CompleteCommit: Empty, Ongoing',
    'CompleteAbort: Empty, Ongoing',
  ]);
});
