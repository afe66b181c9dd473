/**
 * Sockets of Node's as byte streams: what TCP and TLS, and the two ways of reading, have in common. TLS is
 * read by plain events, for what is decrypted lies in memory of its own anyway.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ByteSocket } from './sockets.ts';

/** What libuv reads at once where it brings its own memory. */
const PLAIN_READ_BYTES = 64 * 1024;

type SocketEvents = Parameters<ByteSocket['on']>[0];

/** What both kinds of sockets do alike. */
export abstract class NodeSocket implements ByteSocket {
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

  get peerCertificate(): Buffer | null {
    if (!(this.socket instanceof TLSSocket)) return null;
    return this.socket.getPeerX509Certificate()?.raw ?? null;
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

export class PlainSocket extends NodeSocket {
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
