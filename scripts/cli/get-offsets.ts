/** `odradek get-offsets`: what Kafka's kafka-get-offsets does, with its flags. */
import { ErrorCode } from '../../broker/errors.ts';
import { type AdminClient, adminClient } from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { offsetsAt } from './leaders.ts';
import { print } from './output.ts';
import { type PartitionFilter, parsePartitionFilter } from './partition-filter.ts';
import { comparePartitions, partitionName, partitionNumber, type TopicPartition } from './partitions.ts';
import { fullTopicPattern } from './topic-pattern.ts';

/** Names for times that mean something else. */
const TIMES: Readonly<Record<string, number>> = {
  latest: -1,
  earliest: -2,
  'max-timestamp': -3,
  'earliest-local': -4,
  'latest-tiered': -5,
};

export const getOffsetsCommand: CommandSpec = {
  name: 'get-offsets',
  summary: 'Tells offsets of partitions: their ends, their beginnings, or those of a time.',
  options: [
    ...clientOptions,
    { name: 'topic', value: 'PATTERN', help: 'topics that match this regular expression (otherwise all)' },
    { name: 'partitions', value: 'N,…', help: 'only these partitions' },
    {
      name: 'topic-partitions',
      value: 'LIST',
      help: 'TOPIC:N, TOPIC:N-M (M excluded), TOPIC:N-, TOPIC:-M, TOPIC, :N, separated by commas; topics are patterns',
    },
    {
      name: 'time',
      value: 'TIME',
      help: `milliseconds since 1970, or ${Object.keys(TIMES).join(', ')} (-1 to -5)`,
      fallback: 'latest',
    },
    { name: 'exclude-internal-topics', help: 'not those that Kafka keeps for itself' },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const timestamp = timeOf(given.needText('time'));
  const isChosen = filterOf(given);
  const admin = await adminClient(given);
  try {
    const wanted = await chosen(admin, isChosen, given.flag('exclude-internal-topics'));
    if (wanted.length === 0) throw new Error('no topic-partitions match');
    const { found, problems } = await offsetsAt(
      admin,
      wanted.map((each) => ({ ...each, timestamp })),
    );
    const offsets = wanted.sort(comparePartitions).flatMap((each) => found.get(partitionName(each)) ?? []);
    if (given.flag('json'))
      await print(
        JSON.stringify(offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }))),
      );
    // A time after the last record has no offset, which Kafka's tool leaves empty.
    else
      for (const { topic, partition, offset } of offsets)
        await print(`${topic}:${partition}:${offset < 0 ? '' : offset}`);
    for (const [name, problem] of problems) process.stderr.write(`partition ${name}: ${problem}\n`);
    return problems.size === 0 ? 0 : 1;
  } finally {
    admin.close();
  }
}

function timeOf(text: string): number {
  const named = TIMES[text];
  if (named !== undefined) return named;
  const time = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(time >= -5 && Number.isSafeInteger(time)))
    throw new UsageError(
      `--time takes milliseconds since 1970 or ${Object.keys(TIMES).join(', ')}, not '${text}'`,
    );
  return time;
}

function filterOf(given: Arguments): PartitionFilter {
  const list = given.text('topic-partitions');
  if (list !== null) {
    if (given.flag('topic') || given.flag('partitions'))
      throw new UsageError('--topic-partitions goes with neither --topic nor --partitions');
    return parsePartitionFilter(list);
  }
  const pattern = fullTopicPattern('topic', given.text('topic') ?? '.*');
  const numbers = given
    .text('partitions')
    ?.split(',')
    .map((number) => partitionNumber('partitions', number));
  return ({ topic, partition }) => pattern.test(topic) && numbers?.includes(partition) !== false;
}

async function chosen(
  admin: AdminClient,
  isChosen: PartitionFilter,
  excludeInternal: boolean,
): Promise<TopicPartition[]> {
  const { topics } = await admin.metadata(null);
  return topics
    .filter(({ errorCode, isInternal }) => errorCode === ErrorCode.NONE && !(excludeInternal && isInternal))
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name ?? '', partition: partitionIndex })),
    )
    .filter(isChosen);
}
