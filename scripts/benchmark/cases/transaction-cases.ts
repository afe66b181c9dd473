/** Transactions of one producer, one after the other: how many a second, and how long a commit takes. */
import type { StagedCase } from '../case.ts';
import { acksOf, group, lower, probesOf, withTopic } from './traffic.ts';

const RECORD_BYTES = 100;
const PARTITIONS = 3;
/** Transactions; fewer of large ones. */
const USUAL = { one: 1000, many: 500 };
const WARM_UP_SHARE = 0.25;

/** So many records in each transaction, spread over three partitions. */
export function transactionCase(brokers: number, recordsPerTransaction: number): StagedCase {
  const name = `txn-${recordsPerTransaction}`;
  const records = recordsPerTransaction === 1 ? '1 record' : `${recordsPerTransaction} records`;
  return {
    name,
    title: `transactions of ${records} of ${RECORD_BYTES} B in ${PARTITIONS} partitions, one after the other, ${group(brokers)} (Java client)`,
    ...{ group: group(brokers), brokers, needs: 'javac' },
    metrics: {
      rate: { name: 'rate', unit: 'txn/s', better: 'higher' },
      p50: lower('commit p50', 'ms'),
      p99: lower('commit p99', 'ms'),
      cpu: lower('broker CPU', 'ms/txn'),
    },
    run: (stage) =>
      withTopic(stage, { partitions: PARTITIONS }, async (topic) => {
        const probes = probesOf(stage);
        const load = (transactions: number) => ({
          ...{ bootstrapServers: stage.bootstrapServers, topic, records: transactions },
          ...{ acks: acksOf(brokers), recordSizeBytes: stage.plan.sizeBytes(RECORD_BYTES) },
          ...{ recordsPerTransaction, partitions: PARTITIONS },
          warmUpTransactions: Math.ceil(transactions * WARM_UP_SHARE),
        });
        const usual = recordsPerTransaction === 1 ? USUAL.one : USUAL.many;
        const transactions = await stage.plan.records(name, usual, (few) =>
          withTopic(stage, { partitions: PARTITIONS }, async (other) => {
            const tried = await probes.transactions({ ...load(few), topic: other });
            return tried.transactionsPerSecond;
          }),
        );
        const before = stage.brokerCpuSeconds();
        const { transactionsPerSecond, commit } = await probes.transactions(load(transactions));
        const cpuMs = (stage.brokerCpuSeconds() - before) * 1000;
        const all = transactions * (1 + WARM_UP_SHARE);
        return { rate: transactionsPerSecond, p50: commit.p50, p99: commit.p99, cpu: cpuMs / all };
      }),
  };
}
