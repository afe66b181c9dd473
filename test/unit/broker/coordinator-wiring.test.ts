/** What a coordinator is told about its topic. */
import { expect, it } from 'vitest';
import { coordinatorPartitionCount } from '../../../broker/node/coordinator-wiring.ts';
import { localSource } from '../../../coordinator-client/local/local.ts';
import { LocalTree } from '../../../coordinator-client/local/local-tree.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';

it('the partitions of its topic are those of the assignment, or those it would be made with', async () => {
  const clock = new SimulatedClock();
  const source = localSource({
    tree: new LocalTree(),
    clock,
    random: simulatedRandom(1),
    sessionTimeoutMs: 2000,
    delayMs: 0,
  });
  const store = new ClusterStore(await clock.runUntilSettled(source.open(1000), 1000));
  await clock.runUntilSettled(store.ensureTopLevelPaths(), 1000);
  const count = () => clock.runUntilSettled(coordinatorPartitionCount(store, '__consumer_offsets', 12), 1000);
  expect(await count()).toBe(12);
  const replicas = { replicas: [1], addingReplicas: [], removingReplicas: [] };
  const partitions = new Map([0, 1, 2].map((partition) => [partition, replicas]));
  const assignment = { topicId: null, partitions };
  const created = store.topics.create('__consumer_offsets', assignment, new Map());
  await clock.runUntilSettled(created, 1000);
  expect(await count()).toBe(3);
});
