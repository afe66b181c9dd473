/** A log manager on a simulated disk, and short ways to make batches, for the tests of this folder. */

import { LiveValue } from '../../../broker/config/live.ts';
import { type LogConfig, logConfig } from '../../../broker/config/topic-config.ts';
import { isError } from '../../../broker/errors.ts';
import type { Int64 } from '../../../broker/int64.ts';
import type { SliceLimits } from '../../../broker/log/cleaner/slices.ts';
import { LogDirectories } from '../../../broker/log/log-directories.ts';
import { type LiveLogConfig, LogManager, type LogManagerConfig } from '../../../broker/log/log-manager.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import type { Diagnostics } from '../../../broker/platform/diagnostics.ts';
import type { Disk } from '../../../broker/platform/disk.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { workersInPlace } from '../../../broker/platform/workers.ts';
import { completeBatches } from '../../../broker/records/batch.ts';
import { type BatchInput, buildBatch } from '../../../broker/records/build.ts';
import { readRecords } from '../../../broker/records/record.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import type { SimulatedClock } from '../../support/simulated-clock.ts';
import type { SimulatedDisk } from '../../support/simulated-disk.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';

export interface Fixture {
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  /** Starts a manager; the one before must have been stopped, abandoned or crashed. */
  start(): Promise<LogManager>;
  manager(): LogManager;
  /** Its directories alone, as they are before there are logs. */
  directories(): LogDirectories;
  /** Warnings and errors of all managers. */
  readonly said: string[];
  topicConfig: LogConfig;
}

/** Where the logs of a test lie when it does not say so. */
export const LOG_DIRS: readonly string[] = ['/data'];

type Configs = LogManagerConfig & LiveLogConfig['now'];

interface FixtureOptions {
  readonly logDirs?: readonly string[];
  /** What compaction may do in one go. */
  readonly sliceLimits?: SliceLimits | undefined;
}

export const MANAGER_CONFIG: Configs = {
  numRecoveryThreadsPerDataDir: 1,
  logRetentionCheckIntervalMs: 300_000,
  logFlushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushOffsetCheckpointIntervalMs: 60_000,
  logFlushStartOffsetCheckpointIntervalMs: 60_000,
  logInitialTaskDelayMs: 30_000,
  producerIdExpirationMs: 86_400_000,
  compressedBatchMaxDecompressedBytes: 128 * 1024 * 1024,
  producerIdExpirationCheckIntervalMs: 600_000,
  logCleanerEnable: true,
  logCleanerBackoffMs: 15_000,
  logCleanerThreads: 1,
  logCleanerDedupeBufferSize: 1024 * 1024,
  logCleanerIoBufferLoadFactor: 0.9,
  logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE,
};

export function fixture(
  topic: Readonly<Record<string, string>> = {},
  { logDirs = LOG_DIRS, sliceLimits, ...config }: Partial<Configs> & FixtureOptions = {},
): Fixture {
  const world = new World();
  const { clock } = world;
  const disk = world.disk();
  const made: Fixture = {
    clock,
    disk,
    said: [],
    topicConfig: topicConfig(topic),
    manager: () => manager(disk, clock, made, config, { logDirs, sliceLimits }),
    directories() {
      const diagnostics = complaintsTo(made);
      const journal = createJournal(clock, diagnostics);
      return new LogDirectories({ disk, diagnostics, journal, paths: logDirs });
    },
    async start() {
      const logs = made.manager();
      await settled(clock, logs.start());
      return logs;
    },
  };
  return made;
}

export function topicConfig(overrides: Readonly<Record<string, string>>): LogConfig {
  return logConfig(new Map(Object.entries(overrides)));
}

function manager(
  disk: Disk,
  clock: Clock,
  owner: { topicConfig: LogConfig; said?: string[] },
  config: Partial<Configs>,
  { logDirs = LOG_DIRS, sliceLimits }: FixtureOptions = {},
): LogManager {
  const diagnostics = complaintsTo(owner);
  const journal = createJournal(clock, diagnostics);
  const configs = { ...MANAGER_CONFIG, ...config };
  return new LogManager({
    disk,
    clock,
    random: simulatedRandom(7),
    diagnostics,
    directories: new LogDirectories({ disk, diagnostics, journal, paths: logDirs }),
    journal,
    metrics: createMetrics(),
    config: configs,
    liveConfig: new LiveValue(configs),
    topicConfig: () => owner.topicConfig,
    workers: workersInPlace(clock),
    ...(sliceLimits !== undefined && { sliceLimits }),
  });
}

function complaintsTo(owner: { said?: string[] }): Diagnostics {
  return recordingDiagnostics((level, message) => {
    if (level === 'warn' || level === 'error') owner.said?.push(message);
  });
}

/** Lets the clock run, without time passing, until the promise is settled. */
async function settled<T>(clock: SimulatedClock, promise: Promise<T>): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => {});
  while (!done) await clock.runUntil(clock.nowMs());
  return watched;
}

export interface Simple extends Omit<Partial<BatchInput>, 'records'> {
  readonly timestampMs?: Int64;
}

/** A batch with one record for each value; `key=value` sets both. */
export function batch(values: readonly string[], { timestampMs = 1000, ...input }: Simple = {}): Buffer {
  return buildBatch({
    ...input,
    records: values.map((text) => {
      const [key, value] = text.includes('=') ? text.split('=') : [null, text];
      return {
        timestampMs,
        key: key == null ? null : Buffer.from(key),
        value: value === 'null' ? null : Buffer.from(value ?? ''),
      };
    }),
  });
}

/** Appends as a client of an up-to-date version would. */
export function append(
  log: PartitionLog,
  values: readonly string[],
  input: Simple & { epoch?: number } = {},
) {
  const { epoch = 0, ...rest } = input;
  return log.appendAsLeader(batch(values, rest), { leaderEpoch: epoch, origin: 'client', apiVersion: 9 });
}

/** All records of [from, upTo) as `offset:value`, read through read() in small bites. */
export function contents(log: PartitionLog, from = log.startOffset, upTo = log.endOffset): string[] {
  const found: string[] = [];
  for (let offset = from; ; ) {
    const result = log.read({ offset, maxBytes: 300, upToOffset: upTo, minOneBatch: true });
    if (isError(result)) throw new Error(`read at ${offset} failed with ${result}`);
    for (const at of completeBatches(result.bytes)) {
      for (const record of readRecords(result.bytes, at)) {
        if (record.offset < offset) continue;
        found.push(`${record.offset}:${record.value === null ? 'null' : record.value.toString()}`);
      }
    }
    result.release();
    if (result.nextOffset === offset) return found;
    offset = result.nextOffset;
  }
}

export async function freshLog(topic: Readonly<Record<string, string>> = {}): Promise<PartitionLog> {
  const logs = await fixture(topic).start();
  return logs.create('topic', 0, { isNew: true, topicId: null });
}

export function follow(
  log: PartitionLog,
  values: readonly string[],
  baseOffset: number,
  leaderEpoch = 0,
): void {
  log.appendAsFollower(batch(values, { baseOffset, leaderEpoch }));
}
