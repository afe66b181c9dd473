/** A stored batch searched by time in another thread: for batches that would hold the event loop. */
import type { OffsetAtTime, StoredBatch } from '../../log/lookup.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Workers } from '../../platform/workers.ts';
import { CorruptBatch, DecompressedTooLarge } from '../../records/batch.ts';
import { DecompressionAllowance } from '../../records/decompression-allowance.ts';
import { SEARCH_JOB } from '../../records/time-search.ts';

/** Has a batch been deleted before its turn came. */
class Gone extends Error {}

interface Searcher {
  readonly decompression?: DecompressionAllowance;
  readonly from?: string;
}

/** The batch is read when its turn comes: until then it may be deleted, and it takes no memory. */
export async function searchElsewhere(
  workers: Workers,
  log: PartitionLog,
  batch: StoredBatch,
  { decompression = new DecompressionAllowance(), from = '' }: Searcher,
): Promise<OffsetAtTime | null | 'gone'> {
  const input = () => {
    const bytes = log.readStored(batch);
    if (bytes === null) throw new Gone();
    const wanted = { timestampMs: batch.timestampMs, fromOffset: log.startOffset };
    return { batch: bytes, wanted, limits: decompression.left };
  };
  try {
    const { found, left, problem } = await workers.run(SEARCH_JOB, input, from);
    decompression.left = left;
    if (problem === null) return found;
    throw problem.tooLarge
      ? new DecompressedTooLarge('A batch', left.batchBytes)
      : new CorruptBatch(problem.message);
  } catch (error) {
    if (error instanceof Gone) return 'gone';
    throw error;
  }
}
