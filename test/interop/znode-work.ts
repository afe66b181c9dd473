/** Work of every kind that leaves something in the tree, done through the protocol and through old tools' znodes. */
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Metadata } from '../../broker/protocol/messages/03-metadata.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { InitProducerId } from '../../broker/protocol/messages/22-init-producer-id.ts';
import { AlterConfigs } from '../../broker/protocol/messages/33-alter-configs.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import { DeleteGroups } from '../../broker/protocol/messages/42-delete-groups.ts';
import { ElectLeaders } from '../../broker/protocol/messages/43-elect-leaders.ts';
import { IncrementalAlterConfigs } from '../../broker/protocol/messages/44-incremental-alter-configs.ts';
import { AlterPartitionReassignments } from '../../broker/protocol/messages/45-alter-partition-reassignments.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import {
  preferredElectionZnode,
  reassignPartitionsZnode,
} from '../../coordinator-client/znodes/admin-znodes.ts';
import { eventually } from '../support/eventually.ts';
import { type Answers, groupAnswers, oldOffsets } from './group-answers.ts';
import { groupLives } from './group-life.ts';

export interface Served {
  readonly port: number;
  /** Cleanly. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const GROUP = 'reader';
const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const [SET, DELETE, APPEND] = [0, 1, 2];
/** Either side of every size at which one of the JVM's tables doubles. */
const PARTITION_COUNTS = [1, 2, 4, 5, 6, 11, 12, 13, 23, 24, 25, 48, 60];

/** Enough for the JVM's table of them to double, with some that share a slot. */
const MANY_CONFIGS: readonly (readonly [string, string])[] = [
  ['cleanup.policy', 'compact,delete'],
  ['retention.ms', '100000'],
  ['segment.bytes', '1048576'],
  ['max.message.bytes', '100000'],
  ['min.insync.replicas', '1'],
  ['retention.bytes', '1000000'],
  ['segment.ms', '100000'],
  ['segment.jitter.ms', '10'],
  ['segment.index.bytes', '100000'],
  ['flush.messages', '1000'],
  ['flush.ms', '1000'],
  ['index.interval.bytes', '4000'],
  ['delete.retention.ms', '1000'],
  ['min.compaction.lag.ms', '1'],
  ['max.compaction.lag.ms', '100000'],
  ['file.delete.delay.ms', '1000'],
  ['min.cleanable.dirty.ratio', '0.4'],
  ['compression.type', 'gzip'],
  ['preallocate', 'false'],
  ['message.timestamp.type', 'LogAppendTime'],
  ['unclean.leader.election.enable', 'false'],
  ['message.downconversion.enable', 'true'],
  ['leader.replication.throttled.replicas', '0:1,1:2'],
  ['follower.replication.throttled.replicas', '*'],
];

/** Two brokers; broker 1, at the first port, is the controller. What they answered, where it is worth a comparison. */
export async function daysWork(ports: readonly number[], zookeeper: Coordinator): Promise<Answers> {
  const connections = await Promise.all(ports.map(connect));
  const [first] = connections;
  if (first === undefined) throw new Error('no broker');
  try {
    await createTopics(first);
    await changeConfigs(first);
    await moveAndElect(first, zookeeper);
    const answers = await groupsAndProducers(connections, zookeeper);
    await settled(zookeeper);
    return answers;
  } finally {
    for (const connection of connections) connection.close();
  }
}

function connect(port: number): Promise<KafkaConnection> {
  const to = { host: '127.0.0.1', port, clientId: 'worker', timeoutMs: 20_000 };
  return KafkaConnection.connect(systemPlatform().sockets, to);
}

async function createTopics(first: KafkaConnection): Promise<void> {
  const assigned = (count: number, replicas: (partition: number) => number[]) =>
    Array.from({ length: count }, (_, partition) => ({
      partitionIndex: partition,
      brokerIds: replicas(partition),
    }));
  const topics = PARTITION_COUNTS.map((count) => ({
    name: `of-${count}`,
    assignments: assigned(count, (partition) => (count === 1 ? [1] : partition % 2 === 0 ? [1, 2] : [2, 1])),
    configs: [],
  }));
  const configured = [1, 4, 11, 12, 13, MANY_CONFIGS.length].map((count) => ({
    name: `configured-${count}`,
    assignments: assigned(1, () => [1]),
    configs: MANY_CONFIGS.slice(0, count).map(([name, value]) => ({ name, value })),
  }));
  for (const one of [...topics, ...configured]) {
    const topic = { numPartitions: -1, replicationFactor: -1, ...one };
    const { topics: made } = await first.request(CreateTopics, { topics: [topic], timeoutMs: 20_000 });
    expectNoError(one.name, made);
  }
  const grown = [{ name: 'of-11', count: 13, assignments: [{ brokerIds: [2, 1] }, { brokerIds: [1, 2] }] }];
  const { results } = await first.request(CreatePartitions, { topics: grown, timeoutMs: 20_000 });
  expectNoError('of-11', results);
  const { responses } = await first.request(DeleteTopics, { topicNames: ['of-2'], timeoutMs: 20_000 }, 5);
  expectNoError('of-2', responses);
}

async function changeConfigs(first: KafkaConnection): Promise<void> {
  const alter = async (
    resourceType: number,
    resourceName: string,
    ...changes: (readonly [operation: number | undefined, name: string, value: string | null])[]
  ) => {
    const configs = changes.map(([configOperation = 0, name, value]) => ({ configOperation, name, value }));
    const resources = [{ resourceType, resourceName, configs }];
    const { responses } = await first.request(IncrementalAlterConfigs, { resources });
    expectNoError(resourceName, responses);
  };
  for (const [name, value] of MANY_CONFIGS) await alter(TOPIC_RESOURCE, 'of-1', [SET, name, value]);
  await alter(TOPIC_RESOURCE, 'of-1', [DELETE, 'flush.ms', null], [DELETE, 'segment.ms', null]);
  await alter(TOPIC_RESOURCE, 'of-4', [APPEND, 'cleanup.policy', 'compact']);
  await alter(TOPIC_RESOURCE, 'of-5', [SET, 'retention.ms', '7']);
  await alter(TOPIC_RESOURCE, 'of-5', [DELETE, 'retention.ms', null]);
  await alter(BROKER_RESOURCE, '1', [SET, 'log.cleaner.threads', '1'], [SET, 'log.retention.ms', '1000000']);
  // Whatever a broker does not know is kept for plugins: free text.
  await alter(BROKER_RESOURCE, '1', [
    SET,
    'some.plugin',
    'ü\u{1f980} "quoted" \\ \u0001\u001f\u007f\n\u2028 </a>',
  ]);
  await alter(BROKER_RESOURCE, '', [SET, 'num.io.threads', '8'], [SET, 'message.max.bytes', '1000000']);
  const replaced = ['compression.type', 'retention.ms', 'segment.bytes'].map((name) => ({
    name,
    value: MANY_CONFIGS.find(([known]) => known === name)?.[1] ?? null,
  }));
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: 'configured-13', configs: replaced }];
  const { responses } = await first.request(AlterConfigs, { resources });
  expectNoError('configured-13', responses);
}

async function moveAndElect(first: KafkaConnection, zookeeper: Coordinator): Promise<void> {
  const move = (name: string, partition: number, replicas: number[]) =>
    first.request(AlterPartitionReassignments, {
      topics: [{ name, partitions: [{ partitionIndex: partition, replicas }] }],
    });
  expectNoError('the move', [await move('of-1', 0, [2])]);
  await moved(zookeeper, 'of-1', '"0":[2]');
  // Reversed, so that the preferred leader is not the one that leads.
  expectNoError('the move', [await move('of-4', 1, [1, 2])]);
  await moved(zookeeper, 'of-4', '"1":[1,2]');
  const elected = await first.request(ElectLeaders, {
    electionType: 0,
    topicPartitions: [{ topic: 'of-4', partitions: [1] }],
  });
  expectNoError('the election', [elected]);

  const legacy = [{ topic: 'of-6', partition: 0, replicas: [2, 1] }];
  await put(zookeeper, reassignPartitionsZnode.path, reassignPartitionsZnode.encode(legacy));
  await moved(zookeeper, 'of-6', '"0":[2,1]');
  const preferred = [{ topic: 'of-6', partition: 0 }];
  await put(zookeeper, preferredElectionZnode.path, preferredElectionZnode.encode(preferred));
}

/** Creates a request of an old tool, and waits for the controller to have carried it out. */
async function put(zookeeper: Coordinator, path: string, data: Buffer): Promise<void> {
  const created = await zookeeper.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
  if (!created.ok) throw new Error(`${path}: ${created.reason}`);
  await eventually(`${path} is carried out`, async () => (await zookeeper.read(path)) === null);
}

async function moved(zookeeper: Coordinator, topic: string, assignment: string): Promise<void> {
  await eventually(`${topic} has moved`, async () => {
    const text = String((await zookeeper.read(`/brokers/topics/${topic}`))?.data);
    return (
      text.includes(assignment) &&
      text.includes('"adding_replicas":{}') &&
      text.includes('"removing_replicas":{}')
    );
  });
}

async function groupsAndProducers(
  connections: readonly KafkaConnection[],
  zookeeper: Coordinator,
): Promise<Answers> {
  const [first] = connections;
  if (first === undefined) return [];
  await first.request(Metadata, { topics: [{ name: 'auto' }], allowAutoTopicCreation: true });
  let coordinator = -1;
  await eventually('the group has a coordinator', async () => {
    const { coordinators } = await first.request(FindCoordinator, { coordinatorKeys: [GROUP], keyType: 0 });
    coordinator = coordinators[0]?.nodeId ?? -1;
    return coordinator !== -1;
  });
  const commit = { partitionIndex: 0, committedOffset: 7, committedMetadata: 'm' };
  const request = { groupId: GROUP, topics: [{ name: 'of-1', partitions: [commit] }] };
  await eventually('the group has committed', async () => {
    const { topics } = (await connections[coordinator - 1]?.request(OffsetCommit, request)) ?? { topics: [] };
    return topics[0]?.partitions[0]?.errorCode === 0;
  });
  const answers = await oldOffsets(connections, zookeeper);
  // There is one partition of offsets: all groups have the same coordinator.
  answers.push(...(await groupAnswers(connections[coordinator - 1] ?? first, GROUP)));
  answers.push(...(await groupLives(connections[coordinator - 1] ?? first, `${GROUP}-alive`)));
  const deleted = await connections[coordinator - 1]?.request(DeleteGroups, { groupsNames: [GROUP] });
  expectNoError('the group', deleted?.results ?? []);
  for (const connection of connections) {
    await eventually('a producer has its id', async () => {
      const answer = await connection.request(InitProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 1000,
      });
      return answer.errorCode === 0;
    });
  }
  return answers;
}

/** The deleted topic is gone, and every partition has all of its replicas in sync. */
async function settled(zookeeper: Coordinator): Promise<void> {
  await eventually(
    'the topic is gone',
    async () => (await zookeeper.read('/admin/delete_topics/of-2')) === null,
  );
  await eventually('all replicas are in sync', async () => {
    for (const topic of (await zookeeper.children('/brokers/topics')) ?? []) {
      const { partitions } = JSON.parse(String((await zookeeper.read(`/brokers/topics/${topic}`))?.data)) as {
        partitions: Record<string, number[]>;
      };
      for (const [partition, replicas] of Object.entries(partitions)) {
        const path = `/brokers/topics/${topic}/partitions/${partition}/state`;
        const state = JSON.parse(String((await zookeeper.read(path))?.data ?? '{"isr":[]}')) as {
          isr: number[];
        };
        if (state.isr.length !== replicas.length) return false;
      }
    }
    return true;
  });
}

function expectNoError(what: string, answers: readonly { errorCode: number }[]): void {
  for (const { errorCode } of answers) {
    if (errorCode !== 0) throw new Error(`${what}: error ${errorCode}`);
  }
}
