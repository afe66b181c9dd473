/**
 * How many bytes a second replication may move of the replicas that are throttled. What is moved counts
 * also when it goes beyond; who asks before it moves more waits until the rate is down again.
 * Source: kafka.server.ReplicationQuotaManager.
 */
import { SampledRate, type SampleWindow } from './sampled-rate.ts';

const EVERY_REPLICA = '*';

export class ReplicationQuota {
  readonly #rate: SampledRate;
  /** Bytes a second. */
  limit: number;

  constructor(window: SampleWindow, limit: number) {
    this.#rate = new SampledRate(window, 'elapsed');
    this.limit = limit;
  }

  record(sizeBytes: number, nowMs: number): void {
    this.#rate.record(sizeBytes, nowMs);
  }

  rate(nowMs: number): number {
    return this.#rate.rate(nowMs);
  }

  isExceeded(nowMs: number): boolean {
    return this.limit < Number.MAX_SAFE_INTEGER && this.#rate.rate(nowMs) > this.limit;
  }
}

/** Whether a list of `partition:broker`, or `*`, names a replica. */
export function namesReplica(replicas: readonly string[], partition: number, brokerId: number): boolean {
  if (replicas.length === 0) return false;
  return replicas.includes(EVERY_REPLICA) || replicas.includes(`${partition}:${brokerId}`);
}
