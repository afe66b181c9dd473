/** Cases that move many records: produce and consume, by record size, copies, codec and partitions. */
import type { Metric, Stage, StagedCase } from '../case.ts';
import { pause } from '../systems/wire.ts';
import {
  acksOf,
  clientOf,
  consumption,
  fill,
  group,
  lower,
  type Sent,
  send,
  usualRecords,
  type Variant,
  withTopic,
} from './traffic.ts';

const RATE: Metric = { name: 'rate', unit: 'MB/s', better: 'higher' };
const CPU = lower('broker CPU', 's/GB');

/** A JVM starts and a group comes together. */
const CONSUMER_START_MS = { java: 4000, c: 1000 };
/** So much of a case's records goes before those that count. */
const WARM_UP_SHARE = 0.1;

export function throughputCases(): StagedCase[] {
  const cases: StagedCase[] = [];
  for (const client of ['java', 'c'] as const) {
    for (const brokers of [1, 3]) {
      const base = { client, brokers, sizeBytes: 1024, partitions: 1, compression: 'none' };
      const small = { ...base, sizeBytes: 100 };
      const lz4 = { ...base, compression: 'lz4' };
      const several = [
        { ...base, partitions: 10 },
        { ...base, partitions: 100 },
      ];
      const smallLz4 = { ...small, compression: 'lz4' };
      cases.push(...[base, small, lz4, smallLz4, ...several].map(produce));
      cases.push(...[base, small, lz4, ...several].map(consume), tail(base));
    }
  }
  return cases;
}

/** Over TLS, as librdkafka and the brokers negotiate it. */
export function tlsCases(): StagedCase[] {
  const variant: Variant = {
    ...{ client: 'c', brokers: 1, sizeBytes: 1024, partitions: 1, compression: 'none', tls: true },
  };
  const facts = { group: '1 broker, TLS', tls: true } as const;
  const [producing, consuming] = [produce(variant), consume(variant)];
  return [
    { ...producing, ...facts, name: 'tls-produce', title: `${producing.title}, over TLS` },
    { ...consuming, ...facts, name: 'tls-consume', title: `${consuming.title}, over TLS` },
  ];
}

/** So many brokers on this machine, without copies: what another one adds. */
export function coresCase(brokers: number): StagedCase {
  const variant: Variant = {
    ...{ client: 'c', brokers, sizeBytes: 1024, partitions: 8, compression: 'none', copies: 1 },
  };
  const producing = produce(variant);
  return {
    ...producing,
    name: `cores-${brokers}`,
    title: `produce 1 KiB, 8 partitions without copies, ${group(brokers)} on this machine, acks=1 (C client)`,
    group: `${group(brokers)}, without copies`,
    properties: { 'default.replication.factor': '1', 'min.insync.replicas': '1' },
  };
}

function produce(variant: Variant): StagedCase {
  const facts = common('produce', variant);
  return {
    ...facts,
    title: `produce ${describe(variant)}, acks=${acksOf(variant.brokers)}`,
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const records = await producible(stage, variant, facts.name, topic);
        await send(stage, variant, { topic, records: Math.ceil(records * WARM_UP_SHARE) });
        return perGigabyte(await send(stage, variant, { topic, records }));
      }),
  };
}

/** Everything was written a moment ago: the page cache has it. */
function consume(variant: Variant): StagedCase {
  const facts = common('consume', variant);
  return {
    ...facts,
    title: `consume ${describe(variant)}, from the page cache`,
    async run(stage) {
      const records = await stage.plan.records(facts.name, usualRecords(stage.plan, variant), async (few) => {
        const { writtenPerSecond, mbPerSecond } = await writtenAndRead(stage, variant, few);
        const readPerSecond = (mbPerSecond * 1e6) / stage.plan.sizeBytes(variant.sizeBytes);
        // Both take their time, and what is to be read has to fit on the disk.
        return 1 / (1 / writtenPerSecond + 1 / readPerSecond);
      });
      return perGigabyte(await writtenAndRead(stage, variant, records));
    },
  };
}

type Moved = Pick<Sent, 'bytes' | 'cpu' | 'mbPerSecond'>;

function writtenAndRead(
  stage: Stage,
  variant: Variant,
  records: number,
): Promise<Moved & { readonly writtenPerSecond: number }> {
  return withTopic(stage, variant, async (topic) => {
    const { bytes, recordsPerSecond } = await fill(stage, variant, { topic, records });
    const before = stage.brokerCpuSeconds();
    const load = consumption(stage, variant, { topic, records });
    const { mbPerSecond } = await clientOf(stage, variant).consume(load);
    const cpu = stage.brokerCpuSeconds() - before;
    return { bytes, mbPerSecond, cpu, writtenPerSecond: recordsPerSecond };
  });
}

/**
 * A consumer that reads while a producer writes: the rate is that of the producer, and what the consumer
 * needs after the producer has ended counts. It starts first, so that it waits when the first record
 * comes. The CPU is that of both directions.
 */
function tail(variant: Variant): StagedCase {
  const facts = common('tail', variant);
  return {
    ...facts,
    title: `produce and consume ${describe(variant)} at the same time`,
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const records = await stage.plan.records(facts.name, usualRecords(stage.plan, variant), (few) =>
          withTopic(stage, variant, async (other) => {
            const sent = await send(stage, variant, { topic: other, records: few });
            return sent.recordsPerSecond;
          }),
        );
        const consuming = clientOf(stage, variant).consume(consumption(stage, variant, { topic, records }));
        const ready = pause(CONSUMER_START_MS[variant.client]);
        await Promise.race([ready, consuming]);
        const before = stage.brokerCpuSeconds();
        const [{ bytes, sentMs, recordsPerSecond }, { endedWallMs }] = await Promise.all([
          send(stage, variant, { topic, records }).then((sent) => ({ ...sent, sentMs: Date.now() })),
          consuming,
        ]);
        const seconds = records / recordsPerSecond + Math.max(0, endedWallMs - sentMs) / 1000;
        const cpu = stage.brokerCpuSeconds() - before;
        return perGigabyte({ bytes, cpu, mbPerSecond: bytes / 1e6 / seconds });
      }),
  };
}

const SMALL_RECORDS = { one: 150_000, three: 30_000 };
const SMALL_LIMITS = { lingerMs: 0, batchBytes: 1000, connections: 32, maxInFlight: 4 };

/** Requests of a small batch each, from many connections. */
export function smallRequestsCase(brokers: number): StagedCase {
  const variant: Variant = { client: 'c', brokers, sizeBytes: 100, partitions: 10, compression: 'none' };
  const name = `small-${brokers}`;
  const { connections, maxInFlight } = SMALL_LIMITS;
  const usual = brokers === 1 ? SMALL_RECORDS.one : SMALL_RECORDS.three;
  return {
    name,
    title: `many small requests: ${connections} connections, ${maxInFlight} records of 100 B in flight each, no linger, acks=${acksOf(brokers)} (C client)`,
    group: group(brokers),
    brokers,
    needs: 'c',
    metrics: {
      rate: { name: 'rate', unit: 'k rec/s', better: 'higher' },
      p99: lower('ack p99', 'ms'),
      cpu: lower('broker CPU', 'us/rec'),
    },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const limits = SMALL_LIMITS;
        const records = await stage.plan.records(name, usual, async (few) =>
          send(stage, variant, { topic, records: few, limits }).then((sent) => sent.recordsPerSecond),
        );
        await send(stage, variant, { topic, records: Math.ceil(records * WARM_UP_SHARE), limits });
        const sent = await send(stage, variant, { topic, records, limits });
        return { rate: sent.recordsPerSecond / 1000, p99: sent.p99Ms, cpu: (sent.cpu / records) * 1e6 };
      }),
  };
}

function producible(stage: Stage, variant: Variant, name: string, topic: string): Promise<number> {
  return stage.plan.records(name, usualRecords(stage.plan, variant), async (few) => {
    const { recordsPerSecond } = await send(stage, variant, { topic, records: few });
    return recordsPerSecond;
  });
}

function perGigabyte({ bytes, cpu, mbPerSecond }: Moved) {
  return { rate: mbPerSecond, cpu: cpu / (bytes / 1e9) };
}

function common(verb: string, variant: Variant) {
  const { client, brokers, sizeBytes, partitions, compression } = variant;
  const size = sizeBytes === 1024 ? '1k' : `${sizeBytes}b`;
  const parts = [verb, size, brokers === 3 ? 'rf3' : 'rf1'];
  if (compression !== 'none') parts.push(compression);
  if (partitions !== 1) parts.push(`${partitions}p`);
  if (client === 'c') parts.push('c');
  const metrics = { rate: RATE, cpu: CPU };
  return { name: parts.join('-'), group: group(brokers), brokers, needs: client, metrics };
}

function describe({ client, sizeBytes, partitions, compression, brokers }: Variant): string {
  const size = sizeBytes === 1024 ? '1 KiB' : `${sizeBytes} B`;
  const codec = compression === 'none' ? '' : `, ${compression}`;
  const spread = partitions === 1 ? '' : `, ${partitions} partitions`;
  const copies = brokers === 1 ? '' : `, ${Math.min(3, brokers)} copies`;
  return `${size}${codec}${spread}${copies} (${client === 'java' ? 'Java' : 'C'} client)`;
}
