/** `odradek topics`: what Kafka's kafka-topics does, with its flags. */
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { bootstrapOption, jsonOption, kafkaClient } from './client.ts';
import { print } from './output.ts';

const ACTIONS = ['list', 'describe', 'create', 'alter', 'delete'] as const;
type Action = (typeof ACTIONS)[number];
type Admin = ReturnType<ReturnType<typeof kafkaClient>['admin']>;

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
    { name: 'topic', value: 'NAME', help: 'the topic' },
    {
      name: 'partitions',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 100_000,
      help: 'create: how many; alter: how many in all',
    },
    {
      name: 'replication-factor',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 32_767,
      help: 'create: replicas of each partition',
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
  const admin = kafkaClient(given.needText('bootstrap-server')).admin();
  await admin.connect();
  try {
    return await perform(admin, action, given);
  } finally {
    await admin.disconnect();
  }
}

async function perform(admin: Admin, action: Action, given: Arguments): Promise<number> {
  const existing = await admin.listTopics();
  const topic = given.text('topic');
  if (action === 'list') {
    const names = existing.sort();
    await print(given.flag('json') ? JSON.stringify(names) : names.join('\n'));
    return 0;
  }
  if (action === 'create') return create(admin, given, existing);
  if (topic !== null && !existing.includes(topic)) {
    if (given.flag('if-exists')) return 0;
    throw new Error(`Topic '${topic}' does not exist as expected`);
  }
  if (action === 'describe') return describe(admin, topic === null ? existing : [topic], given);
  const name = given.needText('topic');
  if (action === 'delete') await admin.deleteTopics({ topics: [name] });
  else
    await admin.createPartitions({
      topicPartitions: [{ topic: name, count: given.needInteger('partitions') }],
    });
  return 0;
}

async function create(admin: Admin, given: Arguments, existing: readonly string[]): Promise<number> {
  const topic = given.needText('topic');
  if (existing.includes(topic) && given.flag('if-not-exists')) return 0;
  const configEntries = given.all('config').map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw new UsageError(`--config takes KEY=VALUE, not '${word}'`);
    return { name: word.slice(0, at), value: word.slice(at + 1) };
  });
  const created = await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        // Left out, the broker's num.partitions and default.replication.factor count.
        numPartitions: given.integer('partitions') ?? -1,
        replicationFactor: given.integer('replication-factor') ?? -1,
        configEntries,
      },
    ],
  });
  if (!created) throw new Error(`Topic '${topic}' already exists.`);
  await print(`Created topic ${topic}.`);
  return 0;
}

async function describe(admin: Admin, names: readonly string[], given: Arguments): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  topics.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const each of topics) each.partitions.sort((a, b) => a.partitionId - b.partitionId);
  if (given.flag('json')) {
    await print(JSON.stringify(topics));
    return 0;
  }
  for (const { name, partitions } of topics) {
    await print(
      `Topic: ${name}\tPartitionCount: ${partitions.length}\tReplicationFactor: ${partitions[0]?.replicas.length ?? 0}`,
    );
    for (const { partitionId, leader, replicas, isr } of partitions) {
      await print(
        `\tTopic: ${name}\tPartition: ${partitionId}\tLeader: ${leader < 0 ? 'none' : leader}\tReplicas: ${replicas}\tIsr: ${isr}`,
      );
    }
  }
  return 0;
}
