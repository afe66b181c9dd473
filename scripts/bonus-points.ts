/**
 * "A bonus point must be paid to every customer, none lost and none paid twice, whatever dies": customers
 * come in on one topic, three processes pay them on another, in transactions; processes and brokers are
 * killed meanwhile. At the end everybody was paid once. Beside them a second application does the same to
 * the same customers without transactions, and is hit by the same kills, to show what it is for.
 */

import { Applications } from './bonus/applications.ts';
import { Customers } from './bonus/customers.ts';
import { type Ledger, readLedger } from './bonus/ledger.ts';
import { CUSTOMERS, type Manner, PARTITIONS, patientClient, paymentsTopic } from './bonus/payments.ts';
import { STRIKES, type Strike, strike } from './bonus/strikes.ts';
import { type Arguments, type CommandSpec, UsageError } from './cli/arguments.ts';
import { runCommand } from './cli/run.ts';
import { attendCluster, say } from './cluster/attended-cluster.ts';
import { clusterNotes, clusterOptionSpecs } from './cluster/cluster-options.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';

const PROCESSES = 3;
const LEAST_BROKERS = 3;
const PAID_TIMEOUT_MS = 60_000;
const READ_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

const bonusPoints: CommandSpec = {
  name: 'bonus-points',
  summary:
    'Pays a bonus to every customer exactly once while applications and brokers are killed; then stays up.',
  options: [
    ...clusterOptionSpecs,
    {
      name: 'rate',
      value: 'N',
      kind: 'integer',
      min: 10,
      max: 2000,
      help: 'customers a second',
      fallback: '100',
    },
    {
      name: 'kill',
      value: 'WHAT,…',
      help: `what is killed, in this order: of ${STRIKES.join(', ')}`,
      fallback: STRIKES.join(','),
    },
    { name: 'exit', help: 'end after the check; exit status 0 only if every customer was paid exactly once' },
  ],
  notes: clusterNotes,
  outlivesOutput: true,
  run,
};

function run(given: Arguments): Promise<number> {
  if (given.needInteger('brokers') < LEAST_BROKERS)
    throw new UsageError(`--brokers must be at least ${LEAST_BROKERS}: one of them is killed at a time`);
  const strikes = strikesOf(given.needText('kill'));
  return attendCluster(given, {
    starting: (brokers, where) => say(`starting ${brokers} brokers ${where}`),
    async ready({ cluster, startedIn, untilInterrupted }) {
      say(`ready in ${startedIn}`);
      const status = (await demonstrate(cluster, given.needInteger('rate'), strikes)) ? 0 : 1;
      if (given.flag('exit')) return status;
      say(`\nThe cluster stays up on ${cluster.bootstrapServers}, with all topics. Ctrl-C ends it.`);
      await untilInterrupted(status);
      return status;
    },
  });
}

function strikesOf(text: string): Strike[] {
  return text.split(',').map((word) => {
    const found = STRIKES.find((each) => each === word);
    if (found === undefined) throw new UsageError(`--kill takes ${STRIKES.join(', ')}, not '${word}'`);
    return found;
  });
}

/** True when every customer was paid exactly once. */
async function demonstrate(
  cluster: LocalCluster,
  rate: number,
  strikes: readonly Strike[],
): Promise<boolean> {
  const kafka = patientClient('bonus-points', cluster.bootstrapServers);
  const applications = (['exactly-once', 'at-least-once'] as const).map(
    (manner) => new Applications(manner, cluster.bootstrapServers),
  );
  const customers = new Customers(kafka, rate);
  try {
    await createTopics(cluster);
    say(
      `\n${PROCESSES} processes pay ${rate} customers a second with transactions, ${PROCESSES} others without`,
    );
    for (const each of applications) each.start(PROCESSES);
    await customers.start();
    await Promise.all(applications.map((each) => each.everyPartitionPays(0, PAID_TIMEOUT_MS)));
    for (const each of strikes) await strike(each, { cluster, applications });
    await customers.stop();
    say(`\nno more customers come: there are ${customers.count}, and their payments are counted`);
    await allPaid(cluster, customers);
  } finally {
    await Promise.all(applications.map((each) => each.end()));
  }
  return judge(cluster, customers.count);
}

async function createTopics(cluster: LocalCluster): Promise<void> {
  const admin = patientClient('bonus-points', cluster.bootstrapServers).admin();
  await admin.connect();
  const names = [CUSTOMERS, paymentsTopic('exactly-once'), paymentsTopic('at-least-once')];
  await admin.createTopics({
    waitForLeaders: true,
    topics: names.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: LEAST_BROKERS })),
  });
  await admin.disconnect();
}

/** Waits until both groups have committed the offset behind the last customer; who was left out is counted anyway. */
async function allPaid(cluster: LocalCluster, customers: Customers): Promise<void> {
  const admin = patientClient('bonus-points', cluster.bootstrapServers).admin();
  await admin.connect();
  const isDone = async (manner: Manner): Promise<boolean> => {
    const asked = { groupId: paymentsTopic(manner), topics: [CUSTOMERS] };
    // A coordinator that is still reading its log knows no offsets yet.
    const offsets = await admin.fetchOffsets(asked).catch(() => []);
    const committed = new Map(
      offsets[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]),
    );
    return customers.counts.every((count, partition) => (committed.get(partition) ?? 0) >= count);
  };
  const deadlineMs = performance.now() + PAID_TIMEOUT_MS;
  while (!((await isDone('exactly-once')) && (await isDone('at-least-once')))) {
    if (performance.now() > deadlineMs) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await admin.disconnect();
}

async function judge(cluster: LocalCluster, customers: number): Promise<boolean> {
  const kafka = patientClient('bonus-points', cluster.bootstrapServers);
  const read = (manner: Manner): Promise<Ledger> =>
    readLedger(kafka, { manner, customers, timeoutMs: READ_TIMEOUT_MS });
  const exactly = await read('exactly-once');
  const atLeast = await read('at-least-once');
  say(row('', 'with transactions', 'without'));
  say(row('customers paid exactly once', exactly.paidOnce, atLeast.paidOnce));
  say(row('paid more than once', exactly.paidMore, atLeast.paidMore));
  say(row('not paid', exactly.unpaid, atLeast.unpaid));
  say(row('payments that readers see', exactly.payments, atLeast.payments));
  say(row('payments of aborted transactions, unseen', exactly.aborted, '-'));
  const isRight = exactly.paidOnce === customers && exactly.payments === customers;
  say(
    isRight
      ? 'every customer was paid exactly once'
      : 'CHECK FAILED: not every customer was paid exactly once',
  );
  return isRight;
}

function row(name: string, ...cells: (string | number)[]): string {
  return `  ${name.padEnd(42)}${cells.map((cell) => String(cell).padStart(19)).join('')}`;
}

await runCommand(bonusPoints, './scripts/bonus-points', process.argv.slice(2));
