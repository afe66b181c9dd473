/**
 * One term of office: from the election this broker won to its resignation. Holds the state, the stores
 * and the channels of the term; plans are carried out with them (carry-out.ts). Once the term is over, all of
 * that throws TermOver or rejects with it, so that an event goes no further; nobody has to ask.
 */

import type { Coordinator, Watch } from '../../coordinator-client/coordinator.ts';
import { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { FencedStore } from '../../coordinator-client/stores/fenced-store.ts';
import type { ZnodeFormatError } from '../../coordinator-client/znodes/znode-json.ts';
import type { Live } from '../config/live.ts';
import { allowsUncleanLeader } from '../config/topic-config.ts';
import type { Clock } from '../platform/clock.ts';
import type { ClusterEvent } from '../platform/cluster-events.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Cause, EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import { nextTurn } from '../platform/loop-turns.ts';
import type { Random } from '../platform/random.ts';
import { Turns } from '../platform/turns.ts';
import type { BrokerId } from '../types.ts';
import type { BrokerChannels } from './broker-channels.ts';
import { ClusterState, type PartitionView } from './cluster-state.ts';
import { type UncleanTopics, withoutCleanLeader } from './decide-brokers.ts';
import type { Tell } from './plan.ts';
import { RequestBatch } from './request-batch.ts';
import { TermCoordinator, TermOver } from './term-coordinator.ts';

/** What the controller needs of the broker's configuration. */
export interface ControllerConfig {
  readonly autoLeaderRebalanceEnable: boolean;
  readonly leaderImbalancePerBrokerPercentage: number;
  readonly leaderImbalanceCheckIntervalSeconds: number;
  readonly deleteTopicEnable: boolean;
  readonly controllerSocketTimeoutMs: number;
}

/** And what of it may change while the broker runs. */
export type LiveControllerConfig = Live<{ readonly uncleanLeaderElectionEnable: boolean }>;

interface TermOptions {
  readonly brokerId: BrokerId;
  /** The session that won the election. */
  readonly coordinator: Coordinator;
  /** The epoch that the election was won with, and the version of its node: the fence. */
  readonly epoch: number;
  readonly epochVersion: number;
  readonly channels: BrokerChannels;
  readonly config: ControllerConfig;
  readonly liveConfig: LiveControllerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  /** Puts an event whose handler gets this term, unless the term is over by then. */
  readonly schedule: (name: string, key: string | undefined, run: (term: Term) => Promise<void>) => void;
  /** Something that should have been done could not be: have a look before long. */
  readonly repairSoon: () => void;
  readonly elections: { add(amount: number): void };
  readonly uncleanElections: { add(amount: number): void };
}

export class Term {
  readonly options: TermOptions;
  readonly state: ClusterState;
  /** For the length of the term; afterwards both reject with TermOver. */
  readonly store: ClusterStore;
  readonly fenced: FencedStore;
  /** For its long work, which is broken off with TermOver when it ends. */
  readonly turns: Turns;
  /** Legacy reassignments of /admin/reassign_partitions that are under way. */
  legacyReassignments = false;
  /** By path, one for each; none once the term is over. */
  readonly #watches = new Map<string, Watch>();
  /** What the events of now follow from. One event of the queue runs at a time, so it can stand here. */
  #cause: Cause = null;
  /** Once true it stays so. */
  #over = false;

  constructor(options: TermOptions) {
    this.options = options;
    this.state = new ClusterState(options.epoch);
    const coordinator = new TermCoordinator(options.coordinator, () => this.#inOffice());
    this.store = new ClusterStore(coordinator);
    this.turns = new Turns(options.clock, (piece) => {
      this.#inOffice();
      return piece();
    });
    const { epoch, epochVersion, clock } = options;
    this.fenced = new FencedStore(coordinator, epoch, epochVersion, () => nextTurn(clock));
  }

  get epoch(): number {
    return this.options.epoch;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Data that nobody can read must not keep the rest of the cluster from being led. */
  readonly unreadable = (error: ZnodeFormatError): void => {
    this.options.diagnostics.error(`${error.message}; going on without it`);
  };

  /** `cause`: another one than what all that is going on follows from. */
  record(event: ClusterEvent, cause: Cause = this.#cause): EventId {
    return this.options.journal.record(event, cause);
  }

  /** Records an event, and it as the cause of all that is recorded while `run` runs, which gets its id. */
  because<Result>(event: ClusterEvent, run: (id: EventId) => Promise<Result>): Promise<Result> {
    const id = this.record(event);
    return this.following(id, () => run(id));
  }

  /** What is recorded while `run` runs follows from this. */
  async following<Result>(cause: Cause, run: () => Promise<Result>): Promise<Result> {
    const before = this.#cause;
    this.#cause = cause;
    try {
      return await run();
    } finally {
      this.#cause = before;
    }
  }

  /** Ends the term at once: no watch fires any more, nothing more is sent. */
  end(): void {
    this.#over = true;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    this.options.channels.removeAll();
  }

  /**
   * Watches a path for the rest of the term; every change puts the event. A second call does nothing.
   * Throws TermOver.
   */
  watch(path: string, what: 'node' | 'children', event: string, run: (term: Term) => Promise<void>): void {
    if (this.#watches.has(path)) return;
    const { coordinator } = this.store;
    const changed = (): void => this.options.schedule(event, `${event} ${path}`, run);
    this.#watches.set(path, coordinator.watch(path, what, changed));
  }

  unwatch(path: string): void {
    this.#watches.get(path)?.close();
    this.#watches.delete(path);
  }

  /** Tells without deciding anything. Throws TermOver. */
  tell(tells: readonly Tell[]): void {
    const batch = this.newBatch();
    for (const tell of tells) batch.add(tell);
    this.send(batch);
  }

  /** Answers somebody who waits. Throws TermOver: another controller will have to be asked. */
  answer<Answer>(reply: (answer: Answer) => void, answer: Answer): void {
    this.#inOffice();
    reply(answer);
  }

  /** For what is told of what is going on. */
  newBatch(): RequestBatch {
    // The events of other brokers are not for requests: who gets them takes an id for one of ours.
    const causeId = typeof this.#cause === 'number' ? this.#cause : null;
    return new RequestBatch(this.state, this.options.brokerId, causeId);
  }

  /** Throws TermOver. */
  send(batch: RequestBatch): void {
    this.#inOffice();
    for (const { to, request } of batch.requests()) this.options.channels.send(to, request);
  }

  /**
   * Topics among the partitions' that may be led by a replica out of sync. Configurations are read only
   * where nothing else would help.
   */
  async uncleanTopics(partitions: Iterable<PartitionView>): Promise<UncleanTopics> {
    const topics = [...new Set(withoutCleanLeader(this.state, partitions).map(({ topic }) => topic))];
    const configs = await this.store.configs.readMany('topics', topics, this.unreadable);
    const byDefault = this.options.liveConfig.now.uncleanLeaderElectionEnable;
    return new Set(topics.filter((_, index) => allowsUncleanLeader(configs[index] ?? new Map(), byDefault)));
  }

  #inOffice(): void {
    if (this.#over) throw new TermOver(`the term of epoch ${this.epoch} is over`);
  }
}
