/** Configs of this broker that Kafka does not have: its journal of events. */
import { int } from '../property.ts';
import { atLeast } from '../validators.ts';

export const JOURNAL_CONFIGS = {
  'journal.max.events': int(
    '10000',
    'read-only',
    'Events of the cluster that the journal keeps, the newest ones. Each takes about 400 bytes; a moved leader is one event.',
    atLeast(1),
  ),
};
