/** `odradek reassign --generate`: where topics are, and where they would be on the given brokers. */
import { ErrorCode } from '../../../broker/errors.ts';
import { assignReplicas } from '../../../broker/metadata/placement.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { type AdminClient, type ClusterMetadata, reasonOf } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { jsonFile } from '../json-file.ts';
import { print } from '../output.ts';
import { comparePartitions } from '../partitions.ts';
import { type PlannedPartition, planJson, topicsToMove } from './plan-file.ts';

const NO_DIRECTORIES: ReadonlyMap<number, string> = new Map();

export async function generate(admin: AdminClient, given: Arguments): Promise<number> {
  const topics = topicsToMove(
    jsonFile('topics-to-move-json-file', given.needText('topics-to-move-json-file')),
  );
  const brokerIds = brokersOf(given.needText('broker-list'));
  const metadata = await admin.metadata(topics);
  const current = currentPlan(metadata);
  const racks = given.flag('disable-rack-aware') ? 'ignored' : 'respected';
  const proposed = proposal(current, { brokers: metadata.brokers, brokerIds, racks });
  await print(`Current partition replica assignment\n${planJson(current)}\n`);
  await print(`Proposed partition reassignment configuration\n${planJson(proposed)}`);
  return 0;
}

/** Where partitions are, sorted. */
export function currentPlan({ topics }: ClusterMetadata): PlannedPartition[] {
  const found = topics.flatMap((topic) => {
    if (topic.errorCode !== ErrorCode.NONE) throw new Error(`topic ${topic.name}: ${reasonOf(topic)}`);
    return topic.partitions.map(({ partitionIndex, replicaNodes }) => ({
      topic: topic.name ?? '',
      partition: partitionIndex,
      replicas: replicaNodes,
      logDirs: NO_DIRECTORIES,
    }));
  });
  return found.sort(comparePartitions);
}

interface Target {
  readonly brokers: ClusterMetadata['brokers'];
  readonly brokerIds: readonly number[];
  readonly racks: 'respected' | 'ignored';
}

function proposal(
  current: readonly PlannedPartition[],
  { brokers, brokerIds, racks }: Target,
): PlannedPartition[] {
  const targets = brokerIds.map((id) => {
    const broker = brokers.find(({ nodeId }) => nodeId === id);
    if (broker === undefined) throw new Error(`broker ${id} is not among the living brokers`);
    return { id, rack: racks === 'ignored' ? null : broker.rack };
  });
  const racked = targets.filter(({ rack }) => rack !== null).length;
  if (racked > 0 && racked < targets.length)
    throw new Error('not all of these brokers tell their rack; --disable-rack-aware does without racks');
  const byTopic = [...Map.groupBy(current, ({ topic }) => topic)];
  return byTopic.flatMap(([topic, own]) => {
    const replicationFactor = own[0]?.replicas.length ?? 0;
    const request = { brokers: targets, partitions: own.length, replicationFactor, random: systemRandom };
    const assigned = assignReplicas(request);
    if (!assigned.ok)
      throw new Error(`topic ${topic}: ${assigned.message ?? reasonOf({ errorCode: assigned.error })}`);
    return own.map(({ partition }, index) => ({
      topic,
      partition,
      replicas: assigned.value.get(index) ?? [],
      logDirs: NO_DIRECTORIES,
    }));
  });
}

function brokersOf(list: string): number[] {
  const ids = list.split(',').map((word) => {
    if (!/^\d{1,9}$/.test(word.trim()))
      throw new UsageError(`--broker-list takes ids of brokers, not '${word}'`);
    return Number(word);
  });
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new UsageError(`--broker-list names broker ${twice} twice`);
  return ids;
}
