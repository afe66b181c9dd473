/**
 * Where the server writes its transactions down: nowhere (a server in memory), or in a data
 * directory of its own. Answers and events wait until what they tell of is durable.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ZnodeDatabase } from '../tree/database.ts';
import type { Transaction } from '../tree/transaction.ts';
import { lockDirectory } from './directory-lock.ts';
import { makeDirectory, syncDirectory } from './record-file.ts';
import {
  loadSnapshot,
  removeSnapshot,
  removeUnfinished,
  snapshotZxids,
  storeSnapshot,
  takeSnapshot,
} from './snapshots.ts';
import { logZxids, readLog, removeLog, TransactionLog } from './transaction-log.ts';

export interface Journal {
  readonly database: ZnodeDatabase;
  /** Makes and checks the passwords of sessions; as lasting as the sessions. */
  readonly secret: Buffer;
  /** Transactions appended so far, and how many of them are durable. */
  readonly appended: number;
  readonly durable: number;
  append(transaction: Transaction): void;
  /** What lies in the directory. */
  sizes(): { readonly snapshotBytes: number; readonly logBytes: number };
  /** Returns when everything is durable and the directory is free again. */
  close(): Promise<void>;
}

export interface JournalOptions {
  /** For a database that begins here: above every zxid of an earlier run. */
  readonly firstZxid: bigint;
  readonly tickMs: number;
  readonly nowMs: number;
  /** A snapshot is taken after so many transactions or bytes in the log. */
  readonly snapshotTransactions: number;
  readonly snapshotBytes: number;
  /** Snapshots kept, with the logs that continue them. */
  readonly snapshotsKept: number;
  readonly log: (line: string) => void;
  /** More of the journal has become durable. */
  readonly advanced: () => void;
  /** The disk has failed: nothing can be answered any more. */
  readonly failed: (error: unknown) => void;
}

const SECRET_BYTES = 16;
const SECRET_FILE = 'secret';

/** Nothing is appended, so nothing has to wait: `appended` and `durable` stay 0. */
export function memoryJournal(options: JournalOptions): Journal {
  return {
    database: new ZnodeDatabase({ lastZxid: options.firstZxid, tickMs: options.tickMs }),
    secret: randomBytes(SECRET_BYTES),
    appended: 0,
    durable: 0,
    append: () => {},
    sizes: () => ({ snapshotBytes: 0, logBytes: 0 }),
    close: () => Promise.resolve(),
  };
}

/** Takes the directory, recovers what is in it, and is ready to append. */
export async function directoryJournal(directory: string, options: JournalOptions): Promise<Journal> {
  await makeDirectory(directory);
  const release = lockDirectory(directory);
  try {
    await removeUnfinished(directory);
    const secret = await readSecret(directory);
    const database = await recover(directory, options);
    return new DirectoryJournal({ directory, release, database, secret }, options);
  } catch (error) {
    release();
    throw error;
  }
}

interface Opened {
  readonly directory: string;
  readonly release: () => void;
  readonly database: ZnodeDatabase;
  readonly secret: Buffer;
}

class DirectoryJournal implements Journal {
  readonly database: ZnodeDatabase;
  readonly secret: Buffer;
  durable = 0;
  readonly #opened: Opened;
  readonly #options: JournalOptions;
  readonly #log: TransactionLog;
  /** Appended since the last picture was taken. */
  #sinceSnapshot = { transactions: 0, bytes: 0 };
  /** One at a time; when another is due meanwhile, the first transaction after it takes it. */
  #snapshotting: Promise<void> | null = null;

  constructor(opened: Opened, options: JournalOptions) {
    this.#opened = opened;
    this.#options = options;
    this.database = opened.database;
    this.secret = opened.secret;
    const synced = (count: number): void => {
      this.durable = count;
      options.advanced();
    };
    this.#log = new TransactionLog(opened.directory, synced, options.failed);
  }

  get appended(): number {
    return this.#log.appended;
  }

  append(transaction: Transaction): void {
    this.#sinceSnapshot.bytes += this.#log.append(transaction);
    this.#sinceSnapshot.transactions++;
    const { transactions, bytes } = this.#sinceSnapshot;
    const due = transactions >= this.#options.snapshotTransactions || bytes >= this.#options.snapshotBytes;
    if (due && this.#snapshotting === null) this.#snapshot();
  }

  sizes(): { readonly snapshotBytes: number; readonly logBytes: number } {
    const { directory } = this.#opened;
    const bytes = { snapshotBytes: 0, logBytes: 0 };
    for (const name of readdirSync(directory)) {
      const kind = name.startsWith('snapshot.')
        ? 'snapshotBytes'
        : name.startsWith('log.')
          ? 'logBytes'
          : null;
      // One that is removed at this moment counts for nothing.
      if (kind !== null) bytes[kind] += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#snapshotting;
    await this.#log.close();
    this.#opened.release();
  }

  /** The picture is taken now, between two transactions; writing it takes its time. */
  #snapshot(): void {
    this.#sinceSnapshot = { transactions: 0, bytes: 0 };
    const zxid = this.database.lastZxid;
    const records = takeSnapshot(this.database);
    this.#log.roll();
    this.#snapshotting = storeSnapshot(this.#opened.directory, zxid, records)
      .then(() => purge(this.#opened.directory, this.#options.snapshotsKept))
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => {
        this.#snapshotting = null;
      });
  }
}

async function recover(directory: string, options: JournalOptions): Promise<ZnodeDatabase> {
  const database = await startingPoint(directory, options);
  const logs = await logZxids(directory);
  for (const [index, firstZxid] of logs.entries()) {
    const next = logs[index + 1];
    if (next !== undefined && next <= database.lastZxid + 1n) continue; // all of it is in the snapshot
    const { transactions, cutBytes } = await readLog(directory, firstZxid, next === undefined);
    if (cutBytes > 0) options.log(`cut ${cutBytes} bytes of unfinished transactions off the log`);
    if (transactions.length === 0) await removeLog(directory, firstZxid);
    for (const transaction of transactions) {
      if (transaction.zxid <= database.lastZxid) continue;
      if (transaction.zxid !== database.lastZxid + 1n) {
        throw new Error(`${directory} lacks transactions after zxid 0x${database.lastZxid.toString(16)}`);
      }
      database.replay(transaction, options.nowMs);
    }
  }
  return database;
}

/** The newest whole snapshot. A new directory gets one at once, so that its first log has a beginning. */
async function startingPoint(directory: string, options: JournalOptions): Promise<ZnodeDatabase> {
  const zxids = await snapshotZxids(directory);
  for (const zxid of [...zxids].reverse()) {
    const snapshot = await loadSnapshot(directory, zxid);
    if (snapshot === null) {
      options.log(`snapshot 0x${zxid.toString(16)} is damaged, trying the one before`);
      continue;
    }
    const { lastZxid, tree, sessions } = snapshot;
    const database = new ZnodeDatabase({ lastZxid, tree, tickMs: options.tickMs });
    for (const session of sessions) database.sessions.put(session.id, session.timeoutMs, options.nowMs);
    return database;
  }
  if (zxids.length > 0 || (await logZxids(directory)).length > 0) {
    throw new Error(`${directory} has no whole snapshot: restore it from a copy, or start with an empty one`);
  }
  const database = new ZnodeDatabase({ lastZxid: options.firstZxid, tickMs: options.tickMs });
  await storeSnapshot(directory, database.lastZxid, takeSnapshot(database));
  return database;
}

async function purge(directory: string, snapshotsKept: number): Promise<void> {
  const snapshots = await snapshotZxids(directory);
  const kept = snapshots.slice(-snapshotsKept);
  for (const zxid of snapshots.slice(0, -snapshotsKept)) await removeSnapshot(directory, zxid);
  const [oldest] = kept;
  if (oldest === undefined) return;
  const logs = await logZxids(directory);
  for (const [index, firstZxid] of logs.entries()) {
    const next = logs[index + 1];
    if (next !== undefined && next <= oldest + 1n) await removeLog(directory, firstZxid);
  }
}

async function readSecret(directory: string): Promise<Buffer> {
  const path = join(directory, SECRET_FILE);
  const stored = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (stored?.length === SECRET_BYTES) return stored;
  const secret = randomBytes(SECRET_BYTES);
  const handle = await open(`${path}.tmp`, 'w', 0o600);
  await handle.appendFile(secret);
  await handle.sync();
  await handle.close();
  await rename(`${path}.tmp`, path);
  await syncDirectory(directory);
  return secret;
}
