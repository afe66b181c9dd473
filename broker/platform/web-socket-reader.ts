/**
 * Reads the dialling end of a WebSocket: the bulk of what one broker hears of another. Whole binary
 * frames are put together in one buffer that is used again and again, and handed on as views; all else
 * (the answer to the upgrade, pings, the close, fragments, what is too large) goes on to `ws` as it came.
 * `ws` reads into a new buffer for every 64 KiB and joins them for every message, which made a following
 * broker spend a third of its time on collecting garbage. Source: RFC 6455, section 5.2.
 */
import type { Socket, SocketConstructorOpts } from 'node:net';

const SMALLEST_BYTES = 64 * 1024;
/** Larger buffers are given up after the message that needed them. */
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;
/** The end of the answer to an upgrade must come within so many bytes. */
const MAX_ANSWER_BYTES = 16 * 1024;
const END_OF_ANSWER = '\r\n\r\n';
const FINAL_BINARY_FRAME = 0x82;
const MASKED = 0x80;
const MAX_HEADER_BYTES = 10;

/** Called with each message; the buffer is the receiver's for the duration of the call. */
type Receive = (message: Buffer) => void;

export class WebSocketReader {
  #maxMessageBytes: number;
  #socket: Socket | null = null;
  /** null until somebody listens: frames wait in the buffer. */
  #receive: Receive | null = null;
  #buffer = Buffer.allocUnsafeSlow(SMALLEST_BYTES);
  /** Bytes from #begin to #end have been read and not dealt with. */
  #begin = 0;
  #end = 0;
  /** What the frame at #begin takes in all, as far as that is known. */
  #neededBytes = MAX_HEADER_BYTES;
  /** Only forwards: the answer to the upgrade, frames, and after a violation everything goes to `ws`. */
  #stage: 'answer' | 'frames' | 'all-to-ws' = 'answer';
  /** Of the frame at #begin, if it is one that `ws` gets. */
  #leftForWsBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** For the options of the socket, which is made with them. */
  get onread(): NonNullable<SocketConstructorOpts['onread']> {
    return {
      buffer: () => this.#room(),
      callback: (bytesRead) => {
        this.#end += bytesRead;
        this.#process();
        return true;
      },
    };
  }

  attach(socket: Socket): void {
    this.#socket = socket;
  }

  allowMessages(maxMessageBytes: number): void {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** From now on there is somebody who listens; what has arrived already comes at once. */
  start(receive: Receive): void {
    this.#receive = receive;
    this.#process();
  }

  /** Where the next bytes go. Called by the socket after each read, which is the only time when bytes may move. */
  #room(): Buffer {
    const pendingBytes = this.#end - this.#begin;
    // Room for a header at least: a socket must not be given an empty buffer to read into.
    const neededBytes = Math.max(this.#neededBytes, pendingBytes + MAX_HEADER_BYTES);
    // Room for two, so that a frame that begins in the middle seldom has to be moved.
    const wantedBytes = Math.max(SMALLEST_BYTES, roundUp(neededBytes) * 2);
    const isTooSmall = neededBytes > this.#buffer.length;
    const isTooLarge = pendingBytes === 0 && this.#buffer.length > LARGEST_KEPT_BYTES;
    if (isTooSmall || isTooLarge) {
      const next = Buffer.allocUnsafeSlow(isTooLarge ? SMALLEST_BYTES : wantedBytes);
      this.#buffer.copy(next, 0, this.#begin, this.#end);
      this.#buffer = next;
      this.#begin = 0;
      this.#end = pendingBytes;
    } else if (pendingBytes === 0 || this.#begin + neededBytes > this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#begin, this.#end);
      this.#begin = 0;
      this.#end = pendingBytes;
    }
    return this.#buffer.subarray(this.#end);
  }

  #process(): void {
    let goesOn = true;
    while (goesOn && this.#begin < this.#end && this.#socket?.destroyed !== true) {
      if (this.#stage === 'answer') goesOn = this.#takeAnswer();
      else if (this.#stage === 'all-to-ws') this.#passToWs(this.#end - this.#begin);
      else if (this.#receive === null) goesOn = false;
      else goesOn = this.#takeFrame(this.#receive);
    }
  }

  /** The answer is passed on whole, and without the frames that may follow it. */
  #takeAnswer(): boolean {
    const arrived = this.#buffer.subarray(this.#begin, this.#end);
    const end = arrived.indexOf(END_OF_ANSWER, 0, 'latin1');
    if (end < 0) {
      if (arrived.length > MAX_ANSWER_BYTES) this.#stage = 'all-to-ws';
      else this.#neededBytes = arrived.length + MAX_HEADER_BYTES;
      return this.#stage === 'all-to-ws';
    }
    this.#stage = 'frames';
    this.#passToWs(end + END_OF_ANSWER.length);
    return true;
  }

  /** False when the frame has not arrived whole. */
  #takeFrame(receive: Receive): boolean {
    const availableBytes = this.#end - this.#begin;
    if (this.#leftForWsBytes > 0) {
      const sizeBytes = Math.min(this.#leftForWsBytes, availableBytes);
      this.#leftForWsBytes -= sizeBytes;
      this.#passToWs(sizeBytes);
      return true;
    }
    const header = readHeader(this.#buffer.subarray(this.#begin, this.#end));
    if (header === null) {
      this.#neededBytes = MAX_HEADER_BYTES;
      return false;
    }
    if (header.isMasked || header.payloadBytes > this.#maxMessageBytes) {
      // A violation: `ws` knows how to end that.
      this.#stage = 'all-to-ws';
      return true;
    }
    const frameBytes = header.sizeBytes + header.payloadBytes;
    if (!header.isWholeMessage) {
      this.#leftForWsBytes = frameBytes;
      return true;
    }
    this.#neededBytes = frameBytes;
    if (availableBytes < frameBytes) return false;
    const from = this.#begin + header.sizeBytes;
    this.#begin += frameBytes;
    this.#neededBytes = MAX_HEADER_BYTES;
    receive(this.#buffer.subarray(from, from + header.payloadBytes));
    return true;
  }

  /** A copy, as `ws` may keep it. */
  #passToWs(sizeBytes: number): void {
    const bytes = Buffer.from(this.#buffer.subarray(this.#begin, this.#begin + sizeBytes));
    this.#begin += sizeBytes;
    this.#neededBytes = MAX_HEADER_BYTES;
    this.#socket?.emit('data', bytes);
  }
}

interface FrameHeader {
  readonly sizeBytes: number;
  readonly payloadBytes: number;
  readonly isMasked: boolean;
  readonly isWholeMessage: boolean;
}

/** null when the header has not arrived whole. */
function readHeader(bytes: Buffer): FrameHeader | null {
  const [first = 0, second = 0] = bytes;
  const shortLength = second & 0x7f;
  const sizeBytes = shortLength < 126 ? 2 : shortLength === 126 ? 4 : MAX_HEADER_BYTES;
  if (bytes.length < sizeBytes) return null;
  let payloadBytes = shortLength;
  if (shortLength === 126) payloadBytes = bytes.readUInt16BE(2);
  else if (shortLength === 127) payloadBytes = bytes.readUInt32BE(2) * 2 ** 32 + bytes.readUInt32BE(6);
  const isMasked = (second & MASKED) !== 0;
  return { sizeBytes, payloadBytes, isMasked, isWholeMessage: first === FINAL_BINARY_FRAME };
}

function roundUp(sizeBytes: number): number {
  let size = SMALLEST_BYTES;
  while (size < sizeBytes) size *= 2;
  return size;
}
