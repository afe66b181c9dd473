/**
 * How a follower comes by a channel to its leader: one dial at a time, after a failure again when the
 * back-off is over, for as long as anybody wants one.
 */
import type { Peers } from '../../peers/peers.contract.ts';
import type { Channel } from '../../platform/channels.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { BrokerId } from '../../types.ts';
import type { ReplicationConfigs, ReplicationMetadata } from '../collaborators.ts';

interface DialOwner {
  /** Whether there is still something to follow. */
  isWanted(): boolean;
  /** Nothing is dialled after this until the owner asks again. */
  opened(channel: Channel): void;
}

export interface DialContext extends ReplicationConfigs {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly metadata: ReplicationMetadata;
  readonly peers: Pick<Peers, 'openStream'>;
}

export class LeaderDial {
  readonly #leader: BrokerId;
  readonly #context: DialContext;
  readonly #owner: DialOwner;
  #isDialling = false;
  /** Why the last dial failed; it is told once. Null after one that did not. */
  #failure: string | null = null;
  /** Until the next dial may begin; never there while dialling. */
  #pause: Timer | null = null;
  #isStopped = false;

  constructor(leader: BrokerId, context: DialContext, owner: DialOwner) {
    this.#leader = leader;
    this.#context = context;
    this.#owner = owner;
  }

  /** Dials, unless that is under way or has to wait. */
  now(): void {
    if (this.#isStopped || this.#isDialling || this.#pause !== null) return;
    const { metadata, peers, config } = this.#context;
    const leader = metadata.broker(this.#leader);
    if (leader === undefined) {
      this.later();
      return;
    }
    this.#isDialling = true;
    peers.openStream(leader, config.socketConnectionSetupTimeoutMs).then(
      (channel) => {
        this.#isDialling = false;
        this.#failure = null;
        if (this.#isStopped) channel.close('no longer needed');
        else this.#owner.opened(channel);
      },
      (error: unknown) => {
        this.#isDialling = false;
        this.#tell(error instanceof Error ? error.message : String(error));
        this.later();
      },
    );
  }

  /** Dials when the back-off is over, if it is still wanted then. */
  later(): void {
    if (this.#isStopped || this.#pause !== null) return;
    const { clock, config } = this.#context;
    this.#pause = clock.after(config.replicaFetchBackoffMs, () => {
      this.#pause = null;
      if (this.#owner.isWanted()) this.now();
    });
  }

  /** For good. A channel that a dial under way brings is closed. */
  stop(): void {
    this.#isStopped = true;
    this.#pause?.cancel();
  }

  #tell(failure: string): void {
    const { diagnostics } = this.#context;
    if (failure !== this.#failure) {
      diagnostics.info(`No replication stream to leader ${this.#leader}: ${failure}`);
    }
    this.#failure = failure;
  }
}
