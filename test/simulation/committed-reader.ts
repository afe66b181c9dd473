/**
 * Reads a partition from its beginning as a consumer of committed data does: what belongs to a transaction that
 * the broker lists as aborted is left out from its first record to its marker.
 * Source: Fetcher of Kafka's consumer.
 */
import { ErrorCode } from '../../broker/errors.ts';
import type { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import type { ResponseOf } from '../../broker/protocol/schema.ts';
import { batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import { AbortedTransactions } from '../kit/aborted-transactions.ts';
import type { ClusterClient } from './cluster-client.ts';

const READ_COMMITTED = 1;
const MAX_BYTES = 1024 * 1024;

type PartitionAnswer = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number];

/** null when the partition can't be read to its end: no leader, or a transaction that is still open. */
export async function readCommitted(
  client: ClusterClient,
  topic: string,
  partition: number,
): Promise<string[] | null> {
  const values: string[] = [];
  let position = 0;
  for (;;) {
    const answer = await fetchFrom(client, { topic, partition, position });
    if (answer === null || answer.errorCode !== ErrorCode.NONE) return null;
    const before = position;
    position = take(answer, position, values);
    if (position === answer.highWatermark) return values;
    if (position === before) return null;
  }
}

/** Adds what is committed to `values`; where to go on. */
export function take(
  { records, abortedTransactions }: Pick<PartitionAnswer, 'records' | 'abortedTransactions'>,
  from: number,
  values: string[],
): number {
  if (records === null) return from;
  const aborted = new AbortedTransactions(abortedTransactions);
  let position = from;
  for (const at of completeBatches(records)) {
    const lastOffset = batchLastOffset(records, at);
    if (!aborted.leaveOut(records, at)) {
      for (const { offset, value } of readRecords(records, at)) {
        if (offset >= from) values.push(`${value}`);
      }
    }
    position = Math.max(position, lastOffset + 1);
  }
  return position;
}

/** What the leader has from a position on, for a reader of committed data; null when it is not known. */
export async function fetchFrom(
  client: ClusterClient,
  { topic, partition, position }: { topic: string; partition: number; position: number },
): Promise<PartitionAnswer | null> {
  const leader = client.leader(topic, partition);
  if (leader === null) return null;
  const { leaderEpoch: currentLeaderEpoch } = leader;
  const answer = await client.fetch(leader, partition, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    isolationLevel: READ_COMMITTED,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        topicId: leader.topicId,
        partitions: [{ partition, currentLeaderEpoch, fetchOffset: position, partitionMaxBytes: MAX_BYTES }],
      },
    ],
  });
  return answer.responses[0]?.partitions[0] ?? null;
}
