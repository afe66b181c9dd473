/**
 * What a broker does with its logs now and then: retention, flushing, checkpoints, forgetting of
 * producers, compaction. One log that fails has taken its directory offline and stops no other.
 * Source: Kafka's LogManager.startup.
 */
import type { FixedConfig } from '../config/broker-config.ts';
import type { Cleaner } from './cleaner/cleaner.ts';
import type { LogCheckpoints } from './log-checkpoints.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Tasks } from './tasks.ts';

export type UpkeepConfig = Pick<
  FixedConfig,
  | 'logRetentionCheckIntervalMs'
  | 'logFlushSchedulerIntervalMs'
  | 'logFlushOffsetCheckpointIntervalMs'
  | 'logFlushStartOffsetCheckpointIntervalMs'
  | 'logInitialTaskDelayMs'
  | 'producerIdExpirationCheckIntervalMs'
  | 'logCleanerEnable'
>;

interface UpkeepParts {
  readonly config: UpkeepConfig;
  readonly tasks: Tasks;
  readonly checkpoints: LogCheckpoints;
  readonly cleaner: Cleaner;
  /** Those that are open, as they are now. */
  readonly logs: () => readonly PartitionLog[];
  /** Gives back memory that was not needed of late. */
  readonly trim: () => void;
  readonly failed: (error: unknown) => void;
}

const TRIM_INTERVAL_MS = 10_000;

/** Everything it begins ends with `tasks` and the cleaner. */
export function startUpkeep({ config, tasks, checkpoints, cleaner, logs, trim, failed }: UpkeepParts): void {
  const delayMs = config.logInitialTaskDelayMs;
  const eachLog = (intervalMs: number, run: (log: PartitionLog) => void): void =>
    tasks.repeat(delayMs, intervalMs, () => {
      for (const log of logs()) attempt(() => run(log), failed);
    });
  eachLog(config.logRetentionCheckIntervalMs, (log) => {
    // Compacted logs are the cleaner's.
    if (!log.config.cleanupPolicy.compact) log.deleteOldSegments();
  });
  eachLog(config.logFlushSchedulerIntervalMs, (log) => log.flushWhenDue());
  eachLog(config.producerIdExpirationCheckIntervalMs, (log) => log.removeExpiredProducers());
  tasks.repeat(delayMs, config.logFlushOffsetCheckpointIntervalMs, () =>
    checkpoints.writeEverywhereInBackground('recovery-points'),
  );
  tasks.repeat(delayMs, config.logFlushStartOffsetCheckpointIntervalMs, () =>
    checkpoints.writeEverywhereInBackground('log-starts'),
  );
  tasks.repeat(delayMs, TRIM_INTERVAL_MS, trim);
  if (config.logCleanerEnable) cleaner.start();
}

function attempt(run: () => void, failed: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    failed(error);
  }
}
