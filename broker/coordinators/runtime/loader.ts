/**
 * Reads a partition of a coordinator's topic from its first offset to its end and replays each record
 * into its shard. It reads in slices, and replays in turns, so that the broker goes on serving. What can't be
 * read costs itself only: a record, or the batch that it is in. (With Kafka it costs all that comes behind it.)
 * But what has rotted on this disk, and other replicas have whole, ends the load.
 * Source: Kafka's CoordinatorLoaderImpl, GroupMetadataManager.loadGroupsAndOffsets,
 * TransactionStateManager.loadTransactionMetadata.
 */

import type { Int64 } from '../../int64.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchCodec,
  batchCrcIsValid,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchProducerId,
  batchSizeBytes,
  CorruptBatch,
  completeBatches,
} from '../../records/batch.ts';
import { readControl } from '../../records/control.ts';
import { eachRecord, type RecordData } from '../../records/record.ts';
import type { OwnedPartition } from './ownership.ts';
import type { RecordCodec, Shard } from './shard.ts';
import { DamagedLog, type StateLog } from './state-log.ts';

interface LoaderOptions<R> {
  readonly log: StateLog;
  readonly codec: RecordCodec<R>;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly bufferSizeBytes: number;
}

/** A record takes some microseconds. */
const RECORDS_PER_TURN = 1000;
/** Of what is skipped; there may be any number. */
const MOST_WARNINGS = 10;

/**
 * Replays the partition into `owner.shard`; false when it was lost meanwhile. Throws when the log can't be read
 * on, DamagedLog where what lies on the disk is not what was written. (Kafka takes it for that.)
 */
export async function loadShard<R, S extends Shard<R>>(
  owner: OwnedPartition<S>,
  options: LoaderOptions<R>,
): Promise<boolean> {
  const { log, clock, bufferSizeBytes } = options;
  const load = new Load(owner, options);
  let position = log.range(owner.partition)?.startOffset ?? 0;
  try {
    for (;;) {
      await turn(clock);
      if (owner.state !== 'loading') return false;
      const slice = log.read(owner.partition, position, bufferSizeBytes);
      if (slice === null) return false;
      let next: number | null;
      try {
        if (slice.lost) load.lost(slice.lost);
        next = await load.replaySlice(slice.bytes, position);
      } finally {
        slice.release();
      }
      if (next === null) return false;
      if (next === position) return true;
      position = next;
    }
  } finally {
    load.tellRest();
  }
}

/** It can't be read, and where it ends is what it says itself. */
interface UnsoundBatch {
  readonly offset: number;
  readonly lastOffset: number;
  readonly error: unknown;
}

class Load<R, S extends Shard<R>> {
  readonly #owner: OwnedPartition<S>;
  readonly #options: LoaderOptions<R>;
  #replayed = 0;
  #skipped = 0;

  constructor(owner: OwnedPartition<S>, options: LoaderOptions<R>) {
    this.#owner = owner;
    this.#options = options;
  }

  /** Where to go on; null when the partition was lost meanwhile. */
  async replaySlice(bytes: Buffer, from: number): Promise<number | null> {
    // The offset behind the last sound batch. What comes after a damaged one knows better where that ended.
    let next = from;
    let unsound: UnsoundBatch[] = [];
    for (const at of batchesIn(bytes)) {
      try {
        await this.#replayBatch(bytes, at, from);
        for (const each of unsound.splice(0)) this.#skip('an unreadable batch', each.offset, each.error);
        next = Math.max(next, batchLastOffset(bytes, at) + 1);
      } catch (error) {
        if (error instanceof DamagedLog && this.#options.log.hasOtherCopies(this.#owner.partition))
          throw error;
        unsound.push({ offset: batchBaseOffset(bytes, at), lastOffset: batchLastOffset(bytes, at), error });
      }
      if (this.#owner.state !== 'loading') return null;
    }
    // Those at the end are read again, before what follows them in the next slice.
    if (next > from) unsound = unsound.filter(({ lastOffset }) => lastOffset < next);
    for (const { offset, lastOffset, error } of unsound) {
      next = Math.max(next, lastOffset + 1);
      // Sound ones may lie there.
      const upTo = lastOffset > offset ? `, and all up to offset ${lastOffset},` : '';
      this.#skip(`an unreadable batch${upTo}`, offset, error);
    }
    return next;
  }

  /** The rest of a segment can't be read. Throws DamagedLog where others have it. */
  lost(what: string): void {
    const { diagnostics, log } = this.#options;
    if (log.hasOtherCopies(this.#owner.partition)) throw new DamagedLog(what);
    diagnostics.warn(`Loading ${log.topic}-${this.#owner.partition} without what is lost: ${what}`);
  }

  /** What is not told one by one. */
  tellRest(): void {
    const rest = this.#skipped - MOST_WARNINGS;
    const { diagnostics, log } = this.#options;
    if (rest > 0) diagnostics.warn(`Skipped ${rest} more of ${log.topic}-${this.#owner.partition}`);
  }

  async #replayBatch(bytes: Buffer, at: number, from: number): Promise<void> {
    const { clock, log } = this.#options;
    const { shard } = this.#owner;
    if (!batchCrcIsValid(bytes, at)) {
      throw new DamagedLog(`The batch at offset ${batchBaseOffset(bytes, at)} does not match its checksum`);
    }
    if (batchIsControl(bytes, at)) {
      replayMarker(bytes, at, shard);
      return;
    }
    const producerId = batchIsTransactional(bytes, at) ? batchProducerId(bytes, at) : undefined;
    const decompressed = await decompressedOf(bytes, at, log);
    for (const record of eachRecord(bytes, at, () => decompressed)) {
      if (++this.#replayed % RECORDS_PER_TURN === 0) await turn(clock);
      if (this.#owner.state !== 'loading') return;
      if (record.offset >= from) this.#replayRecord(record, producerId);
    }
  }

  #replayRecord(record: RecordData, producerId: Int64 | undefined): void {
    if (record.key === null) return;
    try {
      const decoded = this.#options.codec.decode({ key: record.key, value: record.value });
      if (decoded === null) this.#skip('a record of an unknown kind', record.offset);
      else this.#owner.shard.replay(decoded, record.offset, producerId);
    } catch (error) {
      this.#skip('an unreadable record', record.offset, error);
    }
  }

  #skip(what: string, offset: number, error?: unknown): void {
    const { diagnostics, log } = this.#options;
    if (++this.#skipped <= MOST_WARNINGS)
      diagnostics.warn(`Skipped ${what} at offset ${offset} of ${log.topic}-${this.#owner.partition}`, error);
  }
}

/** Where they begin. */
function batchesIn(bytes: Buffer): number[] {
  try {
    return [...completeBatches(bytes, 0, bytes.length)];
  } catch (error) {
    throw error instanceof CorruptBatch ? new DamagedLog(error.message) : error;
  }
}

/** Of a batch that is not compressed nothing is asked. */
async function decompressedOf(bytes: Buffer, at: number, log: StateLog): Promise<Buffer> {
  const codec = batchCodec(bytes, at);
  const data = bytes.subarray(at + BATCH_HEADER_BYTES, at + batchSizeBytes(bytes, at));
  return codec === 'none' || data.length === 0 ? data : log.decompress(codec, data);
}

/** The event loop gets to its other work. */
function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

function replayMarker<R>(bytes: Buffer, at: number, shard: Shard<R>): void {
  const control = readControl(bytes, at);
  if (control === null || (control.type !== 'COMMIT' && control.type !== 'ABORT')) return;
  const end = { committed: control.type === 'COMMIT', markerOffset: batchBaseOffset(bytes, at) };
  shard.endTransaction?.(batchProducerId(bytes, at), end);
}
