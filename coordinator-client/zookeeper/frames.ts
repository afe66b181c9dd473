/**
 * Cuts a stream of bytes into ZooKeeper's frames (four bytes of length, then the body). One splitter per
 * connection: half a frame must not outlive the connection it came on. A long frame is put together once,
 * when its last byte is there.
 */

/** No answer is this long; a greater length means that the two ends have lost each other. */
const MAX_FRAME_BYTES = 128 * 1024 * 1024;
const LENGTH_BYTES = 4;

export class FrameSplitter {
  /** The first one begins at a frame's length. */
  #chunks: Buffer[] = [];
  /** Sum of `#chunks`. */
  #heldBytes = 0;
  /** Of the first frame, with its length; 4 until that is known. */
  #neededBytes = LENGTH_BYTES;

  /** The bodies that are complete with this chunk, in order. Throws on an impossible length. */
  push(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#neededBytes) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#heldBytes);
    const frames: Buffer[] = [];
    let position = 0;
    let neededBytes = LENGTH_BYTES;
    while (bytes.length - position >= LENGTH_BYTES) {
      const length = bytes.readInt32BE(position);
      if (length < 0 || length > MAX_FRAME_BYTES) throw new Error(`frame of ${length} bytes`);
      neededBytes = LENGTH_BYTES + length;
      if (bytes.length - position < neededBytes) break;
      frames.push(bytes.subarray(position + LENGTH_BYTES, position + neededBytes));
      position += neededBytes;
      neededBytes = LENGTH_BYTES;
    }
    const rest = bytes.subarray(position);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#heldBytes = rest.length;
    this.#neededBytes = neededBytes;
    return frames;
  }
}
