/** Brokers of another kind that register in our cluster. */
import { afterEach, expect, it } from 'vitest';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { TestCluster } from './cluster.ts';

const cluster = new TestCluster();
afterEach(() => cluster.stop());

/** As Apache Kafka's registers itself. */
async function registerStranger(id: number): Promise<ClusterStore> {
  const store = new ClusterStore(await cluster.source.open(1000));
  const endpoint = { listener: 'PLAINTEXT', host: `a${id}`, port: 9092, securityProtocol: 'PLAINTEXT' };
  const registration = { id, endpoints: [endpoint], rack: null, jmxPort: 9999, timestampMs: 1 };
  await store.registerBroker({ ...registration, features: new Map() });
  return store;
}

it('a broker that can’t replicate with us is told once and left out: it neither leads nor is told anything', async () => {
  await cluster.startAll(1, 2);
  await cluster.createTopic('before', [2, 1]);
  cluster.forget();
  const stranger = await registerStranger(3);
  await cluster.until(() => cluster.events('stranger-registered').length > 0);
  await stranger.topics.create(
    'after',
    {
      topicId: null,
      partitions: new Map([[0, { replicas: [3, 1], addingReplicas: [], removingReplicas: [] }]]),
    },
    new Map(),
  );
  await cluster.until(() => cluster.state('after', 0) !== null);
  await cluster.kill(2);
  await cluster.until(() => cluster.state('before', 0)?.leader === 1);
  await cluster.settle();
  expect(cluster.state('after', 0)).toMatchObject({ leader: 1, isr: [1] });
  expect(cluster.toldTo(3)).toEqual([]);
  expect(cluster.events('stranger-registered')).toMatchObject([{ broker: 3 }]);
  await stranger.coordinator.close();
  const again = await registerStranger(3);
  await cluster.until(() => cluster.events('stranger-registered').length === 2);
  await again.coordinator.close();
});
