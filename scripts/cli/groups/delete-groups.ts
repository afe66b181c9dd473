/** `odradek groups --delete` and `--delete-offsets`. */
import { ErrorCode } from '../../../broker/errors.ts';
import { DeleteGroups } from '../../../broker/protocol/messages/42-delete-groups.ts';
import { OffsetDelete } from '../../../broker/protocol/messages/47-offset-delete.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { partitionsOf } from '../leaders.ts';
import { print, printAll, printable } from '../output.ts';
import { byTopic, partitionsOfWord, type TopicPartition } from '../partitions.ts';
import { tableLines } from '../table.ts';

/** Every group that can be deleted is, whatever becomes of the others. */
export async function deleteGroups(admin: AdminClient, groupIds: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const groupId of groupIds) {
    const request = { groupsNames: [groupId] };
    const answer = await admin.askCoordinator(groupId, DeleteGroups, request, ({ results }) => results);
    for (const result of answer.results) {
      if (result.errorCode === ErrorCode.NONE)
        await print(`Deletion of group '${printable(groupId)}' was successful.`);
      else failed.push(`group ${groupId}: ${reasonOf(result)}`);
    }
  }
  if (failed.length > 0) throw new Error(failed.join('\n'));
  return 0;
}

/** What a group committed for the topics and partitions of --topic. */
export async function deleteOffsets(admin: AdminClient, groupId: string, given: Arguments): Promise<number> {
  const wanted = await partitionsOfWords(admin, given.all('topic'));
  const topics = [...byTopic(wanted)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  const answer = await admin.askCoordinator(groupId, OffsetDelete, { groupId, topics }, (response) => [
    response,
  ]);
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`group ${groupId}: ${reasonOf(answer)}`);
  const outcomes = answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => ({ name, partitionIndex, errorCode })),
  );
  const rows = outcomes.map(({ name, partitionIndex, errorCode }) => {
    const status = errorCode === ErrorCode.NONE ? 'Successful' : `Error: ${reasonOf({ errorCode })}`;
    return [name, partitionIndex, status];
  });
  await printAll(tableLines(['TOPIC', 'PARTITION', 'STATUS'], rows, [30, 15]));
  return outcomes.every(({ errorCode }) => errorCode === ErrorCode.NONE) ? 0 : 1;
}

/** The partitions of words like `topic` and `topic:0,1`. */
export async function partitionsOfWords(
  admin: AdminClient,
  words: readonly string[],
): Promise<TopicPartition[]> {
  const named = words.map((word) => partitionsOfWord('topic', word));
  const whole = named.filter(({ partitions }) => partitions === null).map(({ topic }) => topic);
  const some = named.flatMap(({ topic, partitions }) =>
    (partitions ?? []).map((partition) => ({ topic, partition })),
  );
  return [...(await partitionsOf(admin, whole)), ...some];
}
