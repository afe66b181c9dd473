/** What a coordinator is told about its topic. */

import { expect, it } from 'vitest';
import { coordinatorPartitionCounts } from '../../../broker/node/coordinator-wiring.ts';
import { World } from '../../support/world.ts';

it('the partitions of its topic are those of the assignment, or those it would be made with', async () => {
  const store = await World.flowing().store();
  const config = { offsetsTopicNumPartitions: 12, transactionStateLogNumPartitions: 7 };
  const count = async () => (await coordinatorPartitionCounts(store, config)).groups;
  expect(await count()).toBe(12);
  expect((await coordinatorPartitionCounts(store, config)).transactions).toBe(7);
  const replicas = { replicas: [1], addingReplicas: [], removingReplicas: [] };
  const partitions = new Map([0, 1, 2].map((partition) => [partition, replicas]));
  const assignment = { topicId: null, partitions };
  await store.topics.create('__consumer_offsets', assignment, new Map());
  expect(await count()).toBe(3);
  expect((await coordinatorPartitionCounts(store, config)).transactions).toBe(7);
});
