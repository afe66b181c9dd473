/**
 * What a connection has still to be told. An answer waits until the transactions it may tell of are
 * durable, and everything behind it waits too: order is part of the protocol. While it is full no
 * further request is to be taken; a peer that lets its events pile up is cut off.
 */
import type { Socket } from 'node:net';

interface Waiting {
  readonly bytes: Buffer;
  /** May go once so many transactions are durable. */
  readonly barrier: number;
}

/** Enough to keep a connection busy. */
const FULL_BYTES = 1 << 20;
/** After the last answer the peer has this long to take it. */
const LINGER_MS = 2000;

/** In the order in which they are to leave: an answer that must wait holds up those behind it. */
export class AnswerQueue {
  readonly #socket: Socket;
  readonly #maxUnreadBytes: number;
  readonly #room: () => void;
  /** Not handed to the socket yet, oldest first. */
  #waiting: Waiting[] = [];
  /** Sum of `#waiting`, as long as the socket lives. */
  #waitingBytes = 0;
  /** Nothing is added any more; the socket ends once nothing waits. */
  #ending = false;

  /** `room` is called when something has gone out. */
  constructor(socket: Socket, maxUnreadBytes: number, room: () => void) {
    this.#socket = socket;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#room = room;
    socket.on('drain', room);
  }

  get isFull(): boolean {
    return this.#unreadBytes > FULL_BYTES;
  }

  /** A whole frame, to be sent in its turn. */
  add(bytes: Buffer, barrier: number): void {
    if (this.#ending || this.#socket.destroyed) return;
    this.#waiting.push({ bytes, barrier });
    this.#waitingBytes += bytes.length;
    if (this.#unreadBytes > this.#maxUnreadBytes) this.#socket.destroy();
  }

  /** Nothing is added any more; the socket ends when everything has gone out. */
  end(durable: number): void {
    this.#ending = true;
    this.flush(durable);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Sends what may go. */
  flush(durable: number): void {
    if (this.#socket.destroyed) {
      this.#waiting = [];
      return;
    }
    let count = this.#waiting.findIndex((answer) => answer.barrier > durable);
    if (count === -1) count = this.#waiting.length;
    if (count > 0) {
      const ready = this.#waiting.splice(0, count).map((answer) => answer.bytes);
      const bytes = ready.length === 1 && ready[0] ? ready[0] : Buffer.concat(ready);
      this.#waitingBytes -= bytes.length;
      this.#socket.write(bytes);
      this.#room();
    }
    if (this.#ending && this.#waiting.length === 0) this.#finish();
  }

  get #unreadBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  #finish(): void {
    const late = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    // What has gone is not held for the sake of a timer.
    this.#socket.once('close', () => clearTimeout(late));
    this.#socket.destroySoon();
  }
}
