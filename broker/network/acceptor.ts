/**
 * Who has connected and is not served yet. Newcomers wait, unread, until the broker can answer them, and then
 * as the quotas say: while max.connections are open or connections are made too fast. Who comes from an address
 * that connects too often is held for a while and never served.
 * Source: Kafka's SocketServer.Acceptor.
 */
import type { Listener } from '../config/listeners.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { ByteSocket } from '../platform/sockets.ts';
import type { ConnectionQuotas } from './connection-quotas.ts';

export interface Newcomer {
  readonly socket: ByteSocket;
  readonly listener: Listener;
}

interface AcceptorParts {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly quotas: ConnectionQuotas;
  /** socket.listen.backlog.size: how many may wait, and how many may be held. */
  readonly backlogSize: number;
  /** Serves who has been counted in; false when it can't be served at all. */
  readonly serve: (newcomer: Newcomer) => boolean;
}

export class Acceptor {
  readonly #parts: AcceptorParts;
  /** Accepted by the operating system, not read from yet; oldest first. */
  readonly #waiting: Newcomer[] = [];
  /** Throttled by the quota of their address. */
  readonly #held = new Set<ByteSocket>();
  /** Nobody is served before and after. */
  #isOpen = false;
  /** Armed while the head of `#waiting` waits for max.connection.creation.rate. */
  #nextTry: Timer | null = null;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /** From here on newcomers are served, those that wait first. */
  open(): void {
    this.#isOpen = true;
    this.serveWaiting();
  }

  /** Nobody is served any more. */
  close(): void {
    this.#isOpen = false;
    this.#nextTry?.cancel();
  }

  /** Turns away whoever is not served. */
  turnAll(): void {
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
    for (const socket of this.#held) socket.destroy();
    this.#held.clear();
  }

  accept(newcomer: Newcomer): void {
    if (this.#waiting.length === 0 && this.#isOpen && this.#admit(newcomer)) return;
    if (this.#waiting.length >= this.#parts.backlogSize) {
      newcomer.socket.destroy();
      return;
    }
    newcomer.socket.pause();
    this.#waiting.push(newcomer);
  }

  /** A connection has closed, or the limits are others: whoever may is served. */
  serveWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#isOpen || !this.#admit(next)) return;
      this.#waiting.shift();
      if (!this.#held.has(next.socket)) next.socket.resume();
    }
  }

  /** False when it has to wait for another connection to close, or for its turn. */
  #admit(newcomer: Newcomer): boolean {
    const { socket } = newcomer;
    if (!socket.open) return true;
    const { clock, diagnostics, quotas, serve } = this.#parts;
    const host = socket.remoteHost;
    const verdict = quotas.tryAdd(host, clock.nowMs());
    if (typeof verdict === 'object' && 'closeAfterMs' in verdict) {
      this.#hold(socket, verdict.closeAfterMs);
      return true;
    }
    if (typeof verdict === 'object') {
      if (verdict.waitMs !== null) this.#tryAgainIn(verdict.waitMs);
      return false;
    }
    if (verdict === 'refused') {
      diagnostics.info(`rejected a connection from ${host}: max.connections.per.ip is reached`);
      socket.destroy();
      return true;
    }
    if (!serve(newcomer)) {
      quotas.remove(host);
      socket.destroy();
    }
    return true;
  }

  /** Its address connects too often: it is not answered, and closed only when it may try again. */
  #hold(socket: ByteSocket, forMs: number): void {
    socket.pause();
    if (this.#held.size >= this.#parts.backlogSize) {
      socket.destroy();
      return;
    }
    this.#held.add(socket);
    this.#parts.clock.after(forMs, () => {
      if (this.#held.delete(socket)) socket.destroy();
    });
  }

  #tryAgainIn(waitMs: number): void {
    this.#nextTry?.cancel();
    this.#nextTry = this.#parts.clock.after(waitMs, () => this.serveWaiting());
  }
}
