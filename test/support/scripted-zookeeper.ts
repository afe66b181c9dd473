/**
 * A server that speaks just enough of ZooKeeper's protocol to be told what to answer, and when. For what a
 * well-behaved server never does.
 */
import net from 'node:net';
import { FrameSplitter } from '../../coordinator-client/zookeeper/frames.ts';

interface ScriptedRequest {
  readonly xid: number;
  readonly opcode: number;
  /** Answers with an error code and a body. */
  answer(code: number, body?: Buffer): void;
}

export interface ScriptedZookeeper {
  readonly port: number;
  /** Every request since the start but pings, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** What each connection began with. */
  readonly handshakes: readonly { lastZxid: bigint; sessionId: bigint }[];
  /** Called for every request but pings; without one they stay unanswered. */
  onRequest: (request: ScriptedRequest) => void;
  pings: number;
  /** From now on pings are counted and not answered. */
  isSilent: boolean;
  /** Sends bytes of a frame's body to the client. */
  send(body: Buffer): void;
  cut(): void;
  close(): Promise<void>;
}

const PING_XID = -2;
const SESSION_ID = 77n;

export async function startScriptedZookeeper(sessionTimeoutMs: number): Promise<ScriptedZookeeper> {
  const requests: ScriptedRequest[] = [];
  const handshakes: { lastZxid: bigint; sessionId: bigint }[] = [];
  const sockets = new Set<net.Socket>();
  const sendTo = (socket: net.Socket, body: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    socket.write(Buffer.concat([length, body]));
  };
  const listener = net.createServer((socket) => {
    const splitter = new FrameSplitter();
    let connected = false;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) {
        if (!connected) {
          connected = true;
          handshakes.push({ lastZxid: frame.readBigInt64BE(4), sessionId: frame.readBigInt64BE(16) });
          sendTo(socket, connectResponse(sessionTimeoutMs));
          continue;
        }
        const [xid, opcode] = [frame.readInt32BE(0), frame.readInt32BE(4)];
        const answer = (code: number, body = Buffer.alloc(0)): void =>
          sendTo(socket, Buffer.concat([replyHeader(xid, code), body]));
        if (xid === PING_XID) {
          server.pings += 1;
          if (!server.isSilent) answer(0);
        } else {
          const request = { xid, opcode, answer };
          requests.push(request);
          server.onRequest(request);
        }
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP port');
  const server: ScriptedZookeeper = {
    port: address.port,
    requests,
    handshakes,
    onRequest: () => {},
    pings: 0,
    isSilent: false,
    send: (body) => {
      for (const socket of sockets) sendTo(socket, body);
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        listener.close(() => resolve());
      }),
  };
  return server;
}

/** A notification about `path`, of any type. */
export function watchEvent(type: number, path: string): Buffer {
  const body = Buffer.alloc(12 + Buffer.byteLength(path));
  body.writeInt32BE(type, 0);
  body.writeInt32BE(3, 4);
  body.writeInt32BE(Buffer.byteLength(path), 8);
  body.write(path, 12);
  return Buffer.concat([replyHeader(-1, 0), body]);
}

function replyHeader(xid: number, code: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32BE(xid, 0);
  header.writeBigInt64BE(xid > 0 ? BigInt(xid) : -1n, 4);
  header.writeInt32BE(code, 12);
  return header;
}

function connectResponse(timeoutMs: number): Buffer {
  const body = Buffer.alloc(37);
  body.writeInt32BE(timeoutMs, 4);
  body.writeBigInt64BE(SESSION_ID, 8);
  body.writeInt32BE(16, 16);
  return body;
}
