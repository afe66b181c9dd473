/**
 * One client connection: bytes in, frames to the dispatcher, responses out in request order.
 *
 * Kafka processes one request per connection at a time and reads no further until its response is
 * on the way. That is kept here, with one exception that a client can't observe: Produce requests
 * that follow each other are appended as they arrive while earlier ones still wait for their
 * replicas, and are answered in order. Reading stops while a frame may not start, and while the peer
 * does not read its responses; so the memory of a connection is bounded by one response (of records, one
 * piece of it: outgoing.ts), one socket chunk and one frame of socket.request.max.bytes, or of
 * sasl.server.max.receive.size until the client has logged in.
 */
import type { BufferPool } from '../platform/buffer-pool.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { SharedTurn } from '../platform/loop-turns.ts';
import type { Counter } from '../platform/metrics.ts';
import type { SeldomLines } from '../platform/seldom-lines.ts';
import type { ByteSocket } from '../platform/sockets.ts';
import type { AnswerMemory } from '../replication/requests/answer-memory.ts';
import type { ClientSession } from './client-session.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { type FrameLimit, FrameSplitter, InvalidFrameSize } from './frame-splitter.ts';
import {
  Alone,
  type Dispatch,
  endsConnection,
  giveBack,
  NotYet,
  pipelines,
  type RequestOutcome,
} from './outcome.ts';
import { Outgoing } from './outgoing.ts';
import { Pipeline } from './pipeline.ts';
import type { RequestMemory } from './request-memory.ts';
import { RequestTurn } from './request-turn.ts';

interface ConnectionParts {
  readonly socket: ByteSocket;
  readonly session: ClientSession;
  readonly dispatch: Dispatch;
  readonly limits: ConnectionLimits;
  readonly pool: BufferPool;
  readonly memory: RequestMemory;
  readonly answerMemory: AnswerMemory;
  readonly clock: Clock;
  /** Shared with all connections that have answers in the same turn of the event loop. */
  readonly flushes: SharedTurn;
  /** Told when a client has sent what is no frame. */
  readonly complaints: Pick<SeldomLines, 'say'>;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly onClosed: (connection: Connection) => void;
}

/** A request is in `#pipeline` until its answer is there and its turn has come; then the answer is in `#outgoing`. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #socket: ByteSocket;
  readonly #splitter: FrameSplitter;
  readonly #pipeline: Pipeline;
  readonly #outgoing: Outgoing;
  readonly #turn: RequestTurn;
  /** A flush follows at the end of this turn. */
  #flushScheduled = false;
  readonly #flushWhatIsThere = (): void => this.#flush();
  readonly #flushAndContinue = (): void => {
    this.#flushScheduled = false;
    this.#flush();
    this.#continue();
  };
  /** What is counted of queued.max.request.bytes: what the splitter keeps. */
  #countedBytes = 0;
  /**
   * No memory is left for the rest of the frame that is arriving. Reading is paused until `RequestMemory`
   * calls back.
   */
  #awaitsMemory = false;
  /** A frame waits because too much is kept of those before it; `ClientSession` calls back. */
  #awaitsKept = false;
  /** Runs while a frame waits because its client is throttled. */
  #unmute: Timer | null = null;
  /**
   * The socket is not read from: a frame was refused, or memory is awaited. Never once the connection
   * is ending.
   */
  #paused = false;
  /** No more requests are taken: the connection ends once what came before is answered. */
  #ending = false;
  /** Our side of the socket is closed. */
  #ended = false;
  /** The socket has gone. Nothing is written any more; outcomes that still come are only given back. */
  #closed = false;
  /** When bytes last came in, an answer became ready or left. */
  #lastActiveMs: number;
  /** When bytes last came in, or reading was taken up again. */
  #lastReadMs: number;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#lastActiveMs = this.#lastReadMs = parts.clock.nowMs();
    this.#turn = new RequestTurn(parts.clock, () => this.#continueWithRoom());
    const { limits, session } = parts;
    const limit = (): FrameLimit => (session.isAuthenticated ? limits.frames : limits.loginFrames);
    this.#splitter = new FrameSplitter(parts.pool, limit, (frame, isOwn) => this.#take(frame, isOwn));
    this.#pipeline = new Pipeline({
      maxInFlightRequests: limits.maxInFlightRequests,
      finish: (outcome) => this.#finish(outcome),
      settled: () => this.#settled(),
    });
    this.#outgoing = new Outgoing({
      ...{ socket: parts.socket, clock: parts.clock, pool: parts.pool, memory: parts.answerMemory },
      onWritten: (sizeBytes) => parts.bytesOut.add(sizeBytes),
      onSent: () => this.#onSent(),
      onBroken: (error) => this.#onBroken(error),
    });
    this.#socket.on({
      data: (chunk) => this.#onData(chunk),
      readEnd: () => parts.flushes.run(this.#flushWhatIsThere),
      close: () => this.#onClose(),
    });
  }

  get session(): ClientSession {
    return this.#parts.session;
  }

  /** Since when nothing has happened, or null while a request is being processed. */
  get idleSinceMs(): number | null {
    return this.#pipeline.isEmpty ? this.#lastActiveMs : null;
  }

  /** Since when the rest of a frame has been waited for in vain; null while none is arriving, or it is not read. */
  get frameStuckSinceMs(): number | null {
    return this.#paused || !this.#splitter.isArriving ? null : this.#lastReadMs;
  }

  /** All has been said, but the peer has not closed its side. */
  get lingers(): boolean {
    return this.#ended && this.#outgoing.unsentBytes === 0;
  }

  /** Bytes this connection holds: unsplit input and unsent output. */
  get heldBytes(): number {
    return this.#splitter.heldBytes + this.#outgoing.heldBytes;
  }

  /** Answers what is under way, takes nothing more, then closes. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#stopTaking();
    this.#flush();
    this.#endWhenAnswered();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #endWhenAnswered(): void {
    if (this.#ended || !this.#pipeline.isEmpty || !this.#outgoing.isHandedOver) return;
    this.#ended = true;
    this.#socket.end();
  }

  /** What still arrives is dropped, but read: a paused socket would not notice that its peer has gone. */
  #stopTaking(): void {
    this.#ending = true;
    this.#splitter.close();
    this.#countHeld();
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #onData(chunk: Buffer): void {
    if (this.#ending || this.#closed) return;
    this.#lastActiveMs = this.#lastReadMs = this.#parts.clock.nowMs();
    this.#parts.bytesIn.add(chunk.length);
    this.#split(() => this.#splitter.push(chunk));
  }

  #split(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof InvalidFrameSize)) throw error;
      this.#parts.complaints.say(`closing ${this.#parts.session.id}: ${error.message}`);
      this.end();
    }
    this.#countHeld();
  }

  /** Counts what is kept of frames that are not complete, or may not start. Where that is too much, reading stops. */
  #countHeld(): void {
    const { memory } = this.#parts;
    const { heldBytes, isArriving } = this.#splitter;
    const moreBytes = heldBytes - this.#countedBytes;
    this.#countedBytes = heldBytes;
    if (moreBytes !== 0) memory.add(moreBytes);
    if (!isArriving) memory.complete(this);
    if (!isArriving || this.#awaitsMemory || memory.mayGoOn(this)) return;
    this.#awaitsMemory = true;
    this.#pause();
    memory.whenReleased(() => {
      this.#awaitsMemory = false;
      this.#scheduleFlush();
    });
  }

  #take(frame: Buffer, isOwn: boolean): 'taken' | 'kept' | 'not taken' {
    if (!this.#mayStart(frame)) {
      this.#pause();
      return 'not taken';
    }
    const outcome = this.#parts.dispatch(frame, this.#parts.session, isOwn);
    if (outcome instanceof NotYet) {
      this.#pause();
      void outcome.then(() => this.#scheduleFlush());
      return 'not taken';
    }
    if (outcome instanceof Promise) {
      this.#pipeline.add(outcome, outcome instanceof Alone || !this.#pipelines(frame));
    } else if (this.#pipeline.isEmpty) {
      this.#finish(outcome);
    } else {
      this.#pipeline.addSettled(outcome);
      if (endsConnection(outcome)) this.#stopTaking();
    }
    return isOwn && outcome instanceof Alone ? 'kept' : 'taken';
  }

  #mayStart(frame: Buffer): boolean {
    if (this.#isMuted()) return false;
    if (this.#outgoing.unsentBytes > this.#parts.limits.maxUnsentBytes) return false;
    const canPipeline = this.#pipelines(frame);
    if (!this.#pipeline.mayTake(canPipeline)) return false;
    return (!canPipeline || this.#mayBeKept(frame.length)) && !this.#turn.isOver();
  }

  /** Steps of a login come one at a time, whatever their bytes look like. */
  #pipelines(frame: Buffer): boolean {
    return this.#parts.session.isAuthenticated && pipelines(frame);
  }

  /** Produce requests may have to be kept for a while, copied from the buffer that they came in. */
  #mayBeKept(sizeBytes: number): boolean {
    const { session } = this.#parts;
    if (session.mayKeep(sizeBytes)) return true;
    if (!this.#awaitsKept) {
      this.#awaitsKept = true;
      session.whenKeptLess(() => {
        this.#awaitsKept = false;
        this.#scheduleFlush();
      });
    }
    return false;
  }

  /** A client over its quota has its answer, but is not listened to until its time is over. */
  #isMuted(): boolean {
    const { session, clock } = this.#parts;
    if (session.mutedUntilMs === 0) return false;
    const leftMs = session.mutedUntilMs - clock.nowMs();
    if (leftMs <= 0) {
      session.mutedUntilMs = 0;
      return false;
    }
    this.#unmute ??= clock.after(Math.ceil(leftMs), () => {
      this.#unmute = null;
      this.#scheduleFlush();
    });
    return true;
  }

  #settled(): void {
    if (this.#closed) return;
    this.#lastActiveMs = this.#parts.clock.nowMs();
    this.#scheduleFlush();
  }

  #finish(outcome: RequestOutcome): void {
    if (this.#closed) {
      giveBack(outcome);
      return;
    }
    if (outcome === 'nothing') return;
    if (outcome === 'close') {
      // Requests after the one that closes the connection get no answer.
      this.#pipeline.discard();
      this.#stopTaking();
      this.#scheduleFlush();
      return;
    }
    this.#outgoing.add(outcome);
    if (outcome.isLast === true) this.#finish('close');
  }

  /** Answers that become ready in one turn of the event loop leave in one write; where very many have some, in the next turns. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => this.#parts.flushes.run(this.#flushAndContinue));
  }

  #flush(): void {
    if (!this.#closed) this.#outgoing.flush();
  }

  #onSent(): void {
    this.#lastActiveMs = this.#parts.clock.nowMs();
    if (this.#paused || this.#ending) this.#parts.clock.soon(() => this.#continueWithRoom());
  }

  /** The rest of what the client was promised is not to be had: it asks again, on another connection. */
  #onBroken(error: unknown): void {
    this.#parts.complaints.say(`closing ${this.#parts.session.id} within an answer: ${String(error)}`);
    this.#socket.destroy();
  }

  /**
   * Not within the turn of the event loop that has made room: a peer with many requests in the pipe
   * would keep all others waiting, and its own death from being noticed.
   */
  #continueWithRoom(): void {
    if (!this.#socket.open && !this.#ending) return; // its close is on the way
    this.#flush();
    this.#continue();
  }

  /** Takes up the frames that had to wait, then reading. */
  #continue(): void {
    if (this.#closed) return;
    if (this.#ending) {
      this.#endWhenAnswered();
      return;
    }
    if (!this.#paused) return;
    this.#split(() => this.#splitter.resume());
    this.#flush();
    if (this.#splitter.refused || this.#awaitsMemory || this.#ending || this.#closed) return;
    this.#paused = false;
    this.#lastReadMs = this.#parts.clock.nowMs();
    this.#socket.resume();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
    // The burst may end here without a readEnd: what is answered already must still leave.
    this.#scheduleFlush();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unmute?.cancel();
    this.#splitter.close();
    this.#countHeld();
    this.#outgoing.close();
    this.#parts.onClosed(this);
  }
}
