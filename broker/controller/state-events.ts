/**
 * The events of what the controller has written about partitions: leaders moved, ISRs changed. A few are an
 * event each; where a failure or an order has changed many at once, one event sums them up, with what is the
 * same of them said once. Pure, but for the record.
 */
import type { ClusterEvent, EventOf } from '../platform/cluster-events.ts';
import { partitionsByTopic } from '../platform/event-partitions.ts';
import type { Cause, EventId } from '../platform/event-ring.ts';
import type { AlikeWritten, IsrReason, StateReason } from '../platform/partition-events.ts';
import { type BrokerId, NO_LEADER, type PartitionKey } from '../types.ts';
import type { IsrAndLeader, PartitionView } from './cluster-state.ts';

/** The term that wrote it. */
interface Recorder {
  record(event: ClusterEvent, cause?: Cause): EventId;
}

export interface StateWritten {
  readonly partition: PartitionView;
  readonly unclean: boolean;
  /** null: the state node was made. */
  readonly before: IsrAndLeader | null;
  readonly now: IsrAndLeader;
}

/** More than so many that were written together are summed up. */
const MOST_SINGLE = 50;
/** Text of names and numbers that an event has at most; a cluster of ten thousand partitions takes a tenth of it. */
const MOST_DETAIL_CHARACTERS = 256 * 1024;
const MOST_NAMED = 10;

/** Records what writes have changed; the event that tells of it, for each partition of which one does. */
export function recordStates(
  term: Recorder,
  reason: StateReason,
  written: readonly StateWritten[],
): ReadonlyMap<PartitionKey, EventId> {
  const told = new Map<PartitionKey, EventId>();
  if (written.length > MOST_SINGLE) {
    const id = term.record(summary(reason, written));
    for (const { partition } of written) told.set(partition.key, id);
  } else {
    for (const one of written) {
      const id = recordState(term, reason, one);
      if (id !== null) told.set(one.partition.key, id);
    }
  }
  return told;
}

/** An ISR that their leader asked for; what it takes out lags, what it takes in has caught up. */
export function recordAlteration(
  term: Recorder,
  { partition, before, now }: Omit<StateWritten, 'unclean'>,
  cause: Cause,
): void {
  if (before === null) return;
  const reason = lost(before.isr, now.isr) ? 'lagging' : 'caught-up';
  for (const event of isrEvents(partition, reason, { before, now })) term.record(event, cause);
}

/** The event that the others follow from, of those that it took. */
function recordState(term: Recorder, reason: StateReason, written: StateWritten): EventId | null {
  const { partition, unclean, before, now } = written;
  const from = before?.leader ?? NO_LEADER;
  let first: EventId | null = null;
  if (from !== now.leader) {
    const { leader: to, isr, leaderEpoch, partitionEpoch, controllerEpoch } = now;
    const of = { topic: partition.topic, partition: partition.partition };
    const epochs = { leaderEpoch, partitionEpoch, controllerEpoch };
    first = term.record({ kind: 'leader-moved', ...of, from, to, isr, ...epochs, reason, unclean });
  }
  if (before === null) return first;
  for (const event of isrEvents(partition, reason, { before, now })) {
    const id = term.record(event);
    first ??= id;
  }
  return first;
}

/** A change can do both: a reassignment swaps replicas. */
function isrEvents(
  { topic, partition }: PartitionView,
  reason: IsrReason,
  { before, now }: { readonly before: IsrAndLeader; readonly now: IsrAndLeader },
): EventOf<'isr-shrunk' | 'isr-expanded'>[] {
  const { isr: to, leaderEpoch, partitionEpoch, controllerEpoch } = now;
  const change = {
    topic,
    partition,
    from: before.isr,
    to,
    leaderEpoch,
    partitionEpoch,
    controllerEpoch,
    reason,
  };
  return [
    ...(lost(before.isr, to) ? [{ kind: 'isr-shrunk' as const, ...change }] : []),
    ...(lost(to, before.isr) ? [{ kind: 'isr-expanded' as const, ...change }] : []),
  ];
}

function summary(reason: StateReason, written: readonly StateWritten[]): EventOf<'partitions-moved'> {
  const count = (is: (one: StateWritten) => boolean): number => written.filter(is).length;
  const unclean = written.filter((one) => one.unclean);
  const details = detailsOf(written);
  return {
    kind: 'partitions-moved',
    reason,
    controllerEpoch: written[0]?.now.controllerEpoch ?? 0,
    partitions: written.length,
    leadersMoved: count(({ before, now }) => (before?.leader ?? NO_LEADER) !== now.leader),
    leaderless: count(({ now }) => now.leader === NO_LEADER),
    isrsShrunk: count(({ before, now }) => before !== null && lost(before.isr, now.isr)),
    isrsExpanded: count(({ before, now }) => before !== null && lost(now.isr, before.isr)),
    unclean: unclean.length,
    uncleanPartitions: unclean.slice(0, MOST_NAMED).map(({ partition }) => partition.key),
    ...details,
  };
}

/** Those of which the same was written together, as many as an event may have. */
function detailsOf(written: readonly StateWritten[]): {
  readonly details: readonly AlikeWritten[];
  readonly detailsLeftOut: number;
} {
  const alike = Map.groupBy(written, ({ unclean, before, now }) =>
    JSON.stringify([
      before?.leader,
      before?.isr,
      now.leader,
      now.isr,
      now.leaderEpoch,
      now.partitionEpoch,
      unclean,
    ]),
  );
  const details: AlikeWritten[] = [];
  let detailsLeftOut = 0;
  let characters = 0;
  for (const group of alike.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const detail = detailOf(first, group);
    characters += JSON.stringify(detail).length;
    if (characters <= MOST_DETAIL_CHARACTERS) details.push(detail);
    else detailsLeftOut += group.length;
  }
  return { details, detailsLeftOut };
}

function detailOf({ before, now, unclean }: StateWritten, group: readonly StateWritten[]): AlikeWritten {
  return {
    from: before?.leader ?? NO_LEADER,
    to: now.leader,
    isrFrom: before?.isr ?? [],
    isr: now.isr,
    leaderEpoch: now.leaderEpoch,
    partitionEpoch: now.partitionEpoch,
    unclean,
    topics: partitionsByTopic(group.map(({ partition }) => partition)),
  };
}

function lost(before: readonly BrokerId[], now: readonly BrokerId[]): boolean {
  return before.some((replica) => !now.includes(replica));
}
