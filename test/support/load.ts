/**
 * A producer that never stops: numbers every record of each partition, keeps what was acknowledged, and
 * afterwards a reader that checks that exactly those came out, once and in order. Both are an ordinary
 * Kafka client (kafkajs), idempotent and with acks=all.
 */
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs';

const RECORDS_PER_REQUEST = 20;
/** Enough to outlast any session timeout of a test. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 };

interface Acknowledgement {
  readonly partition: number;
  readonly atMs: number;
}

export class Load {
  readonly topic: string;
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  readonly #partitions: number;
  /** How many records of each partition are acknowledged; record n has the value n. */
  readonly acknowledged: number[];
  #running = false;
  #loops: Promise<void>[] = [];
  #onAcknowledged: (ack: Acknowledgement) => void = () => {};

  constructor(options: { bootstrapServers: string; topic: string; partitions: number }) {
    this.topic = options.topic;
    this.#partitions = options.partitions;
    this.acknowledged = Array.from({ length: options.partitions }, () => 0);
    this.#kafka = new Kafka({
      clientId: 'load',
      brokers: options.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: RETRY,
    });
    this.#producer = this.#kafka.producer({ idempotent: true, retry: RETRY });
  }

  async createTopic(replicationFactor: number): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: this.topic, numPartitions: this.#partitions, replicationFactor }],
    });
    await admin.disconnect();
  }

  async deleteTopic(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [this.topic] });
    await admin.disconnect();
  }

  /** Names of all topics, as some broker knows them. */
  async topics(): Promise<string[]> {
    const admin = this.#kafka.admin();
    await admin.connect();
    const names = await admin.listTopics();
    await admin.disconnect();
    return names;
  }

  /** Partitions led by a broker, by an ordinary metadata request. */
  async ledBy(brokerId: number): Promise<number[]> {
    const admin = this.#kafka.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [this.topic] });
    await admin.disconnect();
    return (topics[0]?.partitions ?? [])
      .filter((each) => each.leader === brokerId)
      .map((each) => each.partitionId);
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#running = true;
    this.#loops = this.acknowledged.map((_, partition) => this.#produce(partition));
  }

  get total(): number {
    return this.acknowledged.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves with the first acknowledgement from now on that `matches`. */
  nextAcknowledgement(matches: (ack: Acknowledgement) => boolean): Promise<Acknowledgement> {
    return new Promise((resolve) => {
      this.#onAcknowledged = (ack) => {
        if (!matches(ack)) return;
        this.#onAcknowledged = () => {};
        resolve(ack);
      };
    });
  }

  /** Ends the load after what is under way has been acknowledged. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    await this.#producer.disconnect();
  }

  /** Reads everything back; null when it is exactly what was acknowledged, else what is wrong. */
  async verify(timeoutMs: number): Promise<string | null> {
    const consumer = this.#kafka.consumer({
      groupId: `${this.topic}-check`,
      sessionTimeout: 10_000,
      maxWaitTimeInMs: 250,
    });
    await consumer.connect();
    await consumer.subscribe({ topic: this.topic, fromBeginning: true });
    try {
      return await this.#check(consumer, timeoutMs);
    } finally {
      await consumer.disconnect();
    }
  }

  async #produce(partition: number): Promise<void> {
    while (this.#running) {
      const first = this.acknowledged[partition] ?? 0;
      const messages = Array.from({ length: RECORDS_PER_REQUEST }, (_, index) => ({
        partition,
        value: String(first + index),
      }));
      await this.#producer.send({ topic: this.topic, acks: -1, messages });
      this.acknowledged[partition] = first + RECORDS_PER_REQUEST;
      this.#onAcknowledged({ partition, atMs: performance.now() });
    }
  }

  #check(consumer: Consumer, timeoutMs: number): Promise<string | null> {
    const next = this.acknowledged.map(() => 0);
    let left = this.total;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => resolve(`${left} of ${this.total} records did not come within ${timeoutMs} ms`),
        timeoutMs,
      );
      const finish = (problem: string | null): void => {
        clearTimeout(timer);
        resolve(problem);
      };
      consumer
        .run({
          eachMessage: ({ partition, message }) => {
            const value = Number(message.value?.toString());
            const expected = next[partition] ?? 0;
            if (value !== expected)
              finish(
                `partition ${partition}, offset ${message.offset}: record ${value} where ${expected} was expected`,
              );
            next[partition] = expected + 1;
            left--;
            if (left === 0) finish(null);
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
  }
}
