/** Requests of administrators, by API key. They do no harm, as samples.ts says. */
import { MEMBERS, type Sample, TIMEOUT_MS, UNKNOWN_ID } from './world.ts';

export const ADMIN_SAMPLES: Readonly<Record<number, readonly Sample[]>> = {
  19: [
    {
      name: 'by number',
      request: (_, unique) => ({
        topics: [
          {
            name: `made-${unique}`,
            numPartitions: 2,
            replicationFactor: 1,
            configs: [{ name: 'retention.ms', value: '1000' }],
          },
          { name: 'plain', numPartitions: 1, replicationFactor: 1 },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
    },
    {
      name: 'by assignment',
      from: 1,
      request: (_, unique) => ({
        topics: [
          {
            name: `assigned-${unique}`,
            numPartitions: -1,
            replicationFactor: -1,
            assignments: [{ partitionIndex: 0, brokerIds: [1] }],
          },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
    },
    {
      name: 'wrong ones',
      from: 1,
      request: () => ({
        topics: [
          { name: 'a b', numPartitions: 1, replicationFactor: 1 },
          { name: 'replicated', numPartitions: 1, replicationFactor: 3 },
          {
            name: 'named',
            numPartitions: 1,
            replicationFactor: 1,
            configs: [{ name: 'no.such.config', value: '1' }],
          },
          {
            name: 'valued',
            numPartitions: 1,
            replicationFactor: 1,
            configs: [{ name: 'retention.ms', value: 'x' }],
          },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
    },
  ],
  20: [
    {
      name: 'unknown topics',
      request: () => ({
        topics: [{ name: 'nobody' }, { name: null, topicId: UNKNOWN_ID }],
        topicNames: ['nobody', 'no body'],
        timeoutMs: TIMEOUT_MS,
      }),
    },
  ],
  21: [
    {
      name: 'some',
      request: () => ({
        topics: [
          {
            name: 'configured',
            partitions: [
              { partitionIndex: 0, offset: 1 },
              { partitionIndex: 9, offset: 1 },
            ],
          },
          { name: 'nobody', partitions: [{ partitionIndex: 0, offset: 1 }] },
        ],
        timeoutMs: TIMEOUT_MS,
      }),
    },
  ],
  34: [
    {
      name: 'some',
      request: () => ({
        dirs: [
          {
            path: '/nowhere',
            topics: [
              { name: 'plain', partitions: [0, 9] },
              { name: 'nobody', partitions: [0] },
            ],
          },
        ],
      }),
    },
  ],
  32: [
    {
      name: 'a topic',
      request: () => ({
        resources: [
          { resourceType: 2, resourceName: 'configured', configurationKeys: null },
          { resourceType: 2, resourceName: 'nobody', configurationKeys: null },
          { resourceType: 2, resourceName: 'plain', configurationKeys: ['retention.ms', 'nonsense'] },
        ],
        includeSynonyms: true,
      }),
    },
    {
      name: 'the broker',
      request: () => ({
        resources: [{ resourceType: 4, resourceName: '1', configurationKeys: null }],
        includeSynonyms: true,
      }),
    },
    {
      name: 'loggers and defaults',
      request: () => ({
        resources: [
          { resourceType: 4, resourceName: '', configurationKeys: null },
          { resourceType: 4, resourceName: '7', configurationKeys: null },
          { resourceType: 8, resourceName: '1', configurationKeys: ['root'] },
        ],
      }),
    },
    {
      name: 'client metrics and groups',
      request: () => ({
        resources: [
          { resourceType: 16, resourceName: 'x', configurationKeys: null },
          { resourceType: 32, resourceName: 'x', configurationKeys: null },
        ],
      }),
    },
  ],
  33: [
    {
      name: 'topics',
      request: () => ({
        resources: [
          {
            resourceType: 2,
            resourceName: 'configured',
            configs: [{ name: 'retention.ms', value: '86400000' }],
          },
          { resourceType: 2, resourceName: 'nobody', configs: [{ name: 'retention.ms', value: '1' }] },
          { resourceType: 4, resourceName: '1', configs: [{ name: 'log.cleaner.threads', value: '1' }] },
        ],
        validateOnly: true,
      }),
    },
  ],
  35: [
    {
      name: 'some',
      request: () => ({
        topics: [
          { topic: 'trimmed', partitions: [0, 9] },
          { topic: 'nobody', partitions: [0] },
        ],
      }),
    },
  ],
  37: [
    {
      name: 'some',
      request: () => ({
        topics: [
          { name: 'plain', count: 3, assignments: null },
          { name: 'trimmed', count: 2, assignments: [{ brokerIds: [1] }] },
          { name: 'configured', count: 1, assignments: null },
          { name: 'nobody', count: 2, assignments: null },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: true,
      }),
    },
  ],
  42: [{ name: 'some', request: () => ({ groupsNames: ['no-group', MEMBERS, ''] }) }],
  43: [
    {
      name: 'some',
      request: () => ({
        electionType: 0,
        topicPartitions: [
          { topic: 'plain', partitions: [0, 9] },
          { topic: 'nobody', partitions: [0] },
        ],
        timeoutMs: TIMEOUT_MS,
      }),
    },
    { name: 'all', request: () => ({ electionType: 0, topicPartitions: null, timeoutMs: TIMEOUT_MS }) },
  ],
  44: [
    {
      name: 'some',
      request: () => ({
        resources: [
          {
            resourceType: 2,
            resourceName: 'configured',
            configs: [{ name: 'retention.ms', configOperation: 0, value: '86400000' }],
          },
          {
            resourceType: 2,
            resourceName: 'plain',
            configs: [{ name: 'cleanup.policy', configOperation: 2, value: 'compact' }],
          },
          {
            resourceType: 2,
            resourceName: 'nobody',
            configs: [{ name: 'retention.ms', configOperation: 1, value: null }],
          },
          {
            resourceType: 4,
            resourceName: '',
            configs: [{ name: 'log.cleaner.threads', configOperation: 0, value: '1' }],
          },
        ],
        validateOnly: true,
      }),
    },
  ],
  45: [
    {
      name: 'some',
      request: () => ({
        timeoutMs: TIMEOUT_MS,
        topics: [
          {
            name: 'plain',
            partitions: [
              { partitionIndex: 0, replicas: [1] },
              { partitionIndex: 1, replicas: null },
              { partitionIndex: 9, replicas: [1] },
            ],
          },
          { name: 'nobody', partitions: [{ partitionIndex: 0, replicas: [1] }] },
        ],
      }),
    },
  ],
  46: [
    { name: 'all', request: () => ({ timeoutMs: TIMEOUT_MS, topics: null }) },
    {
      name: 'some',
      request: () => ({
        timeoutMs: TIMEOUT_MS,
        topics: [
          { name: 'plain', partitionIndexes: [0, 9] },
          { name: 'nobody', partitionIndexes: [0] },
        ],
      }),
    },
  ],
  47: [
    {
      name: 'some',
      request: () => ({
        groupId: 'simple',
        topics: [
          { name: 'plain', partitions: [{ partitionIndex: 7 }] },
          { name: 'nobody', partitions: [{ partitionIndex: 0 }] },
        ],
      }),
    },
    {
      name: 'of an unknown group',
      request: (_, unique) => ({
        groupId: `unknown-${unique}`,
        topics: [{ name: 'plain', partitions: [{ partitionIndex: 0 }] }],
      }),
    },
  ],
  48: [
    { name: 'everybody', request: () => ({ components: [], strict: false }) },
    {
      name: 'some',
      request: () => ({
        components: [
          { entityType: 'user', matchType: 0, match: 'alice' },
          { entityType: 'client-id', matchType: 2, match: null },
        ],
        strict: true,
      }),
    },
  ],
  49: [
    {
      name: 'only looked at',
      request: () => ({
        entries: [
          {
            entity: [
              { entityType: 'user', entityName: 'alice' },
              { entityType: 'client-id', entityName: null },
            ],
            ops: [
              { key: 'producer_byte_rate', value: 1024, remove: false },
              { key: 'request_percentage', value: 0, remove: true },
            ],
          },
        ],
        validateOnly: true,
      }),
    },
  ],
  57: [
    {
      name: 'none that there is',
      request: () => ({
        timeoutMs: TIMEOUT_MS,
        featureUpdates: [
          { feature: 'metadata.version', maxVersionLevel: 3 },
          { feature: 'nothing', maxVersionLevel: 1 },
        ],
      }),
    },
    {
      name: 'to be removed',
      to: 0,
      request: () => ({
        timeoutMs: TIMEOUT_MS,
        featureUpdates: [{ feature: 'nothing', maxVersionLevel: 0, allowDowngrade: true }],
      }),
    },
    {
      name: 'to be removed, in the new way',
      from: 1,
      request: () => ({
        timeoutMs: TIMEOUT_MS,
        featureUpdates: [{ feature: 'nothing', maxVersionLevel: 0, upgradeType: 2 }],
        validateOnly: true,
      }),
    },
  ],
  60: [{ name: 'with operations', request: () => ({ includeClusterAuthorizedOperations: true }) }],
  61: [
    {
      name: 'some',
      request: () => ({
        topics: [
          { name: 'plain', partitionIndexes: [0, 9] },
          { name: 'nobody', partitionIndexes: [0] },
        ],
      }),
    },
  ],
};
