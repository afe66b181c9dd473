/**
 * Entries of a Produce request that wait: for another thread, for their turn, or for a coordinator. The
 * buffer of a request belongs to the next one as soon as its handler has returned, so they have bytes of
 * their own.
 */
import type { PartitionLog } from '../../log/partition-log.ts';
import type { AppendEntry, PreparedRecords } from './append-entry.ts';

/** The entry with bytes of its own. */
export function keptEntry(entry: AppendEntry): AppendEntry {
  const { prepared } = entry;
  if (entry.isKept === true) return entry;
  if (prepared === undefined) return { ...entry, records: ownCopy(entry.records), isKept: true };
  const { log, outcome } = prepared;
  return checkedEntry(entry, log, outcome.ok ? { ...outcome, bytes: ownCopy(outcome.bytes) } : outcome);
}

/** The entry with what came of its check. Its records are those that will be appended: of refused ones nothing is needed. */
export function checkedEntry(
  entry: AppendEntry,
  log: PartitionLog,
  outcome: PreparedRecords['outcome'],
): AppendEntry {
  const records = outcome.ok ? outcome.bytes : NO_RECORDS;
  return { ...entry, records, isKept: true, prepared: { log, outcome } };
}

const NO_RECORDS = Buffer.alloc(0);

function ownCopy(bytes: Buffer): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
