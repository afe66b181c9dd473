/**
 * Cuts a byte stream into Kafka's frames (int32 size, then that many bytes). Chunks are valid during
 * the call only, so complete frames inside a chunk are handed on in place without a copy, and only
 * what is left over (a partial frame, or frames the taker can't take yet) moves into a private buffer.
 * That buffer grows with the bytes that really arrive, and not with the size a peer claims before much of it has come.
 */
import { type BufferPool, powerOfTwo } from '../platform/buffer-pool.ts';

/** The size field is negative or above the limit: the stream can't be trusted any more. */
export class InvalidFrameSize extends Error {
  override readonly name = 'InvalidFrameSize';
}

/** How large a frame may be, and which config says so. */
export interface FrameLimit {
  readonly maxBytes: number;
  readonly config: string;
}

/**
 * Handles one frame (without its size field), whose bytes are valid during the call only. Of one that `isOwn` the
 * memory may be kept: then nobody else will use it. Not taken is what can't be now: the frame is offered again by
 * {@link FrameSplitter.resume}.
 */
type TakeFrame = (frame: Buffer, isOwn: boolean) => 'taken' | 'kept' | 'not taken';

const SIZE_BYTES = 4;
/**
 * Who has sent so much of a frame gets room for all of it: to grow further would mean to copy ever more at once, and
 * sixteen megabytes, into memory that the system has yet to find, were measured as 40 ms.
 */
const EARNEST_BYTES = 4 * 1024 * 1024;
/** How a handshake of TLS begins, taken for the size of a frame. */
const TLS_HANDSHAKE = 0x1603;

/**
 * What is kept stands at `#from` to `#to` of `#held` and begins at the size field of a frame. Without
 * kept bytes there is no buffer.
 */
export class FrameSplitter {
  readonly #pool: BufferPool;
  readonly #limit: () => FrameLimit;
  readonly #take: TakeFrame;
  /** From the pool; given back when all of it is taken, unless its memory is kept. */
  #held: Buffer | null = null;
  #from = 0;
  #to = 0;
  /** The kept bytes begin with a complete frame that was offered and not taken. */
  #refused = false;
  /** A frame is being taken, whose bytes may be those of `#held`. */
  #isOffering = false;
  /** For good: by `close`, or because a size was wrong. */
  #closed = false;

  /** `limit` is asked for each frame: what a client may send changes with its login. */
  constructor(pool: BufferPool, limit: () => FrameLimit, take: TakeFrame) {
    this.#pool = pool;
    this.#limit = limit;
    this.#take = take;
  }

  /** Bytes kept for later. */
  get heldBytes(): number {
    return this.#to - this.#from;
  }

  /** What is kept is the beginning of a frame. */
  get isArriving(): boolean {
    return this.#held !== null && !this.#refused;
  }

  /** A complete frame is kept because the taker refused it. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Throws InvalidFrameSize, after which the splitter takes nothing more. */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#held !== null) {
      at = this.#refused ? 0 : this.#completeHeldFrame(chunk);
      if (this.#closed) return;
      if (this.#held !== null) {
        this.#hold(chunk, at);
        return;
      }
    }
    at = this.#takeFrom(chunk, at, chunk.length);
    if (!this.#closed && at < chunk.length) this.#hold(chunk, at);
  }

  /** Offers what was refused, and what came after it, again. */
  resume(): void {
    const held = this.#held;
    if (held === null || this.#closed) return;
    this.#refused = false;
    const stoppedAt = this.#takeFrom(held, this.#from, this.#to);
    if (this.#closed) return;
    this.#from = stoppedAt;
    if (this.#from === this.#to) this.#release();
  }

  /** Drops everything; later pushes are ignored. Safe while a frame is being taken. */
  close(): void {
    this.#closed = true;
    // The buffer under a frame that is being taken is still read: it is left to the garbage collector.
    if (this.#isOffering) this.#held = null;
    this.#release();
  }

  /** Copies just what the kept partial frame lacks; returns how much of the chunk that was. */
  #completeHeldFrame(chunk: Buffer): number {
    let used = 0;
    if (this.heldBytes < SIZE_BYTES) {
      used = Math.min(SIZE_BYTES - this.heldBytes, chunk.length);
      this.#append(chunk, 0, used);
      if (this.heldBytes < SIZE_BYTES) return used;
    }
    const held = this.#held;
    if (held === null) return used;
    const lacking = SIZE_BYTES + this.#sizeAt(held, this.#from) - this.heldBytes;
    const more = Math.min(lacking, chunk.length - used);
    this.#append(chunk, used, used + more);
    if (more === lacking) this.resume();
    return used + more;
  }

  /** Hands on the complete frames of a range; returns where it stopped. */
  #takeFrom(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (to - at >= SIZE_BYTES) {
      const end = at + SIZE_BYTES + this.#sizeAt(bytes, at);
      if (end > to) break;
      const isOwn = end === to && this.#isMostOf(bytes, end - at);
      this.#isOffering = true;
      const outcome = this.#take(bytes.subarray(at + SIZE_BYTES, end), isOwn);
      this.#isOffering = false;
      if (outcome === 'not taken') {
        this.#refused = true;
        break;
      }
      if (this.#closed) return to;
      if (outcome === 'kept') this.#held = null;
      at = end;
    }
    return at;
  }

  /** Of a buffer that is not used again: who takes so much of it may keep all of it. */
  #isMostOf(bytes: Buffer, sizeBytes: number): boolean {
    return bytes === this.#held && !this.#pool.keeps(bytes) && sizeBytes > bytes.length / 2;
  }

  #sizeAt(bytes: Buffer, at: number): number {
    const size = bytes.readInt32BE(at);
    const { maxBytes, config } = this.#limit();
    if (size >= 0 && size <= maxBytes) return size;
    this.close();
    const guess =
      size >>> 16 === TLS_HANDSHAKE ? '; it looks like TLS, which this listener does not speak' : '';
    throw new InvalidFrameSize(
      `a frame of ${size} bytes: the size must be between 0 and ${maxBytes} (${config})${guess}`,
    );
  }

  #hold(chunk: Buffer, from: number): void {
    this.#append(chunk, from, chunk.length);
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const more = to - from;
    if (more === 0) return;
    const kept = this.heldBytes;
    let held = this.#held;
    if (held === null || kept + more > held.length) {
      const larger = this.#pool.take(this.#earnedBytes(held) ?? powerOfTwo(kept + more));
      if (held !== null) {
        held.copy(larger, 0, this.#from, this.#to);
        this.#pool.give(held);
      }
      held = larger;
      this.#moved(held, kept);
    } else if (this.#to + more > held.length) {
      held.copyWithin(0, this.#from, this.#to);
      this.#moved(held, kept);
    }
    chunk.copy(held, this.#to, from, to);
    this.#to += more;
  }

  /** The whole frame, of which so much is here; null before. Memory is taken only as it is written to, as bytes arrive. */
  #earnedBytes(held: Buffer | null): number | null {
    if (held === null || this.#refused || this.heldBytes < EARNEST_BYTES) return null;
    return SIZE_BYTES + this.#sizeAt(held, this.#from);
  }

  #moved(held: Buffer, kept: number): void {
    this.#held = held;
    this.#from = 0;
    this.#to = kept;
  }

  #release(): void {
    const held = this.#held;
    this.#held = null;
    this.#from = this.#to = 0;
    if (held !== null) this.#pool.give(held);
  }
}
