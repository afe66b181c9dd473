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
}

/** The batches that throughput tests use; clients' own defaults are so small that they measure the client. */
export const BATCH_BYTES = 131_072;
export const LINGER_MS = 5;

export interface ProduceResult {
  readonly recordsPerSecond: number;
  readonly mbPerSecond: number;
  readonly p99Ms: number;
}

export interface ConsumeLoad {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly recordSizeBytes: number;
}

export interface Consumed {
  readonly mbPerSecond: number;
}

export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}
