/**
 * Frames: a message with its header and, in front, four bytes that give its size.
 */
import { writeRequest, writeResponse, writeResponseInSteps } from './codec.ts';
import { writeRequestHeader, writeResponseHeader } from './header.ts';
import type { MessagePart } from './late-bytes.ts';
import { type MessageLimits, ProtocolError } from './reader.ts';
import type { AnyApi, RequestInput, ResponseInput } from './schema.ts';
import { Writer } from './writer.ts';

const LENGTH_BYTES = 4;

/** Which answer it is. */
interface Answered {
  readonly version: number;
  readonly correlationId: number;
}

/**
 * A whole response, to be sent in this order: length, header and body share one buffer where they can.
 * Throws TooManyElements or TooMuchText on one beyond the limits.
 */
export function responseFrame<A extends AnyApi>(
  api: A,
  answered: Answered,
  response: ResponseInput<A>,
  limits?: MessageLimits,
): MessagePart[] {
  const writer = begun(api, answered, limits);
  writeResponse(api, answered.version, response, writer);
  return withLength(writer.finishWithLate(), writer.sizeBytes);
}

/** The same in steps, for a response that can't be written in one turn of the event loop. */
export function* responseFrameInSteps<A extends AnyApi>(
  api: A,
  answered: Answered,
  response: ResponseInput<A>,
): Generator<undefined, MessagePart[]> {
  const writer = begun(api, answered);
  yield* writeResponseInSteps(api, answered.version, response, writer);
  return withLength(writer.finishWithLate(), writer.sizeBytes);
}

function begun(api: AnyApi, { version, correlationId }: Answered, limits?: MessageLimits): Writer {
  const writer = new Writer(limits);
  writer.int32(0);
  writeResponseHeader(api, version, correlationId, writer);
  return writer;
}

/** A whole request, ready for the socket. */
export function requestFrame<A extends AnyApi>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  request: RequestInput<A>,
): Buffer[] {
  const writer = new Writer();
  writer.int32(0);
  writeRequestHeader(api, version, header, writer);
  writeRequest(api, version, request, writer);
  return withLength(writer.finish(), writer.sizeBytes);
}

/** Fills in the length, for which the first part has room. */
function withLength<P extends MessagePart>(parts: P[], sizeBytes: number): P[] {
  const [first] = parts;
  if (first instanceof Buffer) first.writeInt32BE(sizeBytes - LENGTH_BYTES);
  return parts;
}

/**
 * Cuts a byte stream into frames. A frame that lies within one chunk is handed over as a view of it,
 * valid during the call; only a frame that spans chunks is copied together.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #receive: (frame: Buffer) => void;
  /** The beginning of a frame that is not complete. */
  #held: Buffer[] = [];
  /** Sum of `#held`; 0 between two frames. */
  #heldBytes = 0;

  constructor(maxFrameBytes: number, receive: (frame: Buffer) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#receive = receive;
  }

  /** Throws ProtocolError on a length that is negative or above the limit. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#heldBytes > 0) {
      this.#held.push(Buffer.from(chunk));
      this.#heldBytes += chunk.length;
      if (this.#heldBytes < this.#needed()) return;
      bytes = Buffer.concat(this.#held);
      this.#held = [];
      this.#heldBytes = 0;
    }
    const rest = this.#handOver(bytes);
    if (rest < bytes.length) {
      this.#held.push(Buffer.from(bytes.subarray(rest)));
      this.#heldBytes = bytes.length - rest;
    }
  }

  /** Hands over the complete frames, returns where the incomplete one begins. */
  #handOver(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#frameBytes(bytes, at);
      if (end > bytes.length) break;
      this.#receive(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    return at;
  }

  /** How many bytes must be held before it is worth joining them. */
  #needed(): number {
    const first = this.#held[0];
    if (first === undefined || this.#heldBytes < LENGTH_BYTES) return LENGTH_BYTES;
    if (first.length < LENGTH_BYTES) this.#held = [Buffer.concat(this.#held)];
    return LENGTH_BYTES + this.#frameBytes(this.#held[0] ?? first, 0);
  }

  #frameBytes(bytes: Buffer, at: number): number {
    const sizeBytes = bytes.readInt32BE(at);
    if (sizeBytes < 0 || sizeBytes > this.#maxFrameBytes) {
      throw new ProtocolError(`a frame of ${sizeBytes} bytes is not allowed`);
    }
    return sizeBytes;
  }
}
