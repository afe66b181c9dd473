/**
 * Transactions: nothing of one that was aborted is read, and of every other one all or nothing; and the
 * offset that they commit with their records is that of the last one.
 */
import type { Evidence } from './check-records.ts';
import type { RecordLife } from './records.ts';
import type { Violation } from './violation.ts';

export function checkTransactions({ history: { topic }, lives, found, places }: Evidence): Violation[] {
  const members = new Map<number, RecordLife[]>();
  for (const record of lives.records.values()) {
    if (record.transaction === null) continue;
    members.set(record.transaction, [...(members.get(record.transaction) ?? []), record]);
  }
  const wrong: Violation[] = [];
  let last = -1;
  for (const [transaction, records] of members) {
    const fate = lives.fates.get(transaction) ?? 'unknown';
    const [there, absent] = [records.filter(isFound), records.filter((record) => !isFound(record))];
    if (fate === 'committed' || (fate === 'unknown' && there.length > 0)) last = Math.max(last, transaction);
    const ids = [...there, ...absent].map(({ id }) => id);
    if (fate === 'aborted' && there.length > 0) {
      const what = `transaction ${transaction} was aborted, and ${listed(there)} of it can be read`;
      wrong.push({ kind: 'aborted-read', topic, what, ids });
    }
    // A record that was not acknowledged may never have got into a transaction that was not committed either.
    const missing = absent.filter(({ acknowledgements }) => acknowledgements > 0);
    if (fate !== 'aborted' && there.length > 0 && missing.length > 0) {
      const what = `transaction ${transaction} is torn: ${listed(there)} can be read, ${listed(missing)} can not`;
      wrong.push({ kind: 'torn', topic, what, ids: [...missing, ...there].map(({ id }) => id) });
    }
  }
  if (members.size > 0 && found.transactionsOffset !== last) {
    const what = `the group's offset is ${found.transactionsOffset}, the last transaction that was committed ${last}`;
    wrong.push({ kind: 'offset-apart', topic, what, ids: members.get(last)?.map(({ id }) => id) ?? [] });
  }
  return wrong;

  function isFound({ id }: RecordLife): boolean {
    return places.has(id);
  }
}

function listed(records: readonly RecordLife[]): string {
  return `${records.length === 1 ? 'record' : 'records'} ${records.map(({ id }) => id).join(', ')}`;
}
