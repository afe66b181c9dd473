/**
 * What the connections share: the database with its journal, who holds which session, and the one
 * place where transactions are written down and events are handed out. All of it is synchronous;
 * answers leave once the journal allows it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ZnodeDatabase } from '../tree/database.ts';
import type { Applied, Operation, Refused } from '../tree/transaction.ts';
import type { Firing, Listener } from '../tree/watches.ts';
import type { AnswerQueue } from './answer-queue.ts';
import type { Journal } from './journal.ts';
import type { ResolvedOptions } from './options.ts';

interface ServerClock {
  nowMs(): number;
  wallMs(): number;
}

interface AskedSession {
  readonly lastSeenZxid: bigint;
  readonly timeoutMs: number;
  /** 0n asks for a new session. */
  readonly sessionId: bigint;
  readonly password: Buffer;
}

interface GrantedSession {
  readonly id: bigint;
  readonly timeoutMs: number;
  readonly password: Buffer;
}

/** What the core, and the administrator's words, know of a connection. */
export interface ClientConnection extends Listener {
  readonly address: string;
  readonly port: number;
  readonly establishedMs: number;
  readonly traffic: { received: number; sent: number; lastOpcode: number; lastXid: number; lastZxid: bigint };
  /** null until it has a session. */
  readonly sessionId: bigint | null;
  readonly answers: Pick<AnswerQueue, 'flush' | 'isEmpty'>;
  close(): void;
  destroy(): void;
}

const PASSWORD_BYTES = 16;
/** ZooKeeper's server number, in the top byte of a session id. */
const SERVER_NUMBER = 1n;

/** A session has one connection at most: a newer one closes the former. */
export class ServerCore {
  readonly options: ResolvedOptions;
  readonly clock: ServerClock;
  readonly journal: Journal;
  readonly database: ZnodeDatabase;
  /** Every one that was accepted and has not ended, with a session or without. */
  readonly connections = new Set<ClientConnection>();
  readonly statistics = { received: 0, sent: 0 };
  readonly startedMs: number;
  /** The connection that each session was last attached to, while that is open. */
  readonly #owners = new Map<bigint, ClientConnection>();
  /** Connections that have answers waiting. */
  readonly #unflushed = new Set<ClientConnection>();
  readonly #schemes: ReadonlySet<string>;
  /** Never falls. It begins with the time of the start, so that runs do not meet. */
  #nextSessionId: bigint;

  constructor(options: ResolvedOptions, clock: ServerClock, journal: Journal) {
    this.options = options;
    this.clock = clock;
    this.journal = journal;
    this.database = journal.database;
    this.startedMs = clock.wallMs();
    this.#schemes = new Set([
      ...(options.saslUsers === null ? [] : ['sasl']),
      ...(options.secure === null ? [] : ['x509']),
    ]);
    this.#nextSessionId = (SERVER_NUMBER << 56n) | ((BigInt(this.startedMs) << 16n) & 0xff_ffff_ffff_ffffn);
  }

  commit(operations: readonly Operation[], connection: ClientConnection): Applied | Refused {
    const { identities } = connection;
    const actor = { sessionId: connection.sessionId ?? 0n, identities, schemes: this.#schemes };
    const outcome = this.database.commit(operations, actor, this.clock.wallMs());
    if (!outcome.ok) return outcome;
    if (outcome.transaction) this.journal.append(outcome.transaction);
    this.deliver(outcome.firings);
    return outcome;
  }

  deliver(firings: readonly Firing[]): void {
    for (const { watcher, event } of firings) (watcher as Listener).notify(event);
  }

  /** null: there is no such session, or the password is wrong. `refused`: not to be answered at all. */
  openSession(connection: ClientConnection, asked: AskedSession): GrantedSession | 'refused' | null {
    // A client that has seen more than there is talks to a server that has lost something.
    if (asked.lastSeenZxid > this.database.lastZxid) {
      this.options.log(
        `refusing ${connection.address}: it has seen zxid 0x${asked.lastSeenZxid.toString(16)}`,
      );
      return 'refused';
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs, maxSessions } = this.options;
    const timeoutMs = Math.min(Math.max(asked.timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs);
    if (asked.sessionId !== 0n) return this.#reattach(connection, asked, timeoutMs);
    if (this.database.sessions.size >= maxSessions) return 'refused';
    while (this.database.sessions.get(this.#nextSessionId)) this.#nextSessionId++;
    const id = this.#nextSessionId++;
    const time = { nowMs: this.clock.nowMs(), timeMs: this.clock.wallMs() };
    this.journal.append(this.database.openSession(id, timeoutMs, time));
    this.#owners.set(id, connection);
    return { id, timeoutMs, password: this.#passwordOf(id) };
  }

  touchSession(sessionId: bigint): boolean {
    return this.database.sessions.touch(sessionId, this.clock.nowMs());
  }

  /** Its ephemeral nodes go with it; whoever watches them is told. */
  endSession(sessionId: bigint): void {
    const closed = this.database.closeSession(sessionId, this.clock.wallMs());
    if (!closed) return;
    this.journal.append(closed.transaction);
    this.deliver(closed.firings);
  }

  expireSessions(): void {
    for (const sessionId of this.database.sessions.expired(this.clock.nowMs())) {
      this.options.log(`session 0x${sessionId.toString(16)} expired`);
      this.endSession(sessionId);
      this.#owners.get(sessionId)?.close();
    }
    this.flush();
  }

  reapNodes(): void {
    const { transactions, firings } = this.database.reap(this.clock.wallMs());
    for (const transaction of transactions) this.journal.append(transaction);
    this.deliver(firings);
    this.flush();
  }

  disconnected(connection: ClientConnection): void {
    this.connections.delete(connection);
    this.#unflushed.delete(connection);
    this.database.watches.removeAll(connection);
    const { sessionId } = connection;
    if (sessionId !== null && this.#owners.get(sessionId) === connection) this.#owners.delete(sessionId);
  }

  /** The connection has something to send. */
  toFlush(connection: ClientConnection): void {
    this.#unflushed.add(connection);
  }

  /** Sends whatever is durable, on all connections. */
  flush(): void {
    for (const connection of this.#unflushed) {
      connection.answers.flush(this.journal.durable);
      if (connection.answers.isEmpty) this.#unflushed.delete(connection);
    }
  }

  #reattach(connection: ClientConnection, asked: AskedSession, timeoutMs: number): GrantedSession | null {
    const id = asked.sessionId;
    const password = this.#passwordOf(id);
    const known = asked.password.length === PASSWORD_BYTES && timingSafeEqual(asked.password, password);
    if (!known || !this.database.sessions.get(id)) return null;
    this.database.sessions.put(id, timeoutMs, this.clock.nowMs());
    const former = this.#owners.get(id);
    this.#owners.set(id, connection);
    former?.close();
    return { id, timeoutMs, password };
  }

  #passwordOf(sessionId: bigint): Buffer {
    const hmac = createHmac('sha256', this.journal.secret).update(sessionId.toString());
    return hmac.digest().subarray(0, PASSWORD_BYTES);
  }
}
