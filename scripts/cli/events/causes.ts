/**
 * What led to what, over the journals of several brokers: as they have recorded it, and where nobody could,
 * concluded. A broker that is killed records nothing of it; but its registration, named by its czxid, and
 * its office, named by its epoch, vanish for all to see. Pure.
 */
import type { ClusterEvent, EventKind, EventOf } from '../../../broker/platform/cluster-events.ts';
import { coordinatedPartition, hasPartition, isAbout } from '../../../broker/platform/event-partitions.ts';
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
    const roles = ROLES_OF_COORDINATORS[event.kind];
    if (roles !== undefined) return this.#roleBefore(recorded, roles);
    if (event.kind === 'isr-expand-proposed') return this.#whoCaughtUp(event, recorded);
    if (event.kind !== 'brokers-changed') return [];
    const epochOf = (id: number): number =>
      event.registrations?.find(({ broker }) => broker === id)?.epoch ?? -1;
    return [
      ...[...event.joined, ...event.bounced].flatMap((id) => this.#registered(id, epochOf(id))),
      ...event.left.map((id) => this.#endOfLife(id, epochOf(id), recorded.wallMs)),
    ];
  }

  #registered(brokerId: number, brokerEpoch: number): Fact[] {
    const own = this.#byBroker
      .get(brokerId)
      ?.find(({ event }) => event.kind === 'broker-registered' && event.brokerEpoch === brokerEpoch);
    return own === undefined ? [] : [{ what: 'event', recorded: own }];
  }

  /** A broker coordinates what falls into a partition as long as it leads it. */
  #roleBefore(recorded: Recorded, roles: readonly EventKind[]): Fact[] {
    const { event, brokerId, id } = recorded;
    const own = this.#byBroker.get(brokerId) ?? [];
    const role = own.findLast(
      (one) => one.id < id && roles.includes(one.event.kind) && isOfCoordinated(one.event, event),
    );
    return role === undefined ? [] : [{ what: 'event', recorded: role }];
  }

  /** Since when those that have caught up follow: by the clocks the last time before, in this epoch. */
  #whoCaughtUp(proposed: EventOf<'isr-expand-proposed'>, { wallMs }: Recorded): Fact[] {
    const added = proposed.to.filter((id) => !proposed.from.includes(id));
    return added.flatMap((id): Fact[] => {
      const follows = (this.#byBroker.get(id) ?? []).filter(({ event }) => isFollowing(event, proposed));
      const last = follows.findLast((one) => one.wallMs <= wallMs) ?? follows[0];
      return last === undefined ? [] : [{ what: 'event', recorded: last }];
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
    if (resigned !== undefined) return { what: 'event', recorded: this.#lostBefore(resigned) ?? resigned };
    return this.#endOfLife(controllerId, elected.brokerEpoch, seen.wallMs);
  }

  /** With its session a broker loses /controller, and gives up the office when it hears of that. */
  #lostBefore({ brokerId, causeId }: Recorded): Recorded | null {
    const cause = causeId === null ? undefined : this.#byKey.get(`${brokerId}/${causeId}`);
    return cause?.event.kind === 'session-lost' ? cause : null;
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

/** What makes a broker take up what it coordinates, and give it up. */
const TAKES: readonly EventKind[] = ['became-leader', 'roles-taken'];
const GIVES: readonly EventKind[] = ['became-follower', 'roles-taken', 'replica-left', 'replica-offline'];
const ROLES_OF_COORDINATORS: { readonly [kind: string]: readonly EventKind[] } = {
  'groups-loaded': TAKES,
  'transactions-loaded': TAKES,
  'groups-failed': TAKES,
  'transactions-failed': TAKES,
  'groups-resigned': GIVES,
  'transactions-resigned': GIVES,
};

/** Whether a role is in the partition that a coordinator tells of, and of the same epoch where both have one. */
function isOfCoordinated(role: ClusterEvent, told: ClusterEvent): boolean {
  const partition = coordinatedPartition(told);
  if (partition === null || !isAbout(role, partition)) return false;
  return !('leaderEpoch' in role && 'leaderEpoch' in told) || role.leaderEpoch === told.leaderEpoch;
}

/** By itself or among many, in the epoch of that leader. */
function isFollowing(role: ClusterEvent, proposed: EventOf<'isr-expand-proposed'>): boolean {
  const { leaderEpoch } = proposed;
  if (role.kind === 'became-follower') return role.leaderEpoch === leaderEpoch && isAbout(role, proposed);
  if (role.kind !== 'roles-taken') return false;
  return role.details.some((led) => led.leaderEpoch === leaderEpoch && hasPartition(led.topics, proposed));
}

const ENDS: ReadonlySet<string> = new Set(['session-lost', 'shutdown-begun', 'shutdown-finished']);

function isOf(event: EventOf<'controller-resigned'>, elected: Recorded): boolean {
  return elected.event.kind === 'controller-elected' && elected.event.epoch === event.epoch;
}
