/**
 * Rebalances as events of the journal, with their reasons: who came, who left, whose session ended. How often
 * groups rebalance is up to their clients; so of one second no more is told than the journal can bear.
 */
import { NameSet } from '../../bounded-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ClusterEvent } from '../../platform/cluster-events.ts';
import type { EventId } from '../../platform/event-ring.ts';
import type { Journal } from '../../platform/journal.ts';
import type { Group } from './group.ts';

interface Known {
  members: ReadonlySet<string>;
  /** The failure that the next generation follows from. */
  failedId: EventId | null;
}

const MOST_A_SECOND = 50;
const SECOND_MS = 1000;

export class GroupJournal {
  readonly #journal: Pick<Journal, 'record'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** As the last generation had them; a group that is gone takes this with it. */
  readonly #known = new WeakMap<Group, Known>();
  #secondBeganMs = Number.NEGATIVE_INFINITY;
  #toldInSecond = 0;

  constructor(journal: Pick<Journal, 'record'>, clock: Pick<Clock, 'nowMs'>) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** The session of a member has ended. */
  memberFailed(group: Group, memberId: string): void {
    const event = { kind: 'group-member-failed', groupId: group.groupId, memberId } as const;
    this.#knownOf(group).failedId = this.#record(event, null);
  }

  /** The members have agreed on a generation, or there is none any more. */
  rebalanced(group: Group): void {
    const known = this.#knownOf(group);
    const { groupId, generationId } = group;
    const members = new NameSet(group.members.keys());
    const joined = [...members].filter((id) => !known.members.has(id)).length;
    const left = [...known.members].filter((id) => !members.has(id)).length;
    const event = { kind: 'group-rebalanced', groupId, generationId, members: members.size } as const;
    this.#record({ ...event, joined, left }, known.failedId);
    this.#known.set(group, { members, failedId: null });
  }

  #knownOf(group: Group): Known {
    const known = this.#known.get(group) ?? { members: new Set(), failedId: null };
    this.#known.set(group, known);
    return known;
  }

  /** null: too much was told in this second. */
  #record(event: ClusterEvent, causeId: EventId | null): EventId | null {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#secondBeganMs >= SECOND_MS) {
      this.#secondBeganMs = nowMs;
      this.#toldInSecond = 0;
    }
    return this.#toldInSecond++ < MOST_A_SECOND ? this.#journal.record(event, causeId) : null;
  }
}
