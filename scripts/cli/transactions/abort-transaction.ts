/**
 * `odradek transactions abort` and `force-terminate`: the one writes the marker that a hanging transaction
 * lacks into its partition, the other has the coordinator fence the producer, which ends what it has open.
 */
import { ErrorCode } from '../../../broker/errors.ts';
import type { Int64 } from '../../../broker/int64.ts';
import { toInt64 } from '../../../broker/int64.ts';
import { InitProducerId } from '../../../broker/protocol/messages/22-init-producer-id.ts';
import { WriteTxnMarkers } from '../../../broker/protocol/messages/27-write-txn-markers.ts';
import { type AdminClient, REQUEST_TIMEOUT_MS, reasonOf } from '../admin-client.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { withLeaders } from '../leaders.ts';
import { print } from '../output.ts';
import { partitionName, type TopicPartition } from '../partitions.ts';
import { withProgress } from '../progress.ts';
import { activeProducers } from './transaction-lookups.ts';

interface Aborted {
  readonly producerId: Int64;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

const NO_PRODUCER = -1;

export async function abort(admin: AdminClient, given: Arguments): Promise<number> {
  const partition = { topic: given.needText('topic'), partition: given.needInteger('partition') };
  const startOffset = given.integer('start-offset');
  const byProducer = ['producer-id', 'producer-epoch', 'coordinator-epoch'].filter((name) =>
    given.flag(name),
  );
  if ((startOffset === null) === (byProducer.length === 0) || (startOffset === null && byProducer.length < 3))
    throw new UsageError(
      'abort takes --start-offset, or --producer-id with --producer-epoch and --coordinator-epoch',
    );
  const aborted = startOffset === null ? named(given) : await begunAt(admin, partition, startOffset);
  await writeMarker(admin, partition, aborted);
  return 0;
}

function named(given: Arguments): Aborted {
  return {
    producerId: toInt64(BigInt(given.needText('producer-id'))),
    producerEpoch: given.needInteger('producer-epoch'),
    coordinatorEpoch: given.needInteger('coordinator-epoch'),
  };
}

async function begunAt(admin: AdminClient, partition: TopicPartition, startOffset: number): Promise<Aborted> {
  const producers = (await activeProducers(admin, [partition], null)).get(partitionName(partition)) ?? [];
  const found = producers.find(({ currentTxnStartOffset }) => currentTxnStartOffset === startOffset);
  if (found === undefined)
    throw new Error(`no transaction of partition ${partitionName(partition)} began at offset ${startOffset}`);
  return found;
}

async function writeMarker(
  admin: AdminClient,
  { topic, partition }: TopicPartition,
  { producerId, producerEpoch, coordinatorEpoch }: Aborted,
): Promise<void> {
  const name = partitionName({ topic, partition });
  const { metadata, byLeader, problems } = await withLeaders(admin, [{ topic, partition }]);
  const [leaderId] = [...byLeader.keys()];
  if (leaderId === undefined) throw new Error(`partition ${name}: ${problems.get(name)}`);
  const marker = {
    producerId,
    producerEpoch,
    transactionResult: false,
    topics: [{ name: topic, partitionIndexes: [partition] }],
    // A producer of whose transactions none has ended yet has seen no coordinator: Kafka takes 0.
    coordinatorEpoch: Math.max(coordinatorEpoch, 0),
  };
  const answer = await admin.askBroker(leaderId, metadata, WriteTxnMarkers, { markers: [marker] });
  const result = answer.markers[0]?.topics[0]?.partitions[0];
  if (result === undefined) throw new Error(`partition ${name}: the broker did not answer for it`);
  if (result.errorCode !== ErrorCode.NONE) throw new Error(`partition ${name}: ${reasonOf(result)}`);
}

export async function forceTerminate(admin: AdminClient, given: Arguments): Promise<number> {
  const transactionalId = given.needText('transactional-id');
  const request = {
    transactionalId,
    transactionTimeoutMs: REQUEST_TIMEOUT_MS,
    producerId: NO_PRODUCER,
    producerEpoch: NO_PRODUCER,
  };
  const work = admin.askTransactionCoordinator(transactionalId, InitProducerId, request, (answer) => [
    answer,
  ]);
  const answer = await withProgress(work, () => `ending the transaction of ${transactionalId}`);
  if (answer.errorCode !== ErrorCode.NONE)
    throw new Error(`transactional id ${transactionalId}: ${reasonOf(answer)}`);
  await print(`Transactions of '${transactionalId}' are ended, its producer is fenced.`);
  return 0;
}
