/** `odradek topics --create`, `--alter` and `--delete`. */
import { ErrorCode } from '../../../broker/errors.ts';
import { CreateTopics } from '../../../broker/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../../broker/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../../broker/protocol/messages/37-create-partitions.ts';
import { type AdminClient, REQUEST_TIMEOUT_MS } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress.ts';
import { checkTopics, chosenTopics, nameOf } from './chosen-topics.ts';

/** The broker's own num.partitions and default.replication.factor. */
const OF_THE_BROKER = -1;
const LEADERS_WAIT_MS = 10_000;
const PAUSE_MS = 50;

export async function createTopics(
  admin: AdminClient,
  given: Arguments,
  assigned: readonly (readonly number[])[] | null,
): Promise<number> {
  const configs = given.all('config').map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw new UsageError(`--config takes KEY=VALUE, not '${word}'`);
    return { name: word.slice(0, at), value: word.slice(at + 1) };
  });
  const topics = given.all('topic').map((name) => ({
    name,
    numPartitions: given.integer('partitions') ?? OF_THE_BROKER,
    replicationFactor: given.integer('replication-factor') ?? OF_THE_BROKER,
    assignments: (assigned ?? []).map((brokerIds, partitionIndex) => ({
      partitionIndex,
      brokerIds: [...brokerIds],
    })),
    configs,
  }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS };
  const work = admin.askController(CreateTopics, request, (response) => response.topics);
  const { topics: answers } = await withProgress(work, () => `creating ${topics.length} topics`);
  for (const { name, errorCode } of answers) {
    if (errorCode !== ErrorCode.NONE) continue;
    await withProgress(leadersOf(admin, name), () => `waiting for leaders of ${name}`);
    await print(`Created topic ${name}.`);
  }
  checkTopics(answers, given.flag('if-not-exists') ? ErrorCode.TOPIC_ALREADY_EXISTS : ErrorCode.NONE);
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

export async function alterTopics(
  admin: AdminClient,
  given: Arguments,
  assigned: readonly (readonly number[])[] | null,
): Promise<number> {
  const count = given.needInteger('partitions');
  const { topics: found } = await chosenTopics(admin, given);
  const topics = found.map((topic) => ({
    name: nameOf(topic),
    count,
    // The list is of all partitions; those that are there already stay as they are.
    assignments:
      assigned?.slice(topic.partitions.length).map((brokerIds) => ({ brokerIds: [...brokerIds] })) ?? null,
  }));
  const request = { topics, timeoutMs: REQUEST_TIMEOUT_MS, validateOnly: false };
  const { results } = await admin.askController(CreatePartitions, request, (response) => response.results);
  checkTopics(results, fineIfMissing(given));
  return 0;
}

export async function deleteTopics(admin: AdminClient, given: Arguments): Promise<number> {
  const topicNames = (await chosenTopics(admin, given)).topics.map(nameOf);
  const request = { topics: topicNames.map((name) => ({ name })), topicNames, timeoutMs: REQUEST_TIMEOUT_MS };
  const work = admin.askController(DeleteTopics, request, (response) => response.responses);
  const { responses } = await withProgress(work, () => `deleting ${topicNames.length} topics`);
  checkTopics(responses, fineIfMissing(given));
  return 0;
}

/** Somebody else may delete it meanwhile. */
function fineIfMissing(given: Arguments): number {
  return given.flag('if-exists') ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE;
}
