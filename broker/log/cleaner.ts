/** Compaction driver (skeleton while the rest is tested). */
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { PartitionKey } from '../types.ts';
import type { LogDirectory } from './log-directory.ts';
import type { PartitionLog } from './partition-log.ts';
import type { StorageError } from './storage-error.ts';

export class Cleaner {
  constructor(_options: {
    readonly diagnostics: Diagnostics;
    readonly logs: () => Iterable<PartitionLog>;
    readonly directory: (path: string) => LogDirectory | undefined;
    readonly onStorageError: (error: StorageError) => void;
  }) {}
  start(): void {}
  stop(): void {}
  forget(_key: PartitionKey, _directory: string): void {}
}
