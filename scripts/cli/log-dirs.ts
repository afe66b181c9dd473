/** `odradek log-dirs`: what Kafka's kafka-log-dirs does, with its JSON. */
import { ErrorCode, errorName } from '../../broker/errors.ts';
import { DescribeLogDirs } from '../../broker/protocol/messages/35-describe-log-dirs.ts';
import { type AdminClient, adminClient, type ClusterMetadata, reasonOf } from './admin-client.ts';
import { type Arguments, type CommandSpec, UsageError } from './arguments.ts';
import { clientOptions } from './bootstrap.ts';
import { print } from './output.ts';
import { partitionName } from './partitions.ts';

export const logDirsCommand: CommandSpec = {
  name: 'log-dirs',
  summary: 'Tells in which directories of which brokers replicas are, and how large they are, in JSON.',
  options: [
    ...clientOptions,
    { name: 'describe', required: true, help: 'describe them' },
    { name: 'topic-list', value: 'NAME,…', help: 'only these topics' },
    { name: 'broker-list', value: 'ID,…', help: 'only these brokers' },
  ],
  notes:
    'A replica that is being moved to another directory is there twice: isFuture tells which is the new one.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const topics = new Set(given.text('topic-list')?.split(',') ?? []);
  const wanted = given.text('broker-list')?.split(',').map(brokerId) ?? null;
  const admin = await adminClient(given);
  try {
    const metadata = await admin.metadata([]);
    const ids = metadata.brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
    const missing = wanted?.filter((id) => !ids.includes(id)) ?? [];
    if (missing.length > 0)
      throw new Error(
        `brokers ${missing.join(',')} are not among the living ones, which are ${ids.join(',')}`,
      );
    process.stderr.write('Querying brokers for log directories information\n');
    const asked = (wanted ?? ids).map((id) => ofBroker(admin, id, { metadata, topics }));
    const brokers = await Promise.all(asked);
    process.stderr.write(`Received log directory information from brokers ${(wanted ?? ids).join(',')}\n`);
    await print(JSON.stringify({ brokers, version: 1 }));
    return 0;
  } finally {
    admin.close();
  }
}

async function ofBroker(
  admin: AdminClient,
  broker: number,
  { metadata, topics }: { readonly metadata: ClusterMetadata; readonly topics: ReadonlySet<string> },
): Promise<object> {
  const answer = await admin.askBroker(broker, metadata, DescribeLogDirs, { topics: null });
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`broker ${broker}: ${reasonOf(answer)}`);
  const logDirs = answer.results.map((result) => ({
    partitions: result.topics
      .filter(({ name }) => topics.size === 0 || topics.has(name))
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
          partition: partitionName({ topic: name, partition: partitionIndex }),
          size: partitionSize,
          offsetLag,
          isFuture: isFutureKey,
        })),
      ),
    error: result.errorCode === ErrorCode.NONE ? null : errorName(result.errorCode),
    logDir: result.logDir,
  }));
  return { broker, logDirs };
}

function brokerId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--broker-list takes ids of brokers, not '${text}'`);
  return Number(text);
}
