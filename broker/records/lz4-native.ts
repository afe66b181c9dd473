/**
 * Blocks of LZ4 opened by native code (`lz4-napi`), three to five times as fast as by lz4-block.ts from 16 KiB
 * on: every batch that a client packs is opened once, so that this is what a broker does most of where they are
 * packed. A machine without a binary opens them in JavaScript.
 */
import { freeAtOnce } from '../platform/free-at-once.ts';
import { nativeModule } from '../platform/native-module.ts';
import { DecompressionFailed } from './batch.ts';
import { type BlockRange, GREATEST_RATIO } from './lz4-block.ts';

/** Packed. Below, a call costs more than it gains. */
const NATIVE_FROM_BYTES = 1_024;
/** What the module wants before a block: the most that may come of it, little endian. */
const PREFIX_BYTES = 4;
const SCRATCH_BYTES = 64 * 1024 + PREFIX_BYTES;

type UncompressSync = (data: Uint8Array) => Buffer;

interface Native {
  readonly uncompressSync: UncompressSync;
}

/** Null: there is none for this machine. Undefined until it is first needed: a start needs it not. */
let native: UncompressSync | null | undefined;
/** Where blocks are put behind their prefix; the module has read it when its call returns. */
let scratch: Buffer | undefined;

/** Whether native code is there, and worth its call. */
export function opensNatively({ start, end }: BlockRange): boolean {
  if (end - start < NATIVE_FROM_BYTES) return false;
  if (native === undefined) native = loadNative();
  return native !== null;
}

/**
 * What decompressLz4Block does, for a range that `opensNatively`. Throws {@link DecompressionFailed} on
 * nonsense and when it is more than `mostBytes` or `out` has room for.
 */
export function decompressLz4BlockNatively(
  data: Buffer,
  { start, end }: BlockRange,
  out: Buffer,
  { from, mostBytes }: { readonly from: number; readonly mostBytes: number },
): number {
  const sizeBytes = end - start + PREFIX_BYTES;
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  const room = sizeBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafe(sizeBytes);
  // So much is allocated for the block, whatever comes of it.
  room.writeUInt32LE(Math.min(out.length - from, mostBytes, (end - start) * GREATEST_RATIO));
  data.copy(room, PREFIX_BYTES, start, end);
  const block = opened(room.subarray(0, sizeBytes));
  const to = from + block.copy(out, from);
  freeAtOnce(block);
  return to;
}

function opened(prefixed: Buffer): Buffer {
  try {
    return (native as UncompressSync)(prefixed);
  } catch (error) {
    throw new DecompressionFailed(`An LZ4 block that can't be opened: ${(error as Error).message}`);
  }
}

function loadNative(): UncompressSync | null {
  const module = nativeModule<Native>('lz4-napi', 'blocks of LZ4 are opened in JavaScript');
  return module?.uncompressSync ?? null;
}
