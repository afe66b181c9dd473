/** Many clients of one broker: a thousand that write, one to four thousand that wait for what is written. */
import { join } from 'node:path';
import type { Stage, StagedCase } from '../case.ts';
import { clientLimitMs, type Latencies } from '../loads.ts';
import { group, lower, withTopic } from './traffic.ts';

const PROGRAM = join(import.meta.dirname, '..', 'clients', 'crowd.ts');
const PARTITIONS = 10;
const RECORD_BYTES = 100;
const PRODUCED = 100_000;
/** Each record reaches a tenth of the consumers. */
const RECORDS_PER_SECOND = 50;
const SENT_SECONDS = 10;

interface Told extends Latencies {
  readonly count: number;
  readonly seconds: number;
}

export function consumersCase(clients: number): StagedCase {
  const name = `consumers-${clients / 1000}k`;
  return {
    name,
    title: `${clients} consumers of one broker, ${RECORDS_PER_SECOND} records of ${RECORD_BYTES} B per second, each to ${clients / PARTITIONS} of them`,
    ...{ group: group(1), brokers: 1, needs: null },
    metrics: {
      p50: lower('due to received p50', 'ms'),
      p99: lower('due to received p99', 'ms'),
      p999: lower('due to received p99.9', 'ms'),
      cpu: lower('broker CPU', 'us/delivery'),
    },
    run: (stage) =>
      withTopic(stage, { partitions: PARTITIONS }, async (topic) => {
        const usual = RECORDS_PER_SECOND * SENT_SECONDS;
        const planned = await stage.plan.records(name, usual, () => Promise.resolve(RECORDS_PER_SECOND));
        const records = Math.ceil(planned / PARTITIONS) * PARTITIONS;
        const before = stage.brokerCpuSeconds();
        const told = await crowd(stage, 'consumers', [
          topic,
          PARTITIONS,
          clients,
          records,
          RECORDS_PER_SECOND,
        ]);
        const cpu = stage.brokerCpuSeconds() - before;
        const deliveries = (records / PARTITIONS) * clients;
        if (told.count !== deliveries)
          throw new Error(`${deliveries} records were to be received, ${told.count} were`);
        return { p50: told.p50, p99: told.p99, p999: told.p999, cpu: (cpu / deliveries) * 1e6 };
      }),
  };
}

export function producersCase(clients: number): StagedCase {
  const name = `producers-${clients / 1000}k`;
  return {
    name,
    title: `${clients} producers of one broker, each with one record of ${RECORD_BYTES} B at a time, acks=1`,
    ...{ group: group(1), brokers: 1, needs: null },
    metrics: {
      rate: { name: 'rate', unit: 'k rec/s', better: 'higher' },
      p99: lower('ack p99', 'ms'),
      cpu: lower('broker CPU', 'us/rec'),
    },
    run: (stage) =>
      withTopic(stage, { partitions: PARTITIONS }, async (topic) => {
        const load = (records: number) => crowd(stage, 'producers', [topic, PARTITIONS, clients, records]);
        const records = await stage.plan.records(
          name,
          PRODUCED,
          async (few) => few / (await load(few)).seconds,
        );
        const held = await stage.wire.recordCount(topic);
        const before = stage.brokerCpuSeconds();
        const told = await load(records);
        const cpu = stage.brokerCpuSeconds() - before;
        const arrived = (await stage.wire.recordCount(topic)) - held;
        if (told.count !== records || arrived !== records)
          throw new Error(`${told.count} of ${records} records were acknowledged, the log holds ${arrived}`);
        return { rate: records / told.seconds / 1000, p99: told.p99, cpu: (cpu / records) * 1e6 };
      }),
  };
}

async function crowd(stage: Stage, kind: string, words: readonly (string | number)[]): Promise<Told> {
  const port = stage.bootstrapServers.split(':').at(-1) ?? '';
  const argv = [process.execPath, PROGRAM, kind, port, ...words.map(String)];
  const { code, signal, stdout, stderr } = await stage.run(argv, clientLimitMs(PRODUCED, RECORD_BYTES));
  if (code !== 0)
    throw new Error(
      `crowd ended with ${signal ?? `exit status ${code}`}: ${stderr.trim().split('\n').at(-1)}`,
    );
  return JSON.parse(stdout);
}
