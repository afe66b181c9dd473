/**
 * The same application without transactions: a payment is acknowledged, and some time later its customer's
 * offset is committed. Who dies in between has paid customers whom the next process pays again.
 */
import type { Kafka } from 'kafkajs';
import { type Pay, paymentsTopic } from './payments.ts';

const TOPIC = paymentsTopic('at-least-once');

/** With one producer for all partitions of the process. */
export async function payAtLeastOnce(kafka: Kafka): Promise<Pay> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  return async ({ batch, resolveOffset, heartbeat, isRunning, isStale }, tell) => {
    const last = batch.messages.at(-1);
    if (!isRunning() || isStale() || last === undefined) return;
    const { partition } = batch;
    const begunWallMs = Date.now();
    const messages = batch.messages.map(({ key, value }) => ({
      partition,
      key,
      value: `bonus for ${value}`,
    }));
    await producer.send({ topic: TOPIC, acks: -1, messages });
    tell({ type: 'written', partition, begunWallMs });
    resolveOffset(last.offset);
    tell({ type: 'paid', partition, begunWallMs });
    await heartbeat();
  };
}
