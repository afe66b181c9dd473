/**
 * What a connection has still to be told. An answer waits until the transactions it may tell of are
 * durable, and everything behind it waits too: order is part of the protocol. A peer that does not
 * read is cut off before it costs too much memory.
 */
import type { Socket } from 'node:net';

interface Waiting {
  readonly bytes: Buffer;
  /** May go once so many transactions are durable. */
  readonly barrier: number;
}

/** After the last answer the peer has this long to take it. */
const LINGER_MS = 2000;

export class AnswerQueue {
  private readonly socket: Socket;
  private readonly maxUnreadBytes: number;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private ending = false;

  constructor(socket: Socket, maxUnreadBytes: number) {
    this.socket = socket;
    this.maxUnreadBytes = maxUnreadBytes;
    socket.on('drain', () => socket.resume());
  }

  /** A whole frame, to be sent in its turn. */
  add(bytes: Buffer, barrier: number): void {
    if (this.ending || this.socket.destroyed) return;
    this.waiting.push({ bytes, barrier });
    this.waitingBytes += bytes.length;
    if (this.waitingBytes + this.socket.writableLength > this.maxUnreadBytes) this.socket.destroy();
  }

  /** Nothing is added any more; the socket ends when everything has gone out. */
  end(durable: number): void {
    this.ending = true;
    this.flush(durable);
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** Sends what may go. Reading stops while the peer does not take it. */
  flush(durable: number): void {
    if (this.socket.destroyed) {
      this.waiting = [];
      return;
    }
    let count = this.waiting.findIndex((answer) => answer.barrier > durable);
    if (count === -1) count = this.waiting.length;
    if (count > 0) {
      const ready = this.waiting.splice(0, count).map((answer) => answer.bytes);
      const bytes = ready.length === 1 && ready[0] ? ready[0] : Buffer.concat(ready);
      this.waitingBytes -= bytes.length;
      if (!this.socket.write(bytes)) this.socket.pause();
    }
    if (this.ending && this.waiting.length === 0) this.finish();
  }

  private finish(): void {
    this.socket.destroySoon();
    setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
  }
}
