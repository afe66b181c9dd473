/**
 * This broker's part in the elections of controllers: it watches the office, stands for it when nobody holds it, and
 * gives it back where it could not take it. It looks at the office as events of the controller's queue; what is done
 * in office is not its business. Source: KafkaController.elect, maybeResign and processReelect.
 */
import type { Coordinator, Watch } from '../../coordinator-client/coordinator.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { FencedStore } from '../../coordinator-client/stores/fenced-store.ts';
import { controllerZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { BrokerId } from '../types.ts';
import type { EventQueue } from './events.ts';

/** An election that this broker has won. */
export interface WonElection {
  /** The session that won it. */
  readonly coordinator: Coordinator;
  readonly epoch: number;
  readonly epochVersion: number;
  readonly electedMs: number;
}

interface CandidacyOptions {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly queue: EventQueue;
  /** A term of this broker is under way. */
  readonly isInOffice: () => boolean;
  /** Ends the term if there is one: the office is somebody else's. */
  readonly resign: (reason: string) => void;
  /** Takes office. */
  readonly elected: (won: WonElection) => Promise<void>;
}

/** A broker that could not take office lets the others try. */
const REST_MS = 1000;

export class Candidacy {
  readonly #options: CandidacyOptions;
  /** null while it takes no part in elections. */
  #store: ClusterStore | null = null;
  #watch: Watch | null = null;
  /** The elected controller as last seen, -1 none. */
  #controllerId: BrokerId = -1;
  /** The event of its end, until there is another. */
  #goneId: EventId | null = null;
  /** Runs while this broker does not stand for election, because it could not be elected or take office. */
  #rest: Timer | null = null;

  constructor(options: CandidacyOptions) {
    this.#options = options;
  }

  get takesPart(): boolean {
    return this.#store !== null;
  }

  get controllerId(): BrokerId {
    return this.#controllerId;
  }

  /** The event by which the office became vacant; null when somebody holds it, or nobody ever did. */
  get goneId(): EventId | null {
    return this.#goneId;
  }

  /** Takes part from here on, in the session of this store; the look at the office is an event of this name. */
  join(store: ClusterStore, event: string): void {
    this.#store = store;
    this.#watch = store.coordinator.watch(controllerZnode.path, 'node', () =>
      this.#lookAtOffice('ControllerChange', store),
    );
    this.#lookAtOffice(event, store);
  }

  leave(): void {
    this.#rest?.cancel();
    this.#rest = null;
    this.#watch?.close();
    this.#watch = null;
    this.#store = null;
  }

  /** Looks who holds the office, unless the session is over, or it takes no part. */
  lookAgain(): void {
    const session = this.#store?.coordinator.session;
    const goesOn = session === 'connected' || session === 'suspended';
    if (this.#store !== null && goesOn) this.#lookAtOffice('ControllerChange', this.#store);
  }

  /** Lets the others try for a while. */
  rest(): void {
    this.#rest ??= this.#options.clock.after(REST_MS, () => {
      this.#rest = null;
      if (this.#store !== null) this.#lookAtOffice('Reelect', this.#store);
    });
  }

  /** The broker of this id holds the office, -1: nobody, as far as this one can tell. */
  seen(controllerId: BrokerId, causeId: EventId | null = null): void {
    if (controllerId === this.#controllerId) return;
    this.#controllerId = controllerId;
    this.#goneId = null;
    const isSelf = controllerId === this.#options.brokerId;
    this.#options.journal.record({ kind: 'controller-changed', controllerId, isSelf }, causeId);
  }

  #lookAtOffice(name: string, store: ClusterStore): void {
    this.#options.queue.put({ name, key: 'ControllerChange', run: () => this.#campaign(store) });
  }

  /** Resigns if somebody else holds the office, stands for election if nobody does. */
  async #campaign(store: ClusterStore): Promise<void> {
    const { isInOffice, resign } = this.#options;
    const holder = await store.controller();
    if (this.#store !== store) return;
    const ours = holder?.isThisSession === true && isInOffice();
    if (isInOffice() && !ours) resign(`broker ${holder?.brokerId ?? 'nobody'} holds the office`);
    if (holder !== null && (ours || !holder.isThisSession)) {
      this.seen(holder.brokerId, this.#goneId);
      return;
    }
    if (holder === null) this.#gone();
    if (holder === null && this.#rest === null) await this.#stand(store);
    else if (holder === null) this.seen(-1);
    else await this.#vacate(store);
  }

  async #stand(store: ClusterStore): Promise<void> {
    const { brokerId, clock, elected } = this.#options;
    const startedMs = clock.nowMs();
    const result = await store.electController(brokerId, clock.wallMs());
    if (this.#store !== store) return;
    if (!result.won) {
      this.seen(result.lostTo ?? -1, this.#goneId);
      return;
    }
    const { epoch, epochVersion } = result;
    const electedMs = clock.nowMs() - startedMs;
    await elected({ coordinator: store.coordinator, epoch, epochVersion, electedMs });
  }

  /** Nobody holds the office that somebody else has held. */
  #gone(): void {
    const controllerId = this.#controllerId;
    if (controllerId < 0 || controllerId === this.#options.brokerId) return;
    this.#goneId = this.#options.journal.record({ kind: 'controller-gone', controllerId });
  }

  /** The node is this session's, but no term goes with it: a resignation did not get through. */
  async #vacate(store: ClusterStore): Promise<void> {
    const stored = await store.controllerEpoch();
    if (this.#store !== store || stored === null) return;
    await new FencedStore(store.coordinator, stored.epoch, stored.version).resign();
  }
}
