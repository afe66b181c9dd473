/**
 * The roles that the replicas of this broker take by one order of the controller, as events: of a few each by
 * itself, at once; of many in one event for each cause, once all are taken, in however many turns. The event
 * points at that of the controller's journal which says why.
 */
import type { ReplicaState } from '../metadata/delta.ts';
import type { ClusterEvent } from '../platform/cluster-events.ts';
import { partitionsByTopic } from '../platform/event-partitions.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';
import type { AlikeLed } from '../platform/partition-events.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../types.ts';
import type { Partition } from './partition.ts';

interface Taken {
  readonly partition: Partition;
  readonly state: ReplicaState;
  /** As it took the role: others may have gone on with the log, or ordered another role, when it is recorded. */
  readonly isLeader: boolean;
  readonly endOffset: number;
}

/** More than so many that are ordered together are summed up. */
const MOST_SINGLE = 50;

export class TakenRoles {
  readonly #journal: Journal;
  readonly #isMany: boolean;
  /** Those that have still to be recorded. */
  readonly #taken: Taken[] = [];

  constructor(journal: Journal, ordered: number) {
    this.#journal = journal;
    this.#isMany = ordered > MOST_SINGLE;
  }

  /**
   * The partition has the role of this state by now. That of a coordinator is recorded at once in any case, as
   * what the coordinator takes up or gives up follows from it, and may be recorded before the others are taken.
   */
  took(partition: Partition, state: ReplicaState): void {
    const endOffset = partition.log?.endOffset ?? -1;
    const taken: Taken = { partition, state, isLeader: partition.isLeader, endOffset };
    if (!this.#isMany || isCoordinated(state)) this.#single(taken);
    else {
      // Not the event of the role before: nothing that happens from here on follows from that one.
      partition.roleEventId = null;
      this.#taken.push(taken);
    }
  }

  /** No more are taken: all have been, or the order is dropped. */
  record(): void {
    const taken = this.#taken.splice(0);
    if (taken.length <= MOST_SINGLE) {
      for (const one of taken) this.#single(one);
      return;
    }
    const byCause = Map.groupBy(taken, ({ state: { cause } }) => `${cause?.brokerId} ${cause?.id}`);
    for (const group of byCause.values()) {
      const id = this.#journal.record(summary(group), group[0]?.state.cause ?? null);
      for (const one of group) roleIsOf(one, id);
    }
  }

  #single(taken: Taken): void {
    roleIsOf(taken, this.#journal.record(roleTaken(taken), taken.state.cause ?? null));
  }
}

/** Unless it has another role by now. */
function roleIsOf({ partition, state }: Taken, eventId: EventId): void {
  if (partition.leaderEpoch === state.leaderEpoch) partition.roleEventId = eventId;
}

function isCoordinated({ topic }: ReplicaState): boolean {
  return topic === GROUP_METADATA_TOPIC || topic === TRANSACTION_STATE_TOPIC;
}

function roleTaken({ state, isLeader, endOffset }: Taken): ClusterEvent {
  const { topic, partition, leader, leaderEpoch, partitionEpoch, controllerEpoch, isr } = state;
  const role = { topic, partition, leaderEpoch, partitionEpoch, controllerEpoch, isr, endOffset };
  return isLeader ? { kind: 'became-leader', ...role } : { kind: 'became-follower', leader, ...role };
}

function summary(taken: readonly Taken[]): ClusterEvent {
  const leading = taken.filter(({ isLeader }) => isLeader).length;
  const alike = Map.groupBy(taken, ({ state }) => `${state.leader} ${state.leaderEpoch}`);
  const details = [...alike.values()].flatMap((group): AlikeLed[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { leader, leaderEpoch } = first.state;
    return [{ leader, leaderEpoch, topics: partitionsByTopic(group.map(({ state }) => state)) }];
  });
  return { kind: 'roles-taken', leading, following: taken.length - leading, details };
}
