/** Configs of this broker that Kafka does not have: its journal of events. */
import { int, long, text, type Validator } from '../property.ts';
import { atLeast } from '../validators.ts';

const LEAST_BYTES = 1_048_576;

const NONE_OR_ENOUGH: Validator = (value) =>
  Number(value) === 0 || Number(value) >= LEAST_BYTES ? null : `Value must be 0 or at least ${LEAST_BYTES}`;

export const JOURNAL_CONFIGS = {
  'journal.max.events': int(
    '10000',
    'read-only',
    'Events of the cluster that the journal keeps, the newest ones. Each takes about 400 bytes in memory; a moved leader is one event, and one that sums up thousands of them counts for as many as it takes.',
    atLeast(1),
  ),
  'journal.max.bytes': long(
    '33554432',
    'read-only',
    'What the journal may take on disk, where it outlives the broker; the oldest events go first. 0: it is in memory only.',
    NONE_OR_ENOUGH,
  ),
  'journal.dir': text(
    null,
    'read-only',
    'The directory of the journal, one for each broker; null means the first of log.dirs.',
  ),
  'journal.max.readers': int('20', 'read-only', 'How many may read /events at once.', atLeast(1)),
};
