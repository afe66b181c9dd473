/** What becomes of a request, between the dispatcher, which decides it, and the connection, which writes it. */
import type { MessagePart } from '../protocol/late-bytes.ts';
import type { ClientSession } from './client-session.ts';

/** An answer on its way out; for acks=0 there is none. */
export interface Reply {
  /** A whole frame, size field included. */
  readonly parts: readonly MessagePart[];
  readonly sizeBytes: number;
  /** The connection ends with it. */
  readonly isLast?: boolean;
  /** To be called when the parts are counted as answers that wait at their connection. */
  counted?(): void;
  /** To be called exactly once, when the parts have left the process or never will. */
  sent(): void;
}

/** `nothing`: the request has no response. `close`: the connection ends here. */
export type RequestOutcome = Reply | 'nothing' | 'close';

/**
 * Of a request that is read, and perhaps carried out, over several turns of the event loop: none of its
 * connection starts before it has its outcome, or one might overtake it.
 */
export class Alone extends Promise<RequestOutcome> {}

/**
 * There is no room for so large a request, and nothing has been done about it: its frame is to be offered
 * again once this resolves. Only whoever has logged in gets it.
 */
export class NotYet extends Promise<RequestOutcome> {}

/** It is not sent: what it has lent is given back. */
export function giveBack(outcome: RequestOutcome): void {
  if (typeof outcome !== 'string') outcome.sent();
}

/** The frame is valid during the call only, unless it `isOwn`. A returned promise never rejects. */
export type Dispatch = (
  frame: Buffer,
  session: ClientSession,
  isOwn?: boolean,
) => RequestOutcome | Promise<RequestOutcome>;

const PRODUCE_KEY = 0;

/**
 * Whether a request may start while earlier ones of its kind are unanswered. Produce appends in the
 * order of arrival before it waits, so nobody can tell the difference but by the clock.
 */
export function pipelines(frame: Buffer): boolean {
  return frame.length >= 2 && frame.readInt16BE(0) === PRODUCE_KEY;
}

/** Nothing follows it. */
export function endsConnection(outcome: RequestOutcome): boolean {
  return outcome === 'close' || (typeof outcome === 'object' && outcome.isLast === true);
}

class Response implements Reply {
  readonly parts: readonly MessagePart[];
  readonly sizeBytes: number;
  #atEnds: AtEnds | null;

  constructor(parts: readonly MessagePart[], sizeBytes: number, atEnds: AtEnds | null) {
    this.parts = parts;
    this.sizeBytes = sizeBytes;
    this.#atEnds = atEnds;
  }

  counted(): void {
    if (this.#atEnds !== null) runAll(this.#atEnds.counted);
  }

  sent(): void {
    const ends = this.#atEnds;
    this.#atEnds = null;
    if (ends !== null) runAll(ends.sent);
  }
}

/** Steps to be taken when an answer is counted at its connection, and when it has been sent. */
export interface AtEnds {
  readonly counted: (() => void)[];
  readonly sent: (() => void)[];
}

/** A reply of these parts, at whose ends these steps are to be taken. */
export function replyOf(parts: readonly MessagePart[], atEnds: AtEnds | null): Reply {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.length;
  return new Response(parts, sizeBytes, atEnds);
}

export function runAll(steps: readonly (() => void)[]): void {
  for (const step of steps) step();
}
