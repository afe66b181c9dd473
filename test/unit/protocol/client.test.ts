/** The client's end of a connection, against a broker that the test plays. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { SocketNetwork } from '../../../broker/platform/sockets.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { decodeRequest } from '../../../broker/protocol/codec.ts';
import { FrameReader, responseFrame } from '../../../broker/protocol/frame.ts';
import { parseRequestHeader } from '../../../broker/protocol/header.ts';
import type { MessagePart } from '../../../broker/protocol/late-bytes.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { ALL_APIS } from '../../../broker/protocol/messages/all.ts';
import { ProtocolError } from '../../../broker/protocol/reader.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { MemorySocket } from '../network/memory-socket.ts';

interface Seen {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly body: Buffer;
}

async function connect(): Promise<{ connection: KafkaConnection; socket: MemorySocket; seen: () => Seen[] }> {
  const socket = new MemorySocket();
  const sockets: SocketNetwork = {
    listen: () => Promise.reject(new Error('not here')),
    dial: () => Promise.resolve(socket),
  };
  const options = { host: 'h', port: 9092, clientId: 'test', timeoutMs: 1000 };
  const seen = (): Seen[] => {
    const requests: Seen[] = [];
    new FrameReader(1_000_000, (frame) => {
      const header = parseRequestHeader(frame, (key) => ALL_APIS.find((api) => api.key === key));
      requests.push({ ...header, body: Buffer.from(frame.subarray(header.bodyOffset)) });
    }).push(socket.written);
    return requests;
  };
  return { connection: await KafkaConnection.connect(sockets, options), socket, seen };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const VERSIONS = {
  apiKeys: [
    { apiKey: 18, minVersion: 0, maxVersion: 4 },
    { apiKey: 3, minVersion: 0, maxVersion: 5 },
  ],
};

const answer = (...parts: MessagePart[][]): Buffer => bytesOfParts(parts.flat());

describe('a connection', () => {
  it('asks once what the broker speaks, then takes the highest common version', async () => {
    const { connection, socket, seen } = await connect();
    const first = connection.request(Metadata, { topics: null });
    const second = connection.request(Metadata, { topics: [] });
    socket.arrive(answer(responseFrame(ApiVersions, { version: 4, correlationId: 0 }, VERSIONS)));
    await settle();
    expect(seen().map(({ apiKey, apiVersion }) => [apiKey, apiVersion])).toEqual([
      [18, 4],
      [3, 5],
      [3, 5],
    ]);
    expect(decodeRequest(Metadata, 5, seen()[1]?.body ?? Buffer.alloc(0)).topics).toBeNull();
    socket.arrive(
      answer(
        responseFrame(Metadata, { version: 5, correlationId: 1 }, { controllerId: 1 }),
        responseFrame(Metadata, { version: 5, correlationId: 2 }, { controllerId: 2 }),
      ),
    );
    expect((await first).controllerId).toBe(1);
    expect((await second).controllerId).toBe(2);
  });

  it('falls back to ApiVersions v0 when the broker does not know its version', async () => {
    const { connection, socket, seen } = await connect();
    const versions = connection.versions();
    socket.arrive(
      answer(
        responseFrame(
          ApiVersions,
          { version: 0, correlationId: 0 },
          { errorCode: ErrorCode.UNSUPPORTED_VERSION },
        ),
      ),
    );
    await settle();
    socket.arrive(answer(responseFrame(ApiVersions, { version: 0, correlationId: 1 }, VERSIONS)));
    expect((await versions).get(3)).toEqual({ min: 0, max: 5 });
    expect(seen().map(({ apiVersion }) => apiVersion)).toEqual([4, 0]);
  });

  it('puts answers together from any pieces', async () => {
    const { connection, socket } = await connect();
    const asked = connection.request(Metadata, {}, 5);
    const frame = answer(
      responseFrame(Metadata, { version: 5, correlationId: 0 }, { clusterId: 'c', controllerId: 3 }),
    );
    for (const byte of frame) socket.arrive(Buffer.from([byte]));
    expect(await asked).toMatchObject({ clusterId: 'c', controllerId: 3 });
  });

  it('does not wait for an answer to acks=0', async () => {
    const { connection, seen } = await connect();
    expect(await connection.request(Produce, { acks: 0 }, 3)).toEqual({});
    expect(seen()).toHaveLength(1);
  });

  it('fails what is under way, and all that follows, when it is closed', async () => {
    const { connection, socket } = await connect();
    const asked = connection.request(Metadata, {}, 5);
    socket.destroy();
    await expect(asked).rejects.toThrow(/closed/);
    await expect(connection.request(Metadata, {}, 5)).rejects.toThrow(/closed/);
    expect(connection.open).toBe(false);
  });

  it('fails on an answer that nobody asked for, and on one that can’t be read', async () => {
    const one = await connect();
    const asked = one.connection.request(Metadata, {}, 5);
    one.socket.arrive(answer(responseFrame(Metadata, { version: 5, correlationId: 77 }, {})));
    await expect(asked).rejects.toThrow(ProtocolError);
    const other = await connect();
    const spoiled = other.connection.request(Metadata, {}, 5);
    other.socket.arrive(Buffer.from('00000005000000000a', 'hex'));
    await expect(spoiled).rejects.toThrow(ProtocolError);
  });

  it('says so when the broker has no version in common', async () => {
    const { connection, socket } = await connect();
    const asked = connection.request(Produce, {});
    socket.arrive(answer(responseFrame(ApiVersions, { version: 4, correlationId: 0 }, VERSIONS)));
    await expect(asked).rejects.toThrow(/no version of Produce/);
  });
});

describe('a frame reader', () => {
  it('refuses a frame that is negative or above the limit', () => {
    for (const size of ['ffffffff', '00000065', '7fffffff']) {
      const reader = new FrameReader(100, () => {});
      expect(() => reader.push(Buffer.from(size, 'hex'))).toThrow(ProtocolError);
    }
  });
});
