/** `odradek topics`: what Kafka's kafka-topics does, with its flags. */
import { adminClient } from '../admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from '../arguments.ts';
import { clientOptions, jsonOption } from '../bootstrap.ts';
import { alterTopics, createTopics, deleteTopics } from './change-topics.ts';
import { describeTopics, listTopics } from './describe-topics.ts';
import { assignmentsOf } from './replica-assignment.ts';

const ACTIONS = ['list', 'describe', 'create', 'alter', 'delete'] as const;
const DESCRIBE = ['describe'];
const CHANGES = ['create', 'alter'];

export const topicsCommand: CommandSpec = {
  name: 'topics',
  summary: 'Lists, describes, creates, grows and deletes topics.',
  options: [
    ...clientOptions,
    { name: 'list', help: 'names of all topics' },
    { name: 'describe', help: 'partitions, leaders, replicas and in-sync replicas' },
    { name: 'create', help: 'a new topic' },
    { name: 'alter', help: 'more partitions for a topic' },
    { name: 'delete', help: 'remove a topic' },
    {
      name: 'topic',
      value: 'NAME',
      repeats: true,
      help: 'the topic; may be repeated. But to create one: or a regular expression, if no topic has that name',
    },
    { name: 'topic-id', value: 'ID', help: 'the topic of this id', with: DESCRIBE },
    {
      name: 'partitions',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 100_000,
      help: "create: how many (otherwise the broker's num.partitions); alter: how many in all",
      with: CHANGES,
    },
    {
      name: 'replication-factor',
      value: 'N',
      kind: 'integer',
      min: 1,
      max: 32_767,
      help: "replicas of each partition (otherwise the broker's default.replication.factor)",
      with: ['create'],
    },
    {
      name: 'replica-assignment',
      value: 'ID:ID,…',
      help: 'brokers of each partition, the preferred leader first: 1:2,2:3; alter: of all, those that are there included',
      with: CHANGES,
    },
    {
      name: 'config',
      value: 'KEY=VALUE',
      repeats: true,
      help: 'a topic config; may be repeated',
      with: ['create'],
    },
    { name: 'if-not-exists', help: 'an existing topic is fine', with: ['create'] },
    { name: 'if-exists', help: 'a missing topic is fine', with: ['describe', 'alter', 'delete'] },
    {
      name: 'exclude-internal',
      help: 'not the topics that Kafka keeps for itself',
      with: ['list', 'describe'],
    },
    { name: 'under-replicated-partitions', help: 'only those with replicas out of sync', with: DESCRIBE },
    { name: 'unavailable-partitions', help: 'only those without a leader', with: DESCRIBE },
    {
      name: 'under-min-isr-partitions',
      help: 'only those with too few in sync for acks=all',
      with: DESCRIBE,
    },
    {
      name: 'at-min-isr-partitions',
      help: 'only those with just enough in sync for acks=all',
      with: DESCRIBE,
    },
    {
      name: 'topics-with-overrides',
      help: 'only topics with configs that are no defaults, without partitions',
      with: DESCRIBE,
    },
    { ...jsonOption, with: ['list', 'describe'] },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'topics', ACTIONS);
  if (action !== 'list' && action !== 'describe') given.needText('topic');
  const assignments = assignmentsOf(given.text('replica-assignment'));
  if (action === 'alter') given.needInteger('partitions');
  if (
    action === 'create' &&
    assignments !== null &&
    (given.flag('partitions') || given.flag('replication-factor'))
  )
    throw new UsageError('--replica-assignment goes with neither --partitions nor --replication-factor');
  const admin = await adminClient(given);
  try {
    if (action === 'create') return await createTopics(admin, given, assignments);
    if (action === 'alter') return await alterTopics(admin, given, assignments);
    if (action === 'delete') return await deleteTopics(admin, given);
    return await (action === 'list' ? listTopics : describeTopics)(admin, given);
  } finally {
    admin.close();
  }
}
