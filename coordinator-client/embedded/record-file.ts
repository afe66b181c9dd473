/**
 * Files of records, each with its length and its CRC-32 in front: what the transaction log and the
 * snapshots are made of. A reader takes records up to the first one that is cut off or damaged.
 */
import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

const RECORD_HEADER_BYTES = 8;
export const MAGIC_BYTES = 8;

/** Length and checksum, then the bytes. */
export function recordOf(payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + payload.length);
  record.writeUInt32BE(payload.length, 0);
  record.writeUInt32BE(crc32(payload), 4);
  payload.copy(record, RECORD_HEADER_BYTES);
  return record;
}

/** The payloads in order; `end` is where the whole records end. */
export function* recordsOf(file: Buffer): Iterable<{ payload: Buffer; end: number }> {
  let at = MAGIC_BYTES;
  while (at + RECORD_HEADER_BYTES <= file.length) {
    const sizeBytes = file.readUInt32BE(at);
    const from = at + RECORD_HEADER_BYTES;
    // No payload is empty, so a run of zeros that a crash has left is no record either.
    if (sizeBytes === 0 || sizeBytes > file.length - from) return;
    const payload = file.subarray(from, from + sizeBytes);
    if (crc32(payload) !== file.readUInt32BE(at + 4)) return;
    at = from + sizeBytes;
    yield { payload, end: at };
  }
}

/** Makes creations, renames and removals in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory and its parents, step by step: Node's recursive mkdir tries for ever where a parent
 * exists and the system still says ENOENT, as below /proc. Rejects with the system's error.
 */
export async function makeDirectory(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (!existsSync(parent)) await makeDirectory(parent);
  await mkdir(directory).catch((error: unknown) => {
    // Somebody else may have been faster.
    if (!existsSync(directory)) throw error;
  });
}
