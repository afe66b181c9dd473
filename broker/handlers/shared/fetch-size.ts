/**
 * How many bytes a fetch is answered with, as the quota of fetching is charged for them: the whole response of its
 * version as Kafka measures it, before records are converted, with the four bytes of its length.
 * Source: FetchResponse.sizeOf, KafkaApis.handleFetchRequest.
 */
import { FEW, type Steps } from '../../platform/turns.ts';
import type { Fetched } from './fetch-response.ts';

const LENGTH_BYTES = 4;
const FIRST_WITH_THROTTLE_TIME = 1;
const FIRST_WITH_STABLE_OFFSET = 4;
const FIRST_WITH_START_OFFSET = 5;
const FIRST_WITH_SESSIONS = 7;
const FIRST_WITH_PREFERRED_REPLICA = 11;
const FIRST_FLEXIBLE = 12;
const FIRST_WITH_TOPIC_IDS = 13;
const ABORTED_TRANSACTION_BYTES = 16;
const TAGS_BYTES = 1;
const UUID_BYTES = 16;

/** Of the outcomes that the answer would hold, neighbours of one topic together. What is only told with an error is left out. */
export function* fetchedSizeBytes(apiVersion: number, outcomes: readonly Fetched[]): Steps<number> {
  const since = (version: number, bytes: number): number => (apiVersion >= version ? bytes : 0);
  const isFlexible = apiVersion >= FIRST_FLEXIBLE;
  const listBytes = (count: number): number => (isFlexible ? uvarintBytes(count + 1) : 4);
  const tagsBytes = since(FIRST_FLEXIBLE, TAGS_BYTES);
  const topics = yield* topicsOf(outcomes);
  let sizeBytes =
    LENGTH_BYTES +
    since(FIRST_WITH_THROTTLE_TIME, 4) +
    since(FIRST_WITH_SESSIONS, 6) +
    listBytes(topics.length) +
    tagsBytes;
  for (const { topic, partitions } of topics) {
    const nameBytes = Buffer.byteLength(topic ?? '');
    sizeBytes +=
      apiVersion >= FIRST_WITH_TOPIC_IDS
        ? UUID_BYTES
        : nameBytes + (isFlexible ? uvarintBytes(nameBytes + 1) : 2);
    sizeBytes += listBytes(partitions.length) + tagsBytes;
    for (const { abortedTransactions, records } of partitions) {
      const aborted = abortedTransactions?.length ?? 0;
      sizeBytes +=
        14 +
        since(FIRST_WITH_STABLE_OFFSET, 8 + aborted * (ABORTED_TRANSACTION_BYTES + tagsBytes)) +
        since(FIRST_WITH_STABLE_OFFSET, abortedTransactions === null && isFlexible ? 1 : listBytes(aborted)) +
        since(FIRST_WITH_START_OFFSET, 8) +
        since(FIRST_WITH_PREFERRED_REPLICA, 4) +
        listBytes(records.length) +
        records.length +
        tagsBytes;
      if (outcomes.length > FEW) yield;
    }
  }
  return sizeBytes;
}

interface OfTopic {
  readonly topic: string | null;
  readonly topicId: string;
  readonly partitions: Fetched[];
}

function* topicsOf(outcomes: readonly Fetched[]): Steps<OfTopic[]> {
  const topics: OfTopic[] = [];
  for (const fetched of outcomes) {
    const { topic, topicId } = fetched.wanted;
    const last = topics.at(-1);
    if (last?.topic === topic && last.topicId === topicId) last.partitions.push(fetched);
    else topics.push({ topic, topicId, partitions: [fetched] });
    if (outcomes.length > FEW) yield;
  }
  return topics;
}

function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) bytes += 1;
  return bytes;
}
