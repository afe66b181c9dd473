/**
 * All logs of a broker by partition, and how many lie in each log directory: a new log goes where the
 * fewest are, and with ten thousand logs they can't be counted again for each new one.
 */
import type { PartitionKey } from '../types.ts';
import type { PartitionLog } from './partition-log.ts';

export class LogTable extends Map<PartitionKey, PartitionLog> {
  /** Logs by directory; their sum is `size`. */
  readonly #counts = new Map<string, number>();

  countIn(logDirectory: string): number {
    return this.#counts.get(logDirectory) ?? 0;
  }

  override set(key: PartitionKey, log: PartitionLog): this {
    this.delete(key);
    this.#counts.set(log.logDirectory, this.countIn(log.logDirectory) + 1);
    return super.set(key, log);
  }

  override delete(key: PartitionKey): boolean {
    const log = this.get(key);
    if (log !== undefined) this.#counts.set(log.logDirectory, this.countIn(log.logDirectory) - 1);
    return super.delete(key);
  }

  override clear(): void {
    this.#counts.clear();
    super.clear();
  }
}
