/**
 * Carries ISR changes to the controller: at most one AlterPartition request of this broker is under
 * way, everything that was proposed meanwhile goes with the next one. An item stays queued until its
 * own answer comes, so a lost request or a refusing controller repeats it, never loses it.
 * Source: KIP-497; Kafka's DefaultAlterPartitionManager.
 */

import { ErrorCode, errorName, failure, type Outcome, success } from '../errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../peers/messages.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import { type BrokerId, type PartitionKey, partitionKey, type TopicPartition } from '../types.ts';

/** Kafka's pause before a refused request is repeated. */
const RETRY_MS = 50;

interface IsrProposal extends TopicPartition {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly BrokerId[];
  /** The event that tells of it. */
  readonly causeId?: EventId;
}

/** What the controller made of one proposal. */
export type IsrVerdict = Outcome<{
  readonly leader: BrokerId;
  readonly leaderEpoch: number;
  readonly isr: readonly BrokerId[];
  readonly partitionEpoch: number;
}>;

interface IsrProposalsOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly brokerId: BrokerId;
  readonly brokerEpoch: () => number;
  /** Asks the controller; rejects when it cannot be reached. */
  readonly propose: (request: AlterPartitionRequest) => Promise<AlterPartitionResponse>;
}

interface Queued {
  readonly proposal: IsrProposal;
  readonly decided: (verdict: IsrVerdict) => void;
}

/** What is queued stays so until its own answer has come, whatever happens to requests. */
export class IsrProposals {
  readonly #options: IsrProposalsOptions;
  /** At most one proposal for each partition, those under way included. */
  readonly #queued = new Map<PartitionKey, Queued>();
  /** A request is under way, or the pause before it is repeated. */
  #inFlight = false;
  #closed = false;

  constructor(options: IsrProposalsOptions) {
    this.#options = options;
  }

  /** Queues a proposal; false while an earlier one of the same partition has no answer yet. */
  submit(proposal: IsrProposal, decided: (verdict: IsrVerdict) => void): boolean {
    const key = partitionKey(proposal.topic, proposal.partition);
    if (this.#queued.has(key)) return false;
    this.#queued.set(key, { proposal, decided });
    this.#send();
    return true;
  }

  /** Calls `run` after the pause in which the controller may come round; never once this is closed. */
  later(run: () => void): void {
    this.#options.clock.after(RETRY_MS, () => {
      if (!this.#closed) run();
    });
  }

  close(): void {
    this.#closed = true;
    this.#queued.clear();
  }

  #send(): void {
    if (this.#inFlight || this.#closed || this.#queued.size === 0) return;
    this.#inFlight = true;
    const batch = [...this.#queued.values()];
    const { brokerId, brokerEpoch, propose, diagnostics } = this.#options;
    const partitions = batch.map(({ proposal }) => ({ ...proposal, leaderRecoveryState: 0 }));
    propose({ type: 'AlterPartition', brokerId, brokerEpoch: brokerEpoch(), partitions }).then(
      (response) => this.#answered(batch, response),
      (error: unknown) => {
        diagnostics.warn('The controller could not be asked to alter in-sync replicas', error);
        this.#retry();
      },
    );
  }

  #answered(batch: readonly Queued[], response: AlterPartitionResponse): void {
    if (this.#closed) return;
    if (response.error !== ErrorCode.NONE) {
      this.#options.diagnostics.warn(`AlterPartition was refused: ${errorName(response.error)}`);
      this.#retry();
      return;
    }
    const answers = new Map(
      response.partitions.map((item) => [partitionKey(item.topic, item.partition), item]),
    );
    let unanswered = false;
    const decided: (() => void)[] = [];
    for (const queued of batch) {
      const key = partitionKey(queued.proposal.topic, queued.proposal.partition);
      const answer = answers.get(key);
      if (answer === undefined) {
        unanswered = true;
        continue;
      }
      this.#queued.delete(key);
      const verdict: IsrVerdict = answer.error === ErrorCode.NONE ? success(answer) : failure(answer.error);
      decided.push(() => queued.decided(verdict));
    }
    // Whoever is told may propose again at once; that goes with the next request.
    for (const tell of decided) tell();
    if (unanswered) this.#retry();
    else {
      this.#inFlight = false;
      this.#send();
    }
  }

  #retry(): void {
    this.later(() => {
      this.#inFlight = false;
      this.#send();
    });
  }
}
