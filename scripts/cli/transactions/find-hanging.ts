/** `odradek transactions find-hanging`. */
import { ErrorCode } from '../../../broker/errors.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { jsonLine } from '../json-line.ts';
import { print, printAll } from '../output.ts';
import { comparePartitions, partitionName, type TopicPartition } from '../partitions.ts';
import { withProgress } from '../progress.ts';
import { tableLines } from '../table.ts';
import { hanging, type KnownTransaction, type OpenTransaction, suspects } from './hanging.ts';
import { activeProducers, describedTransaction, listedTransactions } from './transaction-lookups.ts';

const MINUTE_MS = 60_000;
const COLUMNS = [
  'Topic',
  'Partition',
  'ProducerId',
  'ProducerEpoch',
  'CoordinatorEpoch',
  'StartOffset',
  'LastTimestamp',
  'Duration(min)',
];

export async function findHanging(admin: AdminClient, given: Arguments): Promise<number> {
  if (given.flag('partition') && !given.flag('topic'))
    throw new UsageError('--partition goes only with --topic');
  if (!given.flag('topic') && !given.flag('broker-id'))
    throw new UsageError('find-hanging takes --broker-id or --topic, perhaps with --partition');
  const found = await withProgress(search(admin, given), () => 'looking for transactions that hang');
  if (given.flag('json')) {
    await print(jsonLine(found.map(({ topic, partition, producer }) => ({ topic, partition, ...producer }))));
    return 0;
  }
  const rows = found.map(({ topic, partition, producer }) => [
    topic,
    partition,
    producer.producerId,
    producer.producerEpoch,
    producer.coordinatorEpoch,
    producer.currentTxnStartOffset,
    producer.lastTimestamp,
    Math.floor((Date.now() - Number(producer.lastTimestamp)) / MINUTE_MS),
  ]);
  await printAll(tableLines(COLUMNS, rows));
  return 0;
}

async function search(admin: AdminClient, given: Arguments): Promise<OpenTransaction[]> {
  const partitions = await candidates(admin, given);
  const producers = await activeProducers(admin, partitions, given.integer('broker-id'));
  const open = partitions.flatMap((each) =>
    (producers.get(partitionName(each)) ?? []).map((producer) => ({ ...each, producer })),
  );
  const longestMs = given.needInteger('max-transaction-timeout') * MINUTE_MS;
  const old = suspects(open, Date.now(), longestMs);
  return old.length === 0 ? [] : hanging(old, await knownOf(admin, old)).sort(comparePartitions);
}

/** Partitions of the topic, or those that the broker leads. */
async function candidates(admin: AdminClient, given: Arguments): Promise<TopicPartition[]> {
  const [topic, partition, brokerId] = [
    given.text('topic'),
    given.integer('partition'),
    given.integer('broker-id'),
  ];
  const { topics } = await admin.metadata(topic === null ? null : [topic]);
  return topics.flatMap(({ name, errorCode, partitions }) => {
    if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: ${reasonOf({ errorCode })}`);
    return partitions
      .filter(({ partitionIndex, leaderId, replicaNodes }) => {
        if (partition !== null && partition !== partitionIndex) return false;
        if (brokerId === null) return true;
        return topic === null ? leaderId === brokerId : replicaNodes.includes(brokerId);
      })
      .map(({ partitionIndex }) => ({ topic: name ?? '', partition: partitionIndex }));
  });
}

/** What coordinators know of these producers' transactions. */
async function knownOf(admin: AdminClient, open: readonly OpenTransaction[]): Promise<KnownTransaction[]> {
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))];
  const listed = await listedTransactions(admin, { producerIds });
  const known = listed.map(async ({ transactionalId }) => {
    const found = await describedTransaction(admin, transactionalId);
    const partitions = (found?.topics ?? []).flatMap(({ topic, partitions: own }) =>
      own.map((partition) => partitionName({ topic, partition })),
    );
    return found === null ? [] : [{ producerId: found.producerId, partitions: new Set(partitions) }];
  });
  return (await Promise.all(known)).flat();
}
