/** What the tests of the checkers show them: views of a cluster that never was. */
import { buildBatch } from '../../broker/records/build.ts';
import {
  type ObservedReplicas,
  type ReplicaView,
  replicaId,
  type StateView,
  type TreeView,
} from './observation.ts';

export const KEY = 'AAAAAAAAAAAAAAAAAAAAAQ:0';

export function state(changes: Partial<StateView> = {}): StateView {
  return {
    key: KEY,
    name: 'orders-0',
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    controllerEpoch: 1,
    isr: [1, 2, 3],
    replicas: [1, 2, 3],
    reassigning: false,
    ...changes,
  };
}

export function tree(changes: Partial<TreeView> = {}): TreeView {
  return { states: [state()], controllerEpoch: 1, controllerId: 1, ...changes };
}

/** One record a batch. */
export function batches(values: readonly string[], leaderEpoch = 0): Buffer[] {
  return values.map((value, baseOffset) =>
    buildBatch({ baseOffset, leaderEpoch, records: [{ value: Buffer.from(value) }] }),
  );
}

export function replica(changes: Partial<ReplicaView> & { log?: readonly Buffer[] } = {}): ReplicaView {
  const { log = batches(['a', 'b', 'c']), ...rest } = changes;
  const { brokerId = 1, life = 1, key = KEY, leaderEpoch = 0 } = changes;
  return {
    brokerId,
    life,
    key,
    id: replicaId(brokerId, life, key),
    term: `${key}@${leaderEpoch}`,
    name: 'orders-0',
    role: 'follower',
    leaderEpoch,
    partitionEpoch: 0,
    startOffset: 0,
    endOffset: log.length,
    highWatermark: log.length,
    lastStableOffset: 0,
    read: (from, to) => Buffer.concat(log.slice(from, to)),
    ...rest,
  };
}

/** All replicas, and those of them that have changed; of itself all. */
export function observed(all: readonly ReplicaView[], fresh = all): ObservedReplicas {
  return { all, fresh, partition: (key) => all.filter((one) => one.key === key) };
}

export function foundIn(show: (broken: (what: string) => void) => void): string[] {
  const broken: string[] = [];
  show((what) => broken.push(what));
  return broken;
}

export function found<T>(
  checker: new (broken: (what: string) => void) => T,
  show: (shown: T) => void,
): string[] {
  const broken: string[] = [];
  show(new checker((what) => broken.push(what)));
  return broken;
}
