/** `odradek elect-leaders`: what Kafka's kafka-leader-election does. */
import { adminClient } from './admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { type Election, elect, isElectionType } from './elections.ts';
import { jsonFile, partitionsOfFile } from './json-file.ts';
import { print } from './output.ts';
import { partitionName, partitionNumber, type TopicPartition } from './partitions.ts';
import { withProgress } from './progress.ts';

export const electLeadersCommand: CommandSpec = {
  name: 'elect-leaders',
  summary: 'Has leaders elected: the preferred ones, or any replica where there is no other way.',
  options: [
    ...clientOptions,
    {
      name: 'election-type',
      value: 'TYPE',
      required: true,
      help: 'preferred: the first replica, if it is in sync; unclean: any living one, where the partition has no leader (records may be lost)',
    },
    { name: 'topic', value: 'NAME', help: 'the topic of --partition' },
    { name: 'partition', value: 'N', help: 'one partition', with: ['topic'] },
    { name: 'all-topic-partitions', help: 'every partition that needs it' },
    {
      name: 'path-to-json-file',
      value: 'PATH',
      help: '{"partitions": [{"topic": "t", "partition": 0}]}',
    },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const type = given.needText('election-type').toLowerCase();
  if (!isElectionType(type))
    throw new UsageError(`--election-type takes preferred or unclean, not '${type}'`);
  const partitions = chosen(given);
  const admin = await adminClient(given);
  try {
    const work = elect(admin, type, partitions);
    const elections = await withProgress(work, () => 'electing leaders');
    if (given.flag('json')) await print(JSON.stringify(elections));
    else await show(elections, type.toUpperCase());
    return elections.every(({ outcome }) => outcome !== 'failed') ? 0 : 1;
  } finally {
    admin.close();
  }
}

/** Null: all. */
function chosen(given: Arguments): TopicPartition[] | null {
  const source = oneAction(given, 'elect-leaders', ['topic', 'all-topic-partitions', 'path-to-json-file']);
  if (source === 'all-topic-partitions') return null;
  if (source === 'topic')
    return [
      {
        topic: given.needText('topic'),
        partition: partitionNumber('partition', given.needText('partition')),
      },
    ];
  return partitionsOfFile(jsonFile(source, given.needText(source)));
}

async function show(elections: readonly Election[], type: string): Promise<void> {
  const namesOf = (outcome: Election['outcome']): string =>
    elections
      .filter((each) => each.outcome === outcome)
      .map(partitionName)
      .join(', ');
  const [elected, notNeeded] = [namesOf('elected'), namesOf('not needed')];
  if (elected !== '')
    await print(`Successfully completed leader election (${type}) for partitions ${elected}`);
  if (notNeeded !== '') await print(`Valid replica already elected for partitions ${notNeeded}`);
  for (const each of elections.filter(({ outcome }) => outcome === 'failed'))
    await print(
      `Error completing leader election (${type}) for partition: ${partitionName(each)}: ${each.reason}`,
    );
}
