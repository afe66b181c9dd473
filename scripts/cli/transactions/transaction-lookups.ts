/** What commands ask about transactions: coordinators about their state, brokers about producers. */
import { ErrorCode } from '../../../broker/errors.ts';
import type { Int64 } from '../../../broker/int64.ts';
import { DescribeProducers } from '../../../broker/protocol/messages/61-describe-producers.ts';
import { DescribeTransactions } from '../../../broker/protocol/messages/65-describe-transactions.ts';
import { ListTransactions } from '../../../broker/protocol/messages/66-list-transactions.ts';
import type { ResponseOf } from '../../../broker/protocol/schema.ts';
import { type AdminClient, reasonOf } from '../admin-client.ts';
import { withLeaders } from '../leaders.ts';
import { byTopic, partitionName, type TopicPartition } from '../partitions.ts';

interface ListedTransaction {
  readonly transactionalId: string;
  readonly coordinator: number;
  readonly producerId: Int64;
  readonly state: string;
}

type TransactionDescription = ResponseOf<typeof DescribeTransactions>['transactionStates'][number];
export type Producer = ResponseOf<
  typeof DescribeProducers
>['topics'][number]['partitions'][number]['activeProducers'][number];

/** Of all coordinators, sorted by id; of these producers only, if any are given. */
export async function listedTransactions(
  admin: AdminClient,
  filter: { readonly producerIds?: readonly Int64[]; readonly longerThanMs?: number },
): Promise<ListedTransaction[]> {
  const metadata = await admin.metadata([]);
  const request = {
    stateFilters: [],
    producerIdFilters: [...(filter.producerIds ?? [])],
    durationFilter: filter.longerThanMs ?? -1,
  };
  const asked = metadata.brokers.map(async ({ nodeId }) => {
    const answer = await admin.askBroker(nodeId, metadata, ListTransactions, request);
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`broker ${nodeId}: ${reasonOf(answer)}`);
    return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
      transactionalId,
      coordinator: nodeId,
      producerId,
      state: transactionState,
    }));
  });
  const found = (await Promise.all(asked)).flat();
  return found.sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1));
}

/** Null: its coordinator knows nothing of the id. */
export async function describedTransaction(
  admin: AdminClient,
  transactionalId: string,
): Promise<TransactionDescription | null> {
  const request = { transactionalIds: [transactionalId] };
  const { transactionStates } = await admin.askTransactionCoordinator(
    transactionalId,
    DescribeTransactions,
    request,
    (response) => response.transactionStates,
  );
  const [found] = transactionStates;
  if (found?.errorCode === ErrorCode.TRANSACTIONAL_ID_NOT_FOUND) return null;
  if (found === undefined || found.errorCode !== ErrorCode.NONE)
    throw new Error(
      `transactional id ${transactionalId}: ${found === undefined ? 'no answer' : reasonOf(found)}`,
    );
  return found;
}

/** Active producers of partitions by the partition's name, as their leaders know them, or one given replica. */
export async function activeProducers(
  admin: AdminClient,
  partitions: readonly TopicPartition[],
  brokerId: number | null,
): Promise<Map<string, readonly Producer[]>> {
  const { metadata, byLeader, problems } = await withLeaders(admin, partitions);
  const [problem] = problems;
  if (problem !== undefined && brokerId === null) throw new Error(`partition ${problem[0]}: ${problem[1]}`);
  const byBroker = brokerId === null ? byLeader : new Map([[brokerId, partitions]]);
  const found = new Map<string, readonly Producer[]>();
  const asked = [...byBroker].map(async ([broker, own]) => {
    const topics = [...byTopic(own)].map(([name, items]) => ({
      name,
      partitionIndexes: items.map(({ partition }) => partition),
    }));
    const answer = await admin.askBroker(broker, metadata, DescribeProducers, { topics });
    for (const { name, partitions: results } of answer.topics) {
      for (const result of results) {
        const partition = partitionName({ topic: name, partition: result.partitionIndex });
        if (result.errorCode !== ErrorCode.NONE)
          throw new Error(`partition ${partition}: ${reasonOf(result)}`);
        found.set(partition, result.activeProducers);
      }
    }
  });
  await Promise.all(asked);
  return found;
}
