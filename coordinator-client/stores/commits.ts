/**
 * Commits whose outcome is always known, and many requests at once. When a connection breaks under a
 * commit, nobody says whether it was applied; here the nodes are read back until it is clear. A commit
 * is all or nothing, so what one of its nodes looks like tells about all of them.
 * Source: the retry rules of kafka.zookeeper.ZooKeeperClient and KafkaZkClient.
 */

import type {
  Change,
  ChangeResult,
  Committed,
  Coordinator,
  Rejected,
  RejectReason,
  ZNode,
} from '../coordinator.ts';
import { ANY_VERSION, CoordinatorError } from '../coordinator.ts';

/** How many requests of one batch are handed to the coordinator before earlier ones are answered. */
const PIPELINE_DEPTH = 1000;

/** A commit failed although it was asked again and again on a connected session. */
const MAX_ATTEMPTS = 20;

/**
 * Commits, waiting through a suspended session and resolving unknown outcomes by reading back. Rejects
 * when the session has ended, or after 20 attempts. A commit that had to be made again comes after
 * later ones. A sequential create may happen twice: such nodes are notices, and a notice given twice is
 * harmless.
 */
export async function commitKnown(
  coordinator: Coordinator,
  changes: readonly Change[],
): Promise<Committed | Rejected> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await coordinator.commit(changes);
    } catch (error) {
      if (!isPassing(error) || attempt >= MAX_ATTEMPTS) throw error;
      await untilConnected(coordinator);
      if (error.failure === 'outcome-unknown') {
        // What was on its way to another server is decided before the sync answers.
        await coordinator.sync();
        const found = await readBack(coordinator, changes);
        if (found !== 'not applied') return found;
      }
    }
  }
}

/**
 * For those who look again and try again: throws unless the refusal is one that the next look may show to
 * have passed. One that stays, such as that of an ACL, would be met for ever.
 */
export function assertPassing(
  { reason }: Rejected,
  passing: readonly RejectReason[],
  attempted: string,
): void {
  if (!passing.includes(reason)) throw new Error(`cannot ${attempted}: ${reason}`);
}

export interface Pace {
  /** So many are under way at most. */
  readonly depth?: number;
  /** Waited for before each request but the first, as for a turn of the event loop. */
  readonly between?: () => Promise<void>;
}

/**
 * Runs `request` for every item with a bounded number under way; results in the order of the items. It
 * gives the requests no order among themselves, nor among those of another call: what needs another to
 * have been done waits for it, or copes with its absence.
 */
export async function pipelined<Item, Result>(
  items: readonly Item[],
  request: (item: Item) => Promise<Result>,
  { depth = PIPELINE_DEPTH, between }: Pace = {},
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting: Promise<Result>[] = [];
  let taken = 0;
  for (const item of items) {
    if (between !== undefined && waiting.length > 0) await between();
    const result = request(item);
    // A later failure must not be reported as unhandled while an earlier result is awaited.
    result.catch(() => {});
    waiting.push(result);
    const oldest = waiting[taken];
    if (waiting.length - taken >= depth && oldest !== undefined) {
      results.push(await oldest);
      taken++;
    }
  }
  results.push(...(await Promise.all(waiting.slice(taken))));
  return results;
}

/** Resolves once the session is connected; rejects when it has ended. */
function untilConnected(coordinator: Coordinator): Promise<void> {
  return new Promise((resolve, reject) => {
    const settled = (): boolean => {
      if (coordinator.session === 'suspended') return false;
      if (coordinator.session === 'connected') resolve();
      else reject(new CoordinatorError(endOf(coordinator), 'the session has ended'));
      return true;
    };
    if (settled()) return;
    const watch = coordinator.onSession(() => {
      if (settled()) watch.close();
    });
  });
}

function endOf(coordinator: Coordinator): 'closed' | 'session-lost' {
  return coordinator.session === 'closed' ? 'closed' : 'session-lost';
}

function isPassing(error: unknown): error is CoordinatorError {
  return (
    error instanceof CoordinatorError &&
    (error.failure === 'unavailable' || error.failure === 'outcome-unknown')
  );
}

type Verdict = 'applied' | 'not applied' | 'says nothing' | RejectReason;

/**
 * The answer that the lost commit must have had, as far as the nodes tell. One node that shows that it
 * was not applied decides; so does one that shows somebody else's hand, even if another looks as ours
 * would: two candidates of an election write the same epoch. Taken for refused, the caller reads anew.
 */
async function readBack(
  coordinator: Coordinator,
  changes: readonly Change[],
): Promise<Committed | Rejected | 'not applied'> {
  const nodes = await pipelined(changes, (change) =>
    change.op === 'create' && change.sequential ? Promise.resolve(null) : coordinator.read(change.path),
  );
  const verdicts = changes.map((change, index) => verdict(coordinator, change, nodes[index] ?? null));
  if (verdicts.includes('not applied') || verdicts.every((one) => one === 'says nothing')) {
    return 'not applied';
  }
  for (const [index, reason] of verdicts.entries()) {
    if (reason === 'applied' || reason === 'not applied' || reason === 'says nothing') continue;
    return { ok: false, index, reason };
  }
  return { ok: true, results: changes.map((change, index) => resultOf(change, nodes[index] ?? null)) };
}

function verdict(coordinator: Coordinator, change: Change, node: ZNode | null): Verdict {
  switch (change.op) {
    case 'check':
      return 'says nothing';
    case 'create': {
      if (change.sequential) return 'says nothing';
      if (node === null) return 'not applied';
      const owner = change.lifetime === 'session' ? coordinator.sessionId : 0n;
      // A following put of the same commit may have replaced the data of an ephemeral that is ours.
      if (owner !== 0n) return node.ephemeralOwner === owner ? 'applied' : 'exists';
      return node.ephemeralOwner === 0n && node.data.equals(change.data) ? 'applied' : 'exists';
    }
    case 'put':
      if (node === null) return 'missing';
      if (change.version === ANY_VERSION) return 'says nothing';
      if (node.version === change.version) return 'not applied';
      return node.version === change.version + 1 && node.data.equals(change.data) ? 'applied' : 'version';
    case 'remove':
      return node === null ? 'applied' : 'not applied';
  }
}

function resultOf(change: Change, node: ZNode | null): ChangeResult {
  if (change.op === 'check') return { path: change.path, version: change.version, czxid: 0n };
  if (change.op === 'remove') return { path: change.path, version: -1, czxid: 0n };
  return { path: change.path, version: node?.version ?? 0, czxid: node?.czxid ?? 0n };
}
