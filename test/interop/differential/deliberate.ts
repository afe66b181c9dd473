/**
 * Where this broker and Apache Kafka 3.9.1 answer differently, and why. A difference that is not here
 * fails the test, and so does one that is here and does not occur any more.
 */
import type { Case } from './cases.ts';
import type { Difference } from './compared.ts';

export interface Deliberate {
  readonly api: string;
  /** Least and greatest version; without it all. */
  readonly versions?: readonly [number, number];
  readonly samples?: readonly string[];
  /** Which changes of which fields; without it every request of the samples. */
  readonly paths?: readonly string[];
  readonly mutations?: readonly string[];
  /** Where in the answer, 'outcome' for how it ended; without it anywhere. */
  readonly at?: readonly string[];
  /** What Kafka has there, where that is the point. */
  readonly kafkas?: string;
  readonly reason: string;
}

const SMALL = ['least', '-1'];
const NO_CODE = ['least', 'greatest', '-1'];
const NO_NUMBER = ['least', 'greatest'];
const NULL = ['null', 'length -2'];

export const DELIBERATE: readonly Deliberate[] = [
  {
    api: 'Produce',
    paths: ['topicData.partitionData.records'],
    mutations: NULL,
    at: ['outcome'],
    kafkas: 'silent',
    reason:
      'Kafka throws while it makes the answer to what it threw before, and never answers; INVALID_RECORD here',
  },
  {
    api: 'Produce',
    versions: [3, 11],
    paths: ['topicData.partitionData.records'],
    mutations: ['empty'],
    at: ['responses.partitionResponses.logStartOffset', 'responses.partitionResponses.errorMessage'],
    reason: 'the same error, but with the reason and the log start offset',
  },
  ...['Fetch', 'ListOffsets'].map((api) => ({
    api,
    paths: ['isolationLevel'],
    mutations: NO_CODE,
    reason:
      'Kafka throws at an isolation level that does not exist; here all but read_committed is read_uncommitted',
  })),
  {
    api: 'Fetch',
    paths: ['maxBytes', 'topics.partitions.partitionMaxBytes'],
    mutations: SMALL,
    reason:
      'Kafka throws at a negative size; here it is a limit below that of one batch, which is always given',
  },
  {
    api: 'Fetch',
    paths: ['replicaId', 'replicaState.replicaId'],
    mutations: ['0', 'greatest'],
    reason:
      'replicas are fed over the channels of the peers, so that none is served here, whatever it asks for',
  },
  {
    api: 'Fetch',
    paths: ['sessionId'],
    mutations: NO_NUMBER,
    reason:
      'Kafka looks for the session beyond the end of its table and throws; here it is a session that is unknown',
  },
  {
    api: 'Fetch',
    versions: [13, 17],
    paths: ['topics.topicId'],
    mutations: ['zero'],
    reason: 'Kafka throws at the zero id; here it is an id that is unknown',
  },
  {
    api: 'Metadata',
    versions: [12, 12],
    paths: ['topics.name'],
    mutations: NULL,
    reason:
      'Kafka throws at a topic with neither name nor id; here it is an invalid name, and others are answered',
  },
  {
    api: 'AddPartitionsToTxn',
    versions: [4, 5],
    paths: ['transactions'],
    mutations: ['empty'],
    at: ['outcome'],
    kafkas: 'silent',
    reason: 'Kafka answers with the last of the transactions, and so never when there are none',
  },
  {
    api: 'AddPartitionsToTxn',
    versions: [4, 5],
    paths: ['transactions'],
    mutations: ['first twice'],
    reason: 'a transaction that is named again is answered once, as it was named last',
  },
  {
    api: 'WriteTxnMarkers',
    paths: ['markers.topics', 'markers.topics.partitionIndexes'],
    mutations: ['first twice'],
    at: ['outcome'],
    kafkas: 'silent',
    reason:
      'Kafka waits for as many outcomes as partitions are named, and never answers; here one counts once',
  },
  {
    api: 'TxnOffsetCommit',
    samples: ['of an open one, without the group'],
    paths: ['producerEpoch'],
    mutations: ['-1'],
    at: ['topics.partitions.errorCode'],
    kafkas: '-1',
    reason: 'Kafka throws while it makes a batch of the epoch -1; here that is an epoch that is too old',
  },
  {
    api: 'OffsetFetch',
    versions: [8, 9],
    paths: ['groups'],
    mutations: ['empty'],
    at: ['outcome'],
    kafkas: 'silent',
    reason: 'Kafka answers with the last of the groups, and so never when there are none',
  },
  ...[
    { api: 'OffsetFetch', paths: ['groups'] },
    { api: 'DescribeGroups', paths: ['groups'] },
    { api: 'DescribeConfigs', paths: ['resources'] },
    { api: 'DescribeProducers', paths: ['topics', 'topics.partitionIndexes'] },
    { api: 'DescribeTransactions', paths: ['transactionalIds'] },
  ].map((named) => ({
    ...named,
    mutations: ['first twice'],
    reason:
      'an answer that is far longer than the name that it is asked by is given once, however often it is named',
  })),
  {
    api: 'JoinGroup',
    paths: ['protocols'],
    mutations: ['first twice'],
    at: ['outcome'],
    kafkas: 'silent',
    reason:
      'Kafka throws while it counts the votes for protocols, and never answers; here a name counts once',
  },
  {
    api: 'CreatePartitions',
    paths: ['topics.name'],
    mutations: ['empty', 'not UTF-8'],
    reason: 'a name that ZooKeeper does not take makes Kafka throw, for all topics of the request',
  },
  {
    api: 'CreateTopics',
    versions: [1, 7],
    samples: ['by assignment'],
    paths: [
      'topics.assignments.partitionIndex',
      'topics.assignments.brokerIds',
      'topics.assignments.brokerIds[]',
    ],
    mutations: ['least', '-1', 'empty'],
    reason:
      'Kafka makes topics with partition numbers or replicas that can not be, or throws; here the assignment is invalid',
  },
  {
    api: 'AlterConfigs',
    paths: ['resources'],
    mutations: ['first twice'],
    at: ['outcome'],
    kafkas: 'silent',
    reason: 'Kafka throws while it pairs answers with resources, and never answers',
  },
  {
    api: 'IncrementalAlterConfigs',
    paths: ['resources.configs.configOperation'],
    mutations: NO_CODE,
    reason:
      'Kafka throws at an operation that does not exist; here the resource is refused with INVALID_REQUEST',
  },
  {
    api: 'IncrementalAlterConfigs',
    paths: ['resources.resourceName'],
    mutations: ['not UTF-8'],
    at: ['responses.errorCode'],
    reason: 'Kafka tells of a path that ZooKeeper does not take; here the topic does not exist',
  },
  {
    api: 'AlterPartitionReassignments',
    paths: ['topics.name'],
    mutations: ['empty', 'not UTF-8'],
    at: ['responses.partitions.errorCode'],
    reason: 'Kafka looks for a reassignment to call off before it looks for the topic',
  },
  {
    api: 'OffsetDelete',
    paths: ['topics', 'topics.partitions'],
    mutations: ['first twice'],
    at: ['topics.partitions.length'],
    reason: 'Kafka repeats the refusals, though not the successes, of partitions that are named again',
  },
  {
    api: 'DescribeConfigs',
    versions: [0, 0],
    at: ['results.configs.isDefault'],
    reason:
      'Kafka leaves the flag of v0 unset since later versions have a source instead; here it is true of defaults',
  },
  {
    api: 'CreateDelegationToken',
    samples: ['of another'],
    paths: ['ownerPrincipalType'],
    mutations: NULL,
    reason: 'Kafka throws at an owner with a name and without a type; to us he is somebody else all the same',
  },
];

/** The entries that speak of a request, whatever comes of it. */
export function entriesFor(sent: Case): Deliberate[] {
  const { api, version, sample, path, mutation } = sent;
  return DELIBERATE.filter(
    (entry) =>
      entry.api === api.name &&
      version >= (entry.versions?.[0] ?? 0) &&
      version <= (entry.versions?.[1] ?? version) &&
      (entry.samples?.includes(sample) ?? true) &&
      (entry.paths?.includes(path) ?? true) &&
      (entry.mutations?.includes(mutation) ?? true),
  );
}

export function explains(entry: Deliberate, { at, kafkas }: Difference): boolean {
  return (entry.at?.includes(at) ?? true) && (entry.kafkas === undefined || entry.kafkas === kafkas);
}

/** APIs that Kafka announces in ZooKeeper mode and this broker does not, by key; all others in the same versions. */
export const UNSERVED: readonly { readonly reason: string; readonly keys: readonly number[] }[] = [
  { reason: 'spoken between brokers, which do so over WebSockets here', keys: [4, 5, 6, 7, 56, 58, 67] },
  { reason: 'consumer groups of KIP-848', keys: [68, 69] },
];
