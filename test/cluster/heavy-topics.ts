/** Thousands of topics and partitions, and all that can be asked of all of them at once. */
import { ErrorCode } from '../../broker/errors.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteRecords } from '../../broker/protocol/messages/21-delete-records.ts';
import { OffsetForLeaderEpoch } from '../../broker/protocol/messages/23-offset-for-leader-epoch.ts';
import { DescribeConfigs } from '../../broker/protocol/messages/32-describe-configs.ts';
import { AlterConfigs } from '../../broker/protocol/messages/33-alter-configs.ts';
import { DescribeLogDirs } from '../../broker/protocol/messages/35-describe-log-dirs.ts';
import { ElectLeaders } from '../../broker/protocol/messages/43-elect-leaders.ts';
import { IncrementalAlterConfigs } from '../../broker/protocol/messages/44-incremental-alter-configs.ts';
import { DescribeProducers } from '../../broker/protocol/messages/61-describe-producers.ts';
import type { ResponseOf } from '../../broker/protocol/schema.ts';
import {
  AGAIN,
  asking,
  everywhere,
  type HeavyWork,
  NARROW,
  narrowNames,
  newTopic,
  numbers,
  openingTo,
  PARTITIONS,
  PLAIN,
  TIMEOUT_MS,
  topicNames,
  WIDE,
  wideNames,
  withClient,
} from './heavy-clients.ts';
import { fetchOf } from './hostile-client.ts';

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
/** Of which hardly any is there: what a client names is remembered all the same. */
const SESSION = 200_000;

const areMade = ({ topics }: ResponseOf<typeof CreateTopics>): boolean =>
  topics.every(({ errorCode }) => errorCode === ErrorCode.NONE);

export const TOPIC_WORK: readonly HeavyWork[] = [
  asking(
    `CreateTopics: ${NARROW} topics`,
    1,
    (client) =>
      client.request(CreateTopics, {
        topics: narrowNames().map((name) => newTopic(name, 1)),
        timeoutMs: 120_000,
      }),
    areMade,
  ),
  asking(
    `CreateTopics: ${WIDE} topics of ${PARTITIONS} partitions`,
    1,
    (client) =>
      client.request(CreateTopics, {
        topics: wideNames().map((name) => newTopic(name, PARTITIONS)),
        timeoutMs: 120_000,
      }),
    areMade,
  ),
  asking('CreateTopics: 10,000 that are only checked', 1, (client) =>
    client.request(CreateTopics, {
      topics: numbers(10_000).map((n) => newTopic(`checked-${n}`, 1)),
      timeoutMs: 120_000,
      validateOnly: true,
    }),
  ),
  asking('Metadata: all, 20 times', 20, (client) => client.request(Metadata, { topics: null })),
  {
    name: 'Metadata: all, by 20 at once',
    run: async (port) => {
      const ask = () => withClient(port, (client) => client.request(Metadata, { topics: null }));
      await Promise.all(numbers(20).map(ask));
    },
  },
  asking('Metadata: 100,000 unknown names', 1, (client) =>
    client.request(Metadata, {
      topics: numbers(AGAIN).map((n) => ({ name: `unknown-${n}` })),
      allowAutoTopicCreation: false,
    }),
  ),
  asking(
    'Produce: into all partitions, 3 times',
    3,
    (client) => {
      const records = openingTo('none', 1, 10);
      const topicData = everywhere((index) => ({ index, records })).map(({ name, partitions }) => ({
        name,
        partitionData: partitions,
      }));
      return client.request(Produce, { acks: 1, timeoutMs: TIMEOUT_MS, topicData });
    },
    ({ responses }) =>
      responses.every(({ partitionResponses }) =>
        partitionResponses.every(({ errorCode }) => errorCode === ErrorCode.NONE),
      ),
  ),
  asking(
    'Fetch: all partitions, 10 times',
    10,
    (client) =>
      client.request(
        Fetch,
        {
          ...fetchOf(PLAIN, 0, 50_000_000),
          topics: everywhere((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })).map(
            ({ name, partitions }) => ({ topic: name, partitions }),
          ),
        },
        12,
      ),
    ({ responses }) =>
      responses.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === ErrorCode.NONE)),
  ),
  asking('Fetch: all partitions, waiting', 3, (client) =>
    client.request(
      Fetch,
      {
        ...fetchOf(PLAIN, 0, 50_000_000),
        maxWaitMs: 300,
        minBytes: 100_000_000,
        topics: everywhere((partition) => ({ partition, fetchOffset: 3, partitionMaxBytes: 1000 })).map(
          ({ name, partitions }) => ({ topic: name, partitions }),
        ),
      },
      12,
    ),
  ),
  asking('Fetch: 100,000 unknown partitions', 1, (client) =>
    client.request(
      Fetch,
      {
        ...fetchOf(PLAIN, 0, 50_000_000),
        topics: [
          {
            topic: PLAIN,
            partitions: numbers(AGAIN).map((partition) => ({
              partition: partition + 1,
              fetchOffset: 0,
              partitionMaxBytes: 1000,
            })),
          },
        ],
      },
      12,
    ),
  ),
  { name: `Fetch: a session of ${SESSION} partitions, 3 times`, run: largeSession },
  asking('ListOffsets: all partitions, 10 times', 10, (client) =>
    client.request(ListOffsets, {
      topics: everywhere((partitionIndex) => ({ partitionIndex, timestamp: -1 })),
    }),
  ),
  asking('ListOffsets: all partitions by time, 3 times', 3, (client) =>
    client.request(ListOffsets, {
      topics: everywhere((partitionIndex) => ({ partitionIndex, timestamp: 1 })),
    }),
  ),
  asking('OffsetForLeaderEpoch: all partitions, 10 times', 10, (client) =>
    client.request(OffsetForLeaderEpoch, {
      topics: everywhere((partition) => ({ partition, leaderEpoch: 0 })).map(({ name, partitions }) => ({
        topic: name,
        partitions,
      })),
    }),
  ),
  asking('DescribeProducers: all partitions, 3 times', 3, (client) =>
    client.request(DescribeProducers, {
      topics: everywhere((index) => index).map(({ name, partitions }) => ({
        name,
        partitionIndexes: partitions,
      })),
    }),
  ),
  asking('DeleteRecords: all partitions', 1, (client) =>
    client.request(DeleteRecords, {
      topics: everywhere((partitionIndex) => ({ partitionIndex, offset: 1 })),
      timeoutMs: 60_000,
    }),
  ),
  asking('DescribeConfigs: all topics, 2 times', 2, (client) =>
    client.request(DescribeConfigs, {
      resources: topicNames().map((resourceName) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName,
        configurationKeys: null,
      })),
      includeSynonyms: true,
      includeDocumentation: true,
    }),
  ),
  asking('IncrementalAlterConfigs: all topics', 1, (client) =>
    client.request(IncrementalAlterConfigs, {
      resources: topicNames().map((resourceName) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '86400000' }],
      })),
    }),
  ),
  asking('IncrementalAlterConfigs: 100,000 configs of the broker, only judged', 1, (client) =>
    client.request(IncrementalAlterConfigs, {
      resources: [
        {
          resourceType: BROKER_RESOURCE,
          resourceName: '1',
          configs: numbers(AGAIN).map((n) => ({ name: `config-${n}`, configOperation: 0, value: '1' })),
        },
      ],
      validateOnly: true,
    }),
  ),
  asking('AlterConfigs: all topics', 1, (client) =>
    client.request(AlterConfigs, {
      resources: topicNames().map((resourceName) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName,
        configs: [{ name: 'retention.ms', value: '96400000' }],
      })),
    }),
  ),
  asking('DescribeLogDirs: all, 10 times', 10, (client) => client.request(DescribeLogDirs, { topics: null })),
  asking('ElectLeaders: all', 2, (client) =>
    client.request(ElectLeaders, { electionType: 0, topicPartitions: null, timeoutMs: 60_000 }),
  ),
];

async function largeSession(port: number): Promise<void> {
  await withClient(port, async (client) => {
    const partitions = numbers(SESSION).map((partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 1000,
    }));
    const nothing = { ...fetchOf(PLAIN, 0, 50_000_000), topics: [] };
    const begin = { ...nothing, sessionId: 0, sessionEpoch: 0, topics: [{ topic: PLAIN, partitions }] };
    const { sessionId } = await client.request(Fetch, begin, 12);
    if (sessionId === 0) throw new Error('no session was made');
    for (let sessionEpoch = 1; sessionEpoch <= 3; sessionEpoch++) {
      const { errorCode } = await client.request(Fetch, { ...nothing, sessionId, sessionEpoch }, 12);
      if (errorCode !== ErrorCode.NONE) throw new Error(`the session was refused: ${errorCode}`);
    }
  });
}
