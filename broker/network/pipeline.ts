/**
 * The requests of one connection that are unanswered. Answers leave in the order of the requests, so one that is
 * ready early waits here for its turn. More than one request is here only while all of them are Produce requests.
 */
import { giveBack, type RequestOutcome } from './outcome.ts';

interface PipelineParts {
  /** queued.max.requests */
  readonly maxInFlightRequests: number;
  /** The turn of an outcome has come. */
  readonly finish: (outcome: RequestOutcome) => void;
  /** The turn of all that is ready has come. */
  readonly settled: () => void;
}

/** A request whose outcome is not handed on yet; `outcome` is null while the handler is at work. */
interface Pending {
  outcome: RequestOutcome | null;
  /** The connection closes before this one's turn: the answer is thrown away when it comes. */
  discarded: boolean;
}

export class Pipeline {
  readonly #parts: PipelineParts;
  /** Oldest first. */
  readonly #pending: Pending[] = [];
  /** Set while a request other than Produce is unanswered. */
  #exclusive = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** Whether one more may start before those are answered. */
  mayTake(canPipeline: boolean): boolean {
    const waiting = this.#pending.length;
    return waiting === 0 || (!this.#exclusive && waiting < this.#parts.maxInFlightRequests && canPipeline);
  }

  /** Its outcome comes later; until then nobody follows one that is exclusive. The promise never rejects. */
  await(promise: Promise<RequestOutcome>, isExclusive: boolean): void {
    this.#exclusive = isExclusive;
    const pending: Pending = { outcome: null, discarded: false };
    this.#pending.push(pending);
    void promise.then((outcome) => {
      pending.outcome = outcome;
      if (pending.discarded) giveBack(outcome);
      else this.#settle();
    });
  }

  /** Its outcome is known before its turn. */
  keep(outcome: RequestOutcome): void {
    this.#pending.push({ outcome, discarded: false });
  }

  /** Those that are left get no answer, but their buffers come back. */
  discard(): void {
    for (const pending of this.#pending.splice(0)) {
      pending.discarded = true;
      if (pending.outcome !== null) giveBack(pending.outcome);
    }
  }

  /** Hands on the answered head. */
  #settle(): void {
    while (this.#pending.length > 0) {
      const outcome = this.#pending[0]?.outcome ?? null;
      if (outcome === null) break;
      this.#pending.shift();
      this.#parts.finish(outcome);
    }
    if (this.#pending.length === 0) this.#exclusive = false;
    this.#parts.settled();
  }
}
