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
  /** To be called exactly once, when the parts have left the process or never will. */
  sent(): void;
}

/** `nothing`: the request has no response. `close`: the connection ends here. */
export type RequestOutcome = Reply | 'nothing' | 'close';

/** The frame is valid during the call only. A returned promise never rejects. */
export type Dispatch = (frame: Buffer, session: ClientSession) => RequestOutcome | Promise<RequestOutcome>;

const PRODUCE_KEY = 0;

/**
 * Whether a request may start while earlier ones of its kind are unanswered. Produce appends in the
 * order of arrival before it waits, so nobody can tell the difference but by the clock.
 */
export function pipelines(frame: Buffer): boolean {
  return frame.length >= 2 && frame.readInt16BE(0) === PRODUCE_KEY;
}
