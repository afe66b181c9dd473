/**
 * Cuts the bytes of a connection into requests. What is held never exceeds one request of the
 * permitted size and one chunk of the socket; a request over the limit is refused by its length.
 */

const LENGTH_BYTES = 4;

export class RequestFrames {
  /** The first one begins at a request's length. */
  #chunks: Buffer[] = [];
  /** Sum of `#chunks`. */
  #sizeBytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** The first four bytes as they came; null while there are fewer. */
  firstFour(): Buffer | null {
    return this.#sizeBytes < LENGTH_BYTES ? null : this.#head(LENGTH_BYTES).subarray(0, LENGTH_BYTES);
  }

  /** The next request without its length, a view; null while it is not complete. */
  next(maxRequestBytes: number): Buffer | 'too-large' | null {
    const length = this.firstFour()?.readInt32BE(0);
    if (length === undefined) return null;
    if (length < 0 || length > maxRequestBytes) return 'too-large';
    const end = LENGTH_BYTES + length;
    if (this.#sizeBytes < end) return null;
    const head = this.#head(end);
    this.#sizeBytes -= end;
    if (head.length === end) this.#chunks.shift();
    else this.#chunks[0] = head.subarray(end);
    return head.subarray(LENGTH_BYTES, end);
  }

  /** The first chunk, made as long as needed; a request that spans chunks is joined once. */
  #head(sizeBytes: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= sizeBytes) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
