/**
 * One real broker process and clients that are hostile by amounts: who announce much and send little, ask
 * for much and read nothing, or say one thing a hundred thousand times. What they cost stays bounded, and
 * others are served meanwhile.
 */
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../broker/handlers/table.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { decodeResponse } from '../../broker/protocol/codec.ts';
import { requestFrame } from '../../broker/protocol/frame.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import type { AnyApi } from '../../broker/protocol/schema.ts';
import { batchCrcIsValid, completeBatches } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { readRecords } from '../../broker/records/record.ts';
import { repetitiveFrames } from '../interop/differential/cases.ts';
import { SAMPLES } from '../interop/differential/samples.ts';
import { NOBODY, type Sample, TOPICS } from '../interop/differential/world.ts';
import { eventually } from '../support/eventually.ts';
import { exchange, fetchOf, open, produce } from './hostile-client.ts';
import { expectShortTurns, firstTurnsOf, type LoopTurns } from './loop-turns.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';
import { expectBoundedPeak, residentMiB } from './resident-memory.ts';

/** Far more than any of this takes: only what never ends is found out by it. */
const PATIENCE_MS = 60_000;
const AGAIN = 100_000;
const WIDE = 'wide';
const LARGE = 'large';
const HEADER = { correlationId: 1, clientId: 'hostile' };

let real: RealCluster;
let first: LoopTurns;
let port = 0;

beforeAll(async () => {
  real = await startRealCluster({ brokers: 1, embedded: true });
  ({ port } = real.cluster.broker(1));
  const topic = { replicationFactor: 1, assignments: [], configs: [] };
  const topics = [
    ...TOPICS.map((name) => ({ ...topic, name, numPartitions: 2 })),
    { ...topic, name: WIDE, numPartitions: 500 },
  ];
  await withClient((client) => client.request(CreateTopics, { topics, timeoutMs: 30_000 }));
  await eventually('all partitions are led', async () => (await ledPartitions()) === 506);
  first = await firstTurnsOf(real);
}, 90_000);

afterAll(() => real.close(), 60_000);

afterEach(async () => {
  expect(real.cluster.broker(1).child.ended).toBe(null);
  expect(await ledPartitions()).toBeGreaterThanOrEqual(506);
  expect(real.logOf(1)).not.toMatch(/\bFATAL\b|uncaught|unhandled/i);
  expectBoundedPeak(real.cluster.broker(1).child.pid);
});

async function withClient<T>(use: (client: KafkaConnection) => Promise<T>): Promise<T> {
  const to = { host: '127.0.0.1', port, clientId: 'honest', timeoutMs: 60_000 };
  const client = await KafkaConnection.connect(tcpSockets(), to);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** How many partitions of the topics of this suite have leaders: what an honest client sees. */
async function ledPartitions(): Promise<number> {
  const topics = [...TOPICS, WIDE].map((name) => ({ name }));
  const answer = await withClient((client) => client.request(Metadata, { topics }));
  return answer.topics.flatMap(({ partitions }) => partitions).filter(({ errorCode }) => errorCode === 0)
    .length;
}

async function openMany(count: number): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(port)));
  for (const socket of sockets) socket.on('error', () => {});
  return sockets;
}

describe('clients', () => {
  it('that announce a hundred megabytes and send a little cost what they send', async () => {
    const before = residentMiB(real.cluster.broker(1).child.pid);
    const sockets = await openMany(400);
    const beginning = Buffer.alloc(16 * 1024);
    beginning.writeInt32BE(100_000_000);
    await Promise.all(
      sockets.map((socket) => new Promise((resolve) => socket.write(beginning, () => resolve(null)))),
    );
    expect(await ledPartitions()).toBe(506);
    // Together they announced 40 GB.
    expect(residentMiB(real.cluster.broker(1).child.pid) - before).toBeLessThan(300);
    for (const socket of sockets) socket.destroy();
  });

  it('that ask for all topics again and again, and read nothing, cost a bounded amount of memory', async () => {
    const before = residentMiB(real.cluster.broker(1).child.pid);
    const one = Buffer.concat(requestFrame(Metadata, 12, HEADER, { topics: null }));
    const requests = Buffer.concat(Array.from({ length: 5000 }, () => one));
    const sockets = await openMany(20);
    for (const socket of sockets) {
      socket.pause();
      socket.write(requests);
    }
    // The answers would come to more than a gigabyte.
    for (let round = 0; round < 20; round++) {
      expect(await ledPartitions()).toBe(506);
      expect(residentMiB(real.cluster.broker(1).child.pid) - before).toBeLessThan(300);
    }
    for (const socket of sockets) socket.destroy();
  }, 120_000);
});

describe('records', () => {
  const ALL_BYTES = 52 * 1024 * 1024;
  let fetch: Buffer;

  beforeAll(async () => {
    const topics = [{ name: LARGE, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    await withClient(async (client) => {
      await client.request(CreateTopics, { topics, timeoutMs: 30_000 });
      await eventually('the partition is led', async () => {
        return (await produce(client, LARGE, largeBatch(0))) === 0;
      });
      for (let number = 1; number < 60; number++) await produce(client, LARGE, largeBatch(number));
    });
    fetch = Buffer.concat(requestFrame(Fetch, 11, HEADER, fetchOf(LARGE, 0, ALL_BYTES)));
  });

  it('that nobody reads cost a piece each, and others are served in large pieces again', async () => {
    const { pid } = real.cluster.broker(1).child;
    const before = residentMiB(pid);
    const sockets = await openMany(60);
    for (const socket of sockets) {
      socket.pause();
      socket.write(fetch);
    }
    // They ask for three gigabytes together.
    for (let round = 0; round < 20; round++) {
      expect(await ledPartitions()).toBe(506);
      expect(residentMiB(pid) - before).toBeLessThan(400);
    }
    const { received } = await exchange(port, fetch, PATIENCE_MS);
    expect(received.length).toBeGreaterThan(ALL_BYTES - 2 * 1024 * 1024);
    for (const socket of sockets) socket.destroy();
    await eventually('most of it is given back', async () => residentMiB(pid) - before < 200);
  }, 120_000);

  it('come complete and in order to one who reads slowly', async () => {
    const [whole, slow] = [await exchange(port, fetch, PATIENCE_MS), await readSlowly(fetch)];
    expect(whole.ended).toBe('answered');
    expect(slow.equals(whole.received)).toBe(true);
    const { responses } = decodeResponse(Fetch, 11, slow.subarray(8));
    const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
    let number = 0;
    for (const at of completeBatches(records)) {
      expect(batchCrcIsValid(records, at)).toBe(true);
      expect(readRecords(records, at)[0]?.value?.readInt32BE(0)).toBe(number);
      number += 1;
    }
    expect(number).toBeGreaterThan(50);
  }, 120_000);
});

/** A record of nearly a megabyte that begins with its number. */
function largeBatch(number: number): Buffer {
  const value = Buffer.alloc(900_000, number);
  value.writeInt32BE(number);
  return buildBatch({ records: [{ timestampMs: Date.now(), key: null, value }] });
}

/** The answer, read in small bites with pauses. */
async function readSlowly(request: Buffer): Promise<Buffer> {
  const socket = await open(port);
  const chunks: Buffer[] = [];
  let received = 0;
  socket.write(request);
  for await (const chunk of socket) {
    chunks.push(chunk);
    received += chunk.length;
    const first = chunks[0] ?? chunk;
    if (received >= 4 + first.readInt32BE(0)) break;
    if (chunks.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  socket.destroy();
  return Buffer.concat(chunks);
}

describe('requests', () => {
  for (const { api } of HANDLERS.values()) {
    const request = newestSample(api)?.request(NOBODY, 0);
    const requests = request === undefined ? [] : repetitiveFrames(api, request, AGAIN);
    if (requests.length === 0) continue;
    it(`of ${api.name} that name one thing ${AGAIN} times come to an end`, async () => {
      for (const { path, frame } of requests) {
        const { ended } = await exchange(port, frame(), PATIENCE_MS);
        expect(ended, path).not.toBe('silent');
      }
    }, 240_000);
  }
});

function newestSample({ key, maxVersion }: AnyApi): Sample | undefined {
  return SAMPLES[key]?.find(({ from = 0, to = maxVersion }) => maxVersion >= from && maxVersion <= to);
}

it('the event loop was hardly ever held for long', () => expectShortTurns(real, first));
