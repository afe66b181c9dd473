/** A producer of kafkajs that never stops by itself, and writes down what it is told of each record. */
import type { Producer, ProducerConfig, Transaction } from 'kafkajs';
import type { Random } from '../../../broker/platform/random.ts';
import { simulatedRandom } from '../../../test/support/simulated-random.ts';
import { clientOf, HistoryFile, type JobOptions, nameOf, pause } from './kafkajs-history.ts';

interface Send {
  readonly id: number;
  readonly partition: number;
  readonly transaction?: number;
}

const PAUSE_MS = 50;
const AGAIN_MS = 100;
const PATIENT = { initialRetryTime: 50, maxRetryTime: 500, retries: 60 };
/** Each attempt is the program's own. */
const PLAIN = { retry: { retries: 0 } };
/** Of a transaction: what takes longer is given up, and its id taken up again. */
const BRIEF = { initialRetryTime: 50, maxRetryTime: 500, retries: 6 };
/** kafkajs asks whoever is silent again and again, unless what it knows of leaders is old. */
const METADATA_AGE_MS = 2000;
const TRANSACTION_TIMEOUT_MS = 10_000;

export class Writer {
  readonly #options: JobOptions;
  readonly #history: HistoryFile;
  readonly #random: Random;
  /**
   * They send requests that are empty, and take the answers for acknowledgements: when a connection is lost while
   * metadata is on its way for somebody else, kafkajs takes the object of one broker for that of another as well
   * (brokerPool.js: refreshMetadata goes by the seed broker of before, and changes that of now), for good.
   */
  readonly #confused = new WeakSet<Producer | Transaction>();
  #nextId = 0;
  #isStopping = false;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#history = new HistoryFile(options, 'writer');
    this.#random = simulatedRandom(options.seed);
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(): Promise<void> {
    const { mode, partitions } = this.#options;
    const each = Array.from({ length: partitions }, (_, partition) => partition);
    if (mode === 'plain') {
      const shared = { producer: await this.#connected(PLAIN) };
      await Promise.all(each.map((partition) => this.#sendAgainAndAgain(shared, partition)));
      await shared.producer.disconnect();
    } else if (mode === 'idempotent') await Promise.all(each.map((partition) => this.#sendOnce(partition)));
    else await this.#transact();
    this.#history.close();
  }

  /** Connecting has the patience that sending may not have. */
  async #connected(config: ProducerConfig): Promise<Producer> {
    for (;;) {
      const producer = clientOf(this.#options).producer({
        allowAutoTopicCreation: false,
        metadataMaxAge: METADATA_AGE_MS,
        ...config,
      });
      try {
        await producer.connect();
        return producer;
      } catch {
        await pause(AGAIN_MS);
      }
    }
  }

  /** Without idempotence: each attempt is the program's own, so that its outcome is known. */
  async #sendAgainAndAgain(shared: { producer: Producer }, partition: number): Promise<void> {
    let ids = this.#newIds();
    while (!this.#isStopping) {
      const { producer } = shared;
      const isTold = await this.#send(producer, ids, { partition });
      if (this.#confused.delete(producer)) {
        // Whoever is first of those who share it: the others go on with the old one meanwhile.
        shared.producer = await this.#connected(PLAIN);
        await producer.disconnect().catch(() => {});
      }
      if (isTold) ids = this.#newIds();
      await pause(isTold ? PAUSE_MS : AGAIN_MS);
    }
  }

  /**
   * A producer for each partition. One whose retries are used up is not used again: kafkajs would give the
   * next records the same numbers, and a broker that has the former ones takes these for them.
   */
  async #sendOnce(partition: number): Promise<void> {
    const config = { idempotent: true, retry: PATIENT };
    let producer = await this.#connected(config);
    while (!this.#isStopping) {
      const isTold = await this.#send(producer, this.#newIds(), { partition });
      await pause(PAUSE_MS);
      if (isTold) continue;
      await producer.disconnect().catch(() => {});
      producer = await this.#connected(config);
    }
    await producer.disconnect();
  }

  async #transact(): Promise<void> {
    let producer: Producer | null = null;
    for (let transaction = 0; !this.#isStopping; transaction++) {
      producer ??= await this.#transactional();
      const isReusable = await this.#oneTransaction(producer, transaction).catch(() => false);
      if (!isReusable) {
        await producer.disconnect().catch(() => {});
        producer = null;
      }
      await pause(isReusable ? PAUSE_MS : AGAIN_MS);
    }
    // An open transaction would hold readers up: whoever takes up the id ends it.
    if (producer === null) {
      producer = await this.#transactional();
      await (await producer.transaction()).abort();
    }
    await producer.disconnect();
  }

  #transactional(): Promise<Producer> {
    return this.#connected({
      transactionalId: this.#options.topic,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      retry: BRIEF,
    });
  }

  /**
   * Whether its producer may be used again: its end is known, and every send was acknowledged. After one that
   * was not, kafkajs gives the next records the same numbers, and a broker that has the former ones, of a
   * transaction that was aborted, takes these for them. Whoever takes up the id has numbers of its own.
   */
  async #oneTransaction(producer: Producer, number: number): Promise<boolean> {
    const transaction = await producer.transaction();
    let isComplete = true;
    for (let left = 1 + this.#random.int(3); left > 0 && isComplete; left--) {
      const partition = this.#random.int(this.#options.partitions);
      isComplete = await this.#send(transaction, this.#newIds(), { partition, transaction: number });
    }
    const isTold = isComplete;
    if (isComplete) isComplete = await this.#sendOffset(transaction, number);
    const deed = isComplete && this.#random.int(5) > 0 ? 'commit' : 'abort';
    this.#history.write('invoke', deed, { transaction: number });
    try {
      await transaction[deed]();
      this.#history.write('ok', deed, { transaction: number });
      return isTold;
    } catch (error) {
      this.#history.write('info', deed, { transaction: number, error: nameOf(error) });
      return false;
    }
  }

  /** The transaction's number as an offset of a group; whether that was acknowledged. */
  async #sendOffset(transaction: Transaction, number: number): Promise<boolean> {
    const { topic } = this.#options;
    const topics = [{ topic, partitions: [{ partition: 0, offset: String(number) }] }];
    try {
      await transaction.sendOffsets({ consumerGroupId: `${topic}-transactions`, topics });
      return true;
    } catch {
      return false;
    }
  }

  /** All to one partition, in one request; whether they were acknowledged. */
  async #send(
    through: Producer | Transaction,
    ids: readonly number[],
    where: Omit<Send, 'id'>,
  ): Promise<boolean> {
    const { topic, mode } = this.#options;
    for (const id of ids) this.#history.write('invoke', 'send', { id, ...where });
    const { partition } = where;
    const messages = ids.map((id) => ({ partition, value: `${topic}/${id}` }));
    try {
      const [told] = await through.send({ topic, acks: -1, timeout: 3000, messages });
      if (told === undefined) {
        this.#confused.add(through);
        for (const id of ids)
          this.#history.write('info', 'send', { id, ...where, error: 'nothing was sent' });
        return false;
      }
      const first = Number(told.baseOffset);
      for (const [index, id] of ids.entries())
        this.#history.write('ok', 'send', { id, ...where, offset: first + index });
      return true;
    } catch (error) {
      const name = nameOf(error);
      const type = mode === 'plain' && name === 'NOT_ENOUGH_REPLICAS' ? 'fail' : 'info';
      for (const id of ids) this.#history.write(type, 'send', { id, ...where, error: name });
      return false;
    }
  }

  #newIds(): number[] {
    return Array.from({ length: 1 + this.#random.int(3) }, () => this.#nextId++);
  }
}
