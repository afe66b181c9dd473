/** `odradek topics`: what Kafka's kafka-topics does, with its flags. */
import { ErrorCode } from '../../broker/errors.ts';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../broker/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../broker/protocol/messages/37-create-partitions.ts';
import {
  AdminClient,
  type Answer,
  type ClusterMetadata,
  REQUEST_TIMEOUT_MS,
  reasonOf,
} from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption, jsonOption } from './bootstrap.ts';
import { print, printAll, printable } from './output.ts';

const ACTIONS = ['list', 'describe', 'create', 'alter', 'delete'] as const;
type Action = (typeof ACTIONS)[number];
type Topic = ClusterMetadata['topics'][number];

/** The broker's own num.partitions and default.replication.factor. */
const OF_THE_BROKER = -1;
const LEADERS_WAIT_MS = 10_000;
const PAUSE_MS = 50;

export const topicsCommand: CommandSpec = {
  name: 'topics',
  summary: 'Lists, describes, creates, grows and deletes topics.',
  options: [
    bootstrapOption,
    { name: 'list', help: 'names of all topics' },
    { name: 'describe', help: 'partitions, leaders, replicas and in-sync replicas' },
    { name: 'create', help: 'a new topic' },
    { name: 'alter', help: 'more partitions for a topic' },
    { name: 'delete', help: 'remove a topic' },
    { name: 'topic', value: 'NAME', repeats: true, help: 'the topic; may be repeated' },
    {
      name: 'partitions',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 100_000,
      help: "create: how many (otherwise the broker's num.partitions); alter: how many in all",
    },
    {
      name: 'replication-factor',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 32_767,
      help: "create: replicas of each partition (otherwise the broker's default.replication.factor)",
    },
    { name: 'config', value: 'KEY=VALUE', repeats: true, help: 'create: a topic config; may be repeated' },
    { name: 'if-not-exists', help: 'create: an existing topic is fine' },
    { name: 'if-exists', help: 'describe, alter, delete: a missing topic is fine' },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const chosen = ACTIONS.filter((action) => given.flag(action));
  const [action] = chosen;
  if (action === undefined || chosen.length > 1)
    throw new UsageError(`topics takes exactly one of ${ACTIONS.map((each) => `--${each}`).join(', ')}`);
  if (action !== 'list' && action !== 'describe') given.needText('topic');
  if (action === 'alter') given.needInteger('partitions');
  const admin = new AdminClient(given.needText('bootstrap-server'));
  try {
    return await perform(admin, action, given);
  } finally {
    admin.close();
  }
}

function perform(admin: AdminClient, action: Action, given: Arguments): Promise<number> {
  switch (action) {
    case 'list':
      return list(admin, given);
    case 'describe':
      return describe(admin, given);
    case 'create':
      return create(admin, given);
    case 'alter':
      return alter(admin, given);
    case 'delete':
      return remove(admin, given);
  }
}

/** Throws with a line for each topic that failed; `fine` is no failure. */
function check(
  topics: readonly (Answer & { readonly name: string | null })[],
  fine: number = ErrorCode.NONE,
): void {
  const failed = topics.filter(({ errorCode }) => errorCode !== ErrorCode.NONE && errorCode !== fine);
  if (failed.length > 0)
    throw new Error(failed.map((topic) => `topic ${topic.name}: ${reasonOf(topic)}`).join('\n'));
}

async function list(admin: AdminClient, given: Arguments): Promise<number> {
  const names = (await admin.metadata(null)).topics.map(({ name }) => name ?? '').sort();
  if (given.flag('json')) await print(JSON.stringify(names));
  else for (const name of names) await print(printable(name));
  return 0;
}

async function create(admin: AdminClient, given: Arguments): Promise<number> {
  const configs = given.all('config').map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw new UsageError(`--config takes KEY=VALUE, not '${word}'`);
    return { name: word.slice(0, at), value: word.slice(at + 1) };
  });
  const topics = given.all('topic').map((name) => ({
    name,
    numPartitions: given.integer('partitions') ?? OF_THE_BROKER,
    replicationFactor: given.integer('replication-factor') ?? OF_THE_BROKER,
    configs,
  }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS };
  const answers = (await admin.askController(CreateTopics, request, (response) => response.topics)).topics;
  for (const { name, errorCode } of answers) {
    if (errorCode !== ErrorCode.NONE) continue;
    await leadersOf(admin, name);
    await print(`Created topic ${name}.`);
  }
  check(answers, given.flag('if-not-exists') ? ErrorCode.TOPIC_ALREADY_EXISTS : ErrorCode.NONE);
  return 0;
}

/** Waits until the topic can be used, but not for ever: it is there in any case. */
async function leadersOf(admin: AdminClient, name: string): Promise<void> {
  const deadlineMs = performance.now() + LEADERS_WAIT_MS;
  while (performance.now() < deadlineMs) {
    const [topic] = (await admin.metadata([name])).topics;
    const partitions = topic?.partitions ?? [];
    if (partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function alter(admin: AdminClient, given: Arguments): Promise<number> {
  const count = given.needInteger('partitions');
  const topics = given.all('topic').map((name) => ({ name, count, assignments: null }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS, validateOnly: false };
  const { results } = await admin.askController(CreatePartitions, request, (response) => response.results);
  check(results, fineIfMissing(given));
  return 0;
}

async function remove(admin: AdminClient, given: Arguments): Promise<number> {
  const topicNames = [...given.all('topic')];
  const request = { topics: topicNames.map((name) => ({ name })), topicNames, timeoutMs: REQUEST_TIMEOUT_MS };
  const { responses } = await admin.askController(DeleteTopics, request, (response) => response.responses);
  check(responses, fineIfMissing(given));
  return 0;
}

async function describe(admin: AdminClient, given: Arguments): Promise<number> {
  const names = given.all('topic');
  const { topics } = await admin.metadata(names.length === 0 ? null : names);
  check(topics, fineIfMissing(given));
  const found = topics
    .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
    .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  if (given.flag('json')) await print(JSON.stringify(found.map(asJson)));
  else await printAll(asLines(found));
  return 0;
}

function fineIfMissing(given: Arguments): number {
  return given.flag('if-exists') ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE;
}

function asJson({ name, partitions }: Topic): object {
  const shown = sorted(partitions).map(
    ({ partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas }) => ({
      partitionId: partitionIndex,
      leader: leaderId,
      replicas: replicaNodes,
      isr: isrNodes,
      offlineReplicas,
    }),
  );
  return { name, partitions: shown };
}

function* asLines(topics: readonly Topic[]): Generator<string, void> {
  for (const { name, partitions } of topics) {
    const replicationFactor = partitions[0]?.replicaNodes.length ?? 0;
    yield `Topic: ${name}\tPartitionCount: ${partitions.length}\tReplicationFactor: ${replicationFactor}`;
    for (const { partitionIndex, leaderId, replicaNodes, isrNodes } of sorted(partitions)) {
      const leader = leaderId < 0 ? 'none' : leaderId;
      yield `\tTopic: ${name}\tPartition: ${partitionIndex}\tLeader: ${leader}\tReplicas: ${replicaNodes}\tIsr: ${isrNodes}`;
    }
  }
}

function sorted(partitions: Topic['partitions']): Topic['partitions'] {
  return [...partitions].sort((a, b) => a.partitionIndex - b.partitionIndex);
}
