/** `odradek delete-records`: what Kafka's kafka-delete-records does. */
import { ErrorCode } from '../../broker/errors.ts';
import { DeleteRecords } from '../../broker/protocol/messages/21-delete-records.ts';
import { type AdminClient, adminClient, REQUEST_TIMEOUT_MS, reasonOf } from './admin-client.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { jsonFile, partitionsOfFile } from './json-file.ts';
import { withLeaders } from './leaders.ts';
import { print } from './output.ts';
import { byTopic, comparePartitions, partitionName, type TopicPartition } from './partitions.ts';
import { withProgress } from './progress.ts';

interface Wanted extends TopicPartition {
  readonly offset: number;
}

interface Deleted extends TopicPartition {
  readonly lowWatermark: number | null;
  readonly error: string | null;
}

/** In the place of an offset: the high watermark. */
const ALL = -1;

export const deleteRecordsCommand: CommandSpec = {
  name: 'delete-records',
  summary: 'Deletes the records of partitions that are before an offset.',
  options: [
    ...clientOptions,
    {
      name: 'offset-json-file',
      value: 'PATH',
      required: true,
      help: '{"partitions": [{"topic": "t", "partition": 0, "offset": 10}], "version": 1}; offset -1: all records',
    },
    jsonOption,
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const file = jsonFile('offset-json-file', given.needText('offset-json-file'));
  const wanted = partitionsOfFile(file).map(({ topic, partition, field }) => ({
    topic,
    partition,
    offset: Number(field.at('offset').int64(ALL)),
  }));
  const admin = await adminClient(given);
  try {
    if (!given.flag('json')) await print('Executing records delete operation');
    const work = deleteRecords(admin, wanted);
    const outcomes = await withProgress(work, () => `deleting records of ${wanted.length} partitions`);
    if (given.flag('json')) await print(JSON.stringify(outcomes));
    else {
      await print('Records delete operation completed:');
      for (const each of outcomes) {
        const said = each.error === null ? `low_watermark: ${each.lowWatermark}` : `error: ${each.error}`;
        await print(`partition: ${partitionName(each)}\t${said}`);
      }
    }
    return outcomes.every(({ error }) => error === null) ? 0 : 1;
  } finally {
    admin.close();
  }
}

async function deleteRecords(admin: AdminClient, wanted: readonly Wanted[]): Promise<Deleted[]> {
  const { metadata, byLeader, problems } = await withLeaders(admin, wanted);
  const failed = wanted.flatMap(({ topic, partition }) => {
    const error = problems.get(partitionName({ topic, partition }));
    return error === undefined ? [] : [{ topic, partition, lowWatermark: null, error }];
  });
  const asked = [...byLeader].map(async ([leaderId, own]) => {
    const topics = [...byTopic(own)].map(([name, items]) => ({
      name,
      partitions: items.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
    }));
    const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS };
    return (await admin.askBroker(leaderId, metadata, DeleteRecords, request)).topics;
  });
  const answered = (await Promise.all(asked)).flat().flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, lowWatermark, errorCode }) => ({
      topic: name,
      partition: partitionIndex,
      lowWatermark: errorCode === ErrorCode.NONE ? lowWatermark : null,
      error: errorCode === ErrorCode.NONE ? null : reasonOf({ errorCode }),
    })),
  );
  return [...failed, ...answered].sort(comparePartitions);
}
