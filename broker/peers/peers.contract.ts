/**
 * What the floors above see of the peers: ask a broker something, answer what others ask, open a
 * replication stream. peers.ts implements it over channels.
 */

import type { BrokerInfo } from '../cluster.ts';
import type { Channel } from '../platform/channels.ts';
import type { BrokerId } from '../types.ts';
import type { PeerExchange, PeerRequest, PeerRequestType, PeerResponseTo } from './messages.ts';

/** The request did not get an answer: the peer is unreachable, refused us, or the connection broke. */
export class PeerUnreachable extends Error {
  override readonly name = 'PeerUnreachable';
}

export type PeerHandler<T extends PeerRequestType> = (
  request: PeerExchange[T]['request'],
  from: BrokerId,
) => PeerExchange[T]['response'] | Promise<PeerExchange[T]['response']>;

export interface Peers {
  /**
   * Asks broker `to`. Requests to one broker arrive in call order. Rejects with PeerUnreachable when
   * no answer can come (no retry here) or after `timeoutMs`. A request to this broker itself is
   * handed over in process, asynchronously.
   */
  request<R extends PeerRequest>(to: BrokerInfo, request: R, timeoutMs: number): Promise<PeerResponseTo<R>>;
  /** One handler a type; asked for a type without one, a peer is answered UNKNOWN_SERVER_ERROR. */
  handle<T extends PeerRequestType>(type: T, handler: PeerHandler<T>): void;
  /** Opens an authenticated channel for replication to the leader `to`; the caller speaks on it from here. */
  openStream(to: BrokerInfo, timeoutMs: number): Promise<Channel>;
  /** Takes authenticated replication channels that followers open to this broker. One taker. */
  onStream(accept: (channel: Channel, follower: { id: BrokerId; epoch: number }) => void): void;
  /** Closes the connections of a broker that is gone or whose endpoint has changed. */
  forget(broker: BrokerId): void;
}
