/**
 * Byte streams over TCP. All connections read into one slab, for a chunk is used up before the next
 * one is read: twice the throughput per CPU second of Node's ordinary `data` events. Node offers
 * that (`onread`) for outgoing connections only, so an accepted connection's handle is moved to a
 * socket that has it; where this does not work (it is tried out once) plain events serve.
 */
import { once } from 'node:events';
import {
  createServer,
  connect as netConnect,
  type Server,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { listening } from './listening.ts';
import { NodeSocket, PlainSocket } from './node-sockets.ts';
import type { ByteSocket, SocketNetwork } from './sockets.ts';
import { secured, TlsDoor } from './tls-sockets.ts';

const SLAB_BYTES = 1024 * 1024;
const SELF_TEST_TIMEOUT_MS = 1000;
/** Some clients try only one of the addresses that this name has, so a listener of it has both. */
const LOCALHOST = 'localhost';
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

interface TcpOptions {
  /** `plain`: Node's ordinary events, without trying anything else. */
  readonly reading?: 'slab' | 'plain';
  /** A connection could not be accepted, for example because the process has too many files open. */
  readonly onAcceptError?: (error: Error) => void;
}

/** The slab is shared by all connections of the returned network. */
export function tcpSockets({ reading = 'slab', onAcceptError = () => {} }: TcpOptions = {}): SocketNetwork {
  const slab = reading === 'slab' ? Buffer.allocUnsafeSlow(SLAB_BYTES) : null;
  let working: Promise<boolean> | null = null;
  return {
    async listen({ host, port, backlog, accept, tls }) {
      if (slab !== null) working ??= rehandlingWorks(slab);
      const fast = slab !== null && (await working) === true ? slab : null;
      const door = tls === undefined ? null : new TlsDoor(tls, (socket) => accept(new PlainSocket(socket)));
      const accepted = (socket: Socket) => {
        if (door !== null) door.take(socket);
        else accept(fast === null ? new PlainSocket(socket) : rehandle(socket, fast));
      };
      const servers: Server[] = [];
      const close = (): Promise<void> =>
        new Promise((resolve) => {
          for (const server of servers) server.close();
          door?.close();
          // The port is free when the handle has been closed, not when the connections are gone.
          setImmediate(resolve);
        });
      let bound = port;
      try {
        for (const address of host === LOCALHOST ? LOOPBACK_ADDRESSES : [host]) {
          const another = servers.length > 0;
          const server = await listenOn({ host: address, port: bound, backlog, another }, accepted);
          if (server === null) continue;
          server.on('error', onAcceptError);
          servers.push(server);
          bound = portOf(server, port);
        }
      } catch (error) {
        await close();
        throw error;
      }
      return { port: bound, close };
    },
    dial: (target) => dial(target, slab),
  };
}

/** null: this machine has no such address, which only matters when there is no other. */
async function listenOn(
  { another, ...address }: { host: string; port: number; backlog: number; another: boolean },
  accepted: (socket: Socket) => void,
): Promise<Server | null> {
  const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, accepted);
  try {
    await listening(server, address);
    return server;
  } catch (error) {
    const lacks = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (lacks && another) return null;
    throw error;
  }
}

function portOf(server: Server, asked: number): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : asked;
}

async function dial(
  { host, port, timeoutMs, tls }: Parameters<SocketNetwork['dial']>[0],
  slab: Buffer | null,
): Promise<ByteSocket> {
  if (tls !== undefined) return new PlainSocket(await secured({ host, port, timeoutMs, tls }));
  const reader = new SlabReader();
  const target = { host, port, noDelay: true, keepAlive: true };
  const socket = slab === null ? netConnect(target) : netConnect({ ...target, onread: reader.onread(slab) });
  socket.pause();
  const timer = setTimeout(() => {
    socket.destroy(
      Object.assign(new Error(`ETIMEDOUT: no connection to ${host}:${port}`), { code: 'ETIMEDOUT' }),
    );
  }, timeoutMs);
  try {
    await once(socket, 'connect');
  } finally {
    clearTimeout(timer);
  }
  return slab === null ? new PlainSocket(socket) : new SlabSocket(socket, reader);
}

/** Stands between a socket and its wrapper, because the reading must be set before either exists. */
class SlabReader {
  receive: ((bytesRead: number, slab: Buffer) => boolean) | null = null;

  onread(slab: Buffer): NonNullable<SocketConstructorOpts['onread']> {
    return {
      buffer: () => slab,
      callback: (bytesRead) => this.receive?.(bytesRead, slab) ?? true,
    };
  }
}

class SlabSocket extends NodeSocket {
  constructor(socket: Socket, reader: SlabReader) {
    super(socket);
    reader.receive = (bytesRead, slab) => {
      this.events?.data(slab.subarray(0, bytesRead));
      this.events?.readEnd?.();
      if (this.paused) return false;
      // A read that filled the slab is followed by up to 31 more before any other connection gets
      // its turn; that was measured as 30 ms for the others. So this one waits for the next turn.
      if (bytesRead < slab.length) return true;
      this.readOnNextTurn();
      return false;
    };
  }
}

/** The options and fields of sockets that Node has but does not document. */
interface HandleOwner {
  _handle: unknown;
}

function rehandle(accepted: Socket, slab: Buffer): ByteSocket {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  owner._handle = null;
  accepted.destroy();
  const reader = new SlabReader();
  const options = { handle, onread: reader.onread(slab), pauseOnCreate: true };
  const socket = new Socket(options as SocketConstructorOpts);
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return new SlabSocket(socket, reader);
}

/** Sends a few bytes to itself through a moved handle. */
async function rehandlingWorks(slab: Buffer): Promise<boolean> {
  const server = createServer({ pauseOnConnect: true });
  let client: Socket | null = null;
  try {
    await listening(server, { host: '127.0.0.1', port: 0 });
    const address = server.address();
    if (address === null || typeof address === 'string') return false;
    client = netConnect(address.port, '127.0.0.1');
    client.on('error', () => {});
    const [accepted] = (await once(server, 'connection')) as [Socket];
    return await echoArrives(rehandle(accepted, slab), client);
  } catch {
    return false;
  } finally {
    client?.destroy();
    server.close();
  }
}

function echoArrives(socket: ByteSocket, client: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (works: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(works);
    };
    const timer = setTimeout(finish, SELF_TEST_TIMEOUT_MS, false);
    socket.on({
      data: (chunk) => finish(chunk.toString() === 'through the slab'),
      close: () => finish(false),
    });
    client.write('through the slab');
  });
}
