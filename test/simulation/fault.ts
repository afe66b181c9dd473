/** A fault, and how well the cluster is, which those that lose data ask first. */
import { observeTree } from './observation.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

export interface Fault {
  readonly name: string;
  /** No other fault may be there, before or while it lasts. */
  readonly losesData?: boolean;
  readonly start: () => void;
  /** True when it is over; asked again a little later otherwise. */
  readonly end: () => boolean;
}

/** Every broker runs and is in sync with everything. */
export function isHealthy({ machines, tree }: SimulatedCluster): boolean {
  return (
    machines.every(({ status }) => status === 'running') &&
    observeTree(tree).states.every(
      ({ isr, replicas, reassigning }) => !reassigning && isr.length === replicas.length,
    )
  );
}

/** Of topics that are being deleted nobody counts the replicas any more. */
export function isInSync({ tree }: SimulatedCluster, id: number): boolean {
  const doomed = tree.children('/admin/delete_topics') ?? [];
  return observeTree(tree).states.some(
    ({ isr, name }) => isr.includes(id) && !doomed.includes(name.slice(0, name.lastIndexOf('-'))),
  );
}
