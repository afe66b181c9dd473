/** Differences that are to go, each with what is being mended. */
import type { Deliberate } from './deliberate.ts';

const BEYOND = {
  mutations: ['least', 'greatest'],
  at: ['outcome'],
  reason: 'being mended: int64 beyond 2^53',
};
const AGAIN = ['first twice'];

export const PROVISIONAL: readonly Deliberate[] = [
  {
    ...BEYOND,
    api: 'Fetch',
    paths: ['topics.partitions.fetchOffset', 'topics.partitions.logStartOffset', 'replicaState.replicaEpoch'],
  },
  { ...BEYOND, api: 'OffsetCommit', paths: ['topics.partitions.committedOffset'] },
  { ...BEYOND, api: 'DeleteRecords', paths: ['topics.partitions.offset'] },
  { ...BEYOND, api: 'InitProducerId', paths: ['producerId'] },
  {
    api: 'OffsetCommit',
    paths: ['topics', 'topics.partitions'],
    mutations: ['first twice', 'empty'],
    reason: 'being mended: groups, a partition that is named again is answered once',
  },
  {
    api: 'OffsetFetch',
    paths: ['topics', 'topics.partitionIndexes', 'groups', 'groups.topics', 'groups.topics.partitionIndexes'],
    mutations: AGAIN,
    reason: 'being mended: groups, what is named again',
  },
  {
    api: 'JoinGroup',
    paths: ['protocols.name'],
    mutations: ['empty'],
    at: ['protocolName'],
    reason: 'being mended: groups, an empty protocol name is none',
  },
  {
    api: 'DescribeGroups',
    paths: ['groups'],
    mutations: AGAIN,
    reason: 'being mended: groups, what is named again',
  },
  {
    api: 'DeleteGroups',
    paths: ['groupsNames', 'groupsNames[]'],
    mutations: ['first twice', 'empty'],
    reason: 'being mended: groups, what is named again',
  },
  {
    api: 'CreateTopics',
    paths: ['topics'],
    mutations: AGAIN,
    at: ['topics.length'],
    reason: 'being mended: duplicates in admin requests',
  },
  {
    api: 'CreateTopics',
    versions: [1, 7],
    samples: ['wrong ones'],
    paths: ['topics.numPartitions', 'topics.replicationFactor'],
    mutations: ['0', 'least', 'greatest'],
    at: ['topics.errorCode'],
    reason: 'being mended: CreateTopics, numbers are looked at before the name',
  },
  {
    api: 'DeleteTopics',
    paths: ['topicNames', 'topics'],
    mutations: AGAIN,
    reason: 'being mended: duplicates in admin requests',
  },
  {
    api: 'DeleteTopics',
    versions: [6, 6],
    paths: ['topics.topicId'],
    mutations: ['unknown'],
    reason: 'being mended: DeleteTopics, a topic that is named and has an id is an invalid request',
  },
  {
    api: 'DescribeConfigs',
    samples: ['a topic'],
    at: ['results.errorMessage'],
    reason: 'being mended: configs, the message of a topic that does not exist is empty',
  },
  {
    api: 'DescribeConfigs',
    paths: ['resources.resourceType'],
    mutations: ['least', 'greatest', '-1', '0'],
    reason: 'being mended: configs, a type that can not be described refuses the whole request',
  },
  {
    api: 'DescribeConfigs',
    paths: ['resources'],
    mutations: AGAIN,
    reason: 'being mended: configs, what is named again',
  },
  {
    api: 'DescribeConfigs',
    samples: ['loggers and defaults'],
    at: ['results.configs.length'],
    reason: 'there are no loggers with levels here',
  },
  {
    api: 'ElectLeaders',
    at: [
      'replicaElectionResults.partitionResult.errorMessage',
      'replicaElectionResults.partitionResult.length',
    ],
    reason: 'being mended: controller, why there was no election, and a partition that is named again',
  },
  {
    api: 'OffsetFetch',
    versions: [0, 0],
    paths: ['topics.partitionIndexes'],
    mutations: ['empty'],
    reason: 'being mended: groups, v0 does not speak of topics without partitions',
  },
  {
    api: 'DescribeProducers',
    at: ['topics.partitions.errorMessage'],
    reason: 'being mended: what is wrong, in words',
  },
  {
    api: 'DescribeProducers',
    paths: ['topics.name'],
    mutations: ['empty', 'not UTF-8'],
    at: ['topics.partitions.errorCode'],
    reason: 'being mended: names that can not be are refused',
  },
];
