/**
 * TLS before an HTTP server that others ask in the clear on the same port: the first byte tells which of them
 * somebody speaks. Whoever says nothing is one of those whose handshake is under way: they are few, and not
 * for long.
 * Source: RFC 8446, section 5.1 (the type of a record that opens a handshake).
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsListening } from './tls.ts';
import { TlsDoor } from './tls-sockets.ts';

const HANDSHAKE_RECORD = 22;

export class TlsFront {
  readonly #door: TlsDoor;
  readonly #listening: TlsListening;
  readonly #serve: (socket: Socket) => void;
  /** Connections that have said nothing yet; the oldest first. */
  readonly #silent = new Set<Socket>();
  readonly #secure = new WeakSet<Duplex>();

  private constructor(listening: TlsListening, serve: (socket: Socket) => void) {
    this.#listening = listening;
    this.#serve = serve;
    this.#door = new TlsDoor(listening, (socket) => {
      this.#secure.add(socket);
      serve(socket);
    });
  }

  /** Takes the connections of a server before the server does. */
  static before(server: Server, listening: TlsListening): TlsFront {
    const serving = server.listeners('connection');
    const front = new TlsFront(listening, (socket) => {
      for (const serve of serving) Reflect.apply(serve, server, [socket]);
    });
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => front.#take(socket));
    return front;
  }

  isSecure(socket: Duplex): boolean {
    return this.#secure.has(socket);
  }

  close(): void {
    for (const socket of this.#silent) socket.destroy();
    this.#door.close();
  }

  #take(socket: Socket): void {
    const { handshakeTimeoutMs, mostHandshakes } = this.#listening;
    const [oldest] = this.#silent;
    if (this.#silent.size >= mostHandshakes) oldest?.destroy();
    this.#silent.add(socket);
    const late = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    const over = (): void => {
      clearTimeout(late);
      this.#silent.delete(socket);
    };
    const failed = (): void => {};
    socket.on('error', failed);
    socket.once('close', over);
    socket.once('readable', () => {
      const first: Buffer | null = socket.read(1);
      if (first === null) return; // it has ended, and closes
      over();
      socket.unshift(first);
      socket.off('close', over);
      socket.off('error', failed);
      if (first[0] === HANDSHAKE_RECORD) this.#door.take(socket);
      else this.#serve(socket);
    });
  }
}
