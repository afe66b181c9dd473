/**
 * One real broker process under everything that can come over its sockets: it cuts off what it can't
 * understand, refuses what it must, and afterwards is as healthy as before, no larger than it has to
 * be, and still has what was stored.
 */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ErrorCode } from '../../broker/errors.ts';
import { encodeEnvelope } from '../../broker/peers/envelope.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { requestFrame } from '../../broker/protocol/frame.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { sealBatch } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { readRecords } from '../../broker/records/record.ts';
import { eventually, pause } from '../support/eventually.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import { batchOf, bombOf } from './hostile-batches.ts';
import {
  beginningOfAnswer,
  exchange,
  fetchOf,
  frame,
  hostileRequest,
  int32,
  open,
  produce,
  request,
  withHonestClient,
} from './hostile-client.ts';
import { expectShortTurns, firstTurnsOf, type LoopTurns } from './loop-turns.ts';
import { type RealCluster, startRealCluster } from './real-cluster.ts';
import { expectBoundedPeak, residentMiB } from './resident-memory.ts';

const TOPIC = 'kept';
const COMPACTED = 'compacted';
const KEPT = 200;
const MIB = 1024 * 1024;

let real: RealCluster;
let first: LoopTurns;
let port = 0;
let peerPort = 0;

beforeAll(async () => {
  real = await startRealCluster({
    brokers: 1,
    embedded: true,
    properties: { 'group.min.session.timeout.ms': '100' },
  });
  ({ port, peerPort } = real.cluster.broker(1));
  await withClient(async (client) => {
    const topic = { numPartitions: 1, replicationFactor: 1, assignments: [] };
    await client.request(CreateTopics, {
      topics: [
        { ...topic, name: TOPIC, configs: [] },
        { ...topic, name: COMPACTED, configs: [{ name: 'cleanup.policy', value: 'compact' }] },
      ],
      timeoutMs: 10_000,
    });
    for (let at = 0; at < KEPT; at++) expect(await produce(client, TOPIC, batchOf(`kept-${at}`))).toBe(0);
  });
  first = await firstTurnsOf(real);
});

afterAll(() => real.close(), 60_000);

afterEach(async () => {
  expect(real.cluster.broker(1).child.ended).toBe(null);
  // A machine that is busy with it may have lost its session for a moment.
  await eventually('it is healthy', async () => (await real.health(1))?.healthy === true);
  await withClient(async (client) => {
    const answer = await client.request(Fetch, fetchOf(TOPIC, 0, 10 * MIB), 11);
    const records = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
    const values: string[] = [];
    for (let at = 0; at < records.length; at += 12 + records.readInt32BE(at + 8)) {
      for (const { value } of readRecords(records, at)) values.push(String(value));
    }
    expect(values.slice(0, KEPT)).toEqual(Array.from({ length: KEPT }, (_, at) => `kept-${at}`));
  });
  expect(real.logOf(1)).not.toMatch(/\bFATAL\b|uncaught|unhandled/i);
  expectBoundedPeak(real.cluster.broker(1).child.pid);
});

const withClient = <T>(use: (client: KafkaConnection) => Promise<T>): Promise<T> =>
  withHonestClient(port, use);

describe('frames', () => {
  it('of a size that is negative, too large or no request at all end the connection', async () => {
    const frames: Buffer[] = [
      Buffer.from([0x80, 0, 0, 0]),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x7f, 0xff, 0xff, 0xff]),
      Buffer.from([0x06, 0x40, 0x00, 0x01]),
      frame(Buffer.alloc(0)),
      frame(Buffer.alloc(3)),
      frame(Buffer.alloc(9)),
      Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n'),
      Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
    ];
    for (const bytes of frames)
      expect((await exchange(port, bytes)).ended, bytes.toString('hex')).toBe('closed');
  });

  it('of an API or a version that is not served end the connection', async () => {
    const calls = [
      [4, 1],
      [5, 0],
      [6, 0],
      [7, 0],
      [68, 0],
      [56, 0],
      [58, 0],
      [67, 0],
      [9999, 0],
      [-1, 0],
      [3, 13],
      [3, -1],
      [0, 12],
    ] as const;
    for (const [apiKey, version] of calls) {
      const answer = await exchange(port, request(apiKey, version, Buffer.alloc(64)));
      expect(answer.ended, `API ${apiKey} version ${version}`).toBe('closed');
    }
  });

  it('that arrive in part, and connections that say nothing, keep nobody from being served', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open(port)));
    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) socket.write(Buffer.from([0x05, 0xf5, 0xe1, 0x00, 0, 0, 0]));
      if (index % 3 === 0) socket.end();
    }
    await withClient((client) => client.request(Metadata, { topics: null }));
    for (const socket of sockets) socket.destroy();
  });
});

it('whoever asks for faults finds none: they are there for those who enable them', async () => {
  const faults = (method: string, path = '') =>
    fetch(`http://127.0.0.1:${peerPort}/faults${path}`, { method }).then(({ status }) => status);
  expect([await faults('GET'), await faults('GET', '/openapi.json')]).toEqual([404, 404]);
  expect([await faults('POST', '/kill'), await faults('DELETE')]).toEqual([405, 405]);
});

describe('requests', () => {
  it('of every API, damaged at random, are answered or end their connection', async () => {
    const random = simulatedRandom(20_250_101);
    const counts = { closed: 0, answered: 0, silent: 0 };
    const requests = Array.from({ length: 3000 }, () => hostileRequest(random));
    const work = async (): Promise<void> => {
      for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
        counts[(await exchange(port, next.bytes, 200)).ended]++;
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(counts.closed).toBeGreaterThan(500);
    expect(counts.answered).toBeGreaterThan(500);
    expect(real.logOf(1)).not.toMatch(/ failed( too)?: /);
  }, 120_000);

  it('with more elements than any client needs are not made into objects', async () => {
    const emptyNames = Buffer.alloc(90 * MIB);
    const many = [
      // DeleteTopics v1: names of two bytes each.
      request(DeleteTopics.key, 1, Buffer.concat([int32(45 * MIB - 16), emptyNames])),
      // Metadata v1: the same.
      request(Metadata.key, 1, Buffer.concat([int32(45 * MIB - 16), emptyNames])),
      // OffsetFetch v1: topics of six bytes each.
      request(
        OffsetFetch.key,
        1,
        Buffer.concat([Buffer.from([0, 1, 0x67]), int32(15 * MIB - 16), emptyNames]),
      ),
    ];
    for (const bytes of many) expect((await exchange(port, bytes)).ended).toBe('closed');
  }, 90_000);

  it('that name one topic again and again get it once', async () => {
    const names = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from('\0\x04kept', 'latin1')));
    const { ended, received } = await exchange(port, request(3, 1, Buffer.concat([int32(100_000), names])));
    expect(ended).toBe('answered');
    expect(received.length).toBeLessThan(1000);
  });

  it('for billions of partitions are refused', async () => {
    const topic = { replicationFactor: 1, assignments: [], configs: [] };
    await withClient(async (client) => {
      const created = await client.request(CreateTopics, {
        topics: [
          { ...topic, name: 'huge', numPartitions: 2 ** 31 - 1 },
          { ...topic, name: 'small', numPartitions: 2 },
        ],
        timeoutMs: 10_000,
      });
      expect(created.topics.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.POLICY_VIOLATION, 0]);
      const grown = await client.request(CreatePartitions, {
        topics: [{ name: TOPIC, count: 2 ** 31 - 1, assignments: null }],
        timeoutMs: 10_000,
        validateOnly: false,
      });
      expect(grown.results[0]?.errorCode).toBe(ErrorCode.POLICY_VIOLATION);
    });
  });
});

describe('batches', () => {
  it('that are corrupt are refused, each with its error', async () => {
    const damage = (change: (batch: Buffer) => void, seal = true): Buffer => {
      const batch = batchOf('x');
      change(batch);
      if (seal) sealBatch(batch, 0);
      return batch;
    };
    const corrupt = ErrorCode.CORRUPT_MESSAGE;
    const invalid = ErrorCode.INVALID_RECORD;
    const cases: [string, Buffer, number][] = [
      ['nothing', Buffer.alloc(0), invalid],
      ['a wrong CRC', damage((batch) => batch.writeUInt32BE(1, 17), false), corrupt],
      ['a wrong magic', damage((batch) => batch.writeInt8(9, 16), false), corrupt],
      ['a short size', damage((batch) => batch.writeInt32BE(1, 8), false), corrupt],
      ['a base offset', damage((batch) => batch.writeInt32BE(5, 4)), invalid],
      [
        'a last offset delta that is too large',
        damage((batch) => batch.writeInt32BE(1_000_000, 23)),
        invalid,
      ],
      ['a negative last offset delta', damage((batch) => batch.writeInt32BE(-5, 23)), invalid],
      ['more records than there are', damage((batch) => batch.writeInt32BE(2 ** 31 - 1, 57)), invalid],
      ['no record', damage((batch) => batch.writeInt32BE(0, 57)), invalid],
      ['a control batch', damage((batch) => batch.writeInt16BE(0x20, 21)), invalid],
      ['two batches', Buffer.concat([batchOf('x'), batchOf('y')]), invalid],
    ];
    await withClient(async (client) => {
      for (const [what, batch, error] of cases) expect(await produce(client, TOPIC, batch), what).toBe(error);
    });
  });

  it('that open to far more than they are, in every codec, are refused and do not stay in memory', async () => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const bomb = bombOf(codec, 512 * MIB);
      const before = residentMiB(real.cluster.broker(1).child.pid);
      await withClient(async (client) => {
        for (let round = 0; round < 3; round++) {
          expect([
            ErrorCode.INVALID_RECORD,
            ErrorCode.CORRUPT_MESSAGE,
            ErrorCode.MESSAGE_TOO_LARGE,
            // Compressed data that is broken: Kafka has no name for it.
            ErrorCode.UNKNOWN_SERVER_ERROR,
          ]).toContain(await produce(client, COMPACTED, bomb));
        }
      });
      expect(residentMiB(real.cluster.broker(1).child.pid) - before, codec).toBeLessThan(150);
    }
  }, 120_000);
});

describe('readers', () => {
  it('who ask for much and read nothing cost a bounded amount of memory', async () => {
    const value = Buffer.alloc(900_000, 'v');
    await withClient(async (client) => {
      for (let at = 0; at < 30; at++) {
        const batch = buildBatch({ records: [{ timestampMs: Date.now(), key: Buffer.from('k'), value }] });
        expect(await produce(client, COMPACTED, batch)).toBe(0);
      }
    });
    const before = residentMiB(real.cluster.broker(1).child.pid);
    const header = { correlationId: 1, clientId: 'slow' };
    const fetches = Buffer.concat(
      Array.from({ length: 50 }, () =>
        Buffer.concat(requestFrame(Fetch, 11, header, fetchOf(COMPACTED, 0, 2 ** 31 - 1))),
      ),
    );
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(port)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(fetches);
    }
    await pause(1500);
    expect(residentMiB(real.cluster.broker(1).child.pid) - before).toBeLessThan(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe('the port of the peers', () => {
  const upgrade = (path: string, extra: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${extra}\r\n`;
  const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

  it('refuses what is no request and no upgrade', async () => {
    const bytes: (Buffer | string)[] = [
      'garbage\r\n\r\n',
      Buffer.alloc(100_000, 0xff),
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(20_000)}\r\n`,
      'POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999999\r\n\r\n',
      'GET /metrics HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n',
      'CONNECT here:80 HTTP/1.1\r\nHost: here\r\n\r\n',
      'GET http://[::1 HTTP/1.1\r\nHost: here\r\n\r\n',
      'GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: here\r\n\r\n',
      upgrade('/elsewhere', KEY),
      upgrade('/peer', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n'),
      upgrade('/peer', `Sec-WebSocket-Version: 99\r\n${KEY}`),
    ];
    for (const each of bytes) {
      const { received } = await exchange(peerPort, each, 700);
      expect(received.toString('latin1')).not.toMatch(/^HTTP\/1.1 (101|200)/);
    }
  });

  it('lets no web page in, wherever it says it comes from', async () => {
    const whole = `Sec-WebSocket-Version: 13\r\n${KEY}`;
    expect(await beginningOfAnswer(peerPort, upgrade('/peer', whole))).toMatch(/^HTTP\/1.1 101/);
    for (const origin of ['http://evil.example', `http://127.0.0.1:${peerPort}`, 'null', '']) {
      const { received } = await exchange(peerPort, upgrade('/peer', `${whole}Origin: ${origin}\r\n`));
      expect(received.toString('latin1'), origin).toMatch(/^HTTP\/1.1 403/);
      // Strangers learn nothing: not which broker this is, nor of which cluster.
      expect(received.toString('latin1'), origin).not.toMatch(/broker|cluster/i);
    }
  });

  it('closes channels on which something else than the handshake is said', async () => {
    const nested = Buffer.concat([Buffer.alloc(3900, 0x81), Buffer.from([0])]);
    const hello = {
      type: 'hello',
      revision: 1,
      brokerId: 1,
      brokerEpoch: 1,
      role: 'control',
      expectedBrokerId: 1,
    };
    const envelope = (header: unknown): Buffer => Buffer.concat(encodeEnvelope(header));
    const withHeader = (cbor: Buffer): Buffer => frame(cbor);
    const messages: (Buffer | string)[] = [
      Buffer.alloc(0),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      'text',
      withHeader(nested),
      withHeader(Buffer.from([0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])),
      withHeader(Buffer.from([0x9a, 0x7f, 0xff, 0xff, 0xff, 0])),
      withHeader(Buffer.from([0xba, 0x7f, 0xff, 0xff, 0xff, 0])),
      withHeader(Buffer.from([0x5b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])),
      withHeader(Buffer.from([0xd9, 0xdf, 0xff, 0x81, 0x00])),
      withHeader(Buffer.alloc(4000, 0xa1)),
      envelope(null),
      envelope([1, 2]),
      envelope({ type: 'hello' }),
      envelope({ ...hello, clusterId: 'wrong', nonce: Buffer.alloc(32) }),
      envelope({ ...hello, clusterId: 7, nonce: 'x' }),
      envelope({ type: 'proof', proof: Buffer.alloc(32) }),
      envelope({ type: 'welcome' }),
      envelope({ type: 'refused', reason: 'x'.repeat(3000) }),
      Buffer.alloc(5 * MIB, 1),
    ];
    for (const [index, message] of messages.entries()) {
      const webSocket = new WebSocket(`ws://127.0.0.1:${peerPort}/peer`);
      webSocket.on('error', () => {});
      await once(webSocket, 'open');
      const closed = once(webSocket, 'close', { signal: AbortSignal.timeout(30_000) });
      webSocket.send(message);
      await closed.catch(() => {
        throw new Error(`message ${index} was taken`);
      });
    }
  });

  it('closes a channel with a message above peer.max.message.bytes before all of it has come', async () => {
    const socket = await open(peerPort);
    socket.on('error', () => {});
    socket.write(upgrade('/peer', `Sec-WebSocket-Version: 13\r\n${KEY}`));
    await once(socket, 'data');
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(30_000) });
    // A masked binary frame of 16 TiB.
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]));
    socket.resume();
    await closed;
    socket.destroy();
  });

  it('keeps working beside many that only connect', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open(peerPort)));
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.write(upgrade('/peer', `Sec-WebSocket-Version: 13\r\n${KEY}`));
    }
    await eventually('the page is served', async () => (await real.health(1))?.healthy === true);
    for (const socket of sockets) socket.destroy();
  });
});

it('the event loop was hardly ever held for long', () => expectShortTurns(real, first));
