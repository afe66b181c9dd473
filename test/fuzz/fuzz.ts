/**
 * Inputs by the thousand for whatever reads what strangers send, and what is wrong with how it takes them. Each
 * input is made from its own number, by which it can be made again alone. What is wrong is: an error that is
 * not the reader's own refusal, a login that nobody has earned, more kept than may be, and an input that holds
 * the thread for long.
 */
import type { Random } from '../../broker/platform/random.ts';
import { simulatedRandom } from '../support/simulated-random.ts';

/** What became of an input. */
export type Verdict = 'taken' | 'refused';

export interface FuzzTarget {
  readonly name: string;
  /** What is fed with what. */
  readonly about: string;
  /** How many of a thousand inputs are for it when all targets are. */
  readonly share: number;
  /** Makes what is fed: a function that makes one input and says what became of it; it fails when that is wrong. */
  prepare(): Promise<Feed>;
}

type Feed = (random: Random) => Verdict | Promise<Verdict>;

interface FuzzFinding {
  readonly target: string;
  readonly seed: number;
  readonly what: string;
}

export interface FuzzResult {
  readonly target: string;
  readonly taken: number;
  readonly refused: number;
  /** Of this thread's processor, for the input that took longest. */
  readonly slowestMs: number;
  readonly slowestSeed: number;
  readonly findings: readonly FuzzFinding[];
}

interface FuzzRange {
  readonly from: number;
  readonly inputs: number;
  /** An input that takes longer is a finding; null: none is. */
  readonly limitMs: number | null;
}

/** Timers run, and what is closed is let go, after so many. */
const INPUTS_IN_A_TURN = 200;
/** Findings of one target beyond this are of the same kind, most likely. */
export const MOST_FINDINGS = 20;

/** Feeds the inputs of a range to one target. */
export async function fuzz(target: FuzzTarget, { from, inputs, limitMs }: FuzzRange): Promise<FuzzResult> {
  const feed = await target.prepare();
  const counts = { taken: 0, refused: 0 };
  const findings: FuzzFinding[] = [];
  let slowest = { tookMs: 0, seed: from };
  for (let seed = from; seed < from + inputs && findings.length < MOST_FINDINGS; seed += 1) {
    if (seed % INPUTS_IN_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const { verdict, tookMs } = await fed(feed, seed);
    if (verdict === 'taken' || verdict === 'refused') counts[verdict] += 1;
    else findings.push({ target: target.name, seed, what: verdict.what });
    if (tookMs <= slowest.tookMs && (limitMs === null || tookMs <= limitMs)) continue;
    // Memory that others have left behind may have been collected just then: what is slow is so again.
    const leastMs = Math.min(tookMs, (await fed(feed, seed)).tookMs);
    if (leastMs > slowest.tookMs) slowest = { tookMs: leastMs, seed };
    if (limitMs !== null && leastMs > limitMs)
      findings.push({ target: target.name, seed, what: `it took ${Math.round(leastMs)} ms` });
  }
  return {
    target: target.name,
    ...counts,
    slowestMs: slowest.tookMs,
    slowestSeed: slowest.seed,
    findings,
  };
}

/** One input, and what was wrong if anything was. */
async function fed(
  feed: Feed,
  seed: number,
): Promise<{ readonly verdict: Verdict | { readonly what: string }; readonly tookMs: number }> {
  const before = process.threadCpuUsage();
  let verdict: Verdict | { readonly what: string };
  try {
    verdict = await feed(simulatedRandom(seed));
  } catch (error) {
    verdict = { what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { user, system } = process.threadCpuUsage(before);
  return { verdict, tookMs: (user + system) / 1000 };
}

/** Does what may be refused: by an error of the given class, and no other. */
export function refusable(refusal: abstract new (...given: never[]) => Error, run: () => void): Verdict {
  try {
    run();
    return 'taken';
  } catch (error) {
    if (error instanceof refusal) return 'refused';
    throw error;
  }
}

/** Fails with what is wrong. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
