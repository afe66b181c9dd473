/**
 * DescribeLogDirs (35), versions 0-4: this broker's log directories, the replicas in them and how big
 * they are. v3+ an error at the top; v4 the size of the volume and the bytes still usable on it.
 * Source: ReplicaManager.describeLogDirs.
 */

import { ErrorCode } from '../errors.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { DescribeLogDirs } from '../protocol/messages/35-describe-log-dirs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { partitionKey } from '../types.ts';
import { defineHandler } from './handler.ts';
import type { Needs } from './services.ts';

type Wanted = RequestOf<typeof DescribeLogDirs>['topics'];
type Result = NonNullable<ResponseInput<typeof DescribeLogDirs>['results']>[number];

const UNKNOWN_BYTES = -1;

const NEEDS = ['disk', 'logs'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const describeLogDirs = defineHandler(DescribeLogDirs, NEEDS, {
  handle(request, context, services) {
    if (!context.may(Operation.DESCRIBE, CLUSTER)) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
    }
    const isWanted = wantedBy(request.topics);
    const logs = [...services.logs.all()].filter(isWanted);
    const results = services.logs.directories().map(({ path, online }): Result => {
      if (!online) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: path };
      return {
        errorCode: ErrorCode.NONE,
        logDir: path,
        topics: byTopic(logs.filter(({ logDirectory }) => logDirectory === path)),
        ...volume(path, services),
      };
    });
    return { results };
  },
  refuse: (_request, errorCode) => ({ errorCode }),
});

function wantedBy(wanted: Wanted): (log: PartitionLog) => boolean {
  if (wanted === null) return () => true;
  const keys = new Set(
    wanted.flatMap(({ topic, partitions }) => partitions.map((partition) => partitionKey(topic, partition))),
  );
  return ({ topic, partition }) => keys.has(partitionKey(topic, partition));
}

function byTopic(logs: readonly PartitionLog[]): NonNullable<Result['topics']> {
  const topics = Map.groupBy(logs, ({ topic }) => topic);
  return [...topics].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map((log) => ({
      partitionIndex: log.partition,
      partitionSize: log.sizeBytes,
      offsetLag: Math.max(0, log.highWatermark - log.endOffset),
      isFutureKey: false,
    })),
  }));
}

function volume(path: string, { disk }: Needed): { totalBytes: number; usableBytes: number } {
  try {
    return { totalBytes: disk.totalBytes(path), usableBytes: disk.freeBytes(path) };
  } catch {
    // The volume has just failed; whoever next reads or writes a log on it takes the directory offline.
    return { totalBytes: UNKNOWN_BYTES, usableBytes: UNKNOWN_BYTES };
  }
}
