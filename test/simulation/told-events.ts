/**
 * What brokers record in their journals is what has happened in the tree, and all of it: each leader and
 * each ISR that an event tells was stored, with those epochs; and what the controller in office has written
 * has its event. Ids run on without gaps in the life of a process, and causes come before effects.
 */
import type { ClusterEvent, EventOf } from '../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../broker/platform/event-ring.ts';
import type { AlikeWritten } from '../../broker/platform/partition-events.ts';
import type { Broken, StateView, TreeView } from './observation.ts';

/** What an event claims to have been written about a partition. */
interface Claim extends Epochs {
  readonly kind: ClusterEvent['kind'];
  readonly name: string;
  readonly change: 'leader' | 'isr';
  readonly told: { readonly leader: number } | { readonly isr: readonly number[] };
}

interface Written {
  readonly state: StateView;
  readonly what: string;
}

export class ToldEvents {
  readonly #broken: Broken;
  /** The last id of each process. */
  readonly #lastIds = new Map<string, number>();
  /** States that were stored, by the words of `words`; a topic that is made anew begins anew. */
  readonly #stored = new Set<string>();
  readonly #last = new Map<string, StateView>();
  /** Changes whose event has not come yet, by partition and epoch. */
  readonly #untold = new Map<string, Written>();
  /** Told since the last look at the tree, which may not have been seen as it is. */
  #unchecked: Claim[] = [];

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  recorded(broker: { readonly brokerId: number; readonly life: number }, recorded: Recorded): void {
    const { id, causeId, causeBrokerId, event } = recorded;
    const process = `${broker.brokerId}.${broker.life}`;
    // A run goes on after the ids of the one before, as far as its disk has kept them.
    const before = this.#lastIds.get(process) ?? id - 1;
    this.#lastIds.set(process, id);
    if (id !== before + 1) this.#broken(`journal of ${process}: ${event.kind} is ${id}, after ${before}`);
    if (causeId !== null && causeBrokerId === undefined && causeId >= id)
      this.#broken(`journal of ${process}: ${event.kind} (${id}) is caused by ${causeId}`);
    if (recorded.brokerId !== broker.brokerId && recorded.brokerId !== -1)
      this.#broken(`journal of ${process}: ${event.kind} is by ${recorded.brokerId}`);
    this.#unchecked.push(...claimsOf(event));
  }

  /** After every change of the tree. */
  treeChanged({ states }: TreeView): void {
    for (const state of states) {
      const before = this.#last.get(state.key);
      if (before?.partitionEpoch === state.partitionEpoch) continue;
      this.#last.set(state.key, state);
      const { name, leader, leaderEpoch, partitionEpoch, controllerEpoch, isr } = state;
      this.#stored.add(words(name, { leaderEpoch, partitionEpoch, controllerEpoch }, { leader }));
      this.#stored.add(words(name, { leaderEpoch, partitionEpoch, controllerEpoch }, { isr }));
      if (leader !== (before?.leader ?? -1))
        this.#untold.set(`leader ${name}@${partitionEpoch}`, { state, what: `leader ${leader}` });
      if (before !== undefined && [...isr].sort().join() !== [...before.isr].sort().join())
        this.#untold.set(`isr ${name}@${partitionEpoch}`, { state, what: `ISR ${isr}` });
    }
  }

  /** After each event of the cluster, when the tree has been seen as it is. */
  check(): void {
    if (this.#unchecked.length === 0) return;
    for (const claim of this.#unchecked) {
      const { kind, name, change, told, partitionEpoch } = claim;
      const said = words(name, claim, told);
      if (!this.#stored.has(said)) this.#broken(`${kind} tells what was never stored: ${said}`);
      this.#untold.delete(`${change} ${name}@${partitionEpoch}`);
    }
    this.#unchecked = [];
  }

  /**
   * Once all is quiet: what the controller in office has written and nobody has told. A controller that
   * is gone may have died between the write and the event.
   */
  untold({ controllerEpoch }: TreeView): string[] {
    return [...this.#untold.values()]
      .filter(({ state }) => state.controllerEpoch === controllerEpoch)
      .map(({ state, what }) => `no event tells of ${what} of ${state.name}, epoch ${state.partitionEpoch}`);
  }
}

function claimsOf(event: ClusterEvent): Claim[] {
  switch (event.kind) {
    case 'leader-moved':
      return [{ ...event, name: nameOf(event), change: 'leader', told: { leader: event.to } }];
    case 'isr-shrunk':
    case 'isr-expanded':
      return [{ ...event, name: nameOf(event), change: 'isr', told: { isr: event.to } }];
    case 'partitions-moved':
      return event.details.flatMap((detail) => summedUp(event, detail));
    default:
      return [];
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`;
}

/** What one event tells of many partitions, of each of them. */
function summedUp({ kind, controllerEpoch }: EventOf<'partitions-moved'>, detail: AlikeWritten): Claim[] {
  const { topics, to: leader, isr, leaderEpoch, partitionEpoch } = detail;
  const epochs = { leaderEpoch, partitionEpoch, controllerEpoch };
  return topics.flatMap(([topic, ranges]) =>
    numbersOf(ranges).flatMap((partition): Claim[] => {
      const of = { kind, name: nameOf({ topic, partition }), ...epochs };
      return [
        { ...of, change: 'leader', told: { leader } },
        { ...of, change: 'isr', told: { isr } },
      ];
    }),
  );
}

/** 0, 1, 2 and 5 of `0-2,5`. */
function numbersOf(ranges: string): number[] {
  return ranges.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

interface Epochs {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly controllerEpoch: number;
}

function words(
  name: string,
  { leaderEpoch, partitionEpoch, controllerEpoch }: Epochs,
  what: { readonly leader: number } | { readonly isr: readonly number[] },
): string {
  const told = 'leader' in what ? `leader ${what.leader}` : `ISR ${[...what.isr].sort()}`;
  return `${name}: ${told} at ${leaderEpoch}/${partitionEpoch} by controller ${controllerEpoch}`;
}
