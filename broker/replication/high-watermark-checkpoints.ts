/**
 * Writes the high watermarks of all hosted partitions to replication-offset-checkpoint now and then, so
 * that a broker that comes back knows how much of its logs was committed. Not before it has first been told
 * what to lead or to follow, nor in the middle of that: till then the old checkpoint knows more than we do. Source: KAFKA-1647; Kafka's
 * ReplicaManager.checkpointHighWatermarks.
 */

import { StorageError } from '../log/files/storage-error.ts';
import type { LogManager } from '../log/log-manager.ts';
import { type Clock, every, type Timer } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { PartitionKey } from '../types.ts';
import type { HostedPartitions } from './hosted-partitions.ts';

interface HighWatermarkCheckpointsOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly logs: LogManager;
  readonly hosted: HostedPartitions;
  /** `replica.high.watermark.checkpoint.interval.ms` */
  readonly intervalMs: number;
}

export class HighWatermarkCheckpoints {
  readonly #options: HighWatermarkCheckpointsOptions;
  /**
   * null until this broker was first told what to host: nothing is written before. Stays after `stop`,
   * for the last write.
   */
  #timer: Timer | null = null;
  /** A part of what this broker hosts has still to be taken up. */
  #isHeld = false;

  constructor(options: HighWatermarkCheckpointsOptions) {
    this.#options = options;
  }

  /** Begins; later calls do nothing. */
  start(): void {
    if (this.#timer !== null) return;
    const { clock, intervalMs, diagnostics } = this.#options;
    this.#timer = every(
      clock,
      intervalMs,
      () => this.#write('in-background'),
      (error) => diagnostics.error('High watermarks could not be checkpointed', error),
    );
  }

  /** Nothing is written while it is held, also at the end: what is not taken up yet would be forgotten. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Writes them now, if this broker has been told what it hosts. */
  write(): void {
    this.#write('now');
  }

  #write(when: 'now' | 'in-background'): void {
    if (this.#timer === null || this.#isHeld) return;
    const { hosted, logs, diagnostics } = this.#options;
    const offsets = new Map<PartitionKey, number>();
    for (const { key, log } of hosted.all()) if (log !== null) offsets.set(key, log.highWatermark);
    try {
      logs.writeHighWatermarks(offsets, when);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      diagnostics.error('High watermarks could not be checkpointed', error); // its directory is offline now
    }
  }
}
