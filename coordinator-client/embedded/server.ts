/**
 * The embedded coordination server: one process that speaks ZooKeeper's wire protocol, for
 * development, tests and small installations. In memory, or durable in a directory of its own.
 * Not here: several servers, Kerberos, reconfiguration, enforcement of quotas.
 */
import type { Socket } from 'node:net';
import type { SharedDatabase } from '../local/local-tree.ts';
import { Connection } from './connection.ts';
import { Doors } from './doors.ts';
import { directoryJournal, type Journal, type JournalOptions, memoryJournal } from './journal.ts';
import { type EmbeddedServerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { ServerCore } from './server-core.ts';

export interface EmbeddedServer {
  readonly host: string;
  /** Without TLS, if there is one; else the secure one. */
  readonly port: number;
  readonly securePort: number | null;
  /** Of clients, at this moment. */
  readonly connectionCount: number;
  /** The tree, for coordinators of this process beside the clients that come over the wire. */
  readonly shared: SharedDatabase;
  /** Ends the connections, not the sessions; what is durable stays for the next start. Idempotent. */
  close(): Promise<void>;
}

const clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };

/** Listens when it returns. Throws when the port or the data directory cannot be had. */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const resolved = resolveOptions(options);
  const server = new RunningServer(resolved);
  await server.start();
  return server;
}

/** The server as a program of its own: runs until SIGTERM or SIGINT, or until its disk fails. Returns the exit code. */
export async function runEmbedded(options: EmbeddedServerOptions): Promise<number> {
  const log = options.log ?? ((line: string) => console.error(line));
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<number>((resolve) => {
    failed = (error) => {
      log(`stopped: ${error instanceof Error ? error.message : String(error)}`);
      resolve(1);
    };
  });
  // Before anybody can know that it runs, and stop it.
  const stopped = new Promise<number>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(0));
  });
  const server = await startEmbeddedServer({ ...options, log, failed });
  log(
    `listening on ${server.host}:${server.port}${options.dataDir ? `, data in ${options.dataDir}` : ', in memory'}`,
  );
  const code = await Promise.race([failure, stopped]);
  await server.close();
  return code;
}

/**
 * Above every zxid of an earlier run, so that a client which has seen one is welcome, and far below
 * 2^53, since Kafka makes broker epochs of zxids: 256 transactions for each millisecond since 2024.
 */
function firstZxid(): bigint {
  const sinceMs = clock.wallMs() - Date.UTC(2024, 0);
  return BigInt(Math.max(0, sinceMs)) << 8n;
}

class RunningServer implements EmbeddedServer {
  readonly host: string;
  readonly #options: ResolvedOptions;
  readonly #doors: Doors;
  readonly #timers: NodeJS.Timeout[] = [];
  #core: ServerCore | null = null;
  #journal: Journal | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.host = options.host;
    this.#doors = new Doors(options, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#doors.port;
  }

  get securePort(): number | null {
    return this.#doors.securePort;
  }

  get connectionCount(): number {
    return this.#core?.connections.size ?? 0;
  }

  get shared(): SharedDatabase {
    const [core, journal] = [this.#core, this.#journal];
    if (core === null || journal === null) throw new Error('the server has not been started');
    return {
      database: core.database,
      append: (transaction) => journal.append(transaction),
      flush: () => core.flush(),
    };
  }

  async start(): Promise<void> {
    const { dataDir, tickMs, containerCheckMs } = this.#options;
    const journalOptions = this.#journalOptions();
    const journal = dataDir ? await directoryJournal(dataDir, journalOptions) : memoryJournal(journalOptions);
    this.#journal = journal;
    try {
      await this.#doors.open();
    } catch (error) {
      await journal.close();
      throw error;
    }
    const core = new ServerCore({ ...this.#options, port: this.port }, clock, journal);
    this.#core = core;
    this.#timers.push(
      // After a pause of the process what the clients have sent meanwhile is read before anyone expires.
      setInterval(() => setImmediate(() => core.expireSessions()), Math.max(1, tickMs / 2)),
      setInterval(() => core.reapNodes(), containerCheckMs),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = this.#doors.close();
    for (const connection of this.#core?.connections ?? []) connection.destroy();
    await closed;
    await this.#journal?.close();
  }

  #accept(socket: Socket): void {
    const [core, options] = [this.#core, this.#options];
    if (!core || this.#closing) {
      socket.destroy();
      return;
    }
    const ofAddress = options.maxConnectionsPerAddress === 0 ? 0 : this.#connectionsOf(core, socket);
    const tooManyOfAddress =
      options.maxConnectionsPerAddress > 0 && ofAddress >= options.maxConnectionsPerAddress;
    if (core.connections.size >= options.maxConnections || tooManyOfAddress) {
      options.log(`refusing ${socket.remoteAddress}: too many connections`);
      socket.destroy();
      return;
    }
    core.connections.add(new Connection(socket, core));
  }

  #connectionsOf(core: ServerCore, socket: Socket): number {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    return [...core.connections].filter((connection) => connection.address === address).length;
  }

  #journalOptions(): JournalOptions {
    const { tickMs, snapshotTransactions, snapshotBytes, snapshotsKept, log } = this.#options;
    return {
      firstZxid: firstZxid(),
      nowMs: clock.nowMs(),
      tickMs,
      snapshotTransactions,
      snapshotBytes,
      snapshotsKept,
      log,
      advanced: () => this.#core?.flush(),
      failed: (error) => {
        // Nothing that has not reached the disk may be answered: all connections end here.
        void this.close();
        this.#options.failed(error);
      },
    };
  }
}
