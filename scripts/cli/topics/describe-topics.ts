/** `odradek topics --list` and `--describe`, in the words of Kafka's tool. */
import type { AdminClient } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { print, printAll, printable } from '../output.ts';
import { partitionName } from '../partitions.ts';
import { type Reassignment, runningReassignments } from '../reassign/reassignments.ts';
import { chosenTopics, nameOf, type Topic } from './chosen-topics.ts';
import { type PartitionState, stateFilter } from './partition-states.ts';
import { type TopicConfig, topicConfigs } from './topic-configs.ts';

interface DescribedPartition extends PartitionState {
  readonly partition: number;
  readonly offline: readonly number[];
}

interface DescribedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly configs: readonly TopicConfig[];
  readonly partitions: readonly DescribedPartition[];
}

const MIN_ISR = 'min.insync.replicas';

export async function listTopics(admin: AdminClient, given: Arguments): Promise<number> {
  const names = (await chosenTopics(admin, given)).topics.map(nameOf);
  if (given.flag('json')) await print(JSON.stringify(names));
  else for (const name of names) await print(printable(name));
  return 0;
}

export async function describeTopics(admin: AdminClient, given: Arguments): Promise<number> {
  const filter = stateFilter(given);
  const overridden = given.flag('topics-with-overrides');
  if (filter !== null && overridden)
    throw new UsageError('--topics-with-overrides does not go with states of partitions');
  const { topics, metadata } = await chosenTopics(admin, given);
  const topicId = given.text('topic-id');
  const chosen = topicId === null ? topics : topics.filter((topic) => topic.topicId === topicId);
  if (topicId !== null && chosen.length === 0) throw new Error(`there is no topic of id ${topicId}`);
  const living = new Set(metadata.brokers.map(({ nodeId }) => nodeId));
  const all = await described(admin, chosen);
  const shown = all
    .filter(({ configs }) => !overridden || configs.some(({ isDefault }) => !isDefault))
    .map((topic) => ({
      ...topic,
      partitions: topic.partitions.filter((partition) => filter === null || filter(partition, living)),
    }))
    .filter(({ partitions }) => filter === null || partitions.length > 0);
  if (given.flag('json')) await print(JSON.stringify(shown.map(asJson)));
  else
    for (const topic of shown)
      await printAll(lines(topic, { header: filter === null, partitions: !overridden }));
  return 0;
}

async function described(admin: AdminClient, topics: readonly Topic[]): Promise<DescribedTopic[]> {
  if (topics.length === 0) return [];
  const configs = await topicConfigs(admin, topics.map(nameOf));
  const running = new Map((await runningReassignments(admin)).map((each) => [partitionName(each), each]));
  return topics.map((topic) => {
    const own = configs.get(nameOf(topic)) ?? [];
    const minIsr = Number(own.find(({ name }) => name === MIN_ISR)?.value ?? 1);
    return {
      name: nameOf(topic),
      topicId: topic.topicId,
      configs: own,
      partitions: partitionsOf(topic, minIsr, running),
    };
  });
}

function partitionsOf(
  topic: Topic,
  minIsr: number,
  running: ReadonlyMap<string, Reassignment>,
): DescribedPartition[] {
  return [...topic.partitions]
    .sort((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas }) => ({
      partition: partitionIndex,
      leaderId,
      replicas: replicaNodes,
      isr: isrNodes,
      offline: offlineReplicas,
      minIsr,
      reassignment: running.get(`${topic.name}-${partitionIndex}`) ?? null,
    }));
}

function asJson({ name, topicId, configs, partitions }: DescribedTopic): object {
  const own = configs.filter(({ isDefault }) => !isDefault).map(({ name: key, value }) => [key, value]);
  const shown = partitions.map(({ partition, leaderId, replicas, isr, offline, reassignment }) => ({
    partitionId: partition,
    leader: leaderId,
    replicas,
    isr,
    offlineReplicas: offline,
    ...(reassignment === null ? {} : { adding: reassignment.adding, removing: reassignment.removing }),
  }));
  return { name, topicId, configs: Object.fromEntries(own), partitions: shown };
}

interface Shown {
  readonly header: boolean;
  readonly partitions: boolean;
}

function* lines(topic: DescribedTopic, shown: Shown): Generator<string, void> {
  const { name, topicId, configs, partitions } = topic;
  const own = configs.filter(({ isDefault }) => !isDefault).map(({ name: key, value }) => `${key}=${value}`);
  const factor = partitions[0]?.replicas.length ?? 0;
  if (shown.header)
    yield `Topic: ${name}\tTopicId: ${topicId}\tPartitionCount: ${partitions.length}\tReplicationFactor: ${factor}\tConfigs: ${own.join(',')}`;
  if (!shown.partitions) return;
  for (const { partition, leaderId, replicas, isr, reassignment } of partitions) {
    const leader = leaderId < 0 ? 'none' : leaderId;
    const moving =
      reassignment === null
        ? ''
        : `\tAdding Replicas: ${reassignment.adding}\tRemoving Replicas: ${reassignment.removing}`;
    // Eligible leaders are KRaft's: Kafka's tool says of a ZooKeeper cluster that there are none to tell.
    yield `\tTopic: ${name}\tPartition: ${partition}\tLeader: ${leader}\tReplicas: ${replicas}\tIsr: ${isr}${moving}\tElr: N/A\tLastKnownElr: N/A`;
  }
}
