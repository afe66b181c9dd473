/**
 * The answers of one connection on their way out, in the order of their requests. What is in memory goes to
 * the socket at once; records that are read late follow a piece at a time, the next when the last has left.
 * So an answer takes the memory of a piece, however large it is and however slowly it is read, and a piece
 * is only as large as all connections together leave room for.
 */

import type { BufferPool } from '../platform/buffer-pool.ts';
import type { Clock } from '../platform/clock.ts';
import type { ByteSocket } from '../platform/sockets.ts';
import { LateBytes } from '../protocol/late-bytes.ts';
import type { AnswerMemory } from '../replication/requests/answer-memory.ts';
import type { Reply } from './outcome.ts';

interface OutgoingParts {
  readonly socket: ByteSocket;
  readonly clock: Clock;
  readonly pool: BufferPool;
  readonly memory: AnswerMemory;
  /** So many bytes were handed to the socket. */
  readonly onWritten: (sizeBytes: number) => void;
  /** Some have left: there is room. */
  readonly onSent: () => void;
  /** An answer can't be completed, and so nothing after it be said. */
  readonly onBroken: (error: unknown) => void;
}

/** One write to the socket. */
interface Batch {
  readonly parts: Uint8Array[];
  /** Sum of the parts. */
  sizeBytes: number;
  /** What the parts take of AnswerMemory. */
  heldBytes: number;
  /** Answers that leave with it. */
  replies: Reply[];
  /** From the pool: what was read late, up to `pieceUsedBytes`. */
  piece: Buffer | null;
  pieceUsedBytes: number;
}

/** A reply is in `#replies` until all of it is with the socket, then in a batch until that has left. */
export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #replies: Reply[] = [];
  /** Of the first reply: its first part that is not with the socket, and how much of that is. */
  #nextPart = 0;
  #partSentBytes = 0;
  /** Of all that has not left. */
  #unsentBytes = 0;
  /** In memory, of all that has not left. */
  #heldBytes = 0;
  /** In memory, of what is not with the socket. */
  #queuedBytes = 0;
  /** A piece that was read late is with the socket; nothing is written before it has left. */
  #pieceIsOut = false;
  /** What is next is being brought into memory; nothing is written before it is there. */
  #isWarming = false;
  /** It was, so it is read now. */
  #isWarm = false;
  /** For good. */
  #closed = false;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  /** Bytes of answers whose turn has come and that have not left. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** How much memory they take. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Everything is with the socket. */
  get isHandedOver(): boolean {
    return this.#replies.length === 0;
  }

  /** Its turn has come: it leaves with the next {@link flush}. */
  add(reply: Reply): void {
    this.#replies.push(reply);
    this.#unsentBytes += reply.sizeBytes;
    for (const part of reply.parts) {
      if (part instanceof LateBytes) continue;
      this.#queuedBytes += part.length;
      this.#hold(part.length);
    }
    reply.counted?.();
  }

  /** Hands over what there is, up to the end of a piece. */
  flush(): void {
    if (this.#closed || this.#pieceIsOut || this.#isWarming || this.#replies.length === 0) return;
    const batch: Batch = {
      ...{ parts: [], sizeBytes: 0, heldBytes: 0, replies: [] },
      ...{ piece: null, pieceUsedBytes: 0 },
    };
    try {
      this.#fill(batch);
    } catch (error) {
      this.#giveBack(batch);
      this.close();
      this.#parts.onBroken(error);
      return;
    }
    if (batch.parts.length === 0 && batch.replies.length === 0) return;
    this.#pieceIsOut = batch.piece !== null;
    this.#parts.onWritten(batch.sizeBytes);
    this.#parts.socket.write(batch.parts, () => this.#sent(batch));
  }

  /** Nothing is written any more; what was not handed over is given back. */
  close(): void {
    this.#closed = true;
    this.#hold(-this.#queuedBytes);
    this.#queuedBytes = 0;
    for (const reply of this.#replies.splice(0)) reply.sent();
  }

  #sent(batch: Batch): void {
    this.#unsentBytes -= batch.sizeBytes;
    this.#pieceIsOut = false;
    this.#giveBack(batch);
    if (this.#closed) return;
    // In the next turn of the event loop: a fast reader of a large answer does not keep the others waiting.
    if (batch.piece !== null && !this.isHandedOver) this.#parts.clock.soon(() => this.flush());
    this.#parts.onSent();
  }

  #giveBack({ piece, heldBytes, replies }: Batch): void {
    this.#hold(-heldBytes);
    if (piece !== null) this.#parts.pool.give(piece);
    for (const reply of replies) reply.sent();
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#parts.memory.add(bytes);
  }

  #fill(batch: Batch): void {
    let whole = 0;
    for (const reply of this.#replies) {
      if (!this.#fillWith(reply, batch)) break;
      whole += 1;
      this.#nextPart = 0;
    }
    batch.replies = this.#replies.splice(0, whole);
  }

  /** False when not all of the reply found room. */
  #fillWith({ parts }: Reply, batch: Batch): boolean {
    for (; this.#nextPart < parts.length; this.#nextPart++) {
      const part = parts[this.#nextPart];
      if (part === undefined) break;
      if (part instanceof LateBytes) {
        if (!this.#readInto(batch, part)) return false;
        continue;
      }
      batch.parts.push(part);
      batch.sizeBytes += part.length;
      batch.heldBytes += part.length;
      this.#queuedBytes -= part.length;
    }
    return true;
  }

  /** Reads as much of a part as the piece has room for; true when that was the rest of it. */
  #readInto(batch: Batch, part: LateBytes): boolean {
    const { memory, pool } = this.#parts;
    if (!this.#isWarm && this.#waitFor(part)) return false;
    this.#isWarm = false;
    if (batch.piece === null) {
      batch.piece = pool.take(Math.min(memory.pieceBytes, this.#unsentBytes));
      batch.heldBytes += batch.piece.length;
      this.#hold(batch.piece.length);
    }
    const { piece, pieceUsedBytes } = batch;
    const leftBytes = part.length - this.#partSentBytes;
    const bytes = Math.min(leftBytes, piece.length - pieceUsedBytes);
    if (bytes > 0) {
      part.read(piece, pieceUsedBytes, bytes, this.#partSentBytes);
      batch.parts.push(piece.subarray(pieceUsedBytes, pieceUsedBytes + bytes));
      batch.pieceUsedBytes += bytes;
      batch.sizeBytes += bytes;
    }
    this.#partSentBytes = bytes === leftBytes ? 0 : this.#partSentBytes + bytes;
    return bytes === leftBytes;
  }

  /** False when the next piece of a part can be read at once. */
  #waitFor(part: LateBytes): boolean {
    const bytes = Math.min(this.#parts.memory.pieceBytes, part.length - this.#partSentBytes);
    const warmed = part.warm(bytes, this.#partSentBytes);
    if (warmed === null) return false;
    this.#isWarming = true;
    void warmed.then(() => {
      this.#isWarming = false;
      this.#isWarm = true;
      this.flush();
    });
    return true;
  }
}
