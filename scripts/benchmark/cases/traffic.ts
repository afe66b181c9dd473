/** What the cases with many records are made of: topics, loads, and the checks that every record arrived. */
import type { LatencyClient, LoadClient, Metric, Stage } from '../case.ts';
import type { ConsumeLoad, ProduceLoad } from '../loads.ts';

export interface Variant {
  readonly client: 'java' | 'c';
  readonly brokers: number;
  readonly sizeBytes: number;
  readonly partitions: number;
  readonly compression: string;
  /** As many as there are brokers, and at most three, unless given. */
  readonly copies?: number;
  /** Over the listeners with TLS. */
  readonly tls?: true;
  /** Who logs in, where clients do. */
  readonly user?: string;
}

/** Payload of one run with one broker, some seconds' worth; small records are few bytes, as they cost the client most. */
const MEGABYTES: Record<number, number> = { 100: 120, 1024: 400 };
const DEFAULT_MEGABYTES = 200;
const WARM_UP_RECORDS = 20_000;

export const lower = (name: string, unit: string): Metric => ({ name, unit, better: 'lower' });

export function group(brokers: number): string {
  return brokers === 1 ? '1 broker' : `${brokers} brokers`;
}

export function acksOf(brokers: number): string {
  return brokers === 1 ? '1' : 'all';
}

/** Half as much with three brokers, which take two to three times as long. */
export function usualRecords(plan: Stage['plan'], { sizeBytes, brokers }: Variant): number {
  const megabytes = (MEGABYTES[sizeBytes] ?? DEFAULT_MEGABYTES) / (brokers === 1 ? 1 : 2);
  return (megabytes * 1e6) / plan.sizeBytes(sizeBytes);
}

export interface Sent {
  readonly bytes: number;
  readonly mbPerSecond: number;
  readonly recordsPerSecond: number;
  readonly p99Ms: number;
  readonly cpu: number;
}

interface Shipment {
  readonly topic: string;
  readonly records: number;
  readonly limits?: Partial<ProduceLoad>;
  /** By whom, if it is not the client that the case is about. */
  readonly sender?: LoadClient;
}

/** Sends and counts: what is in the log afterwards must be what the client says it sent. */
export async function send(
  stage: Stage,
  variant: Variant,
  { topic, records, limits = {}, sender = clientOf(stage, variant) }: Shipment,
): Promise<Sent> {
  const recordSizeBytes = stage.plan.sizeBytes(variant.sizeBytes);
  const { wire } = stage;
  const { compression } = variant;
  const acks = acksOf(variant.copies ?? variant.brokers);
  const countBefore = await wire.recordCount(topic);
  const cpuBefore = stage.brokerCpuSeconds();
  const load = { ...accessOf(stage, variant), topic, records, recordSizeBytes, acks, compression, ...limits };
  const { mbPerSecond, recordsPerSecond, p99Ms } = await sender.produce(load);
  const cpu = stage.brokerCpuSeconds() - cpuBefore;
  const arrived = (await wire.recordCount(topic)) - countBefore;
  if (arrived !== records) throw new Error(`${records} records were acknowledged, the log holds ${arrived}`);
  return { bytes: records * recordSizeBytes, mbPerSecond, recordsPerSecond, p99Ms, cpu };
}

/**
 * Writes what is to be read, the same amount into each partition where the machine has the client that can. A
 * client that chooses partitions as they come fills them by chance, and more evenly the slower the broker is
 * (KIP-794); and Kafka's Java consumer waits for half a second after each megabyte of a partition that is longer
 * than the others of its broker, whoever the broker is.
 */
export function fill(stage: Stage, variant: Variant, shipment: Shipment): Promise<Sent> {
  const { c: sender } = stage.clients;
  if (sender === undefined) return send(stage, variant, shipment);
  return send(stage, variant, { ...shipment, sender, limits: { evenlyOver: variant.partitions } });
}

export function consumption(
  stage: Stage,
  variant: Variant,
  { topic, records }: { topic: string; records: number },
): ConsumeLoad {
  const recordSizeBytes = stage.plan.sizeBytes(variant.sizeBytes);
  return { ...accessOf(stage, variant), topic, records, partitions: variant.partitions, recordSizeBytes };
}

function accessOf(
  stage: Stage,
  { tls, user }: Variant,
): Pick<ProduceLoad, 'bootstrapServers' | 'clientConfigs'> {
  if (user !== undefined) {
    const login = stage.logins[user];
    if (login === undefined) throw new Error(`${user} can't log in`);
    return login;
  }
  if (tls !== true) return { bootstrapServers: stage.bootstrapServers };
  if (stage.tls === null) throw new Error('there is no listener with TLS');
  return stage.tls;
}

export function clientOf(stage: Stage, { client }: Pick<Variant, 'client'>): LoadClient {
  const found = stage.clients[client];
  if (found === undefined) throw new Error(`there is no ${client} client`);
  return found;
}

export function probesOf({ latencyClient }: Stage): LatencyClient {
  if (latencyClient === null) throw new Error('there is no latency client');
  return latencyClient;
}

/** A topic of its own for each case, gone afterwards so that the disk and the page cache stay as they were. */
export async function withTopic<T>(
  stage: Stage,
  { partitions, copies = Math.min(3, stage.brokers) }: Pick<Variant, 'partitions' | 'copies'>,
  run: (topic: string) => Promise<T>,
): Promise<T> {
  const name = `bench-${Math.floor(performance.now())}`;
  await stage.wire.createTopic({ name, partitions, replicationFactor: copies });
  const result = await run(name);
  await stage.wire.deleteTopic(name);
  return result;
}

/** Records there and back before anything is measured: a JVM is compiled as it runs, and so is JavaScript. */
export async function warmUp(stage: Stage, seconds: number): Promise<void> {
  const client = stage.clients.c === undefined ? 'java' : 'c';
  if (seconds === 0 || stage.clients[client] === undefined) return;
  const { brokers } = stage;
  const variant: Variant = { client, brokers, sizeBytes: 1024, partitions: 4, compression: 'none' };
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await withTopic(stage, variant, async (topic) => {
      const shipment = { topic, records: WARM_UP_RECORDS };
      await send(stage, variant, shipment);
      await clientOf(stage, variant).consume(consumption(stage, variant, shipment));
    });
  }
}
