/**
 * AlterReplicaLogDirs (34), versions 0-2: moves replicas of this broker to other log directories of its
 * own. Answered when the moves have begun; DescribeLogDirs tells how far they are. For a replica that is
 * not here yet it says where it is to be made, with REPLICA_NOT_AVAILABLE all the same.
 * Source: KafkaApis.handleAlterReplicaLogDirsRequest, ReplicaManager.alterReplicaLogDirs.
 */

import { NameMap } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import { LargeMap } from '../large-map.ts';
import type { Steps } from '../platform/turns.ts';
import { AlterReplicaLogDirs } from '../protocol/messages/34-alter-replica-log-dirs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler, type Refusing } from './handler.ts';

type Request = RequestOf<typeof AlterReplicaLogDirs>;
type Response = ResponseInput<typeof AlterReplicaLogDirs>;

export const alterReplicaLogDirs = defineHandler(AlterReplicaLogDirs, ['logDirMoves'], {
  handle(request, context, { logDirMoves }) {
    if (!context.may(Operation.ALTER, CLUSTER)) {
      return refuse(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    return context.turns.take(
      answered(request, (topic, partition, path) => logDirMoves.alter({ topic, partition }, path)),
      MOVES_PER_TURN,
    );
  },
  refuse,
});

/** Each may make a log, which is files. */
const MOVES_PER_TURN = 500;

function refuse(request: Request, errorCode: ErrorCode, { turns }: Refusing): Response | Promise<Response> {
  return turns.take(answered(request, () => errorCode));
}

/** Each partition once: of several directories it is named with, the last one counts. */
function* answered(
  { dirs }: Request,
  decide: (topic: string, partition: number, path: string) => ErrorCode,
): Steps<Response> {
  const wanted = new NameMap<{ readonly topicName: string; readonly paths: Map<number, string> }>();
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      if (partitions.length === 0) continue;
      const ofTopic = wanted.get(name) ?? { topicName: name, paths: new LargeMap() };
      wanted.set(name, ofTopic);
      for (const partition of partitions) {
        ofTopic.paths.set(partition, path);
        yield;
      }
    }
  }
  const results: NonNullable<Response['results']>[number][] = [];
  for (const { topicName, paths } of wanted.values()) {
    const partitions: { partitionIndex: number; errorCode: ErrorCode }[] = [];
    for (const [partitionIndex, path] of paths) {
      partitions.push({ partitionIndex, errorCode: decide(topicName, partitionIndex, path) });
      yield;
    }
    results.push({ topicName, partitions });
  }
  return { results };
}
