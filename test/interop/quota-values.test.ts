/**
 * What quotas show, by the windows that configs set: the same load at the same time gives the same values at our
 * broker and, by JMX, at Apache's, until the windows have forgotten it. A rate is of as much time as lies between its
 * oldest sample and the look at it, which differs a little between the two; a window of another length would differ
 * by half or more.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { eventually, pause } from '../support/eventually.ts';
import { skipped } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';
import { KafkasQuotaMetrics, ourQuotaValues } from './quota-metrics.ts';
import { producing, QuotaPair } from './quota-pair.ts';

const skip = skipped('values of quotas beside Apache Kafka', jarsLack('3.9.1'));

/**
 * What is used is known for 30 s. How long clients were throttled, and the rate at which the controller was asked to
 * change things, which goes by `metrics.` as well, are known for 20 s; its tokens by its own windows.
 */
const WINDOWS = {
  'quota.window.num': '3',
  'quota.window.size.seconds': '10',
  'controller.quota.window.num': '2',
  'controller.quota.window.size.seconds': '20',
  'metrics.num.samples': '2',
  'metrics.sample.window.ms': '10000',
};
const REQUESTS = 10;
/** Of the larger value. */
const TOLERANCE = 0.12;
/** How long after the load the values are looked at: all is in the windows, still all, and then some of it. */
const LOOKS_MS = [0, 5000, 22_000];
const FORGOTTEN_LIMIT_MS = 60_000;

/** Those that are of bytes, partitions and times that both are given alike. */
const COMPARED = [
  'produce byte-rate of "limited", user ""',
  'produce throttle-time of "limited", user ""',
  'produce byte-rate of "small", user ""',
  'produce throttle-time of "small", user ""',
  'fetch byte-rate of "reader", user ""',
  'fetch throttle-time of "reader", user ""',
  'request throttle-time of "small", user ""',
  'controllermutation mutation-rate of "mutator", user ""',
  'controllermutation throttle-time of "mutator", user ""',
  'controllermutation tokens of "mutator", user ""',
];

interface Compared {
  readonly metric: string;
  /** null: it is not shown. */
  readonly ours: number | null;
  readonly kafkas: number | null;
}

describe.skipIf(skip)('beside Apache Kafka', () => {
  let quotas: QuotaPair;
  let kafkasMetrics: KafkasQuotaMetrics;
  beforeAll(async () => {
    quotas = await QuotaPair.start(WINDOWS);
  }, 180_000);
  afterAll(() => quotas?.close());

  async function looked(): Promise<Compared[]> {
    const { ours } = quotas.pair;
    const [mine, kafkas] = await Promise.all([ourQuotaValues(ours.httpPort), kafkasMetrics.values()]);
    return COMPARED.map((metric) => ({
      metric,
      ours: mine.get(metric) ?? null,
      kafkas: kafkas.get(metric) ?? null,
    }));
  }

  function load(): Promise<unknown> {
    const batch = (bytes: number) =>
      producing(buildBatch({ records: [{ timestampMs: 5, key: null, value: Buffer.alloc(bytes) }] }));
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }];
    const fetch = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'plain', partitions }] };
    const topic = { name: 'made', numPartitions: 15, replicationFactor: 1 };
    return Promise.all([
      quotas.both('limited', async (say) => {
        for (let each = 0; each < 2; each++) await say(Produce, 9, batch(30_000));
      }),
      quotas.both('small', async (say) => {
        for (let each = 0; each < REQUESTS; each++) await say(Produce, 9, batch(10));
      }),
      quotas.both('reader', async (say) => {
        for (let each = 0; each < REQUESTS; each++) await say(Fetch, 11, fetch);
      }),
      quotas.both('mutator', (say) => say(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 })),
    ]);
  }

  it('the same load shows the same rates, throttle times and tokens for as long', async () => {
    kafkasMetrics = new KafkasQuotaMetrics(quotas.pair.kafkas.pid);
    onTestFinished(() => kafkasMetrics.close());
    await quotas.setQuota({ 'client-id': 'limited' }, [['producer_byte_rate', 2000]]);
    await quotas.setQuota({ 'client-id': 'mutator' }, [['controller_mutation_rate', 0.1]]);
    await kafkasMetrics.values();
    await load();
    const loadedMs = performance.now();
    for (const lookMs of LOOKS_MS) {
      await pause(Math.max(0, loadedMs + lookMs - performance.now()));
      const values = await looked();
      expect.soft(values.filter((each) => !isAlike(each))).toEqual([]);
    }
    await eventually(
      'both have forgotten all of it',
      async () => (await looked()).every((each) => isAlike(each) && isNothing(each)),
      FORGOTTEN_LIMIT_MS,
    );
  }, 150_000);

  it('who reads by JMX is told when the reader has ended', async () => {
    const metrics = new KafkasQuotaMetrics(quotas.pair.kafkas.pid);
    const waiting = metrics.values();
    metrics.close();
    await expect(waiting).rejects.toThrow('has ended');
    await expect(metrics.values()).rejects.toThrow('has ended');
  });
});

function isAlike({ ours, kafkas }: Compared): boolean {
  if (ours === null || kafkas === null) return false;
  if (Number.isNaN(ours) || Number.isNaN(kafkas)) return Number.isNaN(ours) && Number.isNaN(kafkas);
  return Math.abs(ours - kafkas) <= TOLERANCE * Math.max(Math.abs(ours), Math.abs(kafkas));
}

/** Tokens come again until the bucket is full. */
function isNothing({ metric, ours, kafkas }: Compared): boolean {
  return metric.includes('tokens') || [ours, kafkas].every((value) => value === 0 || Number.isNaN(value));
}
