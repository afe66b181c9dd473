/**
 * The length of a batch has rotted in the middle of a segment that was stopped cleanly: what Apache's broker answers
 * of the log then, and what its coordinator knows of groups, and what ours does with the same files.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorName } from '../../broker/errors.ts';
import { partitionForKey } from '../../broker/java-hash.ts';
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { batchBaseOffset, completeBatches } from '../../broker/records/batch.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { eventually } from '../support/eventually.ts';
import { copyForApache, startApacheOnCopy, withConnection } from './apache-in-place.ts';
import { APACHE_VERSION, type ApacheBroker, stopApacheProcess } from './apache-process.ts';
import { type InteropCluster, skipped, startInteropCluster } from './interop-cluster.ts';
import { jarsLack } from './java-jars.ts';

const TOPIC = 'kept';
const COMMITTED = 'committed';
const OFFSETS = '__consumer_offsets';
const RECORDS = 12;
const PER_SEGMENT = 3;
const SEGMENT_BYTES = '400';
const LENGTH_AT = 8;
/** What is less can't be one. */
const SMALLEST_LENGTH = 14;
const SESSION_TIMEOUT_MS = 4000;
const TIMEOUT_MS = 120_000;
const skip = skipped("Apache's broker on rotten lengths", jarsLack(APACHE_VERSION));

/** One a partition, in the second batch of its second segment. */
const LENGTHS = [0, -1, 13, 2 ** 31 - 1, 100_000];

/** What of a partition of the topic, and of the offsets of a group, lies where. */
interface Layout {
  /** The offset of the damaged batch, and of the next segment. */
  readonly damaged: number;
  readonly next: number;
}

let interop: InteropCluster;
let apache: ApacheBroker | null = null;
const layouts: { topic: Layout; group: Layout; groupId: string }[] = [];

beforeAll(async () => {
  if (skip) return;
  interop = await startInteropCluster({
    brokers: 1,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    properties: {
      'offsets.topic.num.partitions': String(LENGTHS.length),
      'offsets.topic.replication.factor': '1',
      'offsets.topic.segment.bytes': SEGMENT_BYTES,
      'log.cleaner.enable': 'false',
      'controlled.shutdown.enable': 'false',
    },
  });
  await withConnection(interop, writeAll);
  await interop.cluster.broker(1).child.stop(60_000);
  const data = join(interop.cluster.broker(1).directory, 'data');
  for (const [partition, length] of LENGTHS.entries()) {
    layouts.push({
      topic: damage(join(data, `${TOPIC}-${partition}`), length),
      group: damage(join(data, `${OFFSETS}-${partition}`), length),
      groupId: groupIn(partition),
    });
  }
  await copyForApache(interop);
}, TIMEOUT_MS);
afterAll(async () => {
  apache?.child.kill('SIGKILL');
  await interop?.close();
});

function groupIn(partition: number): string {
  for (let number = 0; ; number++)
    if (partitionForKey(`group-${number}`, LENGTHS.length) === partition) return `group-${number}`;
}

function damage(directory: string, length: number): Layout {
  const logs = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort();
  const path = join(directory, logs[1] ?? '');
  const bytes = readFileSync(path);
  const at = [...completeBatches(bytes)][1];
  if (at === undefined || logs.length < 3) throw new Error(`${directory} has too few batches: ${logs}`);
  const field = Buffer.alloc(4);
  field.writeInt32BE(length);
  const file = openSync(path, 'r+');
  writeSync(file, field, 0, 4, at + LENGTH_AT);
  closeSync(file);
  return { damaged: batchBaseOffset(bytes, at), next: Number.parseInt(logs[2] ?? '', 10) };
}

async function writeAll(connection: KafkaConnection): Promise<void> {
  const configs = [{ name: 'segment.bytes', value: SEGMENT_BYTES }];
  const made = { replicationFactor: 1, assignments: [] };
  await connection.request(CreateTopics, {
    topics: [
      { ...made, name: TOPIC, numPartitions: LENGTHS.length, configs },
      { ...made, name: COMMITTED, numPartitions: RECORDS, configs: [] },
    ],
    timeoutMs: 10_000,
  });
  await coordinatorsAreThere(connection);
  for (const partition of LENGTHS.keys()) {
    for (let index = 0; index < RECORDS; index++) {
      const value = Buffer.from(`record ${index} ${'x'.repeat(30)}`);
      const records = buildBatch({ records: [{ timestampMs: 1000 + index, key: null, value }] });
      const topicData = [{ name: TOPIC, partitionData: [{ index: partition, records }] }];
      const { responses } = await connection.request(Produce, { acks: -1, timeoutMs: 5000, topicData });
      expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
      const commit = { partitionIndex: index, committedOffset: 100 + index, committedMetadata: '' };
      const { topics } = await connection.request(
        OffsetCommit,
        { groupId: groupIn(partition), memberId: '', topics: [{ name: COMMITTED, partitions: [commit] }] },
        8,
      );
      expect(topics[0]?.partitions[0]?.errorCode).toBe(0);
    }
  }
}

async function coordinatorsAreThere(connection: KafkaConnection): Promise<void> {
  const groups = [...LENGTHS.keys()].map(groupIn);
  await eventually('all groups have a coordinator that has read its log', async () => {
    const { coordinators } = await connection.request(FindCoordinator, {
      keyType: 0,
      coordinatorKeys: groups,
    });
    if (coordinators.some(({ errorCode }) => errorCode !== 0)) return false;
    const known = await Promise.all(groups.map((groupId) => committed(connection, groupId)));
    return known.every(({ error }) => error === 'NONE');
  });
}

/** The partitions for which the group has an offset. */
async function committed(connection: KafkaConnection, groupId: string) {
  const asked = { groups: [{ groupId, topics: null }], requireStable: false };
  const { groups } = await connection.request(OffsetFetch, asked, 8);
  const partitions = (groups[0]?.topics ?? []).flatMap((topic) => topic.partitions);
  const known = partitions.filter(({ committedOffset }) => committedOffset >= 0);
  return {
    error: errorName(groups[0]?.errorCode ?? -1),
    partitions: known.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b),
  };
}

/** Offsets of the whole batches that are answered first. */
async function fetched(connection: KafkaConnection, partition: number, fetchOffset: number) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }];
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: TOPIC, partitions }] };
  const { responses } = await connection.request(Fetch, request, 11);
  const { errorCode = -1, records } = responses[0]?.partitions[0] ?? {};
  const bytes = records ?? Buffer.alloc(0);
  const offsets: number[] = [];
  try {
    for (const at of completeBatches(bytes)) offsets.push(batchBaseOffset(bytes, at));
  } catch {
    offsets.push(Number.NaN);
  }
  return [errorName(errorCode), ...offsets];
}

async function listed(connection: KafkaConnection, partition: number, timestamp: number) {
  const partitions = [{ partitionIndex: partition, timestamp }];
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: TOPIC, partitions }] };
  const { topics } = await connection.request(ListOffsets, request, 5);
  const { errorCode = -1, offset = -1 } = topics[0]?.partitions[0] ?? {};
  return `${errorName(errorCode)} ${offset}`;
}

/** Of each partition what is answered at the damage, behind it, by time, and what its group has. */
async function found() {
  return withConnection(interop, async (connection) => {
    await coordinatorsAreThere(connection);
    const all = [];
    for (const [partition, { topic, groupId }] of layouts.entries()) {
      all.push({
        length: LENGTHS[partition],
        atDamage: await fetched(connection, partition, topic.damaged),
        behind: await fetched(connection, partition, topic.damaged + 1),
        next: await fetched(connection, partition, topic.next),
        byTime: await listed(connection, partition, 1000 + topic.damaged),
        group: (await committed(connection, groupId)).partitions,
      });
    }
    return all;
  });
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe.skipIf(skip)('a rotten length', () => {
  test(
    'is to Apache what we say that it is',
    async () => {
      apache = await startApacheOnCopy(interop);
      expect(await found()).toEqual(
        layouts.map(({ topic, group }, partition) => {
          const length = LENGTHS[partition] ?? 0;
          const next = ['NONE', ...upTo(topic.next, topic.next + PER_SEGMENT)];
          const read = length < SMALLEST_LENGTH ? ['CORRUPT_MESSAGE'] : next;
          const byTime = length < SMALLEST_LENGTH ? 'CORRUPT_MESSAGE -1' : 'NONE -1';
          // It loads nothing at all of a partition in which it can't go on within what it has read.
          const known = length === 100_000 ? [...upTo(0, group.damaged), ...upTo(group.next, RECORDS)] : [];
          return { length, atDamage: read, behind: read, next, byTime, group: known };
        }),
      );
      await stopApacheProcess(apache);
    },
    TIMEOUT_MS,
  );

  test(
    'is to our broker what it is to Apache, but that more is known and found, and what is not is told',
    async () => {
      await interop.cluster.restart(1);
      expect(await found()).toEqual(
        layouts.map(({ topic, group }, partition) => {
          const length = LENGTHS[partition] ?? 0;
          const next = ['NONE', ...upTo(topic.next, topic.next + PER_SEGMENT)];
          const read = length < SMALLEST_LENGTH ? ['CORRUPT_MESSAGE'] : next;
          const byTime = length < SMALLEST_LENGTH ? 'CORRUPT_MESSAGE -1' : `NONE ${topic.next}`;
          const known = [...upTo(0, group.damaged), ...upTo(group.next, RECORDS)];
          return { length, atDamage: read, behind: read, next, byTime, group: known };
        }),
      );
      const log = readFileSync(interop.cluster.broker(1).child.logFile, 'utf8');
      for (const [partition, { topic, group }] of layouts.entries()) {
        const lost = ({ damaged, next }: Layout) =>
          `of what is asked for, offsets ${damaged} up to ${next} can't be read`;
        expect(log.split(`[${TOPIC}-${partition}] ${lost(topic)}`)).toHaveLength(2);
        expect(log).toContain(`Loading ${OFFSETS}-${partition} without what is lost: ${lost(group)}`);
      }
    },
    TIMEOUT_MS,
  );
});
