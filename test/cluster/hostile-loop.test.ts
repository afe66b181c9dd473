/**
 * One real broker process and requests that mean a lot of work: opening, compressing anew, searching,
 * converting, making logs by the thousand. The event loop is never held by them for long, so that everybody
 * else is served meanwhile.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { ApiVersions } from '../../broker/protocol/messages/18-api-versions.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import type { Codec } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { pause } from '../support/eventually.ts';
import { AGAIN, withClient } from './heavy-clients.ts';
import { ANSWERED } from './heavy-names.ts';
import { heavyWork } from './heavy-work.ts';
import { fetchOf, withHonestClient } from './hostile-client.ts';
import { expectShortTurns, firstTurnsOf, type LoopTurns, turnsOf } from './loop-turns.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';
import { tellPeak } from './resident-memory.ts';

const PLAIN = 'plain';
const ZSTD = 'zstd';
const TIMEOUT_MS = 240_000;
/**
 * So many turns of one piece of work may be long all the same. Of this work there were eight at most on a busy machine,
 * by the loop table; a slower machine has more.
 */
const FEW = 50;

let real: RealCluster;
let first: LoopTurns;
let port = 0;

beforeAll(async () => {
  real = await startRealCluster({ brokers: 1, embedded: true });
  ({ port } = real.cluster.broker(1));
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [] };
  const zstd = [{ name: 'compression.type', value: 'zstd' }];
  await withHonestClient(port, (client) =>
    client.request(CreateTopics, {
      topics: [
        { ...topic, name: PLAIN, configs: [] },
        { ...topic, name: ZSTD, configs: zstd },
      ],
      timeoutMs: 10_000,
    }),
  );
  first = await firstTurnsOf(real);
});

afterAll(() => real.close(), 60_000);

afterEach(() => {
  tellPeak(real.cluster.broker(1).child.pid);
});

/** A valid batch of `count` small records, which open to much more than they are. */
function manyRecords(codec: Codec, count: number): Buffer {
  const timestampMs = Date.now();
  const value = Buffer.alloc(330);
  return buildBatch({ codec, records: Array.from({ length: count }, () => ({ timestampMs, value })) });
}

/** Runs it while an honest client is served, and says how often the loop has been held for longer than this. */
async function heldDuring(
  run: () => Promise<void>,
): Promise<{ over20Ms: number; over200Ms: number; pings: number }> {
  const before = await turnsOf(real);
  let pings = 0;
  let isOver = false;
  const pinging = withClient(port, async (client) => {
    while (!isOver) {
      await client.request(ApiVersions, { clientSoftwareName: 'honest', clientSoftwareVersion: '1' });
      if (!isOver) pings++;
      await pause(5);
    }
  });
  try {
    await run();
  } finally {
    isOver = true;
    await pinging;
  }
  const after = await turnsOf(real);
  return {
    over20Ms: after.over20Ms - before.over20Ms,
    over200Ms: after.over200Ms - before.over200Ms,
    pings,
  };
}

async function expectNobodyHeldUp(run: () => Promise<void>): Promise<void> {
  const { over20Ms, over200Ms, pings } = await heldDuring(run);
  expect(over200Ms).toBe(0);
  expect(over20Ms).toBeLessThan(FEW);
  expect(pings).toBeGreaterThan(0);
}

async function errorsOf(client: KafkaConnection, topic: string, batches: readonly Buffer[]) {
  const answers = await Promise.all(
    batches.map((records) =>
      client.request(Produce, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      }),
    ),
  );
  return answers.map(({ responses }) => responses[0]?.partitionResponses[0]?.errorCode);
}

it.each(['gzip', 'lz4', 'snappy', 'zstd'] as const)(
  'batches (%s) that open to tens of megabytes are checked without holding up anybody',
  async (codec) => {
    const counts = { gzip: 100_000, lz4: 100_000, snappy: 40_000, zstd: 100_000 };
    const batch = manyRecords(codec, counts[codec]);
    await expectNobodyHeldUp(() =>
      withClient(port, async (client) => {
        const errors = await errorsOf(client, PLAIN, [batch, batch, batch, batch]);
        expect(errors).toEqual([0, 0, 0, 0]);
      }),
    );
  },
  TIMEOUT_MS,
);

it.each(['none', 'gzip', 'lz4'] as const)(
  'batches (%s) that are compressed anew are, without holding up anybody',
  async (codec) => {
    const batch = manyRecords(codec, codec === 'none' ? 2900 : 50_000);
    await expectNobodyHeldUp(() =>
      withClient(port, async (client) => {
        const errors = await errorsOf(client, ZSTD, [batch, batch, batch, batch]);
        expect(errors).toEqual([0, 0, 0, 0]);
      }),
    );
  },
  TIMEOUT_MS,
);

it(
  'small batches by the hundred that open to a megabyte each are checked without holding up anybody',
  async () => {
    const batch = manyRecords('zstd', 3000);
    expect(batch.length).toBeLessThan(10_000);
    await expectNobodyHeldUp(() =>
      withClient(port, async (client) => {
        const errors = await errorsOf(client, PLAIN, Array(300).fill(batch));
        expect(new Set(errors)).toEqual(new Set([0]));
      }),
    );
  },
  TIMEOUT_MS,
);

it(
  'searches by time in a batch that opens to tens of megabytes hold up nobody',
  async () => {
    const topics = [{ name: PLAIN, partitions: [{ partitionIndex: 0, timestamp: 1 }] }];
    await expectNobodyHeldUp(() =>
      withClient(port, async (client) => {
        const asked = Array.from({ length: 10 }, () => client.request(ListOffsets, { topics }, 4));
        for (const { topics: answered } of await Promise.all(asked)) {
          expect(answered[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, offset: 0 });
        }
      }),
    );
  },
  TIMEOUT_MS,
);

it(
  'what an old client fetches is converted without holding up anybody',
  async () => {
    await expectNobodyHeldUp(() =>
      withClient(port, async (client) => {
        const asked = Array.from({ length: 3 }, () => client.request(Fetch, fetchOf(PLAIN, 0, 1_000_000), 2));
        for (const { responses } of await Promise.all(asked)) {
          expect(responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
          expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(100_000);
        }
      }),
    );
  },
  TIMEOUT_MS,
);

/** Of the heavy work what goes to thousands of partitions, or names things by the hundred thousand. */
const WIDE: readonly RegExp[] = [
  ...ANSWERED.map((what) => new RegExp(`^${what}, ${AGAIN} different`)),
  ...[/^CreateTopics: \d+ topics/, /^Metadata: all, \d/, /^Metadata: 100,000/, /^Produce: into/],
  ...[/^Fetch: all/, /^Fetch: 100,000/, /^Fetch: a session/, /^ListOffsets: all/, /^DeleteRecords: all/],
  ...[/^DescribeConfigs: all/, /^OffsetCommit: all/, /^OffsetFetch: all/, /^FindCoordinator: of/],
  ...[/^FindCoordinator: 100,000/, /^DescribeGroups: 100,000/, /^LeaveGroup: 100,000/],
];
const WORK = heavyWork();

it.each(WIDE)('there is work like %s', (wanted) => {
  expect(WORK.map(({ name }) => name)).toContainEqual(expect.stringMatching(wanted));
});

it.each(WORK.filter(({ name }) => WIDE.some((wanted) => wanted.test(name))))(
  '$name: nobody is held up',
  ({ run }) => expectNobodyHeldUp(() => run(port)),
  TIMEOUT_MS,
);

it('the event loop was hardly ever held for long', () => expectShortTurns(real, first));
