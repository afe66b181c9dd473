/** Who is the controller: elections, offices that end, and the fence that holds what a former one writes. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';
import { FencedStore } from '../../../coordinator-client/stores/fenced-store.ts';
import { alter, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('elections', () => {
  it('of three brokers one becomes the controller, and all see which', async () => {
    cluster = new TestCluster();
    await Promise.all([1, 2, 3].map((id) => cluster.start(id)));
    const controllers = [...cluster.members.values()].map(({ controller }) => controller);
    await cluster.until(() => controllers.every(({ controllerId }) => controllerId >= 1));
    await cluster.settle();
    const active = controllers.filter(({ isActive }) => isActive);
    expect(active).toHaveLength(1);
    expect(active[0]?.epoch).toBe(1);
    expect(new Set(controllers.map(({ controllerId }) => controllerId)).size).toBe(1);
  });

  it('the next one begins when the controller dies, and its epoch is one higher', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    const first = cluster.controller().controllerId;
    const other = [1, 2, 3].find((id) => id !== first) ?? 0;
    await cluster.kill(first);
    await cluster.until(() => cluster.active() !== undefined);
    expect(cluster.controller().epoch).toBe(2);
    expect(cluster.tree.read('/controller_epoch')?.data.toString()).toBe('2');
    const { controllerId } = cluster.controller();
    await cluster.until(() => cluster.member(other).controller.controllerId === controllerId);
    expect(cluster.events('failover-finished').at(-1)).toMatchObject({
      ...{ controllerId, epoch: 2, brokers: 2, partitions: 0, partitionsMoved: 0 },
    });
  });

  it('a controller whose node is removed by hand stands again', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    cluster.tree.commit([{ op: 'remove', path: '/controller', version: -1 }], 0n, 0);
    await cluster.until(() => one?.controller.epoch === 2);
  });

  it('a lost session ends the office at once; a new one takes part again under a new epoch', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    if (one === undefined) throw new Error();
    const waiting = one.controller.alterPartition(alter(1, one.epoch, [1]));
    one.controller.onSessionLost();
    expect(one.controller.isActive).toBe(false);
    expect((await waiting).error).toBe(ErrorCode.NOT_CONTROLLER);
    cluster.source.expire(one.coordinator.sessionId);
    const again = await cluster.source.open(1000);
    const store = new ClusterStore(again);
    const epoch = await cluster.register(store, 1);
    one.controller.onSessionRegained(store, epoch);
    await cluster.until(() => one.controller.epoch === 2);
    await again.close();
  });

  it('a controller that does not know it has been replaced changes nothing and resigns', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    if (one === undefined) throw new Error();
    // Somebody else has counted the epoch up; the watch on /controller tells nothing.
    const data = Buffer.from('9');
    cluster.tree.commit([{ op: 'put', path: '/controller_epoch', data, version: 1 }], 0n, 0);
    const before = cluster.tree.read('/brokers/topics/t/partitions/0/state');
    const answer = await one.controller.alterPartition(alter(1, one.epoch, [1]));
    expect(answer.error).toBe(ErrorCode.NOT_CONTROLLER);
    expect(cluster.tree.read('/brokers/topics/t/partitions/0/state')).toEqual(before);
    // The node it still holds is given up under the newer epoch, and the election goes on from there.
    await cluster.until(() => (cluster.active()?.controller.epoch ?? 0) >= 10);
  });
});

describe('the fence', () => {
  it('holds for a store of an older epoch', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1);
    await cluster.createTopic('t', [1]);
    const old = new FencedStore((one ?? cluster.member(1)).coordinator, 0, 0);
    await expect(old.deleteTopic('t')).rejects.toThrow(/superseded/);
    expect(cluster.state('t', 0)).not.toBeNull();
  });
});
