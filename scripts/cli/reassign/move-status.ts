/** How far a partition, or a replica between directories, is with its plan, in the words of Kafka's tool. */
import { partitionName } from '../partitions.ts';
import { type ReplicaMove, type ReplicaPlace, replicaName } from './log-dir-moves.ts';
import type { PlannedPartition } from './plan-file.ts';

export function partitionStatus(
  planned: PlannedPartition,
  isMoving: boolean,
  replicas: readonly number[],
): string {
  const name = partitionName(planned);
  if (isMoving) return `Reassignment of partition ${name} is still in progress.`;
  return String(replicas) === String(planned.replicas)
    ? `Reassignment of partition ${name} is completed.`
    : `There is no active reassignment of partition ${name}, but replica set is ${replicas} rather than ${planned.replicas}.`;
}

export function moveStatus(move: ReplicaMove, place: ReplicaPlace | null): string {
  const { broker, logDir } = move;
  const [partition, replica] = [partitionName(move), replicaName(move)];
  if (place === null) return `Partition ${partition} is not found in any live log dir on broker ${broker}.`;
  if (place.future !== null)
    return place.future === logDir
      ? `Reassignment of replica ${replica} is still in progress.`
      : `Partition ${partition} on broker ${broker} is being moved to log dir ${place.future} instead of ${logDir}.`;
  return place.current === logDir
    ? `Reassignment of replica ${replica} completed successfully.`
    : `Partition ${partition} on broker ${broker} is not being moved from log dir ${place.current} to ${logDir}.`;
}
