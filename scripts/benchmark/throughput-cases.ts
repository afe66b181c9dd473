/** Cases that move many records: produce and consume, by record size, copies, codec and partitions. */
import type { BenchmarkCase, ClientName, LoadClient, Metric, Stage } from './case.ts';
import type { ConsumeLoad, ProduceLoad } from './loads.ts';

const RATE: Metric = { name: 'rate', unit: 'MB/s', better: 'higher' };
const CPU: Metric = { name: 'broker CPU', unit: 's/GB', better: 'lower' };

interface Variant {
  readonly client: ClientName;
  readonly brokers: number;
  readonly sizeBytes: number;
  readonly partitions: number;
  readonly compression: string;
}

/** Payload of one run of a case; small records are few bytes, as they cost the client most. */
const MEGABYTES: Record<number, number> = { 100: 60, 1024: 200 };
const WARM_UP_SHARE = 0.1;
const SMALL_SHARE = 0.3;

export function throughputCases(): BenchmarkCase[] {
  const cases: BenchmarkCase[] = [];
  for (const client of ['java', 'c'] as const) {
    for (const brokers of [1, 3]) {
      const base = { client, brokers, partitions: 1, compression: 'none' };
      cases.push(produce({ ...base, sizeBytes: 1024 }), produce({ ...base, sizeBytes: 100 }));
      cases.push(produce({ ...base, sizeBytes: 1024, compression: 'lz4' }));
      cases.push(produce({ ...base, sizeBytes: 100, compression: 'lz4' }));
      cases.push(produce({ ...base, sizeBytes: 1024, partitions: 10 }));
      cases.push(produce({ ...base, sizeBytes: 1024, partitions: 100 }));
    }
    const base = { client, brokers: 1, partitions: 1, compression: 'none' };
    cases.push(consume({ ...base, sizeBytes: 1024 }), consume({ ...base, sizeBytes: 100 }));
    cases.push(tail({ ...base, sizeBytes: 1024 }));
  }
  return cases;
}

function produce(variant: Variant): BenchmarkCase {
  const acks = variant.brokers === 1 ? '1' : 'all';
  return {
    ...common('produce', variant),
    title: `produce ${describe(variant)}, acks=${acks}`,
    metrics: { rate: RATE, cpu: CPU },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        await send(stage, variant, topic, WARM_UP_SHARE);
        const { bytes, mbPerSecond, cpu } = await send(stage, variant, topic, 1);
        return { rate: mbPerSecond, cpu: cpu / (bytes / 1e9) };
      }),
  };
}

/** Everything was written a moment ago: the page cache has it. */
function consume(variant: Variant): BenchmarkCase {
  return {
    ...common('consume', variant),
    title: `consume ${describe(variant)}, from the page cache`,
    metrics: { rate: RATE, cpu: CPU },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const { records, bytes } = await send(stage, variant, topic, 1);
        const client = clientOf(stage, variant);
        const before = stage.brokerCpuSeconds();
        const { mbPerSecond } = await client.consume(consumption(stage, variant, topic, records));
        return { rate: mbPerSecond, cpu: (stage.brokerCpuSeconds() - before) / (bytes / 1e9) };
      }),
  };
}

/** A consumer that reads while a producer writes; the CPU is that of both directions. */
function tail(variant: Variant): BenchmarkCase {
  return {
    ...common('tail', variant),
    title: `produce and consume ${describe(variant)} at the same time`,
    metrics: { rate: RATE, cpu: CPU },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const records = recordCount(stage, variant, 1);
        const load = consumption(stage, variant, topic, records);
        const consuming = clientOf(stage, variant).consume(load);
        const [{ bytes, cpu, startedMs }] = await Promise.all([send(stage, variant, topic, 1), consuming]);
        const seconds = (performance.now() - startedMs) / 1000;
        return { rate: bytes / 1e6 / seconds, cpu: cpu / (bytes / 1e9) };
      }),
  };
}

/** Requests of one small batch each, from several connections. */
export function smallRequestsCase(brokers: number): BenchmarkCase {
  const variant: Variant = { client: 'c', brokers, sizeBytes: 100, partitions: 10, compression: 'none' };
  const acks = brokers === 1 ? '1' : 'all';
  const limits = { lingerMs: 0, batchBytes: 1000, connections: 4, maxInFlight: 20 };
  return {
    name: `small-${brokers}`,
    title: `many small requests: 4 connections, 20 records of 100 B in flight each, no linger, acks=${acks}`,
    group: group(brokers),
    brokers,
    needs: 'c',
    metrics: {
      rate: { name: 'rate', unit: 'k rec/s', better: 'higher' },
      p99: { name: 'ack p99', unit: 'ms', better: 'lower' },
      cpu: { name: 'broker CPU', unit: 'us/rec', better: 'lower' },
    },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        await send(stage, variant, topic, SMALL_SHARE * WARM_UP_SHARE, limits);
        const { records, seconds, p99Ms, cpu } = await send(stage, variant, topic, SMALL_SHARE, limits);
        return { rate: records / seconds / 1000, p99: p99Ms, cpu: (cpu / records) * 1e6 };
      }),
  };
}

/** Records there and back before anything is measured: a JVM is compiled as it runs, and so is JavaScript. */
export async function warmUp(stage: Stage, seconds: number): Promise<void> {
  const client = stage.clients.c === undefined ? 'java' : 'c';
  if (seconds === 0 || stage.clients[client] === undefined) return;
  const variant: Variant = {
    client,
    brokers: stage.brokers,
    sizeBytes: 1024,
    partitions: 4,
    compression: 'none',
  };
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await withTopic(stage, variant, async (topic) => {
      const { records } = await send(
        { ...stage, seconds: null, share: 1, givenRecords: null },
        variant,
        topic,
        WARM_UP_SHARE,
      );
      await clientOf(stage, variant).consume(consumption(stage, variant, topic, records));
    });
  }
}

function common(verb: string, variant: Variant) {
  const { client, brokers, sizeBytes, partitions, compression } = variant;
  const size = sizeBytes === 1024 ? '1k' : `${sizeBytes}b`;
  const parts = [verb, size, brokers === 3 ? 'rf3' : 'rf1'];
  if (compression !== 'none') parts.push(compression);
  if (partitions !== 1) parts.push(`${partitions}p`);
  if (client === 'c') parts.push('c');
  return { name: parts.join('-'), group: group(brokers), brokers, needs: client };
}

export function group(brokers: number): string {
  return brokers === 1 ? '1 broker' : `${brokers} brokers`;
}

function describe({ client, sizeBytes, partitions, compression }: Variant): string {
  const size = sizeBytes === 1024 ? '1 KiB' : `${sizeBytes} B`;
  const codec = compression === 'none' ? '' : `, ${compression}`;
  const spread = partitions === 1 ? '' : `, ${partitions} partitions`;
  return `${size}${codec}${spread} (${client === 'java' ? 'Java' : 'C'} client)`;
}

interface Sent {
  readonly records: number;
  readonly bytes: number;
  readonly mbPerSecond: number;
  readonly seconds: number;
  readonly p99Ms: number;
  readonly cpu: number;
  readonly startedMs: number;
}

/** Sends and counts: what is in the log afterwards must be what the client says it sent. */
async function send(
  stage: Stage,
  variant: Variant,
  topic: string,
  share: number,
  limits: Partial<ProduceLoad> = {},
): Promise<Sent> {
  const records = recordCount(stage, variant, share);
  const recordSizeBytes = stage.recordSizeBytes ?? variant.sizeBytes;
  const { bootstrapServers, wire } = stage;
  const { compression } = variant;
  const acks = variant.brokers === 1 ? '1' : 'all';
  const countBefore = await wire.recordCount(topic);
  const cpuBefore = stage.brokerCpuSeconds();
  const startedMs = performance.now();
  const client = clientOf(stage, variant);
  const load = { bootstrapServers, topic, records, recordSizeBytes, acks, compression, ...limits };
  const { mbPerSecond, recordsPerSecond, p99Ms } = await client.produce(load);
  const cpu = stage.brokerCpuSeconds() - cpuBefore;
  if (!stage.rates.has(rateKey(variant))) stage.rates.set(rateKey(variant), recordsPerSecond);
  const arrived = (await wire.recordCount(topic)) - countBefore;
  if (arrived !== records) throw new Error(`${records} records were acknowledged, the log holds ${arrived}`);
  const bytes = records * recordSizeBytes;
  return { records, bytes, mbPerSecond, seconds: records / recordsPerSecond, p99Ms, cpu, startedMs };
}

function recordCount(stage: Stage, variant: Variant, share: number): number {
  const sizeBytes = stage.recordSizeBytes ?? variant.sizeBytes;
  const usual = ((MEGABYTES[variant.sizeBytes] ?? 100) * 1e6) / sizeBytes;
  const rate = stage.seconds === null ? undefined : stage.rates.get(rateKey(variant));
  const timed = rate === undefined ? null : rate * (stage.seconds ?? 0);
  return Math.max(100, Math.round((stage.givenRecords ?? timed ?? usual * stage.share) * share));
}

function rateKey(variant: Variant): string {
  return Object.values(variant).join(' ');
}

function consumption(stage: Stage, variant: Variant, topic: string, records: number): ConsumeLoad {
  const { bootstrapServers } = stage;
  const recordSizeBytes = stage.recordSizeBytes ?? variant.sizeBytes;
  return { bootstrapServers, topic, records, partitions: variant.partitions, recordSizeBytes };
}

function clientOf(stage: Stage, { client }: Variant): LoadClient {
  const found = stage.clients[client];
  if (found === undefined) throw new Error(`there is no ${client} client`);
  return found;
}

/** A topic of its own for each case, gone afterwards so that the disk and the page cache stay as they were. */
export async function withTopic<T>(
  stage: Stage,
  { partitions }: { readonly partitions: number },
  run: (topic: string) => Promise<T>,
): Promise<T> {
  const name = `bench-${Math.floor(performance.now())}`;
  await stage.wire.createTopic({ name, partitions, replicationFactor: Math.min(3, stage.brokers) });
  const result = await run(name);
  await stage.wire.deleteTopic(name);
  return result;
}
