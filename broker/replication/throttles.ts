/**
 * Replication throttles: what this broker sends as a leader, and what it takes as a follower, of replicas
 * that their topic names as throttled. Only replicas that are not in sync are held back, so that a
 * reassignment does not crowd out clients and in-sync replicas; but those count too.
 * Source: kafka.server.ReplicationQuotaManager, ReplicaManager.shouldLeaderThrottle, KIP-73.
 */
import type { BrokerConfig, FixedConfig } from '../config/broker-config.ts';
import type { Live } from '../config/live.ts';
import type { LogConfig } from '../config/topic-config.ts';
import type { Clock } from '../platform/clock.ts';
import type { Metrics } from '../platform/metrics.ts';
import { namesReplica, ReplicationQuota } from '../quotas/replication-quota.ts';
import type { BrokerId } from '../types.ts';
import type { Partition } from './partition.ts';

/** How often those that were held back are looked at again. */
export const THROTTLE_CHECK_MS = 100;

export interface Throttle {
  /** Whether what is moved of this partition counts. */
  isThrottled(partition: Partition): boolean;
  record(sizeBytes: number): void;
  isExceeded(): boolean;
}

interface ThrottleOptions {
  readonly brokerId: BrokerId;
  readonly config: Pick<FixedConfig, 'replicationQuotaWindowNum' | 'replicationQuotaWindowSizeSeconds'>;
  readonly liveConfig: Live<
    Pick<BrokerConfig, 'leaderReplicationThrottledRate' | 'followerReplicationThrottledRate'>
  >;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface ReplicationThrottles {
  readonly leader: Throttle;
  readonly follower: Throttle;
  /** The rates are not followed any more. */
  stop(): void;
}

export function replicationThrottles(options: ThrottleOptions): ReplicationThrottles {
  const { liveConfig } = options;
  const { now } = liveConfig;
  const leader = new Side(options, 'leader', now.leaderReplicationThrottledRate);
  const follower = new Side(options, 'follower', now.followerReplicationThrottledRate);
  const stop = liveConfig.onChange((changed) => {
    leader.quota.limit = changed.leaderReplicationThrottledRate;
    follower.quota.limit = changed.followerReplicationThrottledRate;
  });
  return { leader, follower, stop };
}

const REPLICAS_OF = {
  leader: (config: LogConfig) => config.leaderReplicationThrottledReplicas,
  follower: (config: LogConfig) => config.followerReplicationThrottledReplicas,
};

class Side implements Throttle {
  readonly quota: ReplicationQuota;
  readonly #brokerId: BrokerId;
  readonly #clock: Clock;
  readonly #replicasOf: (config: LogConfig) => readonly string[];

  constructor(options: ThrottleOptions, side: keyof typeof REPLICAS_OF, limit: number) {
    const { brokerId, clock, config, metrics } = options;
    const { replicationQuotaWindowNum: samples, replicationQuotaWindowSizeSeconds: seconds } = config;
    this.quota = new ReplicationQuota({ samples, sampleMs: seconds * 1000 }, limit);
    this.#brokerId = brokerId;
    this.#clock = clock;
    this.#replicasOf = REPLICAS_OF[side];
    metrics.gauge(
      `kafka_server_${side}replication_byte_rate`,
      `Bytes a second of throttled replicas, as a ${side}`,
      () => this.quota.rate(clock.nowMs()),
    );
  }

  isThrottled({ log, partition }: Partition): boolean {
    return log !== null && namesReplica(this.#replicasOf(log.config), partition, this.#brokerId);
  }

  record(sizeBytes: number): void {
    this.quota.record(sizeBytes, this.#clock.nowMs());
  }

  isExceeded(): boolean {
    return this.quota.isExceeded(this.#clock.nowMs());
  }
}
