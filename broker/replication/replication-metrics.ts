/**
 * What replication tells its operator, under the names Kafka's JMX exporter gives them.
 */
import { int64Difference } from '../int64.ts';
import type { Clock } from '../platform/clock.ts';
import type { Counter, Metrics } from '../platform/metrics.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';
import type { WaitingRooms } from './requests/waiting-rooms.ts';
import type { Follower } from './stream/follower.ts';
import type { ReplicaStreams } from './stream/replica-streams.ts';

/** What a coordinator may take to find a transaction that has timed out. Source: Kafka's ProducerStateManager. */
const LATE_TRANSACTION_GRACE_MS = 5 * 60_000;
const PREFIX = 'kafka_server_replicamanager_';
const BYTES_PREFIX = 'kafka_server_brokertopicmetrics_';

export interface ReplicationCounters {
  readonly isrShrinks: Counter;
  readonly isrExpands: Counter;
  readonly failedIsrUpdates: Counter;
  readonly replicationBytesIn: Counter;
  readonly replicationBytesOut: Counter;
}

/** Registers the counters, which grow as things happen. */
export function replicationCounters(metrics: Metrics): ReplicationCounters {
  return {
    isrShrinks: metrics.counter(`${PREFIX}isrshrinks_total`, 'Times a replica was dropped from an ISR'),
    isrExpands: metrics.counter(`${PREFIX}isrexpands_total`, 'Times a replica joined an ISR'),
    failedIsrUpdates: metrics.counter(`${PREFIX}failedisrupdates_total`, 'ISR changes that were refused'),
    replicationBytesIn: metrics.counter(
      `${BYTES_PREFIX}replicationbytesin_total`,
      'Record bytes received from leaders',
    ),
    replicationBytesOut: metrics.counter(
      `${BYTES_PREFIX}replicationbytesout_total`,
      'Record bytes sent to followers',
    ),
  };
}

export function countIsrChange(counters: ReplicationCounters, change: 'expand' | 'shrink' | 'failed'): void {
  if (change === 'expand') counters.isrExpands.add();
  else if (change === 'shrink') counters.isrShrinks.add();
  else counters.failedIsrUpdates.add();
}

interface MeasuredParts {
  readonly clock: Pick<Clock, 'wallMs'>;
  /** `transaction.max.timeout.ms` */
  readonly maxTransactionTimeoutMs: number;
  readonly hosted: HostedPartitions;
  readonly follower: Follower;
  readonly streams: ReplicaStreams;
  readonly waiting: WaitingRooms;
}

/** Registers the gauges, which look when they are asked. */
export function registerReplicationGauges(metrics: Metrics, parts: MeasuredParts): void {
  const { hosted } = parts;
  const counting = (counts: (partition: Partition) => boolean) => (): number => {
    let count = 0;
    for (const partition of hosted.all()) if (counts(partition)) count += 1;
    return count;
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge(`${PREFIX}${name}`, help, read);
  };
  gauge(
    'partitioncount',
    'Partitions hosted',
    counting(() => true),
  );
  gauge(
    'leadercount',
    'Partitions led',
    counting((partition) => partition.isLeader),
  );
  gauge('offlinereplicacount', 'Replicas in failed log directories', () => hosted.offlineCount);
  gauge(
    'underreplicatedpartitions',
    'Led partitions with replicas out of sync',
    counting((p) => p.isUnderReplicated),
  );
  gauge(
    'underminisrpartitioncount',
    'Led partitions below min.insync.replicas',
    counting((p) => p.isUnderMinIsr),
  );
  gauge(
    'atminisrpartitioncount',
    'Led partitions at min.insync.replicas',
    counting((p) => p.isAtMinIsr),
  );
  gauge(
    'reassigningpartitions',
    'Led partitions that are being moved',
    counting((p) => p.isReassigning),
  );
  const { clock, maxTransactionTimeoutMs } = parts;
  gauge(
    'partitionswithlatetransactionscount',
    'Led partitions with a transaction that should have ended by now',
    counting((p) => p.isLeader && hasLateTransaction(p, clock.wallMs(), maxTransactionTimeoutMs)),
  );
  registerFlowGauges(metrics, parts);
}

/** Its coordinator would have aborted it; what is still open then may hold readers back for ever. */
function hasLateTransaction({ log }: Partition, nowMs: number, maxTimeoutMs: number): boolean {
  const writtenMs = log?.oldestTransactionTimestampMs ?? -1;
  return writtenMs > 0 && int64Difference(nowMs, writtenMs) > maxTimeoutMs + LATE_TRANSACTION_GRACE_MS;
}

/** What flows between brokers, and who waits for it. */
function registerFlowGauges(metrics: Metrics, parts: MeasuredParts): void {
  const { hosted, follower, streams, waiting } = parts;
  metrics.gauge(
    'kafka_server_replicafetchermanager_failedpartitionscount',
    'Followed partitions that stopped',
    () => follower.failedCount,
  );
  metrics.gauge('kafka_server_replicafetchermanager_maxlag', 'Most records a follower lacks', () =>
    maxLag(hosted),
  );
  metrics.gauge(
    'odradek_replication_streams',
    'Replication streams that followers have open',
    () => streams.count,
  );
  const purgatory = 'kafka_server_delayedoperationpurgatory_purgatorysize';
  metrics.gauge(purgatory, 'Requests that wait', () => waiting.produce.size, { delayedoperation: 'Produce' });
  metrics.gauge(purgatory, 'Requests that wait', () => waiting.fetch.size, { delayedoperation: 'Fetch' });
}

function maxLag(hosted: HostedPartitions): number {
  let lag = 0;
  for (const partition of hosted.all()) {
    const endOffset = partition.log?.endOffset ?? 0;
    for (const follower of partition.followers.values()) {
      if (follower.endOffset >= 0) lag = Math.max(lag, endOffset - follower.endOffset);
    }
  }
  return lag;
}
