/** `odradek transactions list`, `describe` and `describe-producers`. */
import { ErrorCode } from '../../../broker/errors.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import type { Arguments } from '../arguments.ts';
import { jsonLine } from '../json-line.ts';
import { print, printAll } from '../output.ts';
import { comparePartitions, partitionName } from '../partitions.ts';
import { tableLines } from '../table.ts';
import { activeProducers, describedTransaction, listedTransactions } from './transaction-lookups.ts';

/** Before the first transaction of an id. */
const NONE = -1;
const PRODUCER_COLUMNS = [
  'ProducerId',
  'ProducerEpoch',
  'LatestCoordinatorEpoch',
  'LastSequence',
  'LastTimestamp',
  'CurrentTransactionStartOffset',
];
const DESCRIPTION_COLUMNS = [
  'CoordinatorId',
  'TransactionalId',
  'ProducerId',
  'ProducerEpoch',
  'TransactionState',
  'TransactionTimeoutMs',
  'CurrentTransactionStartTimeMs',
  'TransactionDurationMs',
  'TopicPartitions',
];

export async function list(admin: AdminClient, given: Arguments): Promise<number> {
  const longerThanMs = given.integer('duration-filter') ?? NONE;
  const found = await listedTransactions(admin, { longerThanMs });
  if (given.flag('json')) await print(jsonLine(found));
  else {
    const columns = ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'];
    const rows = found.map((each) => [each.transactionalId, each.coordinator, each.producerId, each.state]);
    await printAll(tableLines(columns, rows));
  }
  return 0;
}

export async function describe(admin: AdminClient, given: Arguments): Promise<number> {
  const transactionalId = given.needText('transactional-id');
  const found = await describedTransaction(admin, transactionalId);
  if (found === null)
    throw new Error(
      `transactional id ${transactionalId}: ${reasonOf({ errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND })}`,
    );
  const { nodeId } = await admin.transactionCoordinator(transactionalId);
  const startMs = found.transactionStartTimeMs === NONE ? null : found.transactionStartTimeMs;
  const durationMs = startMs === null ? null : Date.now() - startMs;
  const partitions = found.topics
    .flatMap(({ topic, partitions: own }) => own.map((partition) => ({ topic, partition })))
    .sort(comparePartitions);
  const { producerId, producerEpoch, transactionState, transactionTimeoutMs } = found;
  if (given.flag('json')) {
    const times = { transactionTimeoutMs, startMs, durationMs };
    await print(
      jsonLine({
        transactionalId,
        coordinator: nodeId,
        producerId,
        producerEpoch,
        state: transactionState,
        ...times,
        partitions,
      }),
    );
    return 0;
  }
  const who = [nodeId, transactionalId, producerId, producerEpoch];
  const what = [transactionState, transactionTimeoutMs, startMs ?? 'None', durationMs ?? 'None'];
  const row = [...who, ...what, partitions.map(partitionName).join(',')];
  await printAll(tableLines(DESCRIPTION_COLUMNS, [row]));
  return 0;
}

export async function describeProducers(admin: AdminClient, given: Arguments): Promise<number> {
  const partition = { topic: given.needText('topic'), partition: given.needInteger('partition') };
  const found = await activeProducers(admin, [partition], given.integer('broker-id'));
  const producers = found.get(partitionName(partition)) ?? [];
  if (given.flag('json')) await print(jsonLine(producers));
  else {
    const rows = producers.map((each) => [
      each.producerId,
      each.producerEpoch,
      each.coordinatorEpoch,
      each.lastSequence,
      each.lastTimestamp,
      each.currentTxnStartOffset < 0 ? 'None' : each.currentTxnStartOffset,
    ]);
    await printAll(tableLines(PRODUCER_COLUMNS, rows));
  }
  return 0;
}
