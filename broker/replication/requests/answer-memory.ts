/**
 * queued.max.response.bytes: how much memory answers may take that clients have not read, on all
 * connections together. It is divided without anybody's leave: while there is room, an answer is read and
 * handed to its socket in large pieces, then in small ones. So clients that read nothing hold what is
 * configured and a small piece each, and nobody who does read ever waits for them, but clients whose
 * records must be in memory as a whole.
 * Records count from the moment they are read, as a {@link AnswerClaim} of the read; once their answer is at the
 * connection, that counts all of it, and the claim ends.
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
  #onRoom: () => void = () => {};

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
    const wasFull = this.leftBytes === 0;
    this.#usedBytes += bytes;
    if (wasFull && this.leftBytes > 0) this.#onRoom();
  }

  /** So many bytes were read for an answer that is not at its connection yet. */
  claim(bytes: number): AnswerClaim {
    return new AnswerClaim(this, bytes);
  }

  /**
   * `run` is called whenever there is something left again, within the call that gave it back: all it may do is to
   * take note of that. One listener.
   */
  whenRoom(run: () => void): void {
    this.#onRoom = run;
  }
}

/** Memory that was taken for an answer by who reads it; it counts until its end. */
export class AnswerClaim {
  readonly #memory: AnswerMemory;
  #bytes: number;

  constructor(memory: AnswerMemory, bytes: number) {
    this.#memory = memory;
    this.#bytes = bytes;
    memory.add(bytes);
  }

  /** It is so many bytes now, of what has taken the place of what was read. */
  become(bytes: number): void {
    const moreBytes = bytes - this.#bytes;
    this.#bytes = bytes;
    if (moreBytes !== 0) this.#memory.add(moreBytes);
  }

  /** Idempotent. */
  end(): void {
    this.become(0);
  }
}

/** Of what takes no memory. */
export const NO_CLAIM: Pick<AnswerClaim, 'become' | 'end'> = { become() {}, end() {} };
