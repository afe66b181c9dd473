/** Records as the console shows them: a page of a partition, keys and values as text or JSON where they are that. */
import { ErrorCode } from '../../broker/errors.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { batchIsTransactional, batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import { readControl } from '../../broker/records/control.ts';
import { readRecords } from '../../broker/records/record.ts';
import { type AdminClient, reasonOf } from '../cli/admin-client.ts';
import { at, EARLIEST, LATEST, offsetsAt, withLeaders } from '../cli/leaders.ts';
import { partitionName, type TopicPartition } from '../cli/partitions.ts';
import { NotFound } from './refusals.ts';
import type { Readable, RecordsPage, RecordView } from './views.ts';
import { readable } from './znode-view.ts';

const FETCH_BYTES = 1024 * 1024;
/** Control batches and what compaction left away may fill several answers. */
const MOST_FETCHES = 20;

/** From `offset` on; a negative one counts from the end. Throws NotFound. */
export async function recordsPage(
  admin: AdminClient,
  place: TopicPartition,
  { offset, most }: { readonly offset: number; readonly most: number },
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
  const records: RecordView[] = [];
  for (let fetches = 0; next < end && records.length < most && fetches < MOST_FETCHES; fetches++) {
    const fetched = await fetch(admin, place, next);
    if (fetched.nextOffset === next) break;
    records.push(...fetched.records.filter((record) => record.offset >= next && record.offset < end));
    next = fetched.nextOffset;
  }
  return { start, end, records: records.slice(0, most) };
}

async function fetch(
  admin: AdminClient,
  place: TopicPartition,
  fetchOffset: number,
): Promise<{ readonly records: readonly RecordView[]; readonly nextOffset: number }> {
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
  const records: RecordView[] = [];
  let nextOffset = fetchOffset;
  for (const batch of completeBatches(bytes)) {
    records.push(...batchViews(bytes, batch));
    nextOffset = batchLastOffset(bytes, batch) + 1;
  }
  return { records, nextOffset };
}

function batchViews(bytes: Buffer, batch: number): RecordView[] {
  const control = readControl(bytes, batch);
  const part = batchIsTransactional(bytes, batch) ? 'part' : 'none';
  const transaction = control?.type === 'COMMIT' ? 'commit' : control?.type === 'ABORT' ? 'abort' : part;
  return readRecords(bytes, batch).map(({ offset, timestampMs, key, value, headers }) => ({
    offset,
    timestampMs: String(timestampMs),
    key: control === null ? readableOrNull(key) : null,
    value: control === null ? readableOrNull(value) : null,
    headers: headers.map((header) => [String(header.key), readableOrNull(header.value)] as const),
    transaction,
  }));
}

function readableOrNull(bytes: Buffer | null): Readable | null {
  return bytes === null ? null : readable(bytes);
}
