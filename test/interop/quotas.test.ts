/**
 * Apache Kafka 3.9.1 as the judge of quotas: the same changes and questions to both brokers, one after the
 * other, must be answered alike, leave the same znodes to the byte, and throttle clients alike.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { WriteTxnMarkers } from '../../broker/protocol/messages/27-write-txn-markers.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { DescribeClientQuotas } from '../../broker/protocol/messages/48-describe-client-quotas.ts';
import { AlterClientQuotas } from '../../broker/protocol/messages/49-alter-client-quotas.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import type { Pair } from './differential/pair.ts';
import { skipped } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';
import { KafkasQuotaMetrics, ourQuotaMetrics } from './quota-metrics.ts';
import { type Alteration, alteration, type Op, producing, QuotaPair } from './quota-pair.ts';

const skip = skipped('quotas beside Apache Kafka', jarsLack('3.9.1'));

const ALL: readonly Op[] = [
  ['producer_byte_rate', 1024],
  ['consumer_byte_rate', 2048.0000001],
  ['request_percentage', 12.5],
  ['controller_mutation_rate', 1e7],
];

const ALTERATIONS: readonly Alteration[] = [
  [{ user: 'alice' }, ALL],
  [{ user: null }, [['producer_byte_rate', 1]]],
  [{ 'client-id': 'an app/*~' }, ALL],
  [{ 'client-id': null }, [['consumer_byte_rate', 1e6]]],
  [{ user: 'alice', 'client-id': 'app' }, [['producer_byte_rate', 5]]],
  [{ user: 'alice', 'client-id': null }, [['producer_byte_rate', 6]]],
  [{ user: null, 'client-id': null }, [['producer_byte_rate', 7]]],
  [{ user: 'bob', 'client-id': 'app' }, [['producer_byte_rate', 8]]],
  [{ ip: '10.0.0.1' }, [['connection_creation_rate', 9]]],
  [{ ip: null }, [['connection_creation_rate', 1000]]],
  [{ user: 'carol' }, ALL, true],
  [
    { user: 'alice' },
    [
      ['request_percentage', null],
      ['consumer_byte_rate', null],
      ['no such', null],
    ],
  ],
  [{ user: 'bob', 'client-id': 'app' }, [['producer_byte_rate', null]]],
  [{ user: 'alice', 'client-id': 'app' }, [['producer_byte_rate', null]]],
  [{ 'client-id': 'nobody' }, [['producer_byte_rate', null]]],
  [{ user: 'zero' }, [['producer_byte_rate', 0]]],
  [
    { user: 'minus' },
    [
      ['producer_byte_rate', -1],
      ['request_percentage', -1],
    ],
  ],
  [{ user: 'nan' }, [['request_percentage', Number.NaN]]],
  [{ user: 'most' }, [['producer_byte_rate', 1e30]]],
  [{ user: 'large' }, [['producer_byte_rate', 2 ** 60]]],
  [{ user: 'half' }, [['producer_byte_rate', 0.5]]],
  [
    { user: 'twice' },
    [
      ['producer_byte_rate', 1],
      ['producer_byte_rate', 2],
    ],
  ],
  [{ ip: '10.0.0.2' }, [['connection_creation_rate', -1]]],
  [{ ip: '10.0.0.2' }, [['connection_creation_rate', -1]], true],
  [{ ip: '10.0.0.2' }, [['connection_creation_rate', 1.5]]],
  [{ ip: '10.0.0.2' }, [['producer_byte_rate', 1]]],
  [{ ip: '300.1.1.1' }, [['connection_creation_rate', 1]]],
  [{ ip: '::1' }, [['connection_creation_rate', 1]]],
  [{ ip: '10.0.0.2', user: 'a' }, [['connection_creation_rate', 1]]],
  [{}, []],
  [{ user: '' }, []],
  [{ group: 'g' }, []],
  [{ group: '' }, []],
  [{ user: 'x' }, [['bytes', 1]]],
  [{ user: 'x' }, [['connection_creation_rate', 1]]],
  [{ user: 'no ops' }, []],
];

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;
type Component = readonly [entityType: string, matchType: number, match?: string];

const FILTERS: readonly (readonly Component[])[] = [
  [],
  [['user', EXACT, 'alice']],
  [['user', DEFAULT]],
  [['user', ANY]],
  [['client-id', EXACT, 'an app/*~']],
  [['client-id', DEFAULT]],
  [['client-id', ANY]],
  [
    ['user', EXACT, 'alice'],
    ['client-id', DEFAULT],
  ],
  [
    ['user', ANY],
    ['client-id', ANY],
  ],
  [
    ['user', DEFAULT],
    ['client-id', EXACT, 'app'],
  ],
  [['ip', EXACT, '10.0.0.1']],
  [['ip', ANY]],
  [['ip', DEFAULT]],
  [
    ['user', ANY],
    ['ip', ANY],
  ],
  [
    ['user', ANY],
    ['user', ANY],
  ],
  [['', ANY]],
  [['group', ANY]],
  [['user', 9]],
  [['user', EXACT]],
];

describe.skipIf(skip)('beside Apache Kafka', () => {
  let quotas: QuotaPair;
  let pair: Pair;
  beforeAll(async () => {
    quotas = await QuotaPair.start();
    pair = quotas.pair;
  }, 180_000);
  afterAll(() => quotas?.close());

  // Before the others, whose defaults for everybody would throttle the probe at once; and as long as there are no quotas.
  it('clients are measured alike once there are quotas, also those without one', async () => {
    const kafkasMetrics = new KafkasQuotaMetrics(pair.kafkas.pid);
    onTestFinished(() => kafkasMetrics.close());
    const shown = () => Promise.all([ourQuotaMetrics(pair.ours.httpPort), kafkasMetrics.read()]);
    expect(await shown()).toEqual([['request exempt-request-time'], ['request exempt-request-time']]);
    await quotas.setQuota({ 'client-id': 'a limited one' }, [['request_percentage', 50]]);
    for (const clientId of ['a limited one', 'any other']) {
      await quotas.both(clientId, async (say) => {
        await say(
          Produce,
          9,
          producing(buildBatch({ records: [{ timestampMs: 5, key: null, value: null }] })),
        );
        await say(WriteTxnMarkers, 1, { markers: [] });
      });
    }
    const [ours, kafkas] = await shown();
    expect(ours).toEqual(kafkas);
    expect(ours).toContain('produce byte-rate of "any other", user ""');
  });

  it('a producer over its quota is throttled alike', async () => {
    const batch = buildBatch({ records: [{ timestampMs: 5, key: null, value: Buffer.alloc(60_000) }] });
    const produce = producing(batch);
    await quotas.setQuota({ user: 'ANONYMOUS', 'client-id': 'producer' }, [['producer_byte_rate', 10_000]]);
    const [ours, kafkas] = await quotas.both('producer', async (say) => {
      const times: number[] = [];
      for (let each = 0; each < 3; each++) times.push((await say(Produce, 9, produce)).throttleTimeMs);
      return times;
    });
    // By the window that has begun, which counts by how much of its second is over, and they were not asked at
    // the very same moments. What is sent at once is answered after two seconds, and then after eight.
    const apart = ours.map((ms, index) => Math.abs(ms - (kafkas[index] ?? Number.NaN)));
    expect(Math.max(...apart), `${ours} and ${kafkas}`).toBeLessThanOrEqual(1000);
    expect([ours[0], kafkas[0]]).toEqual([0, 0]);
    expect(ours[2]).toBeGreaterThan(2000);
  });

  it('changes of topics beyond the quota are refused alike', async () => {
    await quotas.setQuota({ 'client-id': 'mutator' }, [['controller_mutation_rate', 0.1]]);
    const topic = (name: string, numPartitions: number) => ({
      topics: [{ name, numPartitions, replicationFactor: 1 }],
      timeoutMs: 10_000,
    });
    // Each on a connection of its own: those of a throttled client are muted.
    const said = async <A extends AnyApi>(
      api: A,
      version: number,
      request: RequestInput<A>,
      results: (response: ResponseOf<A>) => unknown,
    ): Promise<unknown[]> =>
      quotas.both('mutator', async (say) => {
        const response = await say(api, version, request);
        return [results(response), (response as { throttleTimeMs: number }).throttleTimeMs > 0];
      });
    const topics = ({ topics: all }: ResponseOf<typeof CreateTopics>) => all.map(plain);
    const more = { topics: [{ name: 'mutated', count: 25, assignments: null }], timeoutMs: 10_000 };
    const answers = [
      await said(CreateTopics, 7, topic('mutated', 15), topics),
      await said(CreateTopics, 7, { ...topic('checked', 1), validateOnly: true }, topics),
      await said(CreateTopics, 7, topic('wrong name!', 1), topics),
      await said(CreateTopics, 7, topic('refused', 1), topics),
      await said(CreatePartitions, 3, more, ({ results }) => results),
      await said(CreateTopics, 5, topic('of-old', 1), topics),
      await said(
        DeleteTopics,
        5,
        { topicNames: ['mutated'], timeoutMs: 10_000 },
        ({ responses }) => responses,
      ),
      await said(
        DeleteTopics,
        3,
        { topicNames: ['mutated'], timeoutMs: 10_000 },
        ({ responses }) => responses,
      ),
    ];
    for (const [ours, kafkas] of answers) expect.soft(ours).toEqual(kafkas);
  }, 120_000);

  it('what is set is answered alike, and found alike', async () => {
    const [ours, kafkas] = await quotas.both('admin', async (say) => {
      const said: unknown[] = [];
      for (const each of ALTERATIONS) {
        const { entries } = await say(AlterClientQuotas, 1, alteration(each));
        said.push([each, entries.map((entry) => ({ ...entry, entity: byText(entry.entity) }))]);
      }
      for (const components of FILTERS) {
        for (const strict of [false, true]) {
          const filter = components.map(([entityType, matchType, match = null]) => ({
            entityType,
            matchType,
            match,
          }));
          const { entries, ...rest } = await say(DescribeClientQuotas, 1, { components: filter, strict });
          said.push([components, strict, rest, sorted(entries)]);
        }
      }
      return said;
    });
    ours.forEach((said, index) => {
      expect.soft(said).toEqual(kafkas[index]);
    });
  });

  it('the znodes are the same to the byte', async () => {
    const session = await zookeeperSource({
      connect: pair.zookeeperConnect,
      sessionTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      maxInFlightRequests: 10,
    }).open(10_000);
    const read = async (path: string, known: string[] = []): Promise<string[]> => {
      const node = await session.read(path);
      known.push(`${path.replace(/^\/apache/, '')} ${node?.data.toString() ?? 'none'}`);
      for (const child of [...((await session.children(path)) ?? [])].sort())
        await read(`${path}/${child}`, known);
      return known;
    };
    for (const root of ['/config/users', '/config/clients', '/config/ips', '/config/changes']) {
      expect.soft(await read(root)).toEqual(await read(`/apache${root}`));
    }
    await session.close();
  });
});

/** Without what each broker invents. */
function plain({
  name,
  errorCode,
  errorMessage,
}: {
  name: string;
  errorCode: number;
  errorMessage?: string | null;
}) {
  return { name, errorCode, errorMessage };
}

/** In one order, values too: neither broker promises any. */
function sorted(entries: ResponseOf<typeof DescribeClientQuotas>['entries']): unknown {
  return entries === null
    ? null
    : byText(entries.map(({ entity, values }) => ({ entity, values: byText(values) })));
}

function byText<T>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
