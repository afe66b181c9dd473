/**
 * Produced batches are checked before they come to their logs, all of a request at once: here and now where
 * that is quick, in one of the next turns where others have had this one, and in another thread where it would hold
 * the event loop, or where too many wait for turns. Such a thread takes some forty megabytes, and to ask it costs about
 * as much as it saves, so that nobody who sends batches of usual sizes should need one. What waits has a
 * copy of its records, and comes to its logs in the order of arrival: whoever is behind it in one of its
 * partitions waits as well, others overtake it. All that depends on the state of a log (leadership,
 * sequences, transactions, offsets) is looked at afterwards, when the records are written, in one piece.
 */
import { ErrorCode, isError } from '../../errors.ts';
import type { PartitionLog } from '../../log/partition-log.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Workers } from '../../platform/workers.ts';
import {
  DecompressionAllowance,
  likelyTurnBytes,
  TooMuchForTurn,
} from '../../records/decompression-allowance.ts';
import { refuse } from '../../records/refused-batches.ts';
import { validateProduced } from '../../records/validate.ts';
import { outcomeOf, VALIDATE_JOB } from '../../records/validate-job.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import type { HostedPartitions } from '../hosted-partitions.ts';
import type { AppendEntry } from './append-entry.ts';
import { checkedEntry, keptEntry } from './kept-entry.ts';
import type { AppendOutcome, AppendRequest } from './replica-append.ts';
import type { VerifiedAppend } from './verified-append.ts';

interface PreparedAppendContext {
  readonly hosted: Pick<HostedPartitions, 'lookup'>;
  readonly append: Pick<VerifiedAppend, 'append'>;
  readonly workers: Workers;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}

/** Entries that are ready to be appended, and those that have to be checked later. */
interface Tried {
  readonly ready: readonly AppendEntry[];
  readonly left: readonly AppendEntry[];
  /** The first of those would be too much for a turn of its own as well, or is better done elsewhere anyway. */
  readonly isTooLarge: boolean;
}

/** Whatever did not fit into so many turns, with others in them, goes elsewhere. */
const MOST_TURNS = 6;

export class PreparedAppend {
  readonly #context: PreparedAppendContext;
  /** By partition, when the last request that waits for its turn there will be in the logs. */
  readonly #turns = new Map<PartitionKey, Promise<unknown>>();

  constructor(context: PreparedAppendContext) {
    this.#context = context;
  }

  /** As VerifiedAppend.append, with the records checked. What comes from coordinators is theirs to get right. */
  append(request: AppendRequest): AppendOutcome[] | Promise<AppendOutcome[]> {
    if (request.origin !== 'client') return this.#context.append.append(request);
    const before = this.#turnsBefore(request.entries);
    const nowMs = this.#context.clock.wallMs();
    const tried = this.#tryHere(request, nowMs);
    if (before.length === 0 && tried.left.length === 0) {
      return this.#context.append.append({ ...request, entries: tried.ready });
    }
    return this.#inTurn(request, tried, { before, nowMs });
  }

  /** Checks one entry after the other, until one is too much for this turn of the event loop. */
  #tryHere(request: AppendRequest, nowMs: number): Tried {
    const { entries, apiVersion, decompression = new DecompressionAllowance() } = request;
    const { turn } = this.#context.workers;
    const ready: AppendEntry[] = [];
    for (const entry of entries) {
      const log = this.#leaderLog(entry);
      if (log === null) {
        ready.push(entry); // refused without a look at its records
        continue;
      }
      const { left } = decompression;
      const turnBytes = turn.left;
      try {
        const context = { config: log.rules, apiVersion, nowMs, origin: 'client', decompression } as const;
        ready.push({ ...entry, prepared: { log, outcome: validateProduced(entry.records, context) } });
      } catch (error) {
        if (!(error instanceof TooMuchForTurn)) throw error;
        decompression.left = left;
        const isTooLarge = error.isDear || turnBytes * 2 >= turn.limit;
        return { ready, left: entries.slice(ready.length), isTooLarge };
      }
    }
    return { ready, left: [], isTooLarge: false };
  }

  #inTurn(
    request: AppendRequest,
    { ready, left, isTooLarge }: Tried,
    { before, nowMs }: { readonly before: readonly Promise<unknown>[]; readonly nowMs: number },
  ): Promise<AppendOutcome[]> {
    // The buffer of a request belongs to the next one as soon as this returns.
    const kept = ready.map(keptEntry);
    const waiting = { ...request, entries: left.map(keptEntry) };
    const later = isTooLarge ? this.#checkElsewhere(waiting, nowMs) : this.#checkLater(waiting, nowMs);
    const release = request.keep?.(request.entries.reduce((sum, { records }) => sum + records.length, 0));
    const appended = Promise.all([later, ...before])
      .then(([checked]) => ({
        outcomes: this.#context.append.append({ ...request, entries: [...kept, ...checked] }),
      }))
      .finally(() => release?.());
    this.#takeTurn(request.entries, appended);
    return appended.then(({ outcomes }) => outcomes);
  }

  /** In turns of the event loop that others have left something of, and elsewhere what does not fit into any. */
  async #checkLater(request: AppendRequest, nowMs: number): Promise<AppendEntry[]> {
    const checked: AppendEntry[] = [];
    let left = request.entries;
    for (let turns = 0; left.length > 0 && turns < MOST_TURNS; turns++) {
      const likelyBytes = left.reduce((sum, { records }) => sum + likelyTurnBytes(records.length), 0);
      // Twice as much whenever that was too little.
      const turn = this.#context.workers.laterTurn(likelyBytes * 2 ** turns, request.from ?? '');
      if (turn === null) break;
      await turn;
      const tried = this.#tryHere({ ...request, entries: left }, nowMs);
      checked.push(...tried.ready);
      left = tried.left;
      if (tried.isTooLarge) break;
    }
    return [...checked, ...(await this.#checkElsewhere({ ...request, entries: left }, nowMs))];
  }

  /** Never rejects: what went wrong with the thread is no fault of the batches. */
  async #checkElsewhere(request: AppendRequest, nowMs: number): Promise<AppendEntry[]> {
    const { entries, apiVersion, decompression = new DecompressionAllowance(), from = '' } = request;
    const logs = entries.map((entry) => this.#leaderLog(entry));
    const produced = entries.flatMap(({ records }, index) => {
      const config = logs[index]?.rules;
      return config === undefined ? [] : [{ records: records as Buffer<ArrayBuffer>, config }];
    });
    if (produced.length === 0) return [...entries];
    const limits = decompression.left;
    const { workers, diagnostics } = this.#context;
    const failed = refuse(ErrorCode.UNKNOWN_SERVER_ERROR, 'The records could not be checked');
    const input = () => ({ produced, apiVersion, nowMs, limits });
    const verdicts = await workers.run(VALIDATE_JOB, input, from).catch((error: unknown) => {
      diagnostics.error('Checking produced records failed', error);
      return produced.map(() => failed);
    });
    const next = verdicts.values();
    return entries.map((entry, index) => {
      const log = logs[index] ?? null;
      if (log === null) return entry;
      return checkedEntry(entry, log, outcomeOf(next.next().value ?? failed));
    });
  }

  #leaderLog({ topic, partition, refusal }: AppendEntry): PartitionLog | null {
    if (refusal !== undefined) return null;
    const found = this.#context.hosted.lookup(topic, partition);
    return isError(found) || !found.isLeader ? null : found.log;
  }

  #turnsBefore(entries: readonly AppendEntry[]): Promise<unknown>[] {
    if (this.#turns.size === 0) return [];
    return entries.flatMap(({ topic, partition }) => {
      const before = this.#turns.get(partitionKey(topic, partition));
      return before === undefined ? [] : [before];
    });
  }

  #takeTurn(entries: readonly AppendEntry[], appended: Promise<unknown>): void {
    const over = appended.then(
      () => {},
      () => {},
    );
    const keys = new Set(entries.map(({ topic, partition }) => partitionKey(topic, partition)));
    for (const key of keys) this.#turns.set(key, over);
    void over.then(() => {
      for (const key of keys) if (this.#turns.get(key) === over) this.#turns.delete(key);
    });
  }
}
