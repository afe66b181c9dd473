/**
 * The roles that the replicas of this broker take by one order of the controller, as events: of a few each by
 * itself, at once; of many in one event for each cause, once all are taken. The event points at that of the
 * controller's journal which says why.
 */
import type { ReplicaState } from '../metadata/delta.ts';
import type { ClusterEvent } from '../platform/cluster-events.ts';
import { partitionsByTopic } from '../platform/event-partitions.ts';
import type { Journal } from '../platform/journal.ts';
import type { AlikeLed } from '../platform/partition-events.ts';
import type { Partition } from './partition.ts';

interface Taken {
  readonly partition: Partition;
  readonly state: ReplicaState;
}

/** More than so many that are ordered together are summed up. */
const MOST_SINGLE = 50;

export class TakenRoles {
  readonly #journal: Journal;
  readonly #isMany: boolean;
  /** Those that are to be summed up. */
  readonly #taken: Taken[] = [];

  constructor(journal: Journal, ordered: number) {
    this.#journal = journal;
    this.#isMany = ordered > MOST_SINGLE;
  }

  /** The partition has the role of this state by now. */
  took(partition: Partition, state: ReplicaState): void {
    if (this.#isMany) this.#taken.push({ partition, state });
    else partition.roleEventId = this.#journal.record(roleTaken({ partition, state }), state.cause ?? null);
  }

  /** All have been taken. */
  record(): void {
    const byCause = Map.groupBy(this.#taken, ({ state: { cause } }) => `${cause?.brokerId} ${cause?.id}`);
    for (const group of byCause.values()) {
      const id = this.#journal.record(summary(group), group[0]?.state.cause ?? null);
      for (const { partition } of group) partition.roleEventId = id;
    }
  }
}

function roleTaken({ partition: replica, state }: Taken): ClusterEvent {
  const { topic, partition, leader, leaderEpoch, partitionEpoch, controllerEpoch, isr } = state;
  const endOffset = replica.log?.endOffset ?? -1;
  const role = { topic, partition, leaderEpoch, partitionEpoch, controllerEpoch, isr, endOffset };
  return replica.isLeader ? { kind: 'became-leader', ...role } : { kind: 'became-follower', leader, ...role };
}

function summary(taken: readonly Taken[]): ClusterEvent {
  const leading = taken.filter(({ partition }) => partition.isLeader).length;
  const alike = Map.groupBy(taken, ({ state }) => `${state.leader} ${state.leaderEpoch}`);
  const details = [...alike.values()].flatMap((group): AlikeLed[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { leader, leaderEpoch } = first.state;
    return [{ leader, leaderEpoch, topics: partitionsByTopic(group.map(({ state }) => state)) }];
  });
  return { kind: 'roles-taken', leading, following: taken.length - leading, details };
}
