/**
 * Payments in transactions: those of a few customers and the offset behind these customers are committed
 * together, or not at all. Who pays is fenced by transactional id. kafkajs does not tell a transaction of
 * which generation of the group its offsets are (KIP-447), so each partition of the input has an id of its
 * own, as Kafka Streams had it before: whoever takes the partition up takes the id up, which ends what its
 * predecessor left open, and only then asks where to go on. A predecessor that still lives is refused from
 * then on. After an error the same is done again: whether the commit was decided is in the offset.
 */
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage, Producer, Transaction } from 'kafkajs';
import { CUSTOMERS, type Pay, type Progress, paymentsTopic, transactionalId } from './payments.ts';

const CUSTOMERS_PER_TRANSACTION = 20;
const TRANSACTION_TIMEOUT_MS = 30_000;
const PAUSE_MS = 100;

const TOPIC = paymentsTopic('exactly-once');
const GROUP = TOPIC;

/** Who pays the customers of one partition. */
interface Payer {
  readonly producer: Producer;
  /** Begun when the id was taken up, for whichever customers come first. */
  first: Transaction | null;
  /** All customers before it are paid. */
  nextOffset: number;
}

/** The payers of a process are those of the partitions that it has. */
export function payExactlyOnce(kafka: Kafka, consumer: Consumer): Pay {
  const payers = new Map<number, Payer>();
  consumer.on('consumer.group_join', ({ payload }) => {
    const assigned = new Set(payload.memberAssignment[CUSTOMERS]);
    for (const partition of payers.keys()) if (!assigned.has(partition)) forget(payers, partition);
  });
  return async (given, tell) => {
    const { messages, partition } = given.batch;
    for (let at = 0; at < messages.length; at += CUSTOMERS_PER_TRANSACTION) {
      const some = messages.slice(at, at + CUSTOMERS_PER_TRANSACTION);
      await untilPaid(given, async () => {
        const payer = payers.get(partition) ?? (await takeUp(kafka, partition));
        payers.set(partition, payer);
        await paySome(payer, { partition, some }, tell).catch((error: unknown) => {
          forget(payers, partition);
          throw error;
        });
      });
      const last = some.at(-1);
      if (!isOurs(given) || last === undefined) return;
      given.resolveOffset(last.offset);
      await given.heartbeat();
    }
  };
}

/** Tries again as long as the partition is this process's. */
async function untilPaid(given: EachBatchPayload, pay: () => Promise<void>): Promise<void> {
  while (isOurs(given)) {
    try {
      return await pay();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await given.heartbeat();
  }
}

function isOurs({ isRunning, isStale }: EachBatchPayload): boolean {
  return isRunning() && !isStale();
}

/**
 * First the id, then the question where to go on: nobody else can move that offset any more. kafkajs takes
 * the id not as it connects, but with its first transaction.
 */
async function takeUp(kafka: Kafka, partition: number): Promise<Payer> {
  const producer = kafka.producer({
    transactionalId: transactionalId(partition),
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  const admin = kafka.admin();
  try {
    await producer.connect();
    const first = await producer.transaction();
    await admin.connect();
    const [found] = await admin.fetchOffsets({ groupId: GROUP, topics: [CUSTOMERS] });
    const committed = found?.partitions.find((each) => each.partition === partition);
    if (committed === undefined) throw new Error(`nothing is known of partition ${partition}`);
    // -1: nobody has committed anything.
    return { producer, first, nextOffset: Math.max(0, Number(committed.offset)) };
  } catch (error) {
    void producer.disconnect().catch(() => {});
    throw error;
  } finally {
    void admin.disconnect().catch(() => {});
  }
}

function forget(payers: Map<number, Payer>, partition: number): void {
  void payers
    .get(partition)
    ?.producer.disconnect()
    .catch(() => {});
  payers.delete(partition);
}

async function paySome(
  payer: Payer,
  { partition, some }: { readonly partition: number; readonly some: readonly KafkaMessage[] },
  tell: (progress: Progress) => void,
): Promise<void> {
  const due = some.filter(({ offset }) => Number(offset) >= payer.nextOffset);
  const last = due.at(-1);
  if (last === undefined) return;
  const begunWallMs = Date.now();
  const nextOffset = Number(last.offset) + 1;
  const transaction = payer.first ?? (await payer.producer.transaction());
  payer.first = null;
  await transaction.send({
    topic: TOPIC,
    // One partition a request, for the sake of kafkajs; see customers.ts.
    messages: due.map(({ key, value }) => ({ partition, key, value: `bonus for ${value}` })),
  });
  tell({ type: 'written', partition, begunWallMs });
  const partitions = [{ partition, offset: String(nextOffset) }];
  await transaction.sendOffsets({ consumerGroupId: GROUP, topics: [{ topic: CUSTOMERS, partitions }] });
  await transaction.commit();
  payer.nextOffset = nextOffset;
  tell({ type: 'paid', partition, begunWallMs });
}
