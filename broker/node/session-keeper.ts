/**
 * Keeps a broker in a coordination session. A session that is lost is lost for good: the parts that
 * acted under it are told at once and synchronously, then a new one is opened, however long that takes,
 * and they are given it. Source: KafkaZkClient's re-initialisation after an expired session.
 */
import {
  type Coordinator,
  CoordinatorError,
  type CoordinatorSource,
} from '../../coordinator-client/coordinator.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';

const RETRY_MS = 1000;

export interface SessionListener {
  /** The session is over: stop acting in its name, now. `causeId`: the event of the loss. */
  lost(causeId: EventId): void;
  /** A new session is the keeper's `coordinator`; the id of the one before it, and the event of it. */
  regained(formerSessionId: bigint, causeId: EventId): Promise<void>;
}

/** One session at a time: a new one is opened only after the loss of the one before was told. */
export class SessionKeeper {
  readonly #source: CoordinatorSource;
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;
  readonly #journal: Journal;
  readonly #openTimeoutMs: number;
  /** null before the first session; a lost one stays until there is another. */
  #current: Coordinator | null = null;
  /** null until there are parts to be told. Losses before that are told when it comes. */
  #listener: SessionListener | null = null;
  /** Aborted for good: no session is opened any more, and none is reported as lost. */
  readonly #closing = new AbortController();
  /** Sessions lost since the start, for metrics. */
  expirations = 0;

  constructor(options: {
    source: CoordinatorSource;
    clock: Clock;
    diagnostics: Diagnostics;
    journal: Journal;
    openTimeoutMs: number;
  }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#diagnostics = options.diagnostics;
    this.#journal = options.journal;
    this.#openTimeoutMs = options.openTimeoutMs;
  }

  /** The live session, or the last one. */
  get coordinator(): Coordinator {
    if (this.#current === null) throw new Error('no session has been opened');
    return this.#current;
  }

  get counts(): CoordinatorSource['counts'] {
    return this.#source.counts;
  }

  /** Opens the first session; rejects when ZooKeeper can't be reached in time. */
  async open(): Promise<Coordinator> {
    const coordinator = await this.#source.open(this.#openTimeoutMs, this.#closing.signal);
    if (this.#closed) {
      await coordinator.close();
      throw new CoordinatorError('closed', 'the broker was stopped while it opened its first session');
    }
    this.#take(coordinator);
    return coordinator;
  }

  /** From now on, losses are reported. One listener. */
  listen(listener: SessionListener): void {
    this.#listener = listener;
    if (this.#current?.session === 'lost') this.#lost(this.#current);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.close();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #take(coordinator: Coordinator): void {
    this.#current = coordinator;
    coordinator.onSession((state) => {
      if (state === 'suspended') this.#journal.record({ kind: 'session-suspended' });
      if (state === 'connected') this.#journal.record({ kind: 'session-resumed' });
      if (state === 'lost') this.#lost(coordinator);
    });
    if (coordinator.session === 'lost') this.#lost(coordinator);
  }

  #lost(coordinator: Coordinator): void {
    if (this.#closed || this.#listener === null || coordinator !== this.#current) return;
    this.expirations++;
    const lostId = this.#journal.record({ kind: 'session-lost', sessionId: idOf(coordinator) });
    this.#listener.lost(lostId);
    void this.#renew(coordinator.sessionId, lostId);
  }

  async #renew(lostSessionId: bigint, causeId: EventId): Promise<void> {
    let formerSessionId = lostSessionId;
    while (!this.#closed) {
      let opened: Coordinator | null = null;
      try {
        opened = await this.#source.open(this.#openTimeoutMs, this.#closing.signal);
        if (this.#closed) break;
        this.#take(opened);
        // It died before anybody had it, and has its own renewal.
        if (opened.session === 'lost') return;
        const regainedId = this.#journal.record(
          { kind: 'session-regained', sessionId: idOf(opened) },
          causeId,
        );
        await this.#listener?.regained(formerSessionId, regainedId);
        return;
      } catch (error) {
        if (this.#closed) return;
        // A session that died while it was taken up has started its own renewal.
        if (opened?.session === 'lost') return;
        this.#diagnostics.warn(`no new ZooKeeper session yet, trying again in ${RETRY_MS} ms`, error);
      } finally {
        if (this.#closed) await opened?.close();
      }
      if (this.#closed) return;
      if (opened !== null) {
        // Taking it up failed half way: stop everybody again, and take its registration for our former one's.
        this.#listener?.lost(causeId);
        formerSessionId = opened.sessionId;
        await opened.close();
      }
      await sleep(this.#clock, RETRY_MS);
    }
  }
}

function idOf({ sessionId }: Coordinator): string {
  return `0x${sessionId.toString(16)}`;
}
