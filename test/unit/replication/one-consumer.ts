/** A consumer of one partition, for the tests of what a fetch brings. */
import { Turns } from '../../../broker/platform/turns.ts';
import { completeBatches } from '../../../broker/records/batch.ts';
import { readRecords } from '../../../broker/records/record.ts';
import type { FetchOutcome } from '../../../broker/replication/requests/read-partition.ts';
import type { FetchRequest } from '../../../broker/replication/requests/replica-fetch.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { bytesOfPart } from '../../support/message-bytes.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';

interface Wanted extends Partial<Omit<FetchRequest, 'partitions'>> {
  readonly offset?: number;
  readonly partition?: number;
  readonly topic?: string;
  readonly epoch?: number;
  readonly lastEpoch?: number;
  readonly topicId?: string;
  readonly partitionMaxBytes?: number;
}

export async function fetch(
  cluster: ReplicationCluster,
  id: number,
  wanted: Wanted = {},
): Promise<FetchOutcome> {
  const [outcome] = await cluster.clock.runUntilSettled(fetching(cluster, id, wanted), 60_000);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
}

export function fetching(cluster: ReplicationCluster, id: number, wanted: Wanted): Promise<FetchOutcome[]> {
  const { offset = 0, partition = 0, topic = TOPIC, epoch = -1, lastEpoch = -1, ...rest } = wanted;
  const { partitionMaxBytes = 1_000_000, topicId = ZERO_UUID, ...limits } = rest;
  const want = {
    topic,
    topicId,
    partition,
    fetchOffset: offset,
    currentLeaderEpoch: epoch,
    lastFetchedEpoch: lastEpoch,
    maxBytes: partitionMaxBytes,
    logStartOffset: -1,
  };
  return Promise.resolve(
    cluster.node(id).replicas.fetch(
      {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 10_000_000,
        isolation: 'read_uncommitted',
        clientRack: '',
        partitions: [want],
        ...limits,
      },
      new Turns(cluster.clock),
    ),
  );
}

export function values(outcome: FetchOutcome): string[] {
  const records = bytesOfPart(outcome.records);
  return [...completeBatches(records)].flatMap((at) =>
    readRecords(records, at).map(({ offset, value }) => `${offset}:${value}`),
  );
}

export async function oneBroker(topic: Record<string, string> = {}): Promise<ReplicationCluster> {
  const cluster = await ReplicationCluster.start({ brokers: 1, topic });
  cluster.create([1]);
  return cluster;
}
