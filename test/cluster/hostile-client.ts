/** A client that means no good: raw bytes over a socket, and valid requests that were damaged on the way. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { HANDLERS } from '../../broker/handlers/table.ts';
import type { Random } from '../../broker/platform/random.ts';
import { tcpSockets } from '../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { requestFrame } from '../../broker/protocol/frame.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import type { AnyApi } from '../../broker/protocol/schema.ts';
import { randomMessage } from '../unit/protocol/random-message.ts';

const SERVED: readonly AnyApi[] = [...HANDLERS.values()].map(({ api }) => api);

/** How an exchange ended: the broker closed, it answered, or it said nothing for the whole time. */
interface Exchange {
  readonly ended: 'closed' | 'answered' | 'silent';
  readonly received: Buffer;
}

/**
 * Sends `bytes` over a new connection and waits for what comes of it, at most `patienceMs`: where silence is no
 * answer, longer than a busy machine is silent.
 */
export function exchange(port: number, bytes: Buffer | string, patienceMs = 30_000): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    let ended: Exchange['ended'] | null = null;
    const finish = (how: Exchange['ended']): void => {
      if (ended !== null) return;
      ended = how;
      clearTimeout(timer);
      socket.destroy();
      resolve({ ended, received: Buffer.concat(chunks) });
    };
    const timer = setTimeout(() => finish('silent'), patienceMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const received = chunks.reduce((sum, { length }) => sum + length, 0);
      const first = Buffer.concat(chunks.slice(0, 4));
      if (first.length >= 4 && received >= 4 + first.readInt32BE(0)) finish('answered');
    });
    socket.on('error', () => finish('closed'));
    socket.on('end', () => finish('closed'));
    socket.on('close', () => finish('closed'));
    socket.write(bytes);
  });
}

/** What comes first, of an answer that does not say how long it is. */
export async function beginningOfAnswer(port: number, bytes: string): Promise<string> {
  const socket = await open(port);
  socket.write(bytes);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return answer.toString('latin1');
}

/** A connection that is kept. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

export function frame(payload: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

const HOSTILE_NUMBERS = [0x7fffffff, -1, -0x80000000, 0x7fff, 0x10000, 0x00ffffff, 1];

/** A request of any API and version with any contents, mostly damaged in a few places behind its header. */
export function hostileRequest(random: Random): { readonly api: AnyApi; readonly bytes: Buffer } {
  const api = SERVED[random.int(SERVED.length)] as AnyApi;
  const version = api.minVersion + random.int(api.maxVersion - api.minVersion + 1);
  const message = randomMessage(api.request, version, random);
  const header = { correlationId: 7, clientId: 'hostile' };
  const whole = Buffer.concat(requestFrame(api, version, header, message as never));
  let payload: Buffer = whole.subarray(4);
  const headerBytes = 8 + 2 + 'hostile'.length;
  for (let damages = random.int(4); damages > 0; damages--) payload = damaged(payload, headerBytes, random);
  return { api, bytes: frame(payload) };
}

function damaged(payload: Buffer, from: number, random: Random): Buffer {
  if (payload.length <= from) return payload;
  const at = from + random.int(payload.length - from);
  const copy = Buffer.from(payload);
  switch (random.int(5)) {
    case 0:
      copy[at] = random.int(256);
      return copy;
    case 1:
      if (at + 4 <= copy.length)
        copy.writeInt32BE(HOSTILE_NUMBERS[random.int(HOSTILE_NUMBERS.length)] ?? 0, at);
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([copy.subarray(0, at), random.bytes(random.int(64)), copy.subarray(at)]);
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(from)]);
  }
}

/** A request with a bare header of version 1 and no client. */
export function request(apiKey: number, apiVersion: number, body: Buffer): Buffer {
  const header = Buffer.alloc(10);
  header.writeInt16BE(apiKey, 0);
  header.writeInt16BE(apiVersion, 2);
  header.writeInt16BE(-1, 8);
  return frame(Buffer.concat([header, body]));
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function fetchOf(topic: string, offset: number, maxBytes: number) {
  return {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes }] }],
  };
}

/** Appends `records` to partition 0; the error code of the answer. */
export async function produce(
  client: KafkaConnection,
  topic: string,
  records: Buffer,
): Promise<number | undefined> {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const answer = await client.request(Produce, { acks: -1, timeoutMs: 5000, topicData });
  return answer.responses[0]?.partitionResponses[0]?.errorCode;
}

/** A client beside the hostile ones, which must be served all the same. */
export async function withHonestClient<T>(
  port: number,
  use: (client: KafkaConnection) => Promise<T>,
): Promise<T> {
  const client = await KafkaConnection.connect(tcpSockets(), {
    host: '127.0.0.1',
    port,
    clientId: 'honest',
    timeoutMs: 60_000,
  });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
