/**
 * One process of the application: reads customers as a member of a group and writes a payment for each.
 * `application.ts MANNER BOOTSTRAP_SERVERS`. It ends when the process that started it dies, and when it can't go on:
 * then it is started again.
 */
import { tellParent, untilParentAsks } from '../cluster/ending.ts';
import { payAtLeastOnce } from './at-least-once.ts';
import { payExactlyOnce } from './exactly-once.ts';
import { CUSTOMERS, type Manner, PARTITIONS, patientClient, paymentsTopic } from './payments.ts';

/** The shortest that brokers allow: so long a dead process keeps its partitions. */
const SESSION_TIMEOUT_MS = 6000;
const HEARTBEAT_INTERVAL_MS = 500;
const MAX_WAIT_MS = 200;
/** Without transactions: how often offsets are committed. Java's consumers do it every five seconds. */
const COMMIT_INTERVAL_MS = 1000;

async function run(manner: Manner, bootstrapServers: string): Promise<void> {
  const kafka = patientClient('bonus', bootstrapServers);
  const consumer = kafka.consumer({
    groupId: paymentsTopic(manner),
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
  });
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) process.exit(1);
  });
  const pay = manner === 'exactly-once' ? payExactlyOnce(kafka, consumer) : await payAtLeastOnce(kafka);
  await consumer.connect();
  await consumer.subscribe({ topic: CUSTOMERS, fromBeginning: true });
  await consumer.run({
    ...(manner === 'exactly-once' ? { autoCommit: false } : { autoCommitInterval: COMMIT_INTERVAL_MS }),
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: (batch) => pay(batch, tellParent),
  });
}

// Ctrl-C reaches all processes of a terminal; the end of this one comes from its parent.
process.on('SIGINT', () => {});
void untilParentAsks().then(() => process.exit(0));
const [manner, bootstrapServers = ''] = process.argv.slice(2);
await run(manner as Manner, bootstrapServers);
