/**
 * The transactions since a snapshot, in files named after the first zxid in them. Whatever has been
 * appended while a sync was under way goes out with the next one, so a busy server syncs no more
 * often than the disk can. A torn tail is cut at recovery: nothing in it was ever answered.
 */
import { type FileHandle, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transaction } from '../tree/transaction.ts';
import { JuteReader, JuteWriter } from './jute.ts';
import { MAGIC_BYTES, recordOf, recordsOf, syncDirectory } from './record-file.ts';
import { hexOf, numbered } from './snapshots.ts';
import { readTransaction, writeTransaction } from './transaction-codec.ts';

const LOG_MAGIC = Buffer.from('ODRKLOG1', 'latin1');
const PREFIX = 'log.';

/** Names of the logs in the directory, as the first zxid in each, ascending. */
export function logZxids(directory: string): Promise<readonly bigint[]> {
  return numbered(directory, PREFIX);
}

/** Reads one file; `cutTail` shortens it to its whole records and tells how much had to go. */
export async function readLog(
  directory: string,
  firstZxid: bigint,
  cutTail: boolean,
): Promise<{ transactions: readonly Transaction[]; cutBytes: number }> {
  const path = join(directory, PREFIX + hexOf(firstZxid));
  const file = await readFile(path);
  if (file.length >= MAGIC_BYTES && !file.subarray(0, MAGIC_BYTES).equals(LOG_MAGIC)) {
    throw new Error(`${path} is no transaction log of this version`);
  }
  const transactions: Transaction[] = [];
  let end = Math.min(MAGIC_BYTES, file.length);
  for (const record of recordsOf(file)) {
    transactions.push(readTransaction(new JuteReader(record.payload)));
    end = record.end;
  }
  const cutBytes = file.length - end;
  if (cutBytes > 0 && !cutTail) {
    throw new Error(
      `${path} is damaged at byte ${end}, and there are newer transactions: restore it from a copy`,
    );
  }
  if (cutBytes > 0) await shorten(path, end);
  return { transactions, cutBytes };
}

/** Not durable by itself: a log that comes back after a crash holds nothing that a snapshot lacks. */
export async function removeLog(directory: string, firstZxid: bigint): Promise<void> {
  await unlink(join(directory, PREFIX + hexOf(firstZxid)));
}

/** Durably: a tail that came back after a crash would look like damage before newer files. */
async function shorten(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.truncate(sizeBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Entry {
  readonly record: Buffer;
  /** Set on the first transaction of a file: the file's name. */
  readonly newFile: bigint | null;
}

/** Appends to new files only. An error of the disk goes to `failed`, once; nothing is durable afterwards. */
export class TransactionLog {
  readonly #directory: string;
  readonly #synced: (count: number) => void;
  readonly #failed: (error: unknown) => void;
  /** The newest file; null until a transaction of this process is flushed, and after `close`. */
  #handle: FileHandle | null = null;
  /** Appended and not handed to the disk yet, by zxid. */
  #pending: Entry[] = [];
  #appendedCount = 0;
  /** Never above `#appendedCount`; the difference is what answers may wait for. */
  #syncedCount = 0;
  /** The next transaction begins a file: the first one of this process, and the first after a snapshot. */
  #newFileNext = true;
  /** One flush at a time; it takes all that is pending for one file. */
  #running: Promise<void> | null = null;
  /** For good: nothing is flushed any more. */
  #broken = false;

  constructor(directory: string, synced: (count: number) => void, failed: (error: unknown) => void) {
    this.#directory = directory;
    this.#synced = synced;
    this.#failed = failed;
  }

  /** Transactions appended by this process; `synced` reports how many of them are durable. */
  get appended(): number {
    return this.#appendedCount;
  }

  /** Returns the bytes that it takes in the log. */
  append(transaction: Transaction): number {
    const writer = new JuteWriter();
    writeTransaction(writer, transaction);
    const record = recordOf(writer.done());
    this.#pending.push({ record, newFile: this.#newFileNext ? transaction.zxid : null });
    this.#newFileNext = false;
    this.#appendedCount++;
    this.#start();
    return record.length;
  }

  /** The next transaction begins a new file. */
  roll(): void {
    this.#newFileNext = true;
  }

  /** Returns when everything that has been appended is durable, or the disk has failed. */
  async close(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#handle?.close();
    this.#handle = null;
  }

  #start(): void {
    if (this.#running || this.#broken) return;
    this.#running = this.#flush()
      .catch((error: unknown) => {
        this.#broken = true;
        this.#failed(error);
      })
      .finally(() => {
        this.#running = null;
        if (this.#pending.length > 0) this.#start();
      });
  }

  async #flush(): Promise<void> {
    // One turn of the event loop gathers what the other connections have to say.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = this.#takeBatch();
    const newFile = batch[0]?.newFile ?? null;
    if (newFile !== null) await this.#begin(newFile);
    await this.#handle?.appendFile(Buffer.concat(batch.map((entry) => entry.record)));
    await this.#handle?.datasync();
    this.#syncedCount += batch.length;
    this.#synced(this.#syncedCount);
  }

  /** Everything pending that goes into one file. */
  #takeBatch(): readonly Entry[] {
    const next = this.#pending.findIndex((entry, index) => index > 0 && entry.newFile !== null);
    return this.#pending.splice(0, next === -1 ? this.#pending.length : next);
  }

  async #begin(firstZxid: bigint): Promise<void> {
    await this.#handle?.close();
    this.#handle = await open(join(this.#directory, PREFIX + hexOf(firstZxid)), 'wx');
    await this.#handle.appendFile(LOG_MAGIC);
    await syncDirectory(this.#directory);
  }
}
