/** Topics made and deleted, leaders, coordinators and the controller moved: by requests, as a tool does it. */

import { ErrorCode } from '../../broker/errors.ts';
import { partitionForKey } from '../../broker/java-hash.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { ElectLeaders } from '../../broker/protocol/messages/43-elect-leaders.ts';
import { AlterPartitionReassignments } from '../../broker/protocol/messages/45-alter-partition-reassignments.ts';
import { ANY_VERSION } from '../../coordinator-client/coordinator.ts';
import type { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import { type AdminClient, type Answer, reasonOf } from '../../scripts/cli/admin-client.ts';
import type { Agreement } from './agreement.ts';
import type { Member } from './member.ts';
import { checkTopic, type TopicOptions } from './options.ts';
import { awaitLeader, until } from './waits.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
const TIMEOUT_MS = 60_000;
const PREFERRED = 0;
const CONTROLLER_PATH = '/controller';
/** What the others are slowed by while one broker is to win an election. */
const HANDICAP_MS = 250;

export async function createTopics(
  admin: AdminClient,
  members: readonly Member[],
  asked: readonly (TopicOptions | string)[],
): Promise<void> {
  const topics = asked.map(checkTopic);
  if (topics.length === 0) return;
  const wanted = topics.map(({ name, partitions = 1, replicationFactor, configs = {} }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: replicationFactor ?? Math.min(3, members.length),
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }));
  const request = { topics: wanted, timeoutMs: TIMEOUT_MS, validateOnly: false };
  const answer = await admin.askController(CreateTopics, request, (response) => response.topics);
  for (const topic of answer.topics) refuse(topic, `topic ${topic.name}`);
  for (const { name, partitions = 1 } of topics)
    for (let each = 0; each < partitions; each++) await awaitLeader(members, name, each, {});
}

/** Resolves when nothing of them is left: new ones may have the names. */
export async function deleteTopics(
  admin: AdminClient,
  world: World,
  names: readonly string[],
): Promise<void> {
  const topics = names.map((name) => ({ name }));
  const request = { topics, topicNames: [...names], timeoutMs: TIMEOUT_MS };
  const answer = await admin.askController(DeleteTopics, request, ({ responses }) => responses);
  for (const topic of answer.responses) refuse(topic, `topic ${topic.name}`);
  await until('topics to be gone', {}, async () => {
    const left = new Set(names.filter((name) => isThere(world, name)));
    if (left.size === 0 && world.tree === null) await stillTaken(admin, names, left);
    return left.size === 0 ? { done: undefined } : { seen: `${[...left].sort().join(', ')} are there` };
  });
}

/** What there is to be asked whether a topic is gone. */
export interface World {
  readonly members: readonly Member[];
  readonly tree: LocalTree | null;
}

function isThere({ members, tree }: World, name: string): boolean {
  if (tree?.read(`/brokers/topics/${name}`) || tree?.read(`/admin/delete_topics/${name}`)) return true;
  return members.some(({ state, broker }) => {
    if (state !== 'running') return false;
    if (broker.inside.metadata.topic(name) !== undefined) return true;
    return [...broker.inside.replicas.partitions()].some(({ topic }) => topic === name);
  });
}

/** On an ensemble: the names that could not be given to new topics yet. */
async function stillTaken(admin: AdminClient, names: readonly string[], taken: Set<string>): Promise<void> {
  const topics = names.map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const request = { topics, timeoutMs: TIMEOUT_MS, validateOnly: true };
  const answer = await admin.askController(CreateTopics, request, () => []);
  for (const { name, errorCode } of answer.topics)
    if (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) taken.add(name);
}

/** Makes the broker the preferred leader, and elects it. It must be in sync. */
export async function moveLeader(
  admin: AdminClient,
  members: readonly Member[],
  { topic, partition }: { readonly topic: string; readonly partition: number },
  to: number,
): Promise<void> {
  const image = (await admin.metadata([topic])).topics[0]?.partitions.find(
    ({ partitionIndex }) => partitionIndex === partition,
  );
  if (image === undefined) throw new Error(`there is no partition ${topic}-${partition}`);
  const { replicaNodes, isrNodes } = image;
  if (!isrNodes.includes(to))
    throw new Error(`broker ${to} is not in sync for ${topic}-${partition}: only ${isrNodes.join(', ')} are`);
  const replicas = [to, ...replicaNodes.filter((id) => id !== to)];
  await reorder(admin, { topic, partition }, replicas);
  await electPreferred(admin, { topic, partition });
  await awaitLeader(members, topic, partition, { leader: to });
}

export async function moveCoordinator(
  admin: AdminClient,
  members: readonly Member[],
  groupId: string,
  to: number,
): Promise<void> {
  const count = (await admin.metadata([OFFSETS_TOPIC])).topics[0]?.partitions.length ?? 0;
  if (count === 0) throw new Error(`group ${groupId} has no coordinator yet: no group has been used`);
  await moveLeader(admin, members, { topic: OFFSETS_TOPIC, partition: partitionForKey(groupId, count) }, to);
}

/** The office becomes vacant, and the others are slow to apply. */
export async function moveController(
  agreement: Agreement,
  members: readonly Member[],
  to: number,
): Promise<void> {
  const heir = members.find(({ id }) => id === to);
  if (heir?.state !== 'running') throw new Error(`broker ${to} is not running`);
  if (heir.broker.inside.controller.isActive) return;
  const others = members.filter((member) => member !== heir);
  const handicaps = others.map(({ links }) => links.zookeeper.place({ delayMs: HANDICAP_MS }));
  try {
    await agreement.act((coordinator) =>
      coordinator.commit([{ op: 'remove', path: CONTROLLER_PATH, version: ANY_VERSION }]),
    );
    await until(`broker ${to} to be the controller`, {}, () => {
      const seen = members.filter(({ state }) => state === 'running');
      const ids = seen.map(({ broker }) => broker.inside.metadata.image.controllerId);
      const done = heir.broker.inside.controller.isActive && ids.every((id) => id === to);
      return done ? { done: undefined } : { seen: `the brokers see ${ids.join(', ')}` };
    });
  } finally {
    for (const takeAway of handicaps) takeAway();
  }
}

async function reorder(admin: AdminClient, { topic, partition }: Place, replicas: number[]): Promise<void> {
  const partitions = [{ partitionIndex: partition, replicas }];
  const request = { timeoutMs: TIMEOUT_MS, topics: [{ name: topic, partitions }] };
  const answersOf = (response: { responses: readonly { partitions: readonly Answer[] }[] }): Answer[] =>
    response.responses.flatMap((each) => each.partitions);
  const answer = await admin.askController(AlterPartitionReassignments, request, answersOf);
  for (const each of [answer, ...answersOf(answer)]) refuse(each, `${topic}-${partition}`);
}

async function electPreferred(admin: AdminClient, { topic, partition }: Place): Promise<void> {
  const topicPartitions = [{ topic, partitions: [partition] }];
  const request = { electionType: PREFERRED, topicPartitions, timeoutMs: TIMEOUT_MS };
  await until(`an election of ${topic}-${partition}`, {}, async () => {
    const answer = await admin.askController(ElectLeaders, request, () => []);
    const found = answer.replicaElectionResults.flatMap((each) => each.partitionResult)[0] ?? answer;
    const { errorCode } = found;
    const isDone = errorCode === ErrorCode.NONE || errorCode === ErrorCode.ELECTION_NOT_NEEDED;
    // The order of the replicas may still be on its way to the controller.
    return isDone ? { done: undefined } : { seen: `the answer is ${reasonOf(found)}` };
  });
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

function refuse(answer: Answer, what: string): void {
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${what}: ${reasonOf(answer)}`);
}
