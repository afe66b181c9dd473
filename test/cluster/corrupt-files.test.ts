/**
 * A real broker that finds its files damaged when it starts: what is only an aid is made again, what
 * is no complete batch goes, and nothing complete is lost.
 */
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ErrorCode } from '../../broker/errors.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { readRecords } from '../../broker/records/record.ts';
import { eventually, pause } from '../support/eventually.ts';
import { type RealCluster, SESSION_TIMEOUT_MS, startRealCluster } from './real-cluster.ts';

const TOPIC = 'kept';
const AIDS = /\.(index|timeindex|snapshot)$|^leader-epoch-checkpoint$/;
const CHECKPOINTS = /-checkpoint$/;

let real: RealCluster;
let data = '';
/** What was acknowledged, by offset. */
const acknowledged: string[] = [];

beforeAll(async () => {
  real = await startRealCluster({ brokers: 1, embedded: true });
  data = join(real.cluster.broker(1).directory, 'data');
  await withClient((client) =>
    client.request(CreateTopics, {
      topics: [
        {
          name: TOPIC,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [
            { name: 'segment.bytes', value: '8192' },
            { name: 'index.interval.bytes', value: '500' },
          ],
        },
      ],
      timeoutMs: 10_000,
    }),
  );
  await produceMore(120);
});

afterAll(() => real.close(), 60_000);

async function withClient<T>(use: (client: KafkaConnection) => Promise<T>): Promise<T> {
  const client = await KafkaConnection.connect(tcpSockets(), {
    host: '127.0.0.1',
    port: real.cluster.broker(1).port,
    clientId: null,
    timeoutMs: 20_000,
  });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Batches of one record each, by an idempotent producer, so that there are snapshots. */
async function produceMore(count: number): Promise<void> {
  await withClient(async (client) => {
    for (let index = 0; index < count; index++) {
      const value = `record ${acknowledged.length} ${'x'.repeat(200)}`;
      const records = buildBatch({
        producerId: 4711,
        producerEpoch: 0,
        baseSequence: acknowledged.length,
        records: [{ timestampMs: Date.now(), key: null, value: Buffer.from(value) }],
      });
      const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
      const answer = await client.request(Produce, { acks: -1, timeoutMs: 5000, topicData });
      expect(answer.responses[0]?.partitionResponses[0]).toMatchObject({
        errorCode: ErrorCode.NONE,
        baseOffset: acknowledged.length,
      });
      acknowledged.push(value);
    }
  });
}

async function readAll(): Promise<string[]> {
  return withClient(async (client) => {
    const values: string[] = [];
    for (;;) {
      const partition = { partition: 0, fetchOffset: values.length, partitionMaxBytes: 1_000_000 };
      const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: TOPIC, partitions: [partition] }] };
      const answer = await client.request(Fetch, request, 11);
      const fetched = answer.responses[0]?.partitions[0];
      expect(fetched?.errorCode).toBe(ErrorCode.NONE);
      const records = fetched?.records ?? Buffer.alloc(0);
      if (records.length === 0) return values;
      for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
        for (const { value, offset } of readRecords(records, at)) {
          if (offset === values.length) values.push(String(value));
        }
      }
    }
  });
}

function files(pattern: RegExp): string[] {
  const within = join(data, `${TOPIC}-0`);
  return readdirSync(within)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(within, name));
}

function checkpoints(): string[] {
  return readdirSync(data)
    .filter((name) => CHECKPOINTS.test(name))
    .map((name) => join(data, name));
}

/** Stops the broker as told, does the damage, starts it again and waits until it leads. */
async function restartAfter(stop: 'cleanly' | 'kill -9', damage: () => void): Promise<string> {
  const { child } = real.cluster.broker(1);
  if (stop === 'cleanly') await child.stop(60_000);
  else {
    await child.kill();
    // Until its session is over nobody may take its id.
    await pause(SESSION_TIMEOUT_MS + 1000);
  }
  const from = real.logOf(1).length;
  damage();
  await real.cluster.restart(1);
  await withClient((client) =>
    eventually('the partition has a leader', async () => {
      const { topics } = await client.request(Metadata, { topics: [{ name: TOPIC }] });
      return topics[0]?.partitions[0]?.leaderId === 1;
    }),
  );
  const said = real.logOf(1).slice(from);
  expect(said).not.toMatch(/\bFATAL\b|uncaught|unhandled/i);
  return said;
}

async function nothingIsLost(): Promise<void> {
  expect(await readAll()).toEqual(acknowledged);
  await produceMore(5);
  expect(await readAll()).toEqual(acknowledged);
}

it('there are several segments, indexes and snapshots to damage', () => {
  expect(files(/\.log$/).length).toBeGreaterThan(3);
  expect(files(AIDS).length).toBeGreaterThan(8);
});

it.each(['cleanly', 'kill -9'] as const)(
  'stopped %s: indexes, snapshots, epochs and checkpoints that are missing are made again',
  async (stop) => {
    await restartAfter(stop, () => {
      for (const file of [...files(AIDS), ...checkpoints()]) rmSync(file);
    });
    await nothingIsLost();
  },
);

it.each(['cleanly', 'kill -9'] as const)(
  'stopped %s: indexes, snapshots, epochs and checkpoints full of garbage are made again',
  async (stop) => {
    await restartAfter(stop, () => {
      for (const file of [...files(AIDS), ...checkpoints()]) {
        writeFileSync(file, Buffer.alloc(Math.max(64, statSync(file).size), 0xa5));
      }
    });
    await nothingIsLost();
  },
);

it('stopped cleanly: index entries that are in order but wrong cost nothing that is stored', async () => {
  await restartAfter('cleanly', () => {
    for (const file of files(/\.index$/)) {
      const bytes = readFileSync(file);
      for (let at = 0; at + 8 <= bytes.length; at += 8)
        bytes.writeInt32BE(bytes.readInt32BE(at + 4) + 3, at + 4);
      writeFileSync(file, bytes);
    }
  });
  await nothingIsLost();
});

it('killed: what follows the last complete batch goes, be it half a batch or garbage', async () => {
  for (const rest of [Buffer.alloc(100, 0xff), Buffer.alloc(300), Buffer.from([0, 0, 0, 0])]) {
    await restartAfter('kill -9', () => appendFileSync(files(/\.log$/).at(-1) ?? '', rest));
    expect(await readAll()).toEqual(acknowledged);
  }
  await nothingIsLost();
}, 90_000);

it('killed: a batch whose end is missing goes, those before it stay', async () => {
  await restartAfter('kill -9', () => {
    const last = files(/\.log$/).at(-1) ?? '';
    truncateSync(last, statSync(last).size - 1);
  });
  acknowledged.pop();
  await nothingIsLost();
});

it('stopped cleanly: a meta.properties that is empty or garbage is written again', async () => {
  for (const text of ['', 'garbage\u0000\u0001']) {
    const path = join(data, 'meta.properties');
    const before = readFileSync(path, 'utf8');
    await restartAfter('cleanly', () => writeFileSync(path, text));
    expect(readFileSync(path, 'utf8')).toBe(before);
  }
  await nothingIsLost();
});

it('stopped cleanly: a missing partition.metadata or meta.properties is written again', async () => {
  const metadataFile = join(data, `${TOPIC}-0`, 'partition.metadata');
  const before = readFileSync(metadataFile, 'utf8');
  await restartAfter('cleanly', () => {
    rmSync(metadataFile);
    rmSync(join(data, 'meta.properties'));
  });
  await nothingIsLost();
  expect(readFileSync(metadataFile, 'utf8')).toBe(before);
  expect(existsSync(join(data, 'meta.properties'))).toBe(true);
});

it('a meta.properties of a later version, or a partition.metadata that is garbage, stops the start with one clear line', async () => {
  for (const file of ['meta.properties', join(`${TOPIC}-0`, 'partition.metadata')]) {
    const path = join(data, file);
    await real.cluster.broker(1).child.stop(60_000);
    const before = readFileSync(path);
    writeFileSync(path, file === 'meta.properties' ? 'version=2' : 'garbage\u0000\u0001');
    const from = real.logOf(1).length;
    await expect(real.cluster.restart(1)).rejects.toThrow('ended with');
    expect(real.logOf(1).slice(from)).toContain(file.split('/').at(-1));
    expect(real.logOf(1).slice(from)).toMatch(/^odradek broker: .*log dirs/m);
    expect(real.logOf(1).slice(from)).not.toMatch(/uncaught|unhandled/i);
    writeFileSync(path, before);
    await real.cluster.restart(1);
    expect(await readAll()).toEqual(acknowledged);
  }
}, 90_000);
