/**
 * Who was paid how often, read from the topic of payments. When all payments are made, a record at the end
 * of each partition tells the reader that there is no more.
 */
import type { Kafka } from 'kafkajs';
import { customerName } from './customers.ts';
import { type Manner, PARTITIONS, paymentsTopic } from './payments.ts';

const END = 'end';

export interface Ledger {
  readonly payments: number;
  /** Written in transactions that were aborted: only who reads uncommitted data sees them. */
  readonly aborted: number;
  readonly paidOnce: number;
  readonly paidMore: number;
  readonly unpaid: number;
  /** Payments to nobody of the customers. */
  readonly strange: number;
}

/** Reads all payments of a manner; nobody may write any more. */
export async function readLedger(
  kafka: Kafka,
  { manner, customers, timeoutMs }: { manner: Manner; customers: number; timeoutMs: number },
): Promise<Ledger> {
  await writeEnds(kafka, paymentsTopic(manner));
  const committed = await readPayments(kafka, manner, { readUncommitted: false, timeoutMs });
  const written = await readPayments(kafka, manner, { readUncommitted: true, timeoutMs });
  return { ...balance(committed, customers), aborted: written.length - committed.length };
}

/** What the values of payments say about customers 0, 1, 2, … */
export function balance(payments: readonly string[], customers: number): Omit<Ledger, 'aborted'> {
  const counts = new Map<string, number>();
  for (const payment of payments) counts.set(payment, (counts.get(payment) ?? 0) + 1);
  let [paidOnce, paidMore] = [0, 0];
  for (let number = 0; number < customers; number++) {
    const count = counts.get(`bonus for ${customerName(number)}`) ?? 0;
    if (count === 1) paidOnce++;
    else if (count > 1) paidMore++;
  }
  const unpaid = customers - paidOnce - paidMore;
  return {
    payments: payments.length,
    paidOnce,
    paidMore,
    unpaid,
    strange: counts.size - paidOnce - paidMore,
  };
}

async function writeEnds(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: END }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

/** The values of all payments, up to the end of each partition. */
async function readPayments(
  kafka: Kafka,
  manner: Manner,
  { readUncommitted, timeoutMs }: { readUncommitted: boolean; timeoutMs: number },
): Promise<string[]> {
  const topic = paymentsTopic(manner);
  const groupId = `ledger-of-${topic}-${readUncommitted ? 'un' : ''}committed`;
  const consumer = kafka.consumer({ groupId, readUncommitted, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  const ended = new Set<number>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const left = (): string => `${PARTITIONS - ended.size} partitions of ${topic}`;
      const timer = setTimeout(
        () => reject(new Error(`${left()} could not be read to their end within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const eachMessage = ({
        partition,
        message,
      }: {
        partition: number;
        message: { value: Buffer | null };
      }) => {
        const value = String(message.value);
        if (value === END) ended.add(partition);
        else values.push(value);
        if (ended.size === PARTITIONS) {
          clearTimeout(timer);
          resolve();
        }
        return Promise.resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return values;
}
