/**
 * What led to what, over the journals of several brokers: as they have recorded it, and where nobody could,
 * concluded. A broker that is killed records nothing of it; but its registration, named by its czxid, and
 * its office, named by its epoch, vanish for all to see. Pure.
 */
import type { EventOf } from '../../../broker/platform/cluster-events.ts';
import type { Recorded } from '../../../broker/platform/event-ring.ts';
import { byTime } from './read-events.ts';

/** An event, or an end that nobody has recorded. */
export type Fact =
  | { readonly what: 'event'; readonly recorded: Recorded }
  /** The journal of a broker's life ends so, without a word of a stop. */
  | { readonly what: 'silence'; readonly last: Recorded }
  /** Nothing of that life of the broker has been read. */
  | { readonly what: 'unread'; readonly brokerId: number; readonly wallMs: number };

export type FactKey = string;

export function keyOf(fact: Fact): FactKey {
  switch (fact.what) {
    case 'event':
      return `${fact.recorded.brokerId}/${fact.recorded.id}`;
    case 'silence':
      return `silence after ${fact.last.brokerId}/${fact.last.id}`;
    case 'unread':
      return `unread ${fact.brokerId}`;
  }
}

/** Events by who recorded them, each once, in the order of their ids. */
export class Journals {
  readonly #byBroker: ReadonlyMap<number, readonly Recorded[]>;
  readonly #byKey: ReadonlyMap<FactKey, Recorded>;

  constructor(events: readonly Recorded[]) {
    this.#byKey = new Map(events.map((recorded) => [`${recorded.brokerId}/${recorded.id}`, recorded]));
    const once = [...this.#byKey.values()].sort(byTime);
    this.#byBroker = Map.groupBy(once, ({ brokerId }) => brokerId);
  }

  get brokerIds(): number[] {
    return [...this.#byBroker.keys()].filter((id) => id >= 0).sort((a, b) => a - b);
  }

  get events(): Recorded[] {
    return [...this.#byBroker.values()].flat().sort(byTime);
  }

  /** What led to an event, as far as anybody knows. */
  causesOf(recorded: Recorded): Fact[] {
    const { causeId, brokerId } = recorded;
    const cause =
      causeId === null ? undefined : this.#byKey.get(`${recorded.causeBrokerId ?? brokerId}/${causeId}`);
    const known: Fact[] = cause === undefined ? [] : [{ what: 'event', recorded: cause }];
    return [...known, ...this.#concluded(recorded)];
  }

  #concluded(recorded: Recorded): Fact[] {
    const { event } = recorded;
    if (event.kind === 'controller-gone') return [this.#endOfOffice(event, recorded)];
    if (event.kind !== 'brokers-changed') return [];
    return event.left.map((left) => {
      const epoch = event.registrations?.find(({ broker }) => broker === left)?.epoch ?? -1;
      return this.#endOfLife(left, epoch, recorded.wallMs);
    });
  }

  /** Of the last term that the broker is known to have begun before. */
  #endOfOffice({ controllerId }: EventOf<'controller-gone'>, seen: Recorded): Fact {
    const own = this.#byBroker.get(controllerId) ?? [];
    const next = this.#electedAfter(seen);
    const elected = own.findLast(
      ({ event, wallMs }) =>
        event.kind === 'controller-elected' && (next === null ? wallMs <= seen.wallMs : event.epoch < next),
    );
    if (elected === undefined) return { what: 'unread', brokerId: controllerId, wallMs: seen.wallMs };
    const resigned = own.find(
      ({ id, event }) => id > elected.id && event.kind === 'controller-resigned' && isOf(event, elected),
    );
    if (resigned !== undefined) return { what: 'event', recorded: resigned };
    return this.#endOfLife(controllerId, elected.brokerEpoch, seen.wallMs);
  }

  /** The epoch of the term that followed; null: not known. */
  #electedAfter(gone: Recorded): number | null {
    const own = this.#byBroker.get(gone.brokerId) ?? [];
    const elected = own.find(
      ({ causeId, event }) => causeId === gone.id && event.kind === 'controller-elected',
    );
    return elected?.event.kind === 'controller-elected' ? elected.event.epoch : null;
  }

  /** How what a broker did under one registration ended: its session, its shutdown, or its journal. */
  #endOfLife(brokerId: number, brokerEpoch: number, wallMs: number): Fact {
    const life = (this.#byBroker.get(brokerId) ?? []).filter((one) => one.brokerEpoch === brokerEpoch);
    const last = life.at(-1);
    if (last === undefined) return { what: 'unread', brokerId, wallMs };
    const end = life.findLast(({ event }) => ENDS.has(event.kind));
    return end === undefined ? { what: 'silence', last } : { what: 'event', recorded: end };
  }
}

const ENDS: ReadonlySet<string> = new Set(['session-lost', 'shutdown-begun', 'shutdown-finished']);

function isOf(event: EventOf<'controller-resigned'>, elected: Recorded): boolean {
  return elected.event.kind === 'controller-elected' && elected.event.epoch === event.epoch;
}
