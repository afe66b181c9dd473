/**
 * The controller module of one broker: while it is elected (candidacy.ts) it decides who leads what and tells
 * everybody. Everything runs through one queue, one event at a time; what is done in office is in office.ts, and what
 * belongs to one term in term.ts and dropped with it. Here is what others ask of the controller and tell it, and
 * what becomes of an event that fails. Source: kafka.controller.KafkaController.
 */

import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { ControllerMoved, FencedStore } from '../../coordinator-client/stores/fenced-store.ts';
import { ErrorCode, failure, type Outcome, success } from '../errors.ts';
import type {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
  AlterPartitionRequest,
  AlterPartitionResponse,
  ControlledShutdownRequest,
  ControlledShutdownResponse,
} from '../peers/messages.ts';
import type { Peers } from '../peers/peers.contract.ts';
import type { FailoverTimeline } from '../platform/cluster-events.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { Platform } from '../platform/platform.ts';
import type { BrokerId, TopicPartition } from '../types.ts';
import { controlledShutdown } from './broker-events.ts';
import { Candidacy, type WonElection } from './candidacy.ts';
import { type ElectionAnswer, type ElectionType, retryElections, runElection } from './election-events.ts';
import { type ControllerEvent, EventQueue } from './events.ts';
import { applyFeatureUpdates, type FeatureAnswer, type FeatureUpdate } from './feature-events.ts';
import { alterPartition } from './isr-events.ts';
import { Office } from './office.ts';
import { allocateProducerIds, refusedAllocation } from './producer-ids.ts';
import {
  alterReassignments,
  listReassignments,
  type OngoingReassignment,
  type ReassignmentAnswer,
  type ReassignmentRequest,
} from './reassignment-events.ts';
import type { ControllerConfig, LiveControllerConfig, Term } from './term.ts';
import { TermOver } from './term-coordinator.ts';

interface ControllerOptions {
  readonly brokerId: BrokerId;
  readonly platform: Pick<Platform, 'clock' | 'random' | 'diagnostics' | 'journal' | 'metrics'>;
  readonly config: ControllerConfig;
  readonly liveConfig: LiveControllerConfig;
  readonly peers: Pick<Peers, 'request'>;
  /** The store of the session that is open when startup() is called. */
  readonly store: () => ClusterStore;
}

const TERM_ENDERS = [TermOver, CoordinatorError, ControllerMoved];

export class Controller {
  readonly #options: ControllerOptions;
  readonly #diagnostics: Platform['diagnostics'];
  readonly #journal: Journal;
  readonly #queue: EventQueue;
  readonly #candidacy: Candidacy;
  readonly #office: Office;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const name = `Controller id=${options.brokerId}`;
    this.#diagnostics = options.platform.diagnostics.named(name);
    this.#journal = options.platform.journal.named(name);
    this.#queue = new EventQueue((event, error) => this.#failed(event, error));
    this.#office = new Office({
      ...options,
      diagnostics: this.#diagnostics,
      journal: this.#journal,
      queue: this.#queue,
    });
    this.#candidacy = new Candidacy({
      brokerId: options.brokerId,
      clock: options.platform.clock,
      journal: this.#journal,
      queue: this.#queue,
      isInOffice: () => this.isActive,
      resign: (reason) => this.#office.resign(reason),
      elected: (won) => this.#elected(won),
    });
  }

  get isActive(): boolean {
    return this.#office.term !== null;
  }

  /** How long each phase of this broker's last failover took. */
  get failoverTimeline(): FailoverTimeline | null {
    return this.#office.failoverTimeline;
  }

  /** The epoch of the term, 0 while this broker is not the controller. */
  get epoch(): number {
    return this.#office.term?.epoch ?? 0;
  }

  get controllerId(): BrokerId {
    return this.#candidacy.controllerId;
  }

  /** Begins to take part in elections; the broker is registered by then. */
  startup(): void {
    this.#candidacy.join(this.#options.store(), 'Startup');
  }

  /**
   * The session is gone, and with it the office. Everything is dropped at once, before a new session begins.
   * `causeId` is the event of the loss.
   */
  onSessionLost(causeId: EventId | null = null): void {
    this.#candidacy.leave();
    this.#office.resign('the session is lost', causeId);
    this.#queue.clear();
    this.#candidacy.seen(-1, causeId);
  }

  /** The broker is registered again, in a new session and under a new epoch. */
  onSessionRegained(store: ClusterStore, brokerEpoch: number, causeId: EventId | null = null): void {
    this.#journal.record({ kind: 'candidacy-resumed', brokerEpoch }, causeId);
    this.#candidacy.leave();
    this.#office.resign('a new session has begun');
    this.#candidacy.join(store, 'RegisterBrokerAndReelect');
  }

  /** The end: the office is not given up in the tree, the session's end does that. */
  shutdown(): void {
    this.#candidacy.leave();
    this.#office.resign('shutting down');
    this.#queue.close();
  }

  alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    return new Promise((resolve) => {
      const refuse = (): void => resolve({ error: ErrorCode.NOT_CONTROLLER, partitions: [] });
      this.#whileActive('AlterPartition', refuse, (term) => alterPartition(term, request, resolve));
    });
  }

  controlledShutdown(request: ControlledShutdownRequest): Promise<ControlledShutdownResponse> {
    // ControllerMovedException on the wire.
    const moved = { error: ErrorCode.STALE_CONTROLLER_EPOCH, remainingPartitions: [] };
    return this.#ask('ControlledShutdown', moved, (term) => controlledShutdown(term, request));
  }

  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsResponse> {
    const inactive = refusedAllocation(ErrorCode.NOT_CONTROLLER);
    return this.#ask('AllocateProducerIds', inactive, (term) => allocateProducerIds(term, request));
  }

  /** ElectLeaders; `partitions` null: all. */
  electLeaders(
    type: ElectionType,
    partitions: readonly TopicPartition[] | null,
  ): Promise<Outcome<ElectionAnswer[]>> {
    return this.#askController('ReplicaLeaderElection', (term) => runElection(term, type, partitions));
  }

  alterReassignments(requests: readonly ReassignmentRequest[]): Promise<Outcome<ReassignmentAnswer[]>> {
    return this.#askController('ApiPartitionReassignment', (term) => alterReassignments(term, requests));
  }

  listReassignments(partitions: readonly TopicPartition[] | null): Promise<Outcome<OngoingReassignment[]>> {
    return this.#askController('ListPartitionReassignments', (term) => listReassignments(term, partitions));
  }

  updateFeatures(
    updates: readonly FeatureUpdate[],
    validateOnly: boolean,
  ): Promise<Outcome<FeatureAnswer[]>> {
    return this.#askController('UpdateFeatures', (term) => applyFeatureUpdates(term, updates, validateOnly));
  }

  /** unclean.leader.election.enable has become true, for a topic or (null) by default. */
  uncleanElectionAllowed(topic: string | null): void {
    this.#office.schedule('TopicUncleanLeaderElectionEnable', `unclean ${topic ?? ''}`, (term) =>
      retryElections(term, topic),
    );
  }

  /** Takes office. Rejects with what ends a term. */
  async #elected(won: WonElection): Promise<void> {
    try {
      await this.#office.take(won, {
        goneId: this.#candidacy.goneId,
        elected: (causeId) => this.#candidacy.seen(this.#options.brokerId, causeId),
      });
    } catch (error) {
      if (TERM_ENDERS.some((kind) => error instanceof kind)) throw error;
      // An office held by a controller that cannot do its work helps nobody: another broker may try.
      this.#diagnostics.error('Could not take office', error);
      this.#office.resign('the failover failed');
      this.#candidacy.rest();
      // Not through the term, which is over.
      await new FencedStore(won.coordinator, won.epoch, won.epochVersion).resign();
    }
  }

  /** Runs in whatever term there is by then; `refuse` when there is none, or when it ends on the way. */
  #whileActive(name: string, refuse: () => void, run: (term: Term) => Promise<void>): void {
    const event: ControllerEvent = {
      name,
      dropped: refuse,
      run: async () => {
        const term = this.#office.term;
        if (term === null) return refuse();
        try {
          await run(term);
        } catch (error) {
          refuse();
          throw error;
        }
      },
    };
    this.#queue.put(event);
  }

  #ask<Answer>(name: string, inactive: Answer, run: (term: Term) => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve) => {
      const refuse = (): void => resolve(inactive);
      this.#whileActive(name, refuse, async (term) => term.answer(resolve, await run(term)));
    });
  }

  #askController<Answer>(name: string, run: (term: Term) => Promise<Answer>): Promise<Outcome<Answer>> {
    return this.#ask<Outcome<Answer>>(name, failure(ErrorCode.NOT_CONTROLLER), async (term) =>
      success(await run(term)),
    );
  }

  /** An event threw. A refused check means that somebody else has been elected: look who. */
  async #failed(event: ControllerEvent, error: unknown): Promise<void> {
    if (error instanceof TermOver) return;
    if (error instanceof ControllerMoved || error instanceof CoordinatorError) {
      // An interrupted event leaves the state half known: the term cannot go on, a new one reads it all.
      const kind = error instanceof ControllerMoved ? 'controller-fenced' : 'controller-interrupted';
      const { epoch } = this;
      const causeId = this.#journal.record({ kind, epoch, during: event.name, reason: error.message });
      this.#office.resign(error.message, causeId);
      this.#candidacy.lookAgain();
      return;
    }
    this.#diagnostics.error(`${event.name} failed`, error);
    // What the event has left undone is found by a repair, which compares everything; an election by another.
    if (this.#office.term === null && this.#candidacy.takesPart) this.#candidacy.rest();
    else if (event.name !== 'Repair') this.#office.repairSoon();
  }
}
