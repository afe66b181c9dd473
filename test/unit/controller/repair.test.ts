/** What an event has left undone, or a watch has not told, is found by looking. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { topicZnode } from '../../../coordinator-client/znodes/znodes.ts';
import { assignment, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

const SOON_MS = 2000;
const INTERVAL_MS = 60_000;
const TOPICS = 2500;

/** A cluster whose controller hears nothing of what happens in the tree until it is told to listen. */
async function deafened(prepare: () => Promise<void> = async () => {}): Promise<void> {
  cluster = new TestCluster();
  await cluster.startAll(1, 2);
  await prepare();
  cluster.deaf.add(cluster.controller().controllerId);
}

/** Somebody without a watch of their own. */
const hearing = () => cluster.member(cluster.controller().controllerId === 1 ? 2 : 1).store.topics;

describe('a controller that looks whether all is done', () => {
  it('takes up topics of which no watch has told', async () => {
    await deafened();
    await hearing().create('t', assignment([[1, 2]]), new Map());
    await cluster.settle();
    expect(cluster.state('t', 0)).toBeNull();
    await cluster.pass(INTERVAL_MS);
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
  });

  it('takes up partitions that were added, and deletions', async () => {
    await deafened(() => cluster.createTopic('t', [1, 2]));
    await hearing().replaceAssignment('t', assignment([[1, 2], [2]]), 0);
    await cluster.settle();
    expect(cluster.state('t', 1)).toBeNull();
    await cluster.pass(INTERVAL_MS);
    await cluster.until(() => cluster.state('t', 1)?.leader === 2);
    await hearing().requestDeletion('t');
    await cluster.settle();
    await cluster.pass(INTERVAL_MS);
    await cluster.until(() => cluster.tree.read(topicZnode.path('t')) === null);
  });

  it('forgets topics that are gone', async () => {
    await deafened(() => cluster.createTopic('t', [1]));
    const paths = ['/partitions/0/state', '/partitions/0', '/partitions', ''];
    for (const path of paths) {
      cluster.tree.commit([{ op: 'remove', path: `${topicZnode.path('t')}${path}`, version: -1 }], 0n, 0);
    }
    await cluster.pass(INTERVAL_MS);
    await cluster.until(() => cluster.events('topic-vanished').some(({ topic }) => topic === 't'));
  });

  it('does so soon after an event that failed half way', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    if (one === undefined) throw new Error();
    const read = one.coordinator.read.bind(one.coordinator);
    let isBroken = true;
    one.coordinator.read = async (path) => {
      if (isBroken && path === topicZnode.path('t')) throw new Error('nobody has thought of this');
      return read(path);
    };
    await one.store.topics.create('t', assignment([[1]]), new Map());
    await cluster.until(() => cluster.log.some((line) => line.includes('TopicChange failed')));
    expect(cluster.controller().isActive).toBe(true);
    isBroken = false;
    await cluster.pass(SOON_MS);
    await cluster.until(() => cluster.state('t', 0)?.leader === 1);
  });

  it('writes nothing where nothing is wrong', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [1, 2, 3], [2, 3, 1]);
    // A node that is no topic's is no topic that has been missed.
    const path = topicZnode.path('no name');
    cluster.tree.commit([{ op: 'create', path, data: Buffer.alloc(0), lifetime: 'persistent' }], 0n, 0);
    await cluster.kill(cluster.controller().controllerId === 3 ? 2 : 3);
    await cluster.until(() => [0, 1].every((partition) => cluster.state('t', partition)?.isr.length === 2));
    await cluster.settle();
    const zxid = cluster.tree.lastZxid;
    cluster.forget();
    const { coordinator } = cluster.member(cluster.controller().controllerId);
    const children = vi.spyOn(coordinator, 'children');
    await cluster.pass(INTERVAL_MS);
    await cluster.settle();
    expect(cluster.tree.lastZxid).toBe(zxid);
    expect(cluster.told).toEqual([]);
    expect(children.mock.calls.filter(([path]) => path === topicZnode.parent)).toHaveLength(1);
  });

  it('has them all led when thousands of topics appear at once', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    const names = Array.from({ length: TOPICS }, (_, index) => `t${index}`);
    await Promise.all(names.map((name) => one?.store.topics.create(name, assignment([[1]]), new Map())));
    const allLed = (): boolean => {
      while (names.length > 0 && cluster.state(names.at(-1) ?? '', 0)?.leader === 1) names.pop();
      return names.length === 0;
    };
    await cluster.until(allLed);
  });
});
