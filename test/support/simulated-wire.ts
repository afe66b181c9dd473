/**
 * A connection in virtual time: two ends, each with a pipe to the other that delivers in order. What
 * a pipe carries can be delayed and held up, never lost or reordered, as with TCP; only the ends die.
 */
import type { Clock } from '../../broker/platform/clock.ts';

/** The way from one end to the other. */
export interface Line {
  latencyMs(): number;
  /** Nothing arrives while it is so. */
  blocked(): boolean;
}

export const INSTANT: Line = { latencyMs: () => 0, blocked: () => false };

interface Load {
  readonly dueMs: number;
  readonly sizeBytes: number;
  readonly arrive: () => void;
}

class Pipe {
  bufferedBytes = 0;
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #ready: () => boolean;
  #loads: Load[] = [];
  #lastDueMs = 0;
  #waiting = false;

  constructor(clock: Clock, line: Line, ready: () => boolean) {
    this.#clock = clock;
    this.#line = line;
    this.#ready = ready;
  }

  carry(sizeBytes: number, arrive: () => void): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.nowMs() + this.#line.latencyMs());
    this.bufferedBytes += sizeBytes;
    this.#loads.push({ dueMs: this.#lastDueMs, sizeBytes, arrive });
    this.pump();
  }

  /** Goes on after the line was blocked or the receiver was not ready. */
  pump(): void {
    const first = this.#loads[0];
    if (this.#waiting || first === undefined || this.#line.blocked() || !this.#ready()) return;
    this.#waiting = true;
    this.#clock.after(first.dueMs - this.#clock.nowMs(), () => {
      this.#waiting = false;
      const load = this.#loads[0];
      // Both may have changed while it was under way.
      if (load === undefined || this.#line.blocked() || !this.#ready()) return;
      this.#loads.shift();
      this.bufferedBytes -= load.sizeBytes;
      load.arrive();
      this.pump();
    });
  }

  drop(): void {
    this.#loads = [];
    this.bufferedBytes = 0;
  }
}

/** What an end tells the socket or channel made of it. */
interface WireEvents {
  receive(data: Buffer): void;
  drained(): void;
  /** Once; null after an orderly close. */
  closed(reason: string | null): void;
}

export class WireEnd {
  readonly host: string;
  readonly port: number;
  #peer: WireEnd = this;
  readonly #clock: Clock;
  readonly #pipe: Pipe;
  #events: WireEvents | null = null;
  #paused = false;
  #state: 'open' | 'finishing' | 'dead' = 'open';
  /** The close came before anybody listened. */
  #closedWith: { reason: string | null } | null = null;
  /** Called for everything sent that has not arrived when the end dies. */
  readonly #unsent = new Set<() => void>();

  private constructor(clock: Clock, line: Line, place: { host: string; port: number }) {
    this.#clock = clock;
    this.host = place.host;
    this.port = place.port;
    // Loads wait for a listener as for a receiver that pauses; a dead end takes them, to refuse them.
    this.#pipe = new Pipe(clock, line, () => this.#peer.#takes());
  }

  static pair(
    clock: Clock,
    one: { host: string; port: number; line: Line },
    other: { host: string; port: number; line: Line },
  ): [WireEnd, WireEnd] {
    const first = new WireEnd(clock, one.line, one);
    const second = new WireEnd(clock, other.line, other);
    first.#peer = second;
    second.#peer = first;
    return [first, second];
  }

  get peer(): WireEnd {
    return this.#peer;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  get bufferedBytes(): number {
    return this.#pipe.bufferedBytes;
  }

  listen(events: WireEvents): void {
    this.#events = events;
    const closed = this.#closedWith;
    if (closed !== null) this.#clock.soon(() => events.closed(closed.reason));
    this.#peer.#pipe.pump();
  }

  send(data: Buffer, sent: () => void = () => {}): void {
    if (this.#state !== 'open') {
      this.#clock.soon(sent);
      return;
    }
    this.#unsent.add(sent);
    this.#pipe.carry(data.length, () => {
      if (this.#peer.dead) {
        this.#die('ECONNRESET');
        return;
      }
      this.#peer.#events?.receive(data);
      if (!this.#unsent.delete(sent)) return;
      sent();
      if (this.bufferedBytes === 0 && this.open) this.#events?.drained();
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#peer.#pipe.pump();
  }

  /** Closes after all that was sent has arrived. */
  finish(reason: string | null = null): void {
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    this.#pipe.carry(0, () => {
      this.#peer.#die(reason);
      this.#die(reason);
    });
  }

  /** Closes at once; the other end hears of it when what was sent before has arrived. */
  abort(own: string | null, theirs: string | null): void {
    if (this.#state === 'dead') return;
    this.#pipe.carry(0, () => this.#peer.#die(theirs));
    this.#die(own);
  }

  /**
   * The process of this end is gone: nothing is called here any more. With its machine gone as well,
   * nothing more arrives at the other end, not even the news.
   */
  kill(what: 'process' | 'machine'): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#events = null;
    this.#unsent.clear();
    if (what === 'machine') this.#pipe.drop();
    else this.#pipe.carry(0, () => this.#peer.#die('ECONNRESET'));
    this.#peer.#pipe.pump();
  }

  /** Goes on after a cut was healed. */
  pump(): void {
    this.#pipe.pump();
  }

  #takes(): boolean {
    return this.dead || (this.#events !== null && !this.#paused);
  }

  #die(reason: string | null): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#closedWith = { reason };
    const unsent = [...this.#unsent];
    this.#unsent.clear();
    const events = this.#events;
    this.#clock.soon(() => {
      for (const sent of unsent) sent();
      events?.closed(reason);
    });
    this.#peer.#pipe.pump();
  }
}
