/** `--replica-assignment`: brokers of a partition joined by colons, partitions by commas. Source: kafka-topics. */
import { UsageError } from '../arguments.ts';

/** Replicas by partition; null when nothing was given. Throws UsageError. */
export function assignmentsOf(text: string | null): number[][] | null {
  if (text === null) return null;
  const partitions = text.split(',').map((word) => {
    const ids = word.split(':');
    if (ids.some((id) => !/^\d{1,9}$/.test(id.trim())))
      throw new UsageError(`--replica-assignment takes ID:ID,… with ids of brokers, not '${word}'`);
    const brokers = ids.map(Number);
    if (new Set(brokers).size < brokers.length)
      throw new UsageError(`--replica-assignment names a broker twice in '${word}'`);
    return brokers;
  });
  if (partitions.some(({ length }) => length !== partitions[0]?.length))
    throw new UsageError('--replica-assignment must have as many brokers for each partition');
  return partitions;
}
