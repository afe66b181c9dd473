/** Replicas that move from one directory of their broker to another. */
import { ErrorCode } from '../../../broker/errors.ts';
import { AlterReplicaLogDirs } from '../../../broker/protocol/messages/34-alter-replica-log-dirs.ts';
import { DescribeLogDirs } from '../../../broker/protocol/messages/35-describe-log-dirs.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { byTopic, partitionName, type TopicPartition } from '../partitions.ts';
import type { PlannedPartition } from './plan-file.ts';

export interface ReplicaMove extends TopicPartition {
  readonly broker: number;
  readonly logDir: string;
}

/** Where a replica is, and where it is going; null: nowhere. */
export interface ReplicaPlace {
  readonly current: string | null;
  readonly future: string | null;
}

const PAUSE_MS = 100;

/** The replicas for which a plan names a directory. */
export function movesOf(plan: readonly PlannedPartition[]): ReplicaMove[] {
  return plan.flatMap(({ topic, partition, logDirs }) =>
    Array.from(logDirs, ([broker, logDir]) => ({ topic, partition, broker, logDir })),
  );
}

/** `topic-0-1`: partition 0's replica on broker 1. */
export function replicaName(replica: TopicPartition & { readonly broker: number }): string {
  return `${partitionName(replica)}-${replica.broker}`;
}

/** By the replica's name; only those that were found. */
export async function replicaPlaces(
  admin: AdminClient,
  replicas: readonly (TopicPartition & { readonly broker: number })[],
): Promise<Map<string, ReplicaPlace>> {
  const places = new Map<string, ReplicaPlace>();
  const metadata = await admin.metadata([]);
  for (const [broker, own] of Map.groupBy(replicas, (replica) => replica.broker)) {
    if (!metadata.brokers.some(({ nodeId }) => nodeId === broker)) continue;
    const topics = [...byTopic(own)].map(([topic, items]) => ({
      topic,
      partitions: items.map(({ partition }) => partition),
    }));
    const { results } = await admin.askBroker(broker, metadata, DescribeLogDirs, { topics });
    for (const { logDir, topics: found } of results) {
      for (const { name, partitions } of found) {
        for (const { partitionIndex, isFutureKey } of partitions) {
          const replica = replicaName({ topic: name, partition: partitionIndex, broker });
          const known = places.get(replica) ?? { current: null, future: null };
          places.set(replica, isFutureKey ? { ...known, future: logDir } : { ...known, current: logDir });
        }
      }
    }
  }
  return places;
}

/**
 * A replica that its broker does not host yet is asked for again, until `timeoutMs` is over. What could
 * not be started then is given back, with the reason; anything else that is refused is so at once.
 */
export async function moveReplicas(
  admin: AdminClient,
  moves: readonly ReplicaMove[],
  timeoutMs: number,
): Promise<Map<string, string>> {
  const deadlineMs = performance.now() + timeoutMs;
  const failed = new Map<string, string>();
  let left = moves;
  for (;;) {
    const problems = await askBrokers(admin, left);
    for (const [name, errorCode] of problems) failed.set(name, reasonOf({ errorCode }));
    const isYetToCome = (move: ReplicaMove): boolean =>
      problems.get(replicaName(move)) === ErrorCode.REPLICA_NOT_AVAILABLE;
    left = left.filter(isYetToCome);
    if (left.length === 0 || performance.now() >= deadlineMs) return failed;
    for (const move of left) failed.delete(replicaName(move));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What was refused, by the replica's name. */
async function askBrokers(admin: AdminClient, moves: readonly ReplicaMove[]): Promise<Map<string, number>> {
  const problems = new Map<string, number>();
  const metadata = await admin.metadata([]);
  for (const [broker, own] of Map.groupBy(moves, (move) => move.broker)) {
    const dirs = [...Map.groupBy(own, ({ logDir }) => logDir)].map(([path, items]) => ({
      path,
      topics: [...byTopic(items)].map(([name, each]) => ({
        name,
        partitions: each.map(({ partition }) => partition),
      })),
    }));
    const { results } = await admin.askBroker(broker, metadata, AlterReplicaLogDirs, { dirs });
    for (const { topicName, partitions } of results) {
      for (const { partitionIndex, errorCode } of partitions) {
        const name = replicaName({ topic: topicName, partition: partitionIndex, broker });
        if (errorCode !== ErrorCode.NONE) problems.set(name, errorCode);
      }
    }
  }
  return problems;
}
