/** What the parts of the demonstration share: names, the client, and what the processes tell about themselves. */
import { type EachBatchPayload, Kafka, logLevel } from 'kafkajs';

export const CUSTOMERS = 'customers';
/** Enough that each of three processes has work, and that payments go to leaders on every broker. */
export const PARTITIONS = 6;

/** How customers are paid: in transactions, or as most consumers do it. */
export type Manner = 'exactly-once' | 'at-least-once';

/** Each manner has a topic of payments of its own; the group has the same name. */
export const paymentsTopic = (manner: Manner): string => `payments-${manner}`;

/** Whoever pays the customers of a partition writes under this id, whichever process that is. */
export const transactionalId = (partition: number): string => `bonus-${partition}`;

/** Told by a process of the application: payments that are written, and those that are also committed. */
export interface Progress {
  readonly type: 'written' | 'paid';
  /** Of `customers`. */
  readonly partition: number;
  /** When the first of these payments was begun. */
  readonly begunWallMs: number;
}

/** Pays the customers of a batch, or leaves off when the partition goes to another process. */
export type Pay = (batch: EachBatchPayload, tell: (progress: Progress) => void) => Promise<void>;

/** Enough attempts to outlast any session timeout that the demonstration is run with. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 };
const CONNECT_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 5000;

/** An ordinary client that is patient while brokers die. */
export function patientClient(clientId: string, bootstrapServers: string): Kafka {
  return new Kafka({
    clientId,
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
  });
}
