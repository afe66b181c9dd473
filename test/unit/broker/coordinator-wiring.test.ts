/** What a coordinator is told about its topic. */

import { expect, it } from 'vitest';
import { CoordinatorPartitionCounts } from '../../../broker/node/coordinator-wiring.ts';
import { World } from '../../support/world.ts';

it('the partitions of its topic are those of the assignment, or those it would be made with', async () => {
  const store = await World.flowing().store();
  const config = { offsetsTopicNumPartitions: 12, transactionStateLogNumPartitions: 7 };
  const counts = new CoordinatorPartitionCounts(config);
  await counts.ask(store);
  expect([counts.groups(), counts.transactions()]).toEqual([12, 7]);
  const replicas = { replicas: [1], addingReplicas: [], removingReplicas: [] };
  const create = (topic: string, count: number) => {
    const partitions = new Map(Array.from({ length: count }, (_, partition) => [partition, replicas]));
    return store.topics.create(topic, { topicId: null, partitions }, new Map());
  };
  await create('__consumer_offsets', 3);
  expect([counts.groups(), counts.transactions()]).toEqual([12, 7]);
  await counts.ask(store);
  expect([counts.groups(), counts.transactions()]).toEqual([3, 7]);
  await create('__transaction_state', 4);
  await counts.ask(store);
  expect([counts.groups(), counts.transactions()]).toEqual([3, 4]);
});
