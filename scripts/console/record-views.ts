/** Records as the console shows them: a page of a partition, with keys and values as they can be read. */
import { ErrorCode } from '../../broker/errors.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { batchIsTransactional, batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import { readControl } from '../../broker/records/control.ts';
import { type RecordData, readRecords } from '../../broker/records/record.ts';
import { type AdminClient, reasonOf } from '../cli/admin-client.ts';
import { at, EARLIEST, LATEST, offsetsAt, withLeaders } from '../cli/leaders.ts';
import { partitionName, type TopicPartition } from '../cli/partitions.ts';
import type { ValueReader } from './avro/value-reader.ts';
import { NotFound } from './refusals.ts';
import type { RecordsPage, RecordView } from './views.ts';

const FETCH_BYTES = 1024 * 1024;
/** Control batches and what compaction left away may fill several answers. */
const MOST_FETCHES = 20;

interface RecordsAsked {
  /** Negative: counts from the end. */
  readonly offset: number;
  readonly most: number;
  readonly values: ValueReader;
}

/** From `offset` on. Throws NotFound. */
export async function recordsPage(
  admin: AdminClient,
  place: TopicPartition,
  { offset, most, values }: RecordsAsked,
): Promise<RecordsPage> {
  const [starts, ends] = await Promise.all([
    offsetsAt(admin, at([place], EARLIEST)),
    offsetsAt(admin, at([place], LATEST)),
  ]);
  const name = partitionName(place);
  const problem = starts.problems.get(name) ?? ends.problems.get(name);
  if (problem !== undefined) throw new NotFound(`${name}: ${problem}`);
  const start = starts.found.get(name)?.offset ?? 0;
  const end = ends.found.get(name)?.offset ?? 0;
  let next = Math.max(start, offset < 0 ? end + offset : offset);
  const records: Fetched[] = [];
  for (let fetches = 0; next < end && records.length < most && fetches < MOST_FETCHES; fetches++) {
    const fetched = await fetch(admin, place, next);
    if (fetched.nextOffset === next) break;
    records.push(...fetched.records.filter((record) => record.offset >= next && record.offset < end));
    next = fetched.nextOffset;
  }
  const shown = records.slice(0, most).map((record) => viewOf(record, values));
  return { start, end, records: await Promise.all(shown) };
}

async function fetch(
  admin: AdminClient,
  place: TopicPartition,
  fetchOffset: number,
): Promise<{ readonly records: readonly Fetched[]; readonly nextOffset: number }> {
  const { metadata, byLeader, problems } = await withLeaders(admin, [place]);
  const [leader] = byLeader.keys();
  if (leader === undefined) throw new NotFound(`${partitionName(place)}: ${[...problems.values()].join()}`);
  const { topicId = '' } = metadata.topics.find(({ name }) => name === place.topic) ?? {};
  const partition = { partition: place.partition, fetchOffset, partitionMaxBytes: FETCH_BYTES };
  const answer = await admin.askBroker(leader, metadata, Fetch, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: place.topic, topicId, partitions: [partition] }],
    forgottenTopicsData: [],
  });
  const result = answer.responses[0]?.partitions[0];
  const errorCode = result?.errorCode ?? answer.errorCode;
  if (errorCode !== ErrorCode.NONE) throw new Error(`${partitionName(place)}: ${reasonOf({ errorCode })}`);
  const bytes = result?.records ?? Buffer.alloc(0);
  const records: Fetched[] = [];
  let nextOffset = fetchOffset;
  for (const batch of completeBatches(bytes)) {
    records.push(...fetchedRecords(bytes, batch));
    nextOffset = batchLastOffset(bytes, batch) + 1;
  }
  return { records, nextOffset };
}

interface Fetched extends RecordData {
  readonly transaction: RecordView['transaction'];
}

function fetchedRecords(bytes: Buffer, batch: number): Fetched[] {
  const control = readControl(bytes, batch);
  const part = batchIsTransactional(bytes, batch) ? 'part' : 'none';
  const transaction = control?.type === 'COMMIT' ? 'commit' : control?.type === 'ABORT' ? 'abort' : part;
  const records = readRecords(bytes, batch).map((record) => ({ ...record, transaction }) as const);
  // What a marker is made of is the brokers' own.
  return control === null ? records : records.map((record) => ({ ...record, key: null, value: null }));
}

async function viewOf(record: Fetched, values: ValueReader): Promise<RecordView> {
  const { offset, timestampMs, key, value, headers, transaction } = record;
  const [readKey, readValue, ...readHeaders] = await Promise.all(
    [key, value, ...headers.map((header) => header.value)].map((bytes) => values.read(bytes)),
  );
  return {
    offset,
    timestampMs: String(timestampMs),
    key: readKey ?? null,
    value: readValue ?? null,
    headers: headers.map((header, at) => [String(header.key), readHeaders[at] ?? null] as const),
    transaction,
  };
}
