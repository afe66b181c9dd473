/** Which partitions `topics --describe` is asked for: those in a state that wants attention. Pure. */
import type { Arguments } from '../arguments.ts';
import type { Reassignment } from '../reassign/reassignments.ts';

export interface PartitionState {
  readonly leaderId: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly minIsr: number;
  readonly reassignment: Reassignment | null;
}

type StateFilter = (state: PartitionState, living: ReadonlySet<number>) => boolean;

const FILTERS: Readonly<Record<string, StateFilter>> = {
  // What a reassignment adds is not in sync yet, which is no trouble.
  'under-replicated-partitions': ({ replicas, isr, reassignment }) =>
    isr.length < replicas.filter((broker) => reassignment?.adding.includes(broker) !== true).length,
  'unavailable-partitions': ({ leaderId }, living) => !living.has(leaderId),
  'under-min-isr-partitions': ({ isr, minIsr }) => isr.length < minIsr,
  'at-min-isr-partitions': ({ isr, minIsr }) => isr.length === minIsr,
};

/** Null: no state is asked for. Of several, one is enough. */
export function stateFilter(given: Arguments): StateFilter | null {
  const chosen = Object.entries(FILTERS).filter(([name]) => given.flag(name));
  return chosen.length === 0 ? null : (state, living) => chosen.some(([, filter]) => filter(state, living));
}
