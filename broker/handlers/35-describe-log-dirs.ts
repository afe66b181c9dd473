/**
 * DescribeLogDirs (35), versions 0-4: this broker's log directories, the replicas in them and how big
 * they are; of those on their way to another directory also their future, and how far it is behind. v3+ an error at the top; v4 the size of the volume and the bytes still usable on it.
 * Source: ReplicaManager.describeLogDirs.
 */

import { ErrorCode } from '../errors.ts';
import { LargeSet } from '../large-map.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { Steps } from '../platform/turns.ts';
import { DescribeLogDirs } from '../protocol/messages/35-describe-log-dirs.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { partitionKey } from '../types.ts';
import { defineHandler } from './handler.ts';
import type { Needs } from './services.ts';
import { byTopic } from './shared/by-topic.ts';

type Wanted = RequestOf<typeof DescribeLogDirs>['topics'];
type Result = NonNullable<ResponseInput<typeof DescribeLogDirs>['results']>[number];

const UNKNOWN_BYTES = -1;
const UNKNOWN_LAG = -1;

const NEEDS = ['disk', 'logs'] as const;
type Needed = Needs<(typeof NEEDS)[number]>;

export const describeLogDirs = defineHandler(DescribeLogDirs, NEEDS, {
  handle(request, context, services) {
    if (!context.may(Operation.DESCRIBE, CLUSTER)) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
    }
    return context.turns.take(described(request.topics, services));
  },
  refuse: (_request, errorCode) => ({ errorCode }),
});

function* described(wanted: Wanted, services: Needed): Steps<{ readonly results: readonly Result[] }> {
  const keys = wanted === null ? null : yield* keysOf(wanted);
  const byDirectory = new Map<string, Described[]>();
  // As they are now: each is looked at in its turn.
  const logs = [
    ...[...services.logs.all()].map((log) => ({ log, isFuture: false })),
    ...[...services.logs.futures.all()].map((log) => ({ log, isFuture: true })),
  ];
  for (const { log, isFuture } of logs) {
    yield;
    if (keys?.has(partitionKey(log.topic, log.partition)) === false) continue;
    const there = byDirectory.get(log.logDirectory) ?? [];
    byDirectory.set(log.logDirectory, there);
    there.push(isFuture ? future(log, services) : current(log));
  }
  const results: Result[] = [];
  for (const { path, online } of services.logs.directories()) {
    if (!online) results.push({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: path });
    else {
      const topics = yield* byTopic(byDirectory.get(path) ?? [], partitionOf, (name, partitions) => ({
        name,
        partitions,
      }));
      results.push({
        errorCode: ErrorCode.NONE,
        logDir: path,
        topics,
        ...volume(path, services),
      });
    }
  }
  return { results };
}

function* keysOf(wanted: NonNullable<Wanted>): Steps<ReadonlySet<string>> {
  const keys = new LargeSet<string>();
  for (const { topic, partitions } of wanted) {
    for (const partition of partitions) {
      keys.add(partitionKey(topic, partition));
      yield;
    }
  }
  return keys;
}

interface Described {
  readonly topic: string;
  readonly log: PartitionLog;
  readonly offsetLag: number;
  readonly isFutureKey: boolean;
}

function current(log: PartitionLog): Described {
  const offsetLag = Math.max(0, log.highWatermark - log.endOffset);
  return { topic: log.topic, log, offsetLag, isFutureKey: false };
}

function future(log: PartitionLog, { logs }: Needed): Described {
  const moved = logs.log(log.topic, log.partition);
  const offsetLag = moved === undefined ? UNKNOWN_LAG : moved.endOffset - log.endOffset;
  return { topic: log.topic, log, offsetLag, isFutureKey: true };
}

function partitionOf({ log, offsetLag, isFutureKey }: Described) {
  return { partitionIndex: log.partition, partitionSize: log.sizeBytes, offsetLag, isFutureKey };
}

function volume(path: string, { disk }: Needed): { totalBytes: number; usableBytes: number } {
  try {
    return { totalBytes: disk.totalBytes(path), usableBytes: disk.freeBytes(path) };
  } catch {
    // The volume has just failed; whoever next reads or writes a log on it takes the directory offline.
    return { totalBytes: UNKNOWN_BYTES, usableBytes: UNKNOWN_BYTES };
  }
}
