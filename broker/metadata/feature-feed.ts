/**
 * Finalised features as /feature has them; the version of the node is their epoch. There are none to
 * finalise in a cluster with ZooKeeper, but clients are told the epoch of the empty set.
 * Source: Kafka's FinalizedFeatureChangeListener.
 */

import type { Watch } from '../../coordinator-client/coordinator.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { featureZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';

export interface FinalizedFeatures {
  /** -1 while there is no such node, or it is disabled. */
  readonly epoch: number;
  readonly levels: ReadonlyMap<string, number>;
}

const NO_FEATURES: FinalizedFeatures = { epoch: -1, levels: new Map() };

export class FeatureFeed {
  readonly #diagnostics: Diagnostics;
  #current = NO_FEATURES;
  #store: ClusterStore | null = null;
  #watch: Watch | null = null;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  get current(): FinalizedFeatures {
    return this.#current;
  }

  /** Reads the node and follows it, in this session. */
  async start(store: ClusterStore): Promise<void> {
    this.stop();
    this.#store = store;
    this.#watch = store.coordinator.watch(featureZnode.path, 'node', () => void this.#read(store));
    await this.#read(store);
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = null;
    this.#store = null;
  }

  async #read(store: ClusterStore): Promise<void> {
    try {
      const feature = await store.feature();
      // The answers of one session come in order, so this is newer than what the last one said.
      if (this.#store === store) {
        this.#current = feature?.enabled ? { epoch: feature.version, levels: feature.levels } : NO_FEATURES;
      }
    } catch (error) {
      // When the session is over, start() reads again with the next one.
      this.#diagnostics.warn('could not read the finalised features', error);
    }
  }
}
