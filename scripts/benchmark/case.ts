/** What a case is: a name to ask for, the cluster it needs, and numbers that come out. */

import type {
  AtRate,
  Consumed,
  ConsumeLoad,
  Latencies,
  LatencyLoad,
  Produced,
  ProduceLoad,
  Transacted,
  TransactionLoad,
} from './loads.ts';
import type { Plan } from './plan.ts';
import type { RunningCluster } from './systems/broker-processes.ts';
import type { System } from './systems/systems.ts';
import type { Wire } from './systems/wire.ts';
import type { Finished, Workplace } from './workplace.ts';

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

/** Foreign clients that make a load. */
export interface LoadClient {
  produce(load: ProduceLoad): Promise<Produced>;
  consume(load: ConsumeLoad): Promise<Consumed>;
}

export interface LatencyClient {
  /** One record at a time. */
  latency(load: LatencyLoad): Promise<{ ack: Latencies; endToEnd: Latencies }>;
  /** So many each second, whether they are answered or not. */
  atRate(load: LatencyLoad & AtRate): Promise<{ ack: Latencies; endToEnd: Latencies }>;
  /** Transactions of one producer, one after the other. */
  transactions(load: TransactionLoad): Promise<Transacted>;
}

/** Kafka's tools in Java, the program in C, and a compiler for the latency probes. */
export type Need = 'java' | 'c' | 'javac';

/** What was seen while the cluster of a case came up. */
export interface StartFacts {
  readonly firstAcknowledgedMs: number;
  /** Without any client; null when no case of the group asks for it. */
  readonly idle: IdleFacts | null;
}

export interface IdleFacts {
  readonly mib: number;
  /** CPU milliseconds per second. */
  readonly cpuMs: number;
}

/** How clients on librdkafka reach the second listeners. */
interface Access {
  readonly bootstrapServers: string;
  readonly clientConfigs: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly system: string;
  readonly brokers: number;
  readonly bootstrapServers: string;
  readonly sessionTimeoutMs: number;
  readonly cluster: RunningCluster;
  readonly wire: Wire;
  readonly started: StartFacts;
  readonly clients: Readonly<Partial<Record<'java' | 'c', LoadClient>>>;
  readonly latencyClient: LatencyClient | null;
  /** How clients reach the listeners with TLS; null where there are none. */
  readonly tls: Access | null;
  /** The same of each user that can log in. */
  readonly logins: Readonly<Record<string, Access>>;
  /** How many records of which size. */
  readonly plan: Plan;
  progress(message: string): void;
  /** A client of the case's own; killed when it takes longer. */
  run(command: readonly string[], limitMs: number): Promise<Finished>;
  /** CPU seconds of all brokers so far. */
  brokerCpuSeconds(): number;
  /** The most that all brokers together ever held. */
  peakMib(): number;
}

export type Values = Readonly<Record<string, number>>;

interface CaseFacts {
  readonly name: string;
  readonly title: string;
  /** Cases of one group run on the same cluster, one after the other. */
  readonly group: string;
  readonly brokers: number;
  /** The client it can't do without. */
  readonly needs: Need | null;
  readonly sessionTimeoutMs?: number;
  /** Of the brokers, besides those that all clusters have; the same for all cases of a group. */
  readonly properties?: Readonly<Record<string, string>>;
  /** The brokers have listeners with TLS as well; the same for all cases of a group. */
  readonly tls?: true;
  /** The brokers have listeners where these users log in; the same for all cases of a group, and none with TLS. */
  readonly users?: readonly string[];
  /** Not part of a run without --cases. */
  readonly onRequest?: true;
  readonly metrics: Readonly<Record<string, Metric>>;
}

/** On a cluster that it shares with the rest of its group. */
export interface StagedCase extends CaseFacts {
  /** It asks what the cluster takes before the first client comes, which takes some seconds to see. */
  readonly idle?: true;
  /** A number for each of the metrics; throws when a client reports an error or a count is wrong. */
  run(stage: Stage): Promise<Values>;
}

/** What is measured is how a cluster comes up: it starts its own. */
export interface LoneCase extends CaseFacts {
  /** null: this system has nothing of the kind. */
  alone(site: { readonly system: System; readonly workplace: Workplace }): Promise<Values | null>;
}

export type BenchmarkCase = StagedCase | LoneCase;
