/** Requests of producers, consumers and members of groups, by API key. They do no harm, as samples.ts says. */
import { buildBatch } from '../../../broker/records/build.ts';
import { writeLegacyMessages } from '../../../broker/records/legacy.ts';
import { ZERO_UUID } from '../../../broker/types.ts';
import { FIRST_TIMESTAMP_MS, MEMBERS, type Sample, TIMEOUT_MS, TOPICS, UNKNOWN_ID } from './world.ts';

const SESSION_MS = 6000;
export const SUBSCRIPTION = Buffer.from([
  0, 1, 0, 0, 0, 1, 0, 5, 0x70, 0x6c, 0x61, 0x69, 0x6e, 0xff, 0xff, 0xff, 0xff,
]);
const PROTOCOLS = [{ name: 'range', metadata: SUBSCRIPTION }];

export function batchAt(timestampMs: number): Buffer {
  return buildBatch({ records: [{ timestampMs, key: Buffer.from('key'), value: Buffer.from('value') }] });
}

const oldMessages = (magic: 0 | 1): Buffer =>
  writeLegacyMessages(
    [{ offset: 0, timestampMs: FIRST_TIMESTAMP_MS, key: Buffer.from('key'), value: Buffer.from('value') }],
    { magic, codec: 'none', logAppendTime: false },
  );

const produce = (records: Buffer) => () => ({
  acks: -1,
  timeoutMs: TIMEOUT_MS,
  topicData: [
    {
      name: 'plain',
      partitionData: [
        { index: 0, records },
        { index: 9, records },
      ],
    },
    { name: 'nobody', partitionData: [{ index: 0, records }] },
  ],
});

const fetchPartitions = [
  { partition: 0, fetchOffset: 0, partitionMaxBytes: 2000 },
  { partition: 9, fetchOffset: 0, partitionMaxBytes: 2000 },
];
const fetch = { maxWaitMs: 20, minBytes: 1, maxBytes: 100_000, sessionEpoch: -1 };

const offsetsAt =
  (...timestamps: number[]) =>
  () => ({
    replicaId: -1,
    topics: timestamps.map((timestamp) => ({
      name: 'trimmed',
      partitions: [
        { partitionIndex: 0, timestamp, maxNumOffsets: 10 },
        { partitionIndex: 9, timestamp },
      ],
    })),
  });

const join = (unique: number) => ({
  groupId: `joined-${unique}`,
  sessionTimeoutMs: SESSION_MS,
  rebalanceTimeoutMs: SESSION_MS,
  memberId: '',
  protocolType: 'consumer',
  protocols: PROTOCOLS,
});

/** By API key. */
export const CLIENT_SAMPLES: Readonly<Record<number, readonly Sample[]>> = {
  0: [
    { name: 'messages of magic 0', to: 1, request: produce(oldMessages(0)) },
    { name: 'messages of magic 1', from: 2, to: 2, request: produce(oldMessages(1)) },
    { name: 'batches', from: 3, request: produce(batchAt(FIRST_TIMESTAMP_MS)) },
    { name: 'batches too early', to: 2, request: produce(batchAt(FIRST_TIMESTAMP_MS)) },
  ],
  1: [
    {
      name: 'names',
      to: 12,
      request: () => ({
        ...fetch,
        topics: [
          { topic: 'trimmed', partitions: fetchPartitions },
          { topic: 'nobody', partitions: fetchPartitions.slice(0, 1) },
        ],
        forgottenTopicsData: [{ topic: 'plain', partitions: [0] }],
      }),
    },
    {
      name: 'ids',
      from: 13,
      request: ({ topicIds }) => ({
        ...fetch,
        topics: [
          { topicId: topicIds.get('trimmed'), partitions: fetchPartitions },
          { topicId: UNKNOWN_ID, partitions: fetchPartitions.slice(0, 1) },
        ],
        forgottenTopicsData: [{ topicId: topicIds.get('plain'), partitions: [0] }],
      }),
    },
    {
      name: 'tagged fields',
      from: 12,
      request: ({ topicIds }) => ({
        ...fetch,
        clusterId: null,
        replicaState: { replicaId: -1, replicaEpoch: -1 },
        topics: [
          {
            topic: 'trimmed',
            topicId: topicIds.get('trimmed'),
            partitions: [
              { partition: 0, fetchOffset: 2, partitionMaxBytes: 10, replicaDirectoryId: UNKNOWN_ID },
            ],
          },
        ],
      }),
    },
    {
      name: 'a new session',
      from: 7,
      request: ({ topicIds }) => ({
        ...fetch,
        sessionEpoch: 0,
        topics: [
          { topic: 'trimmed', topicId: topicIds.get('trimmed'), partitions: fetchPartitions.slice(0, 1) },
        ],
      }),
    },
  ],
  2: [
    { name: 'latest', request: offsetsAt(-1) },
    { name: 'earliest', request: offsetsAt(-2) },
    { name: 'at a time', request: offsetsAt(FIRST_TIMESTAMP_MS + 2) },
    { name: 'special times', from: 1, request: offsetsAt(-3, -4, -5, -6) },
  ],
  3: [
    {
      name: 'named',
      request: () => ({
        topics: [...TOPICS, 'nobody', '..'].map((name) => ({ name, topicId: ZERO_UUID })),
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      }),
    },
    { name: 'all', from: 1, request: () => ({ topics: null, allowAutoTopicCreation: false }) },
    {
      name: 'ids',
      from: 12,
      request: ({ topicIds }) => ({
        topics: [topicIds.get('plain'), UNKNOWN_ID].map((topicId) => ({ topicId, name: null })),
      }),
    },
  ],
  8: [
    {
      name: 'without a member',
      request: () => ({
        groupId: 'simple',
        topics: [
          {
            name: 'plain',
            partitions: [
              { partitionIndex: 0, committedOffset: 3, committedMetadata: 'note' },
              { partitionIndex: 9, committedOffset: 3, committedMetadata: null },
            ],
          },
          { name: 'nobody', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] },
        ],
      }),
    },
    {
      name: 'by the member',
      from: 1,
      request: ({ memberId, generationId }) => ({
        groupId: MEMBERS,
        memberId,
        generationIdOrMemberEpoch: generationId,
        topics: [
          { name: 'plain', partitions: [{ partitionIndex: 0, committedOffset: 4, committedMetadata: '' }] },
        ],
      }),
    },
  ],
  9: [
    {
      name: 'some',
      request: () => {
        const topics = [
          { name: 'plain', partitionIndexes: [0, 9] },
          { name: 'nobody', partitionIndexes: [0] },
        ];
        const groups = ['kept', 'no-group'].map((groupId) => ({ groupId, topics }));
        return { groupId: 'kept', topics, groups };
      },
    },
    {
      name: 'all',
      from: 2,
      request: () => ({ groupId: 'kept', topics: null, groups: [{ groupId: 'kept', topics: null }] }),
    },
  ],
  10: [
    {
      name: 'of a group',
      request: () => ({ key: 'simple', keyType: 0, coordinatorKeys: ['simple', 'other'] }),
    },
  ],
  11: [
    { name: 'a first member', request: (_, unique) => join(unique) },
    {
      name: 'a static member',
      from: 5,
      request: (_, unique) => ({ ...join(unique), groupInstanceId: 'instance', reason: 'because' }),
    },
    { name: 'an unknown member', request: (_, unique) => ({ ...join(unique), memberId: 'nobody' }) },
  ],
  12: [
    {
      name: 'of the member',
      request: ({ memberId, generationId }) => ({ groupId: MEMBERS, memberId, generationId }),
    },
    {
      name: 'of a static member',
      from: 3,
      request: () => ({ groupId: MEMBERS, memberId: 'x', generationId: 1, groupInstanceId: 'y' }),
    },
  ],
  13: [
    {
      name: 'unknown members',
      request: () => ({
        groupId: MEMBERS,
        memberId: 'nobody',
        members: [{ memberId: 'nobody' }, { memberId: '', groupInstanceId: 'nobody', reason: 'because' }],
      }),
    },
    {
      name: 'of an unknown group',
      request: (_, unique) => ({
        groupId: `left-${unique}`,
        memberId: 'nobody',
        members: [{ memberId: 'x' }],
      }),
    },
  ],
  14: [
    {
      name: 'of the member',
      request: ({ memberId, generationId }) => ({
        groupId: MEMBERS,
        generationId,
        memberId,
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [{ memberId, assignment: SUBSCRIPTION }],
      }),
    },
    {
      name: 'of an unknown one',
      request: () => ({ groupId: MEMBERS, generationId: 1, memberId: 'x', groupInstanceId: null }),
    },
  ],
  15: [
    {
      name: 'some',
      request: () => ({ groups: [MEMBERS, 'kept', 'no-group'], includeAuthorizedOperations: true }),
    },
  ],
  16: [
    { name: 'all', request: () => ({}) },
    {
      name: 'filtered',
      from: 4,
      request: () => ({ statesFilter: ['Stable', 'nonsense'], typesFilter: ['classic'] }),
    },
    { name: 'filtered by type', from: 5, request: () => ({ typesFilter: ['Consumer'] }) },
  ],
  17: [{ name: 'PLAIN', request: () => ({ mechanism: 'PLAIN' }) }],
  18: [
    { name: 'a client', request: () => ({ clientSoftwareName: 'a-client', clientSoftwareVersion: '1.0' }) },
  ],
  23: [
    {
      name: 'some',
      request: () => ({
        replicaId: -1,
        topics: [
          {
            topic: 'trimmed',
            partitions: [
              { partition: 0, leaderEpoch: 0 },
              { partition: 9, leaderEpoch: 0 },
            ],
          },
          { topic: 'nobody', partitions: [{ partition: 0, leaderEpoch: 0 }] },
        ],
      }),
    },
  ],
};
