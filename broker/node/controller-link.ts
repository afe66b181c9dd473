/**
 * The way from this broker to the active controller, wherever it is: by the id that the last update of
 * the metadata named. Source: Kafka's BrokerToControllerChannelManager in ZooKeeper mode.
 */

import type { BrokerInfo } from '../cluster.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { PeerRequest, PeerResponseTo } from '../peers/messages.ts';
import { type Peers, PeerUnreachable } from '../peers/peers.contract.ts';

export class ControllerLink {
  readonly #peers: Pick<Peers, 'request'>;
  readonly #metadata: MetadataCache;
  readonly #timeoutMs: () => number;

  constructor(peers: Pick<Peers, 'request'>, metadata: MetadataCache, timeoutMs: () => number) {
    this.#peers = peers;
    this.#metadata = metadata;
    this.#timeoutMs = timeoutMs;
  }

  /** The controller as the metadata knows it. */
  get controller(): BrokerInfo | undefined {
    return this.#metadata.broker(this.#metadata.image.controllerId);
  }

  /** Rejects with PeerUnreachable while no controller is known, or when it does not answer. */
  ask<R extends PeerRequest>(request: R): Promise<PeerResponseTo<R>> {
    const { controller } = this;
    if (controller === undefined) return Promise.reject(new PeerUnreachable('no controller is known'));
    return this.#peers.request(controller, request, this.#timeoutMs());
  }
}
