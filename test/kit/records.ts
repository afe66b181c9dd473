/** Records as plain values, to topics and from them, over the wire as any client's. */
import { ErrorCode, isRetriable } from '../../broker/errors.ts';
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import { buildBatch, type RecordInput } from '../../broker/records/build.ts';
import { type RecordData, readRecords } from '../../broker/records/record.ts';
import { type AdminClient, type ClusterMetadata, reasonOf } from '../../scripts/cli/admin-client.ts';
import { AbortedTransactions } from './aborted-transactions.ts';
import { murmur2 } from './murmur2.ts';
import { until, type WaitOptions } from './waits.ts';

/** A record to be produced; a text alone is its value. */
export interface RecordToSend {
  readonly key?: string | Buffer | null;
  readonly value?: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** By the key as Kafka's own producer does it, else in turns, unless given. */
  readonly partition?: number;
  /** Now, by the brokers' clock, unless given. */
  readonly timestampMs?: number;
}

/** Where a record came to lie. */
export interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
}

export interface ConsumedRecord extends Acknowledged {
  readonly key: string | null;
  readonly value: string | null;
  /** Of several headers with one name the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

export interface ConsumeOptions extends WaitOptions {
  /** All unless given. */
  readonly partition?: number;
  /** Offset to begin at, in each partition; the first there is unless given. */
  readonly from?: number;
  /** Waits until there are so many; what there is at the moment unless given. */
  readonly count?: number;
  /** As a consumer has it: what belongs to no transaction that has been committed is left out, or not. */
  readonly isolation?: Isolation;
}

type Isolation = 'read_uncommitted' | 'read_committed';

const ISOLATIONS: readonly Isolation[] = ['read_uncommitted', 'read_committed'];
const RECORD_FIELDS: readonly (keyof RecordToSend)[] = [
  'key',
  'value',
  'headers',
  'partition',
  'timestampMs',
];
const CONSUME_OPTIONS: readonly (keyof ConsumeOptions)[] = [
  'partition',
  'from',
  'count',
  'isolation',
  'timeoutMs',
];
const LATEST = -1;
const EARLIEST = -2;
const FETCH_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Errors that pass: the cluster is changing, or a topic is on its way. */
const PASSING: readonly number[] = [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.LEADER_NOT_AVAILABLE];

/** Resolves when all are acknowledged by all in-sync replicas; tried again while the cluster is changing. */
export async function produce(
  admin: AdminClient,
  topic: string,
  records: readonly (RecordToSend | string)[],
  { nowMs, ...options }: WaitOptions & { readonly nowMs: number },
): Promise<Acknowledged[]> {
  for (const record of records)
    if (typeof record !== 'string') refuseUnknown(Object.keys(record), RECORD_FIELDS, 'field of a record');
  const partitions = await partitionCount(admin, topic, options);
  const parted = records.map((record, index) => {
    const { key = null, partition, ...rest } = typeof record === 'string' ? { value: record } : record;
    const chosen =
      partition ?? (key === null ? index : murmur2(bytesOf(key) ?? Buffer.alloc(0))) % partitions;
    return { index, partition: chosen, record: inputOf({ key, ...rest }, nowMs) };
  });
  const acknowledged: Acknowledged[] = [];
  for (const [partition, own] of Map.groupBy(parted, (each) => each.partition)) {
    const batch = buildBatch({ records: own.map(({ record }) => record) });
    const baseOffset = await append(admin, { topic, partition }, batch, options);
    for (const [at, { index }] of own.entries()) acknowledged[index] = { partition, offset: baseOffset + at };
  }
  return acknowledged;
}

/** In the order of their offsets, partition by partition. */
export async function consume(
  admin: AdminClient,
  topic: string,
  { partition, from, count, isolation = 'read_uncommitted', ...wait }: ConsumeOptions = {},
): Promise<ConsumedRecord[]> {
  refuseUnknown(Object.keys(wait), CONSUME_OPTIONS, 'option of consume');
  refuseUnknown([isolation], ISOLATIONS, 'isolation of a consumer');
  const partitions = await partitionCount(admin, topic, wait);
  const asked = partition === undefined ? Array.from({ length: partitions }, (_, each) => each) : [partition];
  const what = count === undefined ? 'the records' : `${count} records`;
  return until(`${what} of ${topic}`, wait, async () => {
    const found: ConsumedRecord[] = [];
    for (const each of asked) found.push(...(await read(admin, { topic, partition: each, isolation }, from)));
    if (count !== undefined && found.length < count) return { seen: `there are ${found.length}` };
    return { done: count === undefined ? found : found.slice(0, count) };
  });
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface IsolatedPlace extends Place {
  readonly isolation: Isolation;
}

function partitionCount(admin: AdminClient, topic: string, wait: WaitOptions): Promise<number> {
  return until(`topic ${topic}`, wait, async () => {
    const { partitions = [], errorCode = ErrorCode.NONE } = (await admin.metadata([topic])).topics[0] ?? {};
    if (errorCode === ErrorCode.NONE && partitions.length > 0) return { done: partitions.length };
    return { seen: reasonOf({ errorCode }) };
  });
}

function append(
  admin: AdminClient,
  { topic, partition }: Place,
  batch: Buffer,
  wait: WaitOptions,
): Promise<number> {
  const partitionData = [{ index: partition, records: batch }];
  const request = { acks: -1, timeoutMs: TIMEOUT_MS, topicData: [{ name: topic, partitionData }] };
  return until(`records to be acknowledged by ${topic}-${partition}`, wait, async () => {
    const answer = await askLeader(admin, { topic, partition }, (leader, metadata) =>
      admin.askBroker(leader, metadata, Produce, request),
    );
    if (answer === null) return { seen: 'it has no leader' };
    const {
      errorCode = ErrorCode.NONE,
      baseOffset = -1,
      errorMessage = null,
    } = answer.responses[0]?.partitionResponses[0] ?? {};
    if (errorCode === ErrorCode.NONE) return { done: baseOffset };
    const reason = reasonOf({ errorCode, errorMessage });
    if (!isRetriable(errorCode) && !PASSING.includes(errorCode))
      throw new Error(`${topic}-${partition}: ${reason}`);
    return { seen: `the answer is ${reason}` };
  });
}

/** All there is from `from` up to the high watermark, or to the last stable offset. */
async function read(admin: AdminClient, place: IsolatedPlace, from = 0): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  for await (const { bytes, at } of storedBatches(admin, place, from)) {
    const batch = readRecords(bytes, at).filter(({ offset }) => offset >= from);
    records.push(...batch.map((each) => plain(each, place.partition)));
  }
  return records;
}

/** A batch as it is stored: it begins at `at` of these bytes. */
interface StoredBatch {
  readonly bytes: Buffer;
  readonly at: number;
}

/** The batches that are there now and have records from `from` on, without those that are left out. */
export async function* storedBatches(
  admin: AdminClient,
  place: IsolatedPlace,
  from = 0,
): AsyncGenerator<StoredBatch> {
  const end = await offsetAt(admin, place, LATEST);
  let at = Math.max(from, await offsetAt(admin, place, EARLIEST));
  while (at < end) {
    const partition = await fetchAt(admin, place, at);
    if (partition.errorCode !== ErrorCode.NONE) throw new Error(`${place.topic}: ${reasonOf(partition)}`);
    const bytes = partition.records ?? Buffer.alloc(0);
    const aborted = new AbortedTransactions(partition.abortedTransactions);
    let next = at;
    for (const batchAt of completeBatches(bytes)) {
      next = batchLastOffset(bytes, batchAt) + 1;
      if (!aborted.leaveOut(bytes, batchAt)) yield { bytes, at: batchAt };
    }
    if (next === at) break;
    at = next;
  }
}

async function offsetAt(
  admin: AdminClient,
  { topic, partition, isolation }: IsolatedPlace,
  timestamp: number,
): Promise<number> {
  const partitions = [{ partitionIndex: partition, timestamp }];
  const request = {
    replicaId: -1,
    isolationLevel: ISOLATIONS.indexOf(isolation),
    topics: [{ name: topic, partitions }],
  };
  const answer = await askLeader(admin, { topic, partition }, (leader, metadata) =>
    admin.askBroker(leader, metadata, ListOffsets, request),
  );
  const found = answer?.topics[0]?.partitions[0];
  if (found === undefined || found.errorCode !== ErrorCode.NONE)
    throw new Error(`${topic}-${partition}: ${found === undefined ? 'no leader' : reasonOf(found)}`);
  return found.offset;
}

/** By name, without a session: an answer holds what is there now. */
async function fetchAt(
  admin: AdminClient,
  { topic, partition, isolation }: IsolatedPlace,
  fetchOffset: number,
) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES }];
  const answer = await askLeader(admin, { topic, partition }, (leader, metadata) => {
    const topicId = metadata.topics[0]?.topicId ?? '';
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: FETCH_BYTES, replicaId: -1 };
    const how = { sessionId: 0, sessionEpoch: -1, isolationLevel: ISOLATIONS.indexOf(isolation) };
    const topics = [{ topic, topicId, partitions }];
    const request = { ...limits, ...how, topics, forgottenTopicsData: [], rackId: '' };
    return admin.askBroker(leader, metadata, Fetch, request);
  });
  const found = answer?.responses[0]?.partitions[0];
  if (found === undefined) throw new Error(`${topic}-${partition}: no leader`);
  return found;
}

async function askLeader<T>(
  admin: AdminClient,
  { topic, partition }: Place,
  ask: (leader: number, metadata: ClusterMetadata) => Promise<T>,
): Promise<T | null> {
  const metadata = await admin.metadata([topic]);
  const known = metadata.topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
  if (known === undefined || known.leaderId < 0) return null;
  return ask(known.leaderId, metadata);
}

function inputOf({ key, value = null, headers = {}, timestampMs }: RecordToSend, nowMs: number): RecordInput {
  return {
    key: bytesOf(key ?? null),
    value: bytesOf(value),
    timestampMs: timestampMs ?? nowMs,
    headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
  };
}

function bytesOf(value: string | Buffer | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function plain({ key, value, offset, timestampMs, headers }: RecordData, partition: number): ConsumedRecord {
  return {
    partition,
    offset,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    timestampMs: Number(timestampMs),
    headers: Object.fromEntries(headers.map((header) => [header.key, header.value?.toString() ?? ''])),
  };
}
