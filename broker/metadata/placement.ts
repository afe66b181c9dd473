/**
 * Where the replicas of new partitions go: leaders round robin from a random start, further replicas
 * at a shift that grows with each round, so that the brokers that share a leader differ. With racks,
 * brokers are taken in an order that alternates between racks, and a rack gets its second replica of
 * a partition only when every rack has one.
 * Source: AdminUtils.assignReplicasToBrokers.
 */

import { ErrorCode, type Failure, failure, type Outcome, success } from '../errors.ts';
import type { Random } from '../platform/random.ts';
import type { BrokerId } from '../types.ts';

export interface PlacementBroker {
  readonly id: BrokerId;
  readonly rack: string | null;
}

interface PlacementRequest {
  readonly brokers: readonly PlacementBroker[];
  /** How many partitions to place. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly random: Random;
  /** Number of the first partition; 0 for a new topic. */
  readonly firstPartition?: number;
  /** Index of the broker that partition 0 starts at; random without. */
  readonly startIndex?: number;
  /** Shift of the second replica; `startIndex` where that is given, else random. */
  readonly shift?: number;
}

/** Replicas by partition, the preferred leader first; or why it can't be done. */
export function assignReplicas(request: PlacementRequest): Outcome<Map<number, BrokerId[]>> {
  const refusal = refusalOf(request);
  if (refusal !== null) return refusal;
  const { partitions, replicationFactor, random, firstPartition = 0 } = request;
  const racks = new Map(request.brokers.map(({ id, rack }) => [id, rack ?? '']));
  const rackAware = request.brokers.every(({ rack }) => rack !== null);
  const brokers = rackAware ? alternatingByRack(racks) : [...racks.keys()];
  const startIndex = request.startIndex ?? random.int(brokers.length);
  let shift = request.shift ?? request.startIndex ?? random.int(brokers.length);
  const assignment = new Map<number, BrokerId[]>();
  for (let partition = firstPartition; partition < firstPartition + partitions; partition++) {
    if (partition > 0 && partition % brokers.length === 0) shift++;
    const first = (partition + startIndex) % brokers.length;
    const replicas = rackAware
      ? rackAwareReplicas(brokers, racks, { first, shift, replicationFactor })
      : replicasFrom(brokers, { first, shift, replicationFactor });
    assignment.set(partition, replicas);
  }
  return success(assignment);
}

function refusalOf({ brokers, partitions, replicationFactor }: PlacementRequest): Failure | null {
  if (partitions <= 0) {
    return failure(ErrorCode.INVALID_PARTITIONS, 'Number of partitions must be larger than 0.');
  }
  if (replicationFactor <= 0) {
    return failure(ErrorCode.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0.');
  }
  if (replicationFactor > brokers.length) {
    return failure(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`,
    );
  }
  const racked = brokers.filter(({ rack }) => rack !== null).length;
  if (racked === 0 || racked === brokers.length) return null;
  return failure(
    ErrorCode.UNKNOWN_SERVER_ERROR,
    'Not all brokers have rack information for replica rack aware assignment.',
  );
}

interface Placement {
  readonly first: number;
  readonly shift: number;
  readonly replicationFactor: number;
}

function replicasFrom(
  brokers: readonly BrokerId[],
  { first, shift, replicationFactor }: Placement,
): BrokerId[] {
  const replicas = [at(brokers, first)];
  for (let index = 0; index < replicationFactor - 1; index++) {
    replicas.push(at(brokers, replicaIndex(first, shift, index, brokers.length)));
  }
  return replicas;
}

function rackAwareReplicas(
  brokers: readonly BrokerId[],
  racks: ReadonlyMap<BrokerId, string>,
  { first, shift, replicationFactor }: Placement,
): BrokerId[] {
  const rackCount = new Set(racks.values()).size;
  const leader = at(brokers, first);
  const replicas = [leader];
  const usedRacks = new Set([racks.get(leader)]);
  for (let index = 0; replicas.length < replicationFactor; index++) {
    const broker = at(brokers, replicaIndex(first, shift * rackCount, index, brokers.length));
    const rack = racks.get(broker);
    const rackIsDue = !usedRacks.has(rack) || usedRacks.size === rackCount;
    if (!rackIsDue || replicas.includes(broker)) continue;
    replicas.push(broker);
    usedRacks.add(rack);
  }
  return replicas;
}

/** Never the leader's own index. */
function replicaIndex(first: number, shift: number, index: number, brokerCount: number): number {
  return (first + 1 + ((shift + index) % (brokerCount - 1))) % brokerCount;
}

/** One broker of each rack in turn, racks and the brokers of a rack in order. */
function alternatingByRack(racks: ReadonlyMap<BrokerId, string>): BrokerId[] {
  const byRack = new Map<string, BrokerId[]>();
  for (const rack of [...new Set(racks.values())].sort()) byRack.set(rack, []);
  for (const id of [...racks.keys()].sort((a, b) => a - b)) byRack.get(racks.get(id) ?? '')?.push(id);
  const brokers: BrokerId[] = [];
  for (let round = 0; brokers.length < racks.size; round++) {
    for (const ids of byRack.values()) {
      const id = ids[round];
      if (id !== undefined) brokers.push(id);
    }
  }
  return brokers;
}

function at(brokers: readonly BrokerId[], index: number): BrokerId {
  const broker = brokers[index];
  if (broker === undefined) throw new RangeError(`no broker at ${index}`);
  return broker;
}
