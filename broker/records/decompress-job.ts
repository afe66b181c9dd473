/** One batch decompressed where it holds up nobody: here, as far as this turn of the event loop allows, or by another thread. */
import { asBuffer, doneAnyway, type Job, ownBytes, type Workers } from '../platform/workers.ts';
import { type Codec, CorruptBatch } from './batch.ts';
import { decompressUpToDefault } from './compression.ts';
import { DecompressionAllowance, TooMuchForTurn } from './decompression-allowance.ts';

interface DecompressInput {
  readonly codec: Codec;
  readonly data: Uint8Array<ArrayBuffer>;
}

interface DecompressOutput {
  readonly decompressed: Uint8Array<ArrayBuffer>;
  /** Why it can't be decompressed, or null. */
  readonly problem: string | null;
}

export const DECOMPRESS_JOB: Job<DecompressInput, DecompressOutput> = {
  name: 'decompress a batch',
  run({ codec, data }) {
    try {
      return { decompressed: ownBytes(decompressUpToDefault(codec, asBuffer(data))), problem: null };
    } catch (error) {
      if (!(error instanceof CorruptBatch)) throw error;
      return { decompressed: new Uint8Array(0), problem: error.message };
    }
  },
  handedOver: ({ data }) => [data.buffer],
  handedBack: ({ decompressed }) => [decompressed.buffer],
};

/**
 * The records of a batch; `data` must stay as it is until this resolves. `from`: who asks. Rejects with
 * CorruptBatch.
 */
export async function decompressInTurn(
  codec: Codec,
  data: Buffer,
  workers: Workers,
  from: string,
): Promise<Buffer> {
  try {
    return new DecompressionAllowance(undefined, workers.turn).decompress(codec, data);
  } catch (error) {
    if (!(error instanceof TooMuchForTurn)) throw error;
  }
  const input = (): DecompressInput => ({ codec, data: new Uint8Array(data) });
  const output = await doneAnyway(workers, DECOMPRESS_JOB, { input, from });
  if (output.problem !== null) throw new CorruptBatch(output.problem);
  return asBuffer(output.decompressed);
}
