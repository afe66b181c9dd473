/**
 * The controller module of one broker: while it is elected (candidacy.ts) it decides who leads what and tells
 * everybody. Everything runs through one queue, one event at a time; what belongs to one term of office is in
 * term.ts and dropped with it. Source: kafka.controller.KafkaController.
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
import { takeAnswer } from './answers.ts';
import { BrokerChannels } from './broker-channels.ts';
import { controlledShutdown } from './broker-events.ts';
import { Candidacy, type WonElection } from './candidacy.ts';
import { registerControllerMetrics } from './controller-metrics.ts';
import { type ElectionAnswer, type ElectionType, retryElections, runElection } from './election-events.ts';
import { type ControllerEvent, EventQueue } from './events.ts';
import { takeOffice } from './failover.ts';
import { applyFeatureUpdates, type FeatureAnswer, type FeatureUpdate } from './feature-events.ts';
import { alterPartition } from './isr-events.ts';
import { allocateProducerIds, refusedAllocation } from './producer-ids.ts';
import {
  alterReassignments,
  listReassignments,
  type OngoingReassignment,
  type ReassignmentAnswer,
  type ReassignmentRequest,
} from './reassignment-events.ts';
import { type ControllerConfig, type LiveControllerConfig, Term } from './term.ts';
import { TermOver } from './term-coordinator.ts';
import { Upkeep } from './upkeep.ts';

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
  /** How long each phase of this broker's last failover took. */
  failoverTimeline: FailoverTimeline | null = null;
  readonly #options: ControllerOptions;
  readonly #diagnostics: Platform['diagnostics'];
  readonly #journal: Journal;
  readonly #queue: EventQueue;
  readonly #counters: ReturnType<typeof registerControllerMetrics>;
  readonly #candidacy: Candidacy;
  #term: Term | null = null; // null while this broker is not the controller
  /** Of the term. */
  #upkeep: Upkeep | null = null;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const name = `Controller id=${options.brokerId}`;
    this.#diagnostics = options.platform.diagnostics.named(name);
    this.#journal = options.platform.journal.named(name);
    this.#queue = new EventQueue((event, error) => this.#failed(event, error));
    this.#candidacy = new Candidacy({
      brokerId: options.brokerId,
      clock: options.platform.clock,
      journal: this.#journal,
      queue: this.#queue,
      isInOffice: () => this.isActive,
      resign: (reason) => this.#resign(reason),
      elected: (won) => this.#elected(won),
    });
    this.#counters = registerControllerMetrics(options.platform.metrics, {
      state: () => this.#term?.state ?? null,
      queuedEvents: () => this.#queue.size,
      queuedRequests: () => this.#term?.options.channels.queueSize ?? 0,
    });
  }

  get isActive(): boolean {
    return this.#term !== null;
  }

  /** The epoch of the term, 0 while this broker is not the controller. */
  get epoch(): number {
    return this.#term?.epoch ?? 0;
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
    this.#resign('the session is lost', causeId);
    this.#queue.clear();
    this.#candidacy.seen(-1, causeId);
  }

  /** The broker is registered again, in a new session and under a new epoch. */
  onSessionRegained(store: ClusterStore, brokerEpoch: number, causeId: EventId | null = null): void {
    this.#journal.record({ kind: 'candidacy-resumed', brokerEpoch }, causeId);
    this.#candidacy.leave();
    this.#resign('a new session has begun');
    this.#candidacy.join(store, 'RegisterBrokerAndReelect');
  }

  /** The end: the office is not given up in the tree, the session's end does that. */
  shutdown(): void {
    this.#candidacy.leave();
    this.#resign('shutting down');
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
    this.#schedule('TopicUncleanLeaderElectionEnable', `unclean ${topic ?? ''}`, (term) =>
      retryElections(term, topic),
    );
  }

  /** Takes office. Rejects with what ends a term. */
  async #elected(won: WonElection): Promise<void> {
    const term = this.#newTerm(won);
    this.#term = term;
    this.#upkeep = new Upkeep(term);
    this.#counters.terms.add(1);
    try {
      this.failoverTimeline = await this.#failOver(term, won.electedMs);
      this.#upkeep?.start();
    } catch (error) {
      if (TERM_ENDERS.some((kind) => error instanceof kind)) throw error;
      // An office held by a controller that cannot do its work helps nobody: another broker may try.
      this.#diagnostics.error('Could not take office', error);
      this.#resign('the failover failed');
      this.#candidacy.rest();
      // Not through the term, which is over.
      await new FencedStore(won.coordinator, won.epoch, won.epochVersion).resign();
    }
  }

  /** What is recorded on the way follows from the election. */
  #failOver(term: Term, electedMs: number): Promise<FailoverTimeline> {
    const { epoch, epochVersion } = term.options;
    const event = { kind: 'controller-elected', epoch, epochVersion } as const;
    const failOver = async (causeId: EventId): Promise<FailoverTimeline> => {
      this.#candidacy.seen(this.#options.brokerId, causeId);
      const timeline = await takeOffice(term, electedMs);
      term.record({ kind: 'failover-finished', ...timeline });
      return timeline;
    };
    return term.following(this.#candidacy.goneId, () => term.because(event, failOver));
  }

  #newTerm({ coordinator, epoch, epochVersion }: WonElection): Term {
    const { brokerId, platform, peers, config, liveConfig } = this.#options;
    const { clock, random } = platform;
    const channels = new BrokerChannels({
      peers,
      clock,
      diagnostics: this.#diagnostics,
      requestTimeoutMs: config.controllerSocketTimeoutMs,
      answered: (broker, request, response) => {
        if (this.#term !== null) takeAnswer(this.#term, broker, request, response);
      },
    });
    return new Term({
      brokerId,
      coordinator,
      epoch,
      epochVersion,
      channels,
      config,
      liveConfig,
      clock,
      random,
      diagnostics: this.#diagnostics,
      journal: this.#journal,
      schedule: (name, key, run) => this.#schedule(name, key, run),
      repairSoon: () => this.#upkeep?.repairSoon(),
      elections: this.#counters.elections,
      uncleanElections: this.#counters.uncleanElections,
    });
  }

  #resign(reason: string, causeId: EventId | null = null): void {
    const term = this.#term;
    this.#upkeep?.end();
    this.#upkeep = null;
    if (term === null) return;
    this.#term = null;
    term.end();
    this.#journal.record({ kind: 'controller-resigned', epoch: term.epoch, reason }, causeId);
  }

  /** An event of the current term: it does not run in another one. */
  #schedule(name: string, key: string | undefined, run: (term: Term) => Promise<void>): void {
    const term = this.#term;
    if (term === null) return;
    const event = {
      name,
      run: async (): Promise<void> => {
        if (this.#term === term) await run(term);
      },
    };
    this.#queue.put(key === undefined ? event : { ...event, key: `${term.epoch} ${key}` });
  }

  /** Runs in whatever term there is by then; `refuse` when there is none, or when it ends on the way. */
  #whileActive(name: string, refuse: () => void, run: (term: Term) => Promise<void>): void {
    const event: ControllerEvent = {
      name,
      dropped: refuse,
      run: async () => {
        const term = this.#term;
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
      this.#resign(error.message, causeId);
      this.#candidacy.lookAgain();
      return;
    }
    this.#diagnostics.error(`${event.name} failed`, error);
    // What the event has left undone is found by a repair, which compares everything; an election by another.
    if (this.#term === null && this.#candidacy.takesPart) this.#candidacy.rest();
    else if (event.name !== 'Repair') this.#upkeep?.repairSoon();
  }
}
