/**
 * queued.max.response.bytes: how much memory answers may take that clients have not read, on all
 * connections together. It is divided without anybody's leave: while there is room, an answer is read and
 * handed to its socket in large pieces, then in small ones. So clients that read nothing hold what is
 * configured and a small piece each, and nobody who does read ever waits for them.
 * Kafka has no such limit, and needs none: its answers go from the file to the socket.
 */

/** Larger pieces gain nothing, smaller ones cost throughput. */
const LARGE_PIECE_BYTES = 1024 * 1024;
const SMALL_PIECE_BYTES = 64 * 1024;
const ANSWERS_IN_WHAT_IS_LEFT = 8;

export class AnswerMemory {
  readonly #limitBytes: number;
  /** May exceed the limit by small pieces, and by what is not read in pieces. */
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Never negative. */
  get leftBytes(): number {
    return Math.max(0, this.#limitBytes - this.#usedBytes);
  }

  /**
   * How much of a new answer to read at once, which costs least: many partitions with a little each are
   * dear to read one by one later. A part of what is left, so that no few answers take all.
   */
  get atOnceBytes(): number {
    return Math.max(this.pieceBytes, Math.floor(this.leftBytes / ANSWERS_IN_WHAT_IS_LEFT));
  }

  /** How much of an answer to read when there is room for more of it. */
  get pieceBytes(): number {
    return this.leftBytes >= LARGE_PIECE_BYTES ? LARGE_PIECE_BYTES : SMALL_PIECE_BYTES;
  }

  /** An answer holds so much more, or, when it has left, less. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
  }
}
