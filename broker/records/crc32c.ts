/**
 * CRC-32C (Castagnoli), the checksum of record batches and of Kafka's snapshot files. A call into
 * native code costs about 150 ns, so short inputs are summed in JavaScript, sixteen bytes a step;
 * the same code stands in where the native module has no binary for the machine.
 * Source: Intel's slicing-by-N method; polynomial 0x1EDC6F41, reflected 0x82F63B78.
 */
import { nativeModule } from '../platform/native-module.ts';

/** From this size on the native code is faster, its call included. */
const NATIVE_FROM_BYTES = 320;
const REFLECTED_POLYNOMIAL = 0x82f63b78;
const SLICES = 16;

/** The checksum of `buffer[start, end)`, unsigned. */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length): number {
  if (end - start >= NATIVE_FROM_BYTES) {
    if (native === undefined) native = loadNative();
    if (native !== null) return native(buffer.subarray(start, end));
  }
  return crc32cInScript(buffer, start, end);
}

/** The checksum computed without native code. */
export function crc32cInScript(buffer: Uint8Array, start = 0, end = buffer.length): number {
  const table = TABLE;
  let crc = -1;
  let at = start;
  // Byte n of a step of sixteen still has 15 - n bytes to come, hence its slice of the table.
  for (const lastStep = end - SLICES; at <= lastStep; at += SLICES) {
    crc =
      entry(table, 15, byte(buffer, at) ^ (crc & 0xff)) ^
      entry(table, 14, byte(buffer, at + 1) ^ ((crc >>> 8) & 0xff)) ^
      entry(table, 13, byte(buffer, at + 2) ^ ((crc >>> 16) & 0xff)) ^
      entry(table, 12, byte(buffer, at + 3) ^ (crc >>> 24)) ^
      entry(table, 11, byte(buffer, at + 4)) ^
      entry(table, 10, byte(buffer, at + 5)) ^
      entry(table, 9, byte(buffer, at + 6)) ^
      entry(table, 8, byte(buffer, at + 7)) ^
      entry(table, 7, byte(buffer, at + 8)) ^
      entry(table, 6, byte(buffer, at + 9)) ^
      entry(table, 5, byte(buffer, at + 10)) ^
      entry(table, 4, byte(buffer, at + 11)) ^
      entry(table, 3, byte(buffer, at + 12)) ^
      entry(table, 2, byte(buffer, at + 13)) ^
      entry(table, 1, byte(buffer, at + 14)) ^
      entry(table, 0, byte(buffer, at + 15));
  }
  for (; at < end; at++) crc = entry(table, 0, (crc ^ byte(buffer, at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

// The casts only tell the compiler what the bounds of the loops above guarantee.
function byte(buffer: Uint8Array, at: number): number {
  return buffer[at] as number;
}

function entry(table: Int32Array, slice: number, index: number): number {
  return table[(slice << 8) | index] as number;
}

function buildTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REFLECTED_POLYNOMIAL : crc >>> 1;
    table[index] = crc;
  }
  for (let at = 256; at < table.length; at++) {
    const previous = table[at - 256] as number;
    table[at] = (table[previous & 0xff] as number) ^ (previous >>> 8);
  }
  return table;
}

interface Native {
  crc32c(input: Uint8Array): number;
}

function loadNative(): Native['crc32c'] | null {
  const module = nativeModule<Native>('@node-rs/crc32', 'checksums of batches are summed in JavaScript');
  return module?.crc32c ?? null;
}

const TABLE = buildTable();
/** Null: there is none for this machine. Undefined until it is first needed: a start needs it not. */
let native: Native['crc32c'] | null | undefined;
