/** Topics whose znodes can't be read or written: what becomes of them when somebody mends or removes them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Change } from '../../../coordinator-client/coordinator.ts';
import { controllerZnode, topicZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

beforeEach(() => {
  cluster = new TestCluster();
});
afterEach(() => cluster.stop());

const INTERVAL_MS = 60_000;
const PATH = topicZnode.path('t');
const partitions = new Map([[0, { replicas: [1], addingReplicas: [], removingReplicas: [] }]]);

function hand(change: Change): void {
  expect(cluster.tree.commit([change], 0n, 0).ok).toBe(true);
}

const spoil = (): void => hand({ op: 'create', path: PATH, data: Buffer.from('{'), lifetime: 'persistent' });
const mend = (): void =>
  hand({ op: 'put', path: PATH, data: topicZnode.encode({ topicId: null, partitions }), version: -1 });

it('a topic that could not be read is taken up as soon as its znode is mended', async () => {
  await cluster.startAll(1);
  spoil();
  await cluster.until(() => cluster.log.some((line) => line.includes(PATH)));
  mend();
  await cluster.until(() => cluster.state('t', 0)?.leader === 1);
});

it('and also when no watch has told of it', async () => {
  await cluster.startAll(1);
  spoil();
  await cluster.until(() => cluster.log.some((line) => line.includes(PATH)));
  cluster.deaf.add(1);
  mend();
  await cluster.pass(INTERVAL_MS);
  await cluster.until(() => cluster.state('t', 0)?.leader === 1);
});

it('a topic that could not be read and is gone is named to brokers no longer', async () => {
  await cluster.startAll(1);
  spoil();
  await cluster.until(() => cluster.log.some((line) => line.includes(PATH)));
  hand({ op: 'remove', path: PATH, version: -1 });
  await cluster.settle();
  cluster.forget();
  await cluster.start(2);
  await cluster.until(() => cluster.toldTo(2).length > 0);
  const named = cluster
    .toldTo(2)
    .flatMap((request) => (request.type === 'UpdateMetadata' ? [request.onlyTopics] : []));
  expect(named).not.toEqual([]);
  for (const topics of named) expect(topics ?? []).not.toContain('t');
});

it('a topic that may not be given an id is left alone, and the others are led', async () => {
  const [one] = await cluster.startAll(1);
  if (one === undefined) throw new Error('no broker');
  const commit = one.coordinator.commit.bind(one.coordinator);
  one.coordinator.commit = async (changes) => {
    const index = changes.findIndex(({ op, path }) => op === 'put' && path === PATH);
    return index === -1 ? commit(changes) : { ok: false, index, reason: 'denied' };
  };
  for (const name of ['t', 'u']) {
    const data = topicZnode.encode({ topicId: null, partitions });
    hand({ op: 'create', path: topicZnode.path(name), data, lifetime: 'persistent' });
  }
  await cluster.until(() => cluster.state('u', 0)?.leader === 1);
  expect(cluster.state('t', 0)).toBeNull();
  expect(cluster.log.some((line) => line.includes('Leaving topic t alone'))).toBe(true);
});

it('a broker whose election is refused, though nobody was faster, stands again after a while', async () => {
  const one = await cluster.start(1);
  await cluster.until(() => cluster.active() !== undefined);
  const commit = one.coordinator.commit.bind(one.coordinator);
  let isDenied = true;
  one.coordinator.commit = async (changes) => {
    const index = changes.findIndex(({ op, path }) => op === 'create' && path === controllerZnode.path);
    return index === -1 || !isDenied ? commit(changes) : { ok: false, index, reason: 'denied' };
  };
  hand({ op: 'remove', path: controllerZnode.path, version: -1 });
  await cluster.until(() => cluster.log.some((line) => line.includes('cannot be elected')));
  isDenied = false;
  await cluster.until(() => cluster.active() !== undefined);
});
