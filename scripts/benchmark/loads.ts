/** What is asked of a client that makes a load, and what it tells afterwards. */

export interface ProduceLoad {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly records: number;
  readonly recordSizeBytes: number;
  /** `1`, `all`, … */
  readonly acks: string;
  readonly compression: string;
  readonly lingerMs?: number;
  readonly batchBytes?: number;
  /** Producers side by side, if the client can do that. */
  readonly connections?: number;
  /** Of each producer: records that are sent and not acknowledged. */
  readonly maxInFlight?: number;
  /** So many partitions, all that the topic has, take turns with a batch each, if the client can do that. */
  readonly evenlyOver?: number;
  /** More of its configs, if it is librdkafka. */
  readonly clientConfigs?: Readonly<Record<string, string>>;
}

/** The batches that throughput tests use; clients' own defaults are so small that they measure the client. */
export const BATCH_BYTES = 131_072;
export const LINGER_MS = 5;

export interface Produced {
  readonly recordsPerSecond: number;
  readonly mbPerSecond: number;
  readonly p99Ms: number;
}

export interface ConsumeLoad {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitions: number;
  /** All that the topic holds, or will hold. */
  readonly records: number;
  readonly recordSizeBytes: number;
  readonly clientConfigs?: Readonly<Record<string, string>>;
}

export interface Consumed {
  readonly mbPerSecond: number;
  /** When the last record came, by the clock on the wall. */
  readonly endedWallMs: number;
}

export interface LatencyLoad {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly records: number;
  readonly acks: string;
  readonly recordSizeBytes: number;
}

export interface AtRate {
  readonly recordsPerSecond: number;
  /** Sent at the same rate before anything counts. */
  readonly warmUpRecords: number;
}

/** `records` is the number of transactions. */
export interface TransactionLoad extends LatencyLoad {
  readonly recordsPerTransaction: number;
  readonly partitions: number;
  /** Before anything counts. */
  readonly warmUpTransactions: number;
}

export interface Transacted {
  readonly transactionsPerSecond: number;
  /** From the last acknowledged record to the end of the commit. */
  readonly commit: Latencies;
}

/** In milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const BASE_LIMIT_MS = 120_000;
const SLOWEST_BYTES_PER_MS = 1000;
const SLOWEST_RECORDS_PER_MS = 5;

/** When a client that moves so many records is taken for dead. */
export function clientLimitMs(records: number, recordSizeBytes: number): number {
  return (
    BASE_LIMIT_MS + (records * recordSizeBytes) / SLOWEST_BYTES_PER_MS + records / SLOWEST_RECORDS_PER_MS
  );
}
