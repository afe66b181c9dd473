/**
 * The form of every message between brokers: four bytes with the length of a CBOR header, the header,
 * and after it raw bytes that never pass through CBOR (record batches). Headers are plain maps and
 * arrays without cbor-x's record extension or any other tag (plain-cbor.ts), so that any CBOR reader
 * understands them; integers beyond 2^32 travel as doubles and come back as plain numbers.
 * Source: RFC 8949.
 */
import { Encoder } from 'cbor-x';
import { notPlain } from './plain-cbor.ts';

/** What has no business here: truncated, not CBOR, or not of the shape it claims. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

interface PeerEnvelope {
  readonly header: unknown;
  /** What follows the header; a view of the message. */
  readonly body: Buffer;
}

const LENGTH_BYTES = 4;
const cbor = new Encoder({ useRecords: false });

/** Lays out one message; the raw parts are passed on by reference. */
export function encodeEnvelope(header: unknown, raw: readonly Uint8Array[] = []): Uint8Array[] {
  const encoded = cbor.encode(header);
  const head = Buffer.allocUnsafe(LENGTH_BYTES + encoded.length);
  head.writeUInt32BE(encoded.length, 0);
  encoded.copy(head, LENGTH_BYTES);
  return [head, ...raw];
}

/** Takes a message apart. Throws {@link MalformedMessage} and nothing else. */
export function decodeEnvelope(message: Buffer): PeerEnvelope {
  if (message.length < LENGTH_BYTES) throw new MalformedMessage('message is shorter than its prefix');
  const end = LENGTH_BYTES + message.readUInt32BE(0);
  if (end > message.length) throw new MalformedMessage('header is longer than the message');
  const encoded = message.subarray(LENGTH_BYTES, end);
  const problem = notPlain(encoded);
  if (problem !== null) throw new MalformedMessage(`header is not plain CBOR: ${problem}`);
  try {
    return { header: cbor.decode(encoded), body: message.subarray(end) };
  } catch (error) {
    throw new MalformedMessage(`header is not CBOR: ${error instanceof Error ? error.message : error}`);
  }
}

/** Bytes a message will have on the wire. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.length;
  return sizeBytes;
}

/** The header as a map of unknown values, or {@link MalformedMessage}. */
export function asMap(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Buffer.isBuffer(value)) {
    throw new MalformedMessage('expected a map');
  }
  return value as Record<string, unknown>;
}

/** An integer that a number holds exactly, or {@link MalformedMessage}. */
export function asInteger(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new MalformedMessage('expected an integer');
  }
  return value;
}

/** Throws MalformedMessage for anything else; so do the next ones. */
export function asText(value: unknown): string {
  if (typeof value !== 'string') throw new MalformedMessage('expected a string');
  return value;
}

export function asBytes(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new MalformedMessage('expected bytes');
  return value;
}

export function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedMessage('expected a list');
  return value;
}
