/**
 * What clients can ask of a broker that means a lot of work, one thing after the other on the same broker:
 * batches that open to a hundred megabytes, thousands of topics and all that can be asked of them, large
 * groups, access rules by the thousand, and every API with one thing named a hundred thousand times, or as
 * many different ones. The tests do some of it, loop-table.ts all.
 */
import { HANDLERS } from '../../broker/handlers/table.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { DescribeAcls } from '../../broker/protocol/messages/29-describe-acls.ts';
import { CreateAcls } from '../../broker/protocol/messages/30-create-acls.ts';
import { DeleteAcls } from '../../broker/protocol/messages/31-delete-acls.ts';
import { DescribeClientQuotas } from '../../broker/protocol/messages/48-describe-client-quotas.ts';
import { AlterClientQuotas } from '../../broker/protocol/messages/49-alter-client-quotas.ts';
import type { AnyApi } from '../../broker/protocol/schema.ts';
import type { Codec } from '../../broker/records/batch.ts';
import { repetitiveFrames } from '../interop/differential/cases.ts';
import { SAMPLES } from '../interop/differential/samples.ts';
import { NOBODY } from '../interop/differential/world.ts';
import {
  AGAIN,
  asking,
  type HeavyWork,
  numbers,
  openingTo,
  PLAIN,
  TIMEOUT_MS,
  topicNames,
  withClient,
} from './heavy-clients.ts';
import { GROUP_WORK } from './heavy-groups.ts';
import { namings } from './heavy-names.ts';
import { TOPIC_WORK } from './heavy-topics.ts';
import { exchange, fetchOf } from './hostile-client.ts';

/** What a broker has to be told so that all of this is served. */
export const HEAVY_PROPERTIES = {
  'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
  'super.users': 'User:ANONYMOUS',
  'allow.everyone.if.no.acl.found': 'true',
  'group.max.session.timeout.ms': '1800000',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  // All members of the large group come before its first generation is complete.
  'group.initial.rebalance.delay.ms': '3000',
} as const;

const ZSTD = 'zstd';
const COMPACT = 'compact';
const ACLS = 10_000;
const TOPIC_RESOURCE = 2;

function producing(name: string, topic: string, times: number, batch: () => Buffer): HeavyWork {
  let records: Buffer | null = null;
  return asking(name, times, (client) => {
    records ??= batch();
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    return client.request(Produce, { acks: 1, timeoutMs: TIMEOUT_MS, topicData });
  });
}

const HUNDRED_MB = { count: 100_000, sizeBytes: 1190 };
const hundredMb = (codec: Codec) => () => openingTo(codec, HUNDRED_MB.count, HUNDRED_MB.sizeBytes);

const BATCHES: readonly HeavyWork[] = [
  {
    name: 'topics for batches',
    run: (port) =>
      withClient(port, async (client) => {
        const topic = { numPartitions: 1, replicationFactor: 1, assignments: [] };
        const topics = [
          { ...topic, name: PLAIN, configs: [] },
          { ...topic, name: ZSTD, configs: [{ name: 'compression.type', value: 'zstd' }] },
          { ...topic, name: COMPACT, configs: [{ name: 'cleanup.policy', value: 'compact' }] },
        ];
        await client.request(CreateTopics, { topics, timeoutMs: 30_000 });
      }),
  },
  producing('Produce: 8 gzip batches opening to 120 MB', PLAIN, 8, hundredMb('gzip')),
  producing('Produce: 8 lz4 batches opening to 120 MB', PLAIN, 8, hundredMb('lz4')),
  producing('Produce: 8 snappy batches opening to 20 MB', PLAIN, 8, () => openingTo('snappy', 17_000, 1190)),
  producing('Produce: 8 gzip batches of 120 MB into zstd', ZSTD, 8, hundredMb('gzip')),
  producing('Produce: 8 gzip batches of 120 MB into compact', COMPACT, 8, hundredMb('gzip')),
  producing('Produce: 300 zstd batches opening to 1 MB', PLAIN, 300, () => openingTo('zstd', 3000, 330)),
  producing('Produce: 300 plain batches of 20,000 tiny records', PLAIN, 300, () =>
    openingTo('none', 20_000, 0),
  ),
  asking('ListOffsets: 100 times by time in a gzip batch', 100, (client) =>
    client.request(ListOffsets, {
      topics: [{ name: PLAIN, partitions: [{ partitionIndex: 0, timestamp: 1 }] }],
    }),
  ),
  asking('Fetch v2: 3 conversions of 1 MB', 3, (client) =>
    client.request(Fetch, fetchOf(PLAIN, 0, 1_000_000), 2),
  ),
  asking('Fetch v0: 3 conversions of 50 MB', 3, (client) =>
    client.request(Fetch, fetchOf(PLAIN, 1_600_000, 50_000_000), 0),
  ),
  asking('Fetch: 20 times 50 MB', 20, (client) => client.request(Fetch, fetchOf(PLAIN, 0, 50_000_000))),
];

const RULES: readonly HeavyWork[] = [
  asking(`CreateAcls: ${ACLS}`, 1, (client) =>
    client.request(CreateAcls, {
      creations: numbers(ACLS).map((n) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName: `topic-${n % 3000}`,
        principal: `User:${n}`,
        host: '*',
        operation: 3,
        permissionType: 3,
      })),
    }),
  ),
  asking('CreateAcls: 3000 on one topic', 1, (client) =>
    client.request(CreateAcls, {
      creations: numbers(3000).map((n) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName: 'one',
        principal: `User:${n}`,
        host: '*',
        operation: 3,
        permissionType: 3,
      })),
    }),
  ),
  asking('DescribeAcls: all, 10 times', 10, (client) =>
    client.request(DescribeAcls, { ...ANY_ACL, patternTypeFilter: 1 }),
  ),
  asking('Metadata: all, with rules, 5 times', 5, (client) =>
    client.request(Metadata, { topics: null, includeTopicAuthorizedOperations: true }),
  ),
  asking('DeleteAcls: all', 1, (client) =>
    client.request(DeleteAcls, {
      filters: [
        {
          resourceTypeFilter: 1,
          resourceNameFilter: null,
          patternTypeFilter: 1,
          principalFilter: null,
          hostFilter: null,
          operation: 1,
          permissionType: 1,
        },
      ],
    }),
  ),
  asking('AlterClientQuotas: 3,000 users', 1, (client) =>
    client.request(AlterClientQuotas, {
      entries: numbers(3000).map((n) => ({
        entity: [{ entityType: 'user', entityName: `user-${n}` }],
        ops: [{ key: 'producer_byte_rate', value: 1e6, remove: false }],
      })),
    }),
  ),
  asking('DescribeClientQuotas: all, 10 times', 10, (client) =>
    client.request(DescribeClientQuotas, { components: [], strict: false }),
  ),
];

const ANY_ACL = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
} as const;

/** Every API with one thing of each of its arrays a hundred thousand times. */
function repetitions(): HeavyWork[] {
  return [...HANDLERS.values()].flatMap(({ api }) => {
    const request = newestRequest(api);
    if (request === undefined) return [];
    return repetitiveFrames(api, request, AGAIN).map(({ path, frame }) => ({
      name: `${api.name}: ${path} × ${AGAIN}`,
      run: async (port: number) => {
        await exchange(port, frame(), TIMEOUT_MS);
      },
    }));
  });
}

function newestRequest({ key, maxVersion }: AnyApi): Readonly<Record<string, unknown>> | undefined {
  return SAMPLES[key]
    ?.find(({ from = 0, to = maxVersion }) => maxVersion >= from && maxVersion <= to)
    ?.request(NOBODY, 0);
}

const ENDING: readonly HeavyWork[] = [
  asking('DeleteTopics: all', 1, (client) =>
    client.request(DeleteTopics, { topics: topicNames().map((name) => ({ name })), timeoutMs: 120_000 }),
  ),
];

/** In this order: later ones need what earlier ones make. */
export function heavyWork(): readonly HeavyWork[] {
  return [...BATCHES, ...TOPIC_WORK, ...GROUP_WORK, ...RULES, ...repetitions(), ...namings(), ...ENDING];
}
