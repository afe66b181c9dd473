/** Two brokers on equal properties: ours, and Apache Kafka's; with the same topics, records and groups. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemPlatform } from '../../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { OffsetCommit } from '../../../broker/protocol/messages/08-offset-commit.ts';
import { FindCoordinator } from '../../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../../broker/protocol/messages/11-join-group.ts';
import { SyncGroup } from '../../../broker/protocol/messages/14-sync-group.ts';
import { CreateTopics } from '../../../broker/protocol/messages/19-create-topics.ts';
import { InitProducerId } from '../../../broker/protocol/messages/22-init-producer-id.ts';
import { AddPartitionsToTxn } from '../../../broker/protocol/messages/24-add-partitions-to-txn.ts';
import { LocalCluster } from '../../../scripts/cluster/local-cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { javaArguments } from '../java-jars.ts';
import { batchAt, SUBSCRIPTION } from './client-samples.ts';
import { FIRST_TIMESTAMP_MS, IDLE, MEMBERS, OPEN, RECORDS, TOPICS, type World } from './world.ts';

const VERSION = '3.9.1';
const START_TIMEOUT_MS = 60_000;
const SESSION_TIMEOUT_MS = 18_000;
const PROPERTIES = {
  'auto.create.topics.enable': 'false',
  'controlled.shutdown.enable': 'false',
  'controlled.shutdown.max.retries': '2',
  'controlled.shutdown.retry.backoff.ms': '500',
  'default.replication.factor': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.retention.ms': '-1',
  'min.insync.replicas': '1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
};
/**
 * The level is the one that both start with, but only what the start is recognised by is written: each
 * request that Kafka can't read would be a page.
 */
const LOG4J = `log4j.rootLogger=INFO
log4j.logger.kafka.server.KafkaServer=INFO, stdout
log4j.logger.kafka.network.DataPlaneAcceptor=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
`;

const PRODUCER = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };

interface Side {
  readonly port: number;
  readonly world: World;
}

export interface Pair {
  /** `httpPort`: where its metrics are. */
  readonly ours: Side & { readonly httpPort: number };
  /** `pid`: of its JVM. */
  readonly kafkas: Side & { readonly pid: number };
  /** Of both; Kafka's znodes are below /apache. */
  readonly zookeeperConnect: string;
  close(): Promise<void>;
}

interface PairOptions {
  /** Of both brokers, over those that all pairs have. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Done once our broker and its ZooKeeper are there, and before Kafka's starts. */
  readonly prepare?: (zookeeperConnect: string) => Promise<void>;
}

export async function startPair({ properties = {}, prepare }: PairOptions = {}): Promise<Pair> {
  const both = { ...PROPERTIES, ...properties };
  const directory = mkdtempSync(join(tmpdir(), 'odradek-differential-'));
  let apache: ChildProcess | null = null;
  let cluster: LocalCluster | null = null;
  const close = async (): Promise<void> => {
    apache?.kill('SIGKILL');
    await cluster?.abandon();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    cluster = await LocalCluster.start({
      brokers: 1,
      basePort: 0,
      directory,
      zookeeper: null,
      zookeeperPort: 0,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      properties: both,
    });
    await prepare?.(cluster.zookeeperConnect);
    const started = startApache(directory, `${cluster.zookeeperConnect}/apache`, both);
    apache = started.child;
    const { port, peerPort } = cluster.broker(1);
    const [ours, kafkasPort] = await Promise.all([furnish(port), started.port]);
    return {
      ours: { port, world: ours, httpPort: peerPort },
      kafkas: { port: kafkasPort, world: await furnish(kafkasPort), pid: started.child.pid ?? 0 },
      zookeeperConnect: cluster.zookeeperConnect,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function startApache(
  directory: string,
  zookeeper: string,
  given: Readonly<Record<string, string>>,
): { child: ChildProcess; port: Promise<number> } {
  const [properties, log4j, logFile] = ['server.properties', 'log4j.properties', 'server.log'].map((name) =>
    join(directory, `apache-${name}`),
  ) as [string, string, string];
  writeFileSync(log4j, LOG4J);
  const all = {
    ...given,
    'broker.id': '1',
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': join(directory, 'apache-data'),
    'zookeeper.connect': zookeeper,
    'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS),
  };
  writeFileSync(
    properties,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const output = openSync(logFile, 'a');
  const argv = [
    ...javaArguments(VERSION, [`-Dlog4j.configuration=file:${log4j}`]),
    'kafka.Kafka',
    properties,
  ];
  const child = spawn('java', argv, { stdio: ['ignore', output, output] });
  closeSync(output);
  return { child, port: apachePort(child, logFile) };
}

/** The port that it chose, once it serves. */
async function apachePort(child: ChildProcess, logFile: string): Promise<number> {
  let port = 0;
  await eventually(
    "Apache's broker has started",
    () => {
      const log = readFileSync(logFile, 'utf8');
      if (child.exitCode !== null) throw new Error(`it ended: ${log.slice(-2000)}`);
      port = Number(/Awaiting socket connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1] ?? 0);
      return port !== 0 && log.includes('[KafkaServer id=1] started');
    },
    START_TIMEOUT_MS,
  );
  return port;
}

/** Makes the topics, records and groups that the requests speak of. */
async function furnish(port: number): Promise<World> {
  const to = { host: '127.0.0.1', port, clientId: 'differential', timeoutMs: 10_000 };
  const connection = await KafkaConnection.connect(systemPlatform().sockets, to);
  try {
    // Kafka says that it has started before its controller has told it of itself.
    await eventually(
      `the broker at port ${port} knows itself`,
      async () => (await connection.request(Metadata, { topics: [] })).brokers.length > 0,
      START_TIMEOUT_MS,
    );
    const topics = TOPICS.map((name) => ({ name, numPartitions: 2, replicationFactor: 1 }));
    expectNone((await connection.request(CreateTopics, { topics, timeoutMs: 10_000 })).topics);
    const topicIds = await leadersOf(connection, TOPICS);
    for (const name of TOPICS) {
      for (let at = 0; at < RECORDS; at++) {
        const partitionData = [{ index: 0, records: batchAt(FIRST_TIMESTAMP_MS + at) }];
        const answer = await connection.request(Produce, {
          acks: -1,
          timeoutMs: 10_000,
          topicData: [{ name, partitionData }],
        });
        expectNone(answer.responses[0]?.partitionResponses ?? []);
      }
    }
    // The first of Kafka's only begins to fetch ids.
    await eventually('there are producer ids', async () => {
      return (await connection.request(InitProducerId, PRODUCER)).errorCode === 0;
    });
    const groups = await furnishGroups(connection);
    const producers = await furnishTransactions(connection);
    const internal = await leadersOf(connection, ['__consumer_offsets', '__transaction_state']);
    return { topicIds: new Map([...topicIds, ...internal]), ...groups, producers };
  } finally {
    connection.close();
  }
}

/** Waits until all partitions are led; the ids of the topics. */
async function leadersOf(
  connection: KafkaConnection,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  await eventually('all partitions have leaders', async () => {
    const { topics } = await connection.request(Metadata, { topics: names.map((name) => ({ name })) });
    for (const { name, topicId } of topics) ids.set(name ?? '', topicId);
    return topics.every(
      ({ errorCode, partitions }) => errorCode === 0 && partitions.every((each) => each.errorCode === 0),
    );
  });
  return ids;
}

async function furnishGroups(
  connection: KafkaConnection,
): Promise<{ memberId: string; generationId: number }> {
  await eventually('groups have a coordinator', async () => {
    const { coordinators } = await connection.request(FindCoordinator, {
      keyType: 0,
      coordinatorKeys: [MEMBERS],
    });
    return coordinators[0]?.errorCode === 0;
  });
  const topics = [
    { name: 'plain', partitions: [{ partitionIndex: 0, committedOffset: 2, committedMetadata: 'kept' }] },
  ];
  await eventually('offsets can be committed', async () => {
    const answer = await connection.request(OffsetCommit, {
      groupId: 'kept',
      generationIdOrMemberEpoch: -1,
      topics,
    });
    return answer.topics[0]?.partitions[0]?.errorCode === 0;
  });
  const member = {
    groupId: MEMBERS,
    protocolType: 'consumer',
    sessionTimeoutMs: 300_000,
    rebalanceTimeoutMs: 300_000,
    protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
  };
  const { memberId } = await connection.request(JoinGroup, { ...member, memberId: '' });
  const { generationId } = await connection.request(JoinGroup, { ...member, memberId });
  const assignments = [{ memberId, assignment: SUBSCRIPTION }];
  const protocol = { protocolType: 'consumer', protocolName: 'range' };
  expectNone([
    await connection.request(SyncGroup, {
      ...protocol,
      groupId: MEMBERS,
      memberId,
      generationId,
      assignments,
    }),
  ]);
  return { memberId, generationId };
}

async function furnishTransactions(connection: KafkaConnection): Promise<World['producers']> {
  const open = await producerOf(connection, OPEN);
  const answer = await connection.request(
    AddPartitionsToTxn,
    {
      v3AndBelowTransactionalId: OPEN,
      v3AndBelowProducerId: open,
      v3AndBelowProducerEpoch: 0,
      v3AndBelowTopics: [{ name: 'plain', partitions: [0] }],
    },
    3,
  );
  const [added] = answer.resultsByTopicV3AndBelow[0]?.resultsByPartition ?? [];
  expectNone([{ errorCode: added?.partitionErrorCode ?? -1 }]);
  return { open, idle: await producerOf(connection, IDLE) };
}

async function producerOf(connection: KafkaConnection, transactionalId: string): Promise<number> {
  await eventually(`${transactionalId} has a coordinator`, async () => {
    const asked = { keyType: 1, coordinatorKeys: [transactionalId] };
    const { coordinators } = await connection.request(FindCoordinator, asked);
    return coordinators[0]?.errorCode === 0;
  });
  let producerId = -1;
  await eventually(`${transactionalId} has a producer`, async () => {
    const asked = { ...PRODUCER, transactionalId, transactionTimeoutMs: 900_000 };
    const answer = await connection.request(InitProducerId, asked);
    producerId = answer.producerId;
    return answer.errorCode === 0;
  });
  return producerId;
}

function expectNone(answers: readonly { readonly errorCode: number }[]): void {
  const failed = answers.filter(({ errorCode }) => errorCode !== 0);
  if (failed.length > 0 || answers.length === 0) throw new Error(`refused: ${JSON.stringify(failed)}`);
}
