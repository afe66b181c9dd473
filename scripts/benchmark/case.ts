/** What a case is: a name to ask for, the cluster it needs, and numbers that come out. */

import type { Consumed, ConsumeLoad, Latencies, ProduceLoad, ProduceResult } from './loads.ts';
import type { RunningCluster } from './systems.ts';
import type { Wire } from './wire.ts';

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

/** Foreign clients that make a load. */
export interface LoadClient {
  produce(load: ProduceLoad): Promise<ProduceResult>;
  consume(load: ConsumeLoad): Promise<Consumed>;
}

export interface LatencyClient {
  latency(o: {
    bootstrapServers: string;
    topic: string;
    records: number;
    acks: string;
    recordSizeBytes: number;
  }): Promise<{ ack: Latencies; endToEnd: Latencies }>;
}

export type ClientName = 'java' | 'c';

/** What was seen while the cluster of a case came up. */
export interface StartFacts {
  readonly firstAcknowledgedMs: number;
  readonly idleMib: number;
  /** CPU milliseconds per second without any client. */
  readonly idleCpuMs: number;
}

export interface Stage {
  readonly system: string;
  readonly brokers: number;
  readonly bootstrapServers: string;
  readonly sessionTimeoutMs: number;
  readonly cluster: RunningCluster;
  readonly wire: Wire;
  readonly started: StartFacts;
  readonly clients: Readonly<Partial<Record<ClientName, LoadClient>>>;
  readonly latencyClient: LatencyClient | null;
  /** How much of the usual number of records this run sends. */
  readonly share: number;
  readonly givenRecords: number | null;
  readonly seconds: number | null;
  /** Records per second of each case's first warm-up, if `seconds` are given. */
  readonly rates: Map<string, number>;
  readonly recordSizeBytes: number | null;
  progress(message: string): void;
  /** CPU seconds of all brokers so far. */
  brokerCpuSeconds(): number;
  /** The most that all brokers together ever held. */
  peakMib(): number;
}

export interface BenchmarkCase {
  readonly name: string;
  readonly title: string;
  /** Cases of one group run on the same cluster, one after the other. */
  readonly group: string;
  readonly brokers: number;
  /** The client it can't do without. */
  readonly needs: ClientName | null;
  readonly sessionTimeoutMs?: number;
  /** Not part of a run without --cases. */
  readonly onRequest?: true;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** A number for each of the metrics; throws when a client reports an error or a count is wrong. */
  run(stage: Stage): Promise<Readonly<Record<string, number>>>;
}
