/** The history of a client against what is found in its topic at the end: every broken promise. A pure function. */
import { checkReader } from './check-reader.ts';
import { checkRecords } from './check-records.ts';
import { checkTransactions } from './check-transactions.ts';
import type { ClientHistory, Found } from './entries.ts';
import { livesOf, placesOf } from './records.ts';
import type { Violation } from './violation.ts';

export function checkHistory(history: ClientHistory, found: Found): Violation[] {
  const lives = livesOf(history);
  const evidence = { history, lives, found, places: placesOf(history.topic, found) };
  return [...checkRecords(evidence), ...checkTransactions(evidence), ...checkReader(evidence)];
}
