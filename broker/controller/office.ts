/**
 * The controller's office: taken by a new Term when this broker has won an election, and given up with it, once
 * and for good. Whoever has something to be done in office puts an event for the term that is under way.
 * Source: KafkaController.onControllerFailover and onControllerResignation.
 */
import type { Peers } from '../peers/peers.contract.ts';
import type { FailoverTimeline } from '../platform/cluster-events.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { Platform } from '../platform/platform.ts';
import type { BrokerId } from '../types.ts';
import { takeAnswer } from './answers.ts';
import { BrokerChannels } from './broker-channels.ts';
import type { WonElection } from './candidacy.ts';
import { registerControllerMetrics } from './controller-metrics.ts';
import type { EventQueue } from './events.ts';
import { takeOffice } from './failover.ts';
import { type ControllerConfig, type LiveControllerConfig, Term } from './term.ts';
import { Upkeep } from './upkeep.ts';

interface OfficeOptions {
  readonly brokerId: BrokerId;
  readonly platform: Pick<Platform, 'clock' | 'random' | 'metrics'>;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly config: ControllerConfig;
  readonly liveConfig: LiveControllerConfig;
  readonly peers: Pick<Peers, 'request'>;
  readonly queue: EventQueue;
}

/** How a term follows from the end of the last one. */
interface Succession {
  /** The event by which the office became vacant. */
  readonly goneId: EventId | null;
  /** Told of the event of the election, before anything else is done. */
  readonly elected: (causeId: EventId) => void;
}

export class Office {
  /** How long each phase of this broker's last failover took. */
  failoverTimeline: FailoverTimeline | null = null;
  readonly #options: OfficeOptions;
  readonly #counters: ReturnType<typeof registerControllerMetrics>;
  /** null while this broker is not the controller. */
  #term: Term | null = null;
  /** Of the term. */
  #upkeep: Upkeep | null = null;

  constructor(options: OfficeOptions) {
    this.#options = options;
    this.#counters = registerControllerMetrics(options.platform.metrics, {
      state: () => this.#term?.state ?? null,
      queuedEvents: () => options.queue.size,
      queuedRequests: () => this.#term?.options.channels.queueSize ?? 0,
    });
  }

  get term(): Term | null {
    return this.#term;
  }

  /** Rejects with what kept it from being taken. */
  async take(won: WonElection, succession: Succession): Promise<void> {
    const term = this.#newTerm(won);
    this.#term = term;
    this.#upkeep = new Upkeep(term);
    this.#counters.terms.add(1);
    this.failoverTimeline = await this.#failOver(term, won.electedMs, succession);
    this.#upkeep?.start();
  }

  /** Gives it up at once, if it is taken. */
  resign(reason: string, causeId: EventId | null = null): void {
    const term = this.#term;
    this.#upkeep?.end();
    this.#upkeep = null;
    if (term === null) return;
    this.#term = null;
    term.end();
    this.#options.journal.record({ kind: 'controller-resigned', epoch: term.epoch, reason }, causeId);
  }

  /** An event of the current term: it does not run in another one. */
  schedule(name: string, key: string | undefined, run: (term: Term) => Promise<void>): void {
    const term = this.#term;
    if (term === null) return;
    const event = {
      name,
      run: async (): Promise<void> => {
        if (this.#term === term) await run(term);
      },
    };
    this.#options.queue.put(key === undefined ? event : { ...event, key: `${term.epoch} ${key}` });
  }

  /** Something could not be finished: a look before long, if there is a term. */
  repairSoon(): void {
    this.#upkeep?.repairSoon();
  }

  /** What is recorded on the way follows from the election. */
  #failOver(term: Term, electedMs: number, { goneId, elected }: Succession): Promise<FailoverTimeline> {
    const { epoch, epochVersion } = term.options;
    const event = { kind: 'controller-elected', epoch, epochVersion } as const;
    const failOver = async (causeId: EventId): Promise<FailoverTimeline> => {
      elected(causeId);
      const timeline = await takeOffice(term, electedMs);
      term.record({ kind: 'failover-finished', ...timeline });
      return timeline;
    };
    return term.following(goneId, () => term.because(event, failOver));
  }

  #newTerm({ coordinator, epoch, epochVersion }: WonElection): Term {
    const { brokerId, platform, diagnostics, journal, peers, config, liveConfig } = this.#options;
    const { clock, random } = platform;
    const channels = new BrokerChannels({
      peers,
      clock,
      diagnostics,
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
      diagnostics,
      journal,
      schedule: (name, key, run) => this.schedule(name, key, run),
      repairSoon: () => this.repairSoon(),
      elections: this.#counters.elections,
      uncleanElections: this.#counters.uncleanElections,
    });
  }
}
