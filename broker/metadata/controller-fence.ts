/**
 * Keeps out what outdated controllers say. There is one fence for all of it: news must be meant for this
 * incarnation of the broker, and must not come from a controller older than one already heard.
 * Source: KafkaApis.isBrokerEpochStale, ReplicaManager's controller epoch.
 */
import { ErrorCode } from '../errors.ts';
import { NO_EPOCH } from '../types.ts';
import type { ClusterDelta } from './delta.ts';

export class ControllerFence {
  /** Resolves with the first registration: until then nobody can tell what is meant for this incarnation. */
  readonly whenRegistered: Promise<void>;
  readonly #openGate: () => void;
  #brokerEpoch: number = NO_EPOCH;
  /** Of all news that were admitted; never falls. */
  #highestControllerEpoch = 0;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenRegistered = promise;
    this.#openGate = resolve;
  }

  /** Of the current registration; NO_EPOCH before the first. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  /** This broker has registered, for the first time or again; whoever waits for the first time goes on. */
  registered(brokerEpoch: number): void {
    this.#brokerEpoch = brokerEpoch;
    this.#openGate();
  }

  get highestControllerEpoch(): number {
    return this.#highestControllerEpoch;
  }

  /**
   * NONE admits the news and remembers their controller epoch. A broker epoch above ours is admitted:
   * the controller may learn of a registration before the broker itself does.
   */
  check({ controllerEpoch, brokerEpoch }: Pick<ClusterDelta, 'controllerEpoch' | 'brokerEpoch'>): ErrorCode {
    if (brokerEpoch !== NO_EPOCH && brokerEpoch < this.brokerEpoch) return ErrorCode.STALE_BROKER_EPOCH;
    if (controllerEpoch < this.#highestControllerEpoch) return ErrorCode.STALE_CONTROLLER_EPOCH;
    this.#highestControllerEpoch = controllerEpoch;
    return ErrorCode.NONE;
  }
}
