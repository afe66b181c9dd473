/**
 * Keys and values of the coordinators' topics: a declaration in the language of the protocol, with its
 * version as an int16 in front. Source: Kafka's MessageUtil.toVersionPrefixedBytes.
 */
import { decodeData, encodeData } from '../../protocol/codec.ts';
import type { Data, DataInput, DataOf, Schema } from '../../protocol/schema.ts';

const VERSION_BYTES = 2;

/** `value` as `data` lays it out in `version`, after the version itself. */
export function encodeVersioned<D extends Data<Schema>>(
  data: D,
  version: number,
  value: DataInput<D>,
): Buffer {
  const prefix = Buffer.allocUnsafe(VERSION_BYTES);
  prefix.writeInt16BE(version);
  return Buffer.concat([prefix, encodeData(data, version, value)]);
}

/** The version that stands in front. Throws a RangeError when there is not even that. */
export function versionOf(bytes: Buffer): number {
  return bytes.readInt16BE(0);
}

/** Throws ProtocolError on a version or on bytes that `data` does not have. Buffers within are views of `bytes`. */
export function decodeVersioned<D extends Data<Schema>>(data: D, bytes: Buffer): DataOf<D> {
  return decodeData(data, versionOf(bytes), bytes.subarray(VERSION_BYTES));
}
