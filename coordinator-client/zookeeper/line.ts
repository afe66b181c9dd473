/**
 * One TCP connection to one ZooKeeper server, from dialling to its end. Everything that belongs to a
 * single connection lives here and dies with it: the half-read frame, the timer over TCP connect and
 * handshake, the watchdog, the pings.
 *
 * Pings go by how long nothing was *sent*, so that a stream of watch events cannot starve them; the
 * watchdog goes by how long nothing was *received*. Both on the monotonic clock: T/3 and 2T/3 of the
 * session timeout, as in ZooKeeper's ClientCnxn.
 */
import type { ServerAddress } from './connect-string.ts';
import { FrameSplitter } from './frames.ts';
import type { DialServer, LineSocket } from './line-socket.ts';
import { Opcode, ReservedXid } from './opcodes.ts';

interface LineOptions {
  /** For TCP connect and handshake together. */
  readonly timeoutMs: number;
  readonly dial: DialServer;
}

interface LineEvents {
  /** TCP stands; the handshake may be sent. */
  opened(): void;
  frame(frame: Buffer): void;
  /** Called once, when the connection is over or never came about. */
  closed(reason: string): void;
}

const MIN_TICK_MS = 10;
const TICKS_PER_SESSION_TIMEOUT = 12;
/** Who looks so many ticks too late has stood still. */
const LATE_TICKS = 2;
const PING = pingFrame();

export class Line {
  readonly #socket: LineSocket;
  readonly #splitter = new FrameSplitter();
  readonly #events: LineEvents;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #heartbeatTimer: NodeJS.Timeout | undefined;
  /** This and the next two never fall. */
  #lastSentMs = performance.now();
  #lastReceivedMs = this.#lastSentMs;
  /** Of the last heartbeat. */
  #lookedMs = this.#lastSentMs;
  /** Some of the silence was this process's own; once only until something is heard. */
  #hasExcused = false;
  /** What `closed` is told: the last one that was set. */
  #reason = 'closed by the server';
  /** For good: nothing is delivered any more but `closed`. */
  #over = false;

  constructor(address: ServerAddress, { timeoutMs, dial }: LineOptions, events: LineEvents) {
    this.#events = events;
    this.#handshakeTimer = setTimeout(
      () => this.destroy(`no session within ${Math.round(timeoutMs)} ms`),
      timeoutMs,
    );
    this.#socket = dial(address, {
      connected: () => {
        if (!this.#over) events.opened();
      },
      data: (chunk) => this.#received(chunk),
      closed: (reason) => {
        this.#reason = reason ?? this.#reason;
        this.#closed();
      },
    });
  }

  write(bytes: Buffer): void {
    if (this.#over) return;
    this.#lastSentMs = performance.now();
    this.#socket.write(bytes);
  }

  /** The handshake is done: from now on the watchdog and the pings run. */
  established(sessionTimeoutMs: number): void {
    clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = undefined;
    const tickMs = Math.max(MIN_TICK_MS, sessionTimeoutMs / TICKS_PER_SESSION_TIMEOUT);
    this.#lookedMs = performance.now();
    // After a pause of this process what has come meanwhile is read before anybody is called silent.
    const look = (): void => this.#heartbeat(sessionTimeoutMs, tickMs);
    this.#heartbeatTimer = setInterval(() => setImmediate(look), tickMs);
  }

  /** Nothing is delivered from here on but `closed`, which follows soon. */
  destroy(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#reason = reason;
    this.#stopTimers();
    this.#socket.destroy();
  }

  #heartbeat(sessionTimeoutMs: number, tickMs: number): void {
    if (this.#over) return;
    const nowMs = performance.now();
    const lateMs = nowMs - this.#lookedMs - tickMs;
    this.#lookedMs = nowMs;
    if (lateMs > LATE_TICKS * tickMs && !this.#hasExcused) {
      this.#excuse(lateMs, nowMs);
      return;
    }
    const silentMs = nowMs - this.#lastReceivedMs;
    if (silentMs >= (sessionTimeoutMs * 2) / 3) {
      this.destroy(`nothing heard for ${Math.round(silentMs)} ms`);
    } else if (nowMs - this.#lastSentMs >= sessionTimeoutMs / 3 - tickMs) {
      this.write(PING);
    }
  }

  /** While this process stood still it has sent no pings, and may have been told nothing for that reason. */
  #excuse(pausedMs: number, nowMs: number): void {
    this.#hasExcused = true;
    this.#lastReceivedMs = Math.min(nowMs, this.#lastReceivedMs + pausedMs);
    this.write(PING);
  }

  #received(chunk: Buffer): void {
    if (this.#over) return;
    this.#lastReceivedMs = performance.now();
    this.#hasExcused = false;
    try {
      for (const frame of this.#splitter.push(chunk)) {
        this.#events.frame(frame);
        if (this.#over) return;
      }
    } catch (error) {
      this.destroy(`unreadable answer: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #closed(): void {
    this.#over = true;
    this.#stopTimers();
    this.#events.closed(this.#reason);
  }

  #stopTimers(): void {
    clearTimeout(this.#handshakeTimer);
    clearInterval(this.#heartbeatTimer);
  }
}

function pingFrame(): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeInt32BE(8, 0);
  frame.writeInt32BE(ReservedXid.ping, 4);
  frame.writeInt32BE(Opcode.ping, 8);
  return frame;
}
