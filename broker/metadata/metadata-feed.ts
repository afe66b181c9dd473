/**
 * How the decisions of the controller reach a broker: the seam between a cluster whose controller tells
 * every broker (node/pushed-feed.ts) and one whose brokers read a log. The contract is this file; its
 * suite is test/contract/metadata-feed-contract.ts.
 */
import type { ClusterDelta, DeltaOutcome } from './delta.ts';

/**
 * Takes news in, at once or, where replicas come whose configs must be read first, a little later. What is
 * refused has changed nothing. Rejects when a config could not be read: then nothing has changed either.
 */
export type Publish = (delta: ClusterDelta) => DeltaOutcome | Promise<DeltaOutcome>;

export interface MetadataFeed {
  /**
   * Begins; one taker. Nothing is published before this broker has registered, as nobody could tell what
   * is meant for this incarnation of it, and nothing of somebody who was never in office. What one
   * controller says is published in the order it was said; each delta is to be applied by itself.
   */
  start(publish: Publish): void;
}
