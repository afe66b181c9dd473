/**
 * What Kafka asks of a topic that is made or extended: its name, the replicas it is given. Pure; the texts
 * are Kafka's, since tools print them, down to the way in which Scala writes lists.
 * Source: Topic.validate, AdminZkClient.validateTopicCreate, validateReplicaAssignment.
 */
import type { StoredAssignment } from '../../coordinator-client/stores/topics-store.ts';
import { ErrorCode, type Failure, failure } from '../errors.ts';
import { type BrokerId, topicNameComplaint } from '../types.ts';
import { arrayBuffer, shortened } from './scala-text.ts';

/** Why `name` is no topic name, in Kafka's words; null for a good one. */
export function validateTopicName(name: string): string | null {
  const complaint = topicNameComplaint(name);
  return complaint === null ? null : `Topic name is invalid: ${complaint}`;
}

/** What a name looks like in the name of a metric, where `.` and `_` are one: names of one form collide. */
export function metricForm(name: string): string {
  return name.replaceAll('.', '_');
}

/** Brokers that are not there are let through, as in Kafka. */
export function givenAssignmentRefusal(assignment: ReadonlyMap<number, readonly BrokerId[]>): Failure | null {
  for (const replicas of assignment.values()) {
    if (new Set(replicas).size !== replicas.length) {
      const listed = [...assignment].map(([partition, ids]) => `${partition} -> ${arrayBuffer(ids)}`);
      return invalidAssignment(
        shortened(`Duplicate replica assignment found: HashMap(${listed.join(', ')})`),
      );
    }
    if (replicas.length === 0) return invalidAssignment('All partitions should have at least one replica');
    if (replicas.some((id) => id < 0))
      return invalidAssignment(`Broker ids must not be negative: ${replicas.join(', ')}`);
  }
  if (new Set([...assignment.values()].map((replicas) => replicas.length)).size !== 1) {
    return invalidAssignment('All partitions should have the same number of replicas');
  }
  for (let partition = 0; partition < assignment.size; partition++) {
    if (!assignment.has(partition)) {
      return invalidAssignment('partitions should be a consecutive 0-based integer sequence');
    }
  }
  return null;
}

/** Why the topic cannot have `count` partitions in all. */
export function extensionRefusal(name: string, count: number, stored: StoredAssignment): Failure | null {
  const current = stored.partitions.size;
  for (const { addingReplicas, removingReplicas } of stored.partitions.values()) {
    if (addingReplicas.length + removingReplicas.length === 0) continue;
    return failure(
      ErrorCode.REASSIGNMENT_IN_PROGRESS,
      `A partition reassignment is in progress for the topic '${name}'.`,
    );
  }
  if (count > current) return null;
  const message =
    count === current
      ? `Topic already has ${current} partitions.`
      : `Topic currently has ${current} partitions, which is higher than the requested ${count}.`;
  return failure(ErrorCode.INVALID_PARTITIONS, message);
}

/** Why new partitions cannot have the replicas they are given. */
export function addedAssignmentRefusal(
  assignments: readonly (readonly BrokerId[])[],
  topic: { live: ReadonlySet<BrokerId>; count: number; current: number; replicationFactor: number },
): Failure | null {
  const unknown = assignments.flat().filter((id) => !topic.live.has(id));
  if (unknown.length > 0) {
    return invalidAssignment(`Unknown broker(s) in replica assignment: ${unknown.join(', ')}.`);
  }
  if (assignments.length !== topic.count) {
    return invalidAssignment(
      `Increasing the number of partitions by ${topic.count} but ${assignments.length} assignments provided.`,
    );
  }
  for (const [index, replicas] of assignments.entries()) {
    const partition = topic.current + index;
    if (replicas.length === 0) {
      return invalidAssignment(`Cannot have replication factor of 0 for partition id ${partition}.`);
    }
    if (new Set(replicas).size !== replicas.length) {
      return invalidAssignment(
        `Duplicate brokers not allowed in replica assignment: ${replicas.join(', ')} for partition id ${partition}.`,
      );
    }
  }
  const others = [...assignments.entries()].filter(([, { length }]) => length !== topic.replicationFactor);
  if (others.length === 0) return null;
  const partitions = others.map(([index]) => topic.current + index).join(', ');
  const factors = others.map(([, { length }]) => length).join(', ');
  return invalidAssignment(
    shortened(
      `Inconsistent replication factor between partitions, partition 0 has ${topic.replicationFactor} while partitions [${partitions}] have replication factors [${factors}], respectively.`,
    ),
  );
}

/** INVALID_REPLICA_ASSIGNMENT with Kafka's text. */
export function invalidAssignment(message: string): Failure {
  return failure(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message);
}
