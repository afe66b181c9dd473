/** A socket whose other end is the test: it says what arrives and when, and whether the peer reads. */
import type { ByteSocket } from '../../../broker/platform/sockets.ts';

type Events = Parameters<ByteSocket['on']>[0];

export class MemorySocket implements ByteSocket {
  readonly remoteHost: string;
  readonly remotePort = 50_000;
  readonly localPort = 9092;
  readonly peerCertificate = null;
  open = true;
  /** The peer does not read: writes stay unflushed until {@link read}. */
  stalled = false;
  paused = false;
  ended = false;
  writes = 0;
  readonly #written: Buffer[] = [];
  #unflushed: { sizeBytes: number; flushed: (() => void) | undefined }[] = [];
  #arrived: Buffer[] = [];
  #events: Events | null = null;

  constructor(remoteHost = '127.0.0.1') {
    this.remoteHost = remoteHost;
  }

  get bufferedBytes(): number {
    return this.#unflushed.reduce((sum, write) => sum + write.sizeBytes, 0);
  }

  get served(): boolean {
    return this.#events !== null;
  }

  /** Everything written so far. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  write(parts: readonly Uint8Array[], flushed?: () => void): void {
    if (!this.open || this.ended) {
      flushed?.();
      return;
    }
    this.writes += 1;
    const bytes = Buffer.concat(parts);
    this.#written.push(bytes);
    if (this.stalled) this.#unflushed.push({ sizeBytes: bytes.length, flushed });
    else flushed?.();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#deliver();
  }

  end(): void {
    this.ended = true;
    if (this.#unflushed.length === 0) this.destroy();
  }

  destroy(): void {
    if (!this.open) return;
    this.open = false;
    this.read();
    this.#events?.close(null);
  }

  on(events: Events): void {
    this.#events = events;
    this.#deliver();
  }

  /** One readable burst; the chunks are overwritten after each call, as a shared slab would be. */
  arrive(...chunks: Buffer[]): void {
    this.#arrived.push(...chunks.map((chunk) => Buffer.from(chunk)));
    this.#deliver();
  }

  /** The peer reads what was written. */
  read(): void {
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    for (const write of unflushed) write.flushed?.();
    if (this.ended) this.destroy();
  }

  /** Bytes that the connection has not read because it paused. */
  get unreadBytes(): number {
    return this.#arrived.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  #deliver(): void {
    if (this.#events === null) return;
    let delivered = false;
    while (!this.paused && this.open && this.#arrived.length > 0) {
      const chunk = this.#arrived.shift() ?? Buffer.alloc(0);
      this.#events.data(chunk);
      chunk.fill(0xee);
      delivered = true;
    }
    if (delivered && this.open) this.#events.readEnd?.();
  }
}
