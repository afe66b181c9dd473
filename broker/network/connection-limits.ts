/** What one connection may have under way. */
import type { FrameLimit } from './frame-splitter.ts';

export interface ConnectionLimits {
  readonly frames: FrameLimit;
  /** Until the client has logged in. */
  readonly loginFrames: FrameLimit;
  /** queued.max.requests, here per connection: how many Produce requests may wait for replicas. */
  readonly maxInFlightRequests: number;
  /** socket.send.buffer.bytes: no request is started while more than this is unsent. */
  readonly maxUnsentBytes: number;
}
