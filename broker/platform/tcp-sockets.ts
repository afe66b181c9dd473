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
import type { ByteSocket, SocketNetwork } from './sockets.ts';

const SLAB_BYTES = 1024 * 1024;
/** What libuv reads at once where it brings its own memory. */
const PLAIN_READ_BYTES = 64 * 1024;
const SELF_TEST_TIMEOUT_MS = 1000;
/** Some clients try only one of the addresses that this name has, so a listener of it has both. */
const LOCALHOST = 'localhost';
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

type SocketEvents = Parameters<ByteSocket['on']>[0];

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
    async listen({ host, port, backlog, accept }) {
      if (slab !== null) working ??= rehandlingWorks(slab);
      const fast = slab !== null && (await working) === true ? slab : null;
      const accepted = (socket: Socket) =>
        accept(fast === null ? new PlainSocket(socket) : rehandle(socket, fast));
      const servers: Server[] = [];
      const close = (): Promise<void> =>
        new Promise((resolve) => {
          for (const server of servers) server.close();
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
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
  slab: Buffer | null,
): Promise<ByteSocket> {
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

/** What both kinds of sockets do alike. */
abstract class NodeSocket implements ByteSocket {
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localPort: number;
  protected readonly socket: Socket;
  /** null until somebody listens: nothing is read before. */
  protected events: SocketEvents | null = null;
  protected paused = false;
  #error: Error | null = null;
  /** The close came before anybody listened. */
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    this.remoteHost = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.localPort = socket.localPort ?? 0;
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('drain', () => this.events?.drain?.());
    socket.on('close', () => {
      this.#closed = true;
      this.events?.close(this.#error);
    });
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  get open(): boolean {
    return this.socket.writable;
  }

  write(parts: readonly Uint8Array[], flushed?: () => void): void {
    const { socket } = this;
    const last = parts.at(-1);
    if (!socket.writable || last === undefined) {
      if (flushed !== undefined) process.nextTick(flushed);
      return;
    }
    if (parts.length > 1) {
      socket.cork();
      for (let index = 0; index < parts.length - 1; index++) socket.write(parts[index] ?? last);
    }
    // The callback's error is of no use here: the close tells.
    if (flushed === undefined) socket.write(last);
    else socket.write(last, () => flushed());
    if (parts.length > 1) socket.uncork();
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    if (this.events !== null) this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  on(events: SocketEvents): void {
    this.events = events;
    if (this.#closed) process.nextTick(() => events.close(this.#error));
    if (!this.paused) this.socket.resume();
  }

  /** Reads go on in the next turn of the event loop, after those of the other connections. */
  protected readOnNextTurn(): void {
    setImmediate(() => {
      if (!this.paused && !this.socket.destroyed) this.socket.resume();
    });
  }
}

class PlainSocket extends NodeSocket {
  constructor(socket: Socket) {
    super(socket);
    let endPending = false;
    socket.on('data', (chunk) => {
      this.events?.data(chunk);
      if (endPending) return;
      // A read that did not fill its memory was the last one of its burst.
      if (chunk.length < PLAIN_READ_BYTES) {
        this.events?.readEnd?.();
        return;
      }
      endPending = true;
      setImmediate(() => {
        endPending = false;
        this.events?.readEnd?.();
      });
    });
    // A listener for data makes a socket flow.
    socket.pause();
  }
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
