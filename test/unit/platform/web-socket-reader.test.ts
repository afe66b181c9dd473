/** The dialling end of a channel takes frames apart however they arrive, and leaves the rest to `ws`. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../../broker/platform/channels.ts';
import { webSocketChannels } from '../../../broker/platform/web-socket-channels.ts';

const MAX_MESSAGE_BYTES = 300_000;
let server: Server;
let leader: Socket;
let channel: Channel;
let received: string[];
let closed: string | null;
/** Sent together with the answer to the upgrade. */
let early: Buffer;

async function open(): Promise<void> {
  server = createServer((socket) => {
    leader = socket;
    socket.setNoDelay(true).on('error', () => {});
    socket.once('data', (request) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(request.toString())?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const answer = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(answer), early]));
    });
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const target = { host: '127.0.0.1', port, timeoutMs: 20_000, maxMessageBytes: MAX_MESSAGE_BYTES };
  channel = await webSocketChannels().dial(target);
  channel.onClose((reason) => {
    closed = reason;
  });
}

function listen(): void {
  channel.onMessage((message) => {
    received.push(`${message.length}:${createHash('md5').update(message).digest('hex')}`);
  });
}

function frame(payload: Buffer, first = 0x82): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (length >= 65_536) header.writeUInt32BE(length, 6);
  else if (length >= 126) header.writeUInt16BE(length, 2);
  return Buffer.concat([header, payload]);
}

const payload = (sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, `of ${sizeBytes} bytes, `);
const told = (message: Buffer): string =>
  `${message.length}:${createHash('md5').update(message).digest('hex')}`;
const arrived = (count: number): Promise<void> => expect.poll(() => received.length).toBe(count);

beforeEach(() => {
  received = [];
  closed = null;
  early = Buffer.alloc(0);
});

afterEach(async () => {
  leader.destroy();
  server.close();
  await expect.poll(() => closed).not.toBeNull();
});

describe('the reading end', () => {
  it('puts messages of every size together, whatever the pieces in which they come', async () => {
    await open();
    listen();
    const messages = [0, 1, 125, 126, 65_535, 65_536, 200_000, 5, MAX_MESSAGE_BYTES, 70_000].map(payload);
    const bytes = Buffer.concat(messages.map((message) => frame(message)));
    for (let at = 0, piece = 1; at < bytes.length; at += piece, piece = (piece * 7 + 3) % 9973) {
      leader.write(bytes.subarray(at, at + piece));
      if (piece < 200) await new Promise((resolve) => setImmediate(resolve));
    }
    await arrived(messages.length);
    expect(received).toEqual(messages.map(told));
  });

  it('keeps what came with the answer to the upgrade until somebody listens', async () => {
    const messages = [payload(10), payload(60_000), payload(100_000)];
    early = Buffer.concat(messages.map((message) => frame(message)));
    await open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(received).toEqual([]);
    listen();
    await arrived(3);
    expect(received).toEqual(messages.map(told));
  });

  it('answers pings and joins fragments in between, in order', async () => {
    await open();
    listen();
    const pong = new Promise<Buffer>((resolve) => leader.once('data', resolve));
    leader.write(
      Buffer.concat([
        frame(payload(10)),
        frame(payload(1000), 0x02),
        frame(Buffer.from('ping'), 0x89),
        frame(payload(70_000), 0x80),
        frame(payload(20)),
      ]),
    );
    await arrived(3);
    const joined = Buffer.concat([payload(1000), payload(70_000)]);
    expect(received).toEqual([payload(10), joined, payload(20)].map(told));
    expect((await pong)[0]).toBe(0x8a);
  });

  it('ends a channel whose message is larger than allowed', async () => {
    await open();
    listen();
    leader.write(Buffer.concat([frame(payload(3)), frame(payload(MAX_MESSAGE_BYTES + 1))]));
    await expect.poll(() => closed).not.toBeNull();
    expect(received).toEqual([told(payload(3))]);
  });

  it('ends with the reason of the other end', async () => {
    await open();
    listen();
    leader.write(Buffer.concat([frame(payload(3)), frame(Buffer.from('\x03\xe8enough', 'latin1'), 0x88)]));
    await expect.poll(() => closed).toBe('enough');
    expect(received).toEqual([told(payload(3))]);
  });
});
