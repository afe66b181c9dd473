/**
 * The customers, each of them once: numbered, spread over the partitions in turn, so many a second until it
 * is told to stop. Idempotent, with acks=all, and one partition a request: kafkajs forgets records of a
 * request, or sends them twice, when the leader of one of its partitions moves while another has answered.
 */
import type { Kafka, Producer } from 'kafkajs';
import { CUSTOMERS, PARTITIONS } from './payments.ts';

const TICK_MS = 50;

export const customerName = (number: number): string => `customer ${number}`;

export class Customers {
  readonly #producer: Producer;
  readonly #perSecond: number;
  /** How many each partition has, acknowledged: its offsets are 0, 1, 2, … */
  readonly counts = Array.from({ length: PARTITIONS }, () => 0);
  #running = true;
  #sending: Promise<void> | null = null;

  constructor(kafka: Kafka, perSecond: number) {
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#perSecond = perSecond;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#sending = this.#send();
  }

  /** Ends after what is under way has been acknowledged. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#sending;
    await this.#producer.disconnect();
  }

  async #send(): Promise<void> {
    const some = Math.max(1, Math.round((this.#perSecond * TICK_MS) / 1000));
    let dueMs = performance.now();
    for (let partition = 0; this.#running; partition = (partition + 1) % PARTITIONS) {
      const messages = Array.from({ length: some }, (_, index) => {
        const name = customerName(this.count + index);
        return { partition, key: name, value: name };
      });
      await this.#producer.send({ topic: CUSTOMERS, acks: -1, messages });
      this.counts[partition] = (this.counts[partition] ?? 0) + some;
      // What a dead leader held up is not made up for: the rate is for watching, not for measuring.
      dueMs = Math.max(dueMs + (some / this.#perSecond) * 1000, performance.now());
      await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
    }
  }
}
