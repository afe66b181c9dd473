/** Nodes among the topics that somebody made by hand: what can't be a topic's name is left alone. */
import { afterEach, expect, it } from 'vitest';
import { topicZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { TestCluster } from './cluster.ts';

const cluster = new TestCluster();
afterEach(() => cluster.stop());

it('a name that can’t be a topic’s is told once, and nobody acts on it', async () => {
  const [first] = await cluster.startAll(1);
  if (first === undefined) throw new Error('no broker');
  const partitions = new Map([[0, { replicas: [1], addingReplicas: [], removingReplicas: [] }]]);
  for (const name of ['a b', 'good', 'ä', 'better']) {
    const data = topicZnode.encode({ topicId: null, partitions });
    const path = topicZnode.path(name);
    await first.coordinator.commit([{ op: 'create', path, data, lifetime: 'persistent' }]);
    await cluster.settle();
  }
  await cluster.until(() => cluster.state('better', 0) !== null);
  expect(['a b', 'good', 'ä', 'better'].filter((name) => cluster.state(name, 0) !== null)).toEqual([
    'good',
    'better',
  ]);
  const refused = cluster.log.filter((line) => line.includes('alone'));
  expect(refused.map((line) => line.slice(line.indexOf('Leaving')))).toEqual([
    "Leaving /brokers/topics/a b alone: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    "Leaving /brokers/topics/ä alone: 'ä' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
  ]);
});
