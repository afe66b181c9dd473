/** What the group coordinator is told about its topic. */

import { expect, it } from 'vitest';
import { brokerConfig } from '../../../broker/config/broker-config.ts';
import { groupPartitionCount } from '../../../broker/node/group-wiring.ts';
import { World } from '../../support/world.ts';

it('the partitions of __consumer_offsets are those of its assignment, or those it would be made with', async () => {
  const store = await World.flowing().store();
  const config = brokerConfig(
    new Map([
      ['zookeeper.connect', 'tree:2181'],
      ['offsets.topic.num.partitions', '12'],
    ]),
  );
  const count = () => groupPartitionCount(store, config);
  expect(await count()).toBe(12);
  const replicas = { replicas: [1], addingReplicas: [], removingReplicas: [] };
  const partitions = new Map([0, 1, 2].map((partition) => [partition, replicas]));
  const assignment = { topicId: null, partitions };
  await store.topics.create('__consumer_offsets', assignment, new Map());
  expect(await count()).toBe(3);
});
