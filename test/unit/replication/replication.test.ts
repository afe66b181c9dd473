/** Replica managers on a simulated network: replicate, cut, diverge, truncate, catch up. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { ReplicationCluster, TOPIC } from './cluster-kit.ts';

describe('three replicas', () => {
  it('hold the same records and the same high watermark after acks=all', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    const outcome = await cluster.produced(1, ['a', 'b', 'c']);
    expect(outcome).toMatchObject({ error: ErrorCode.NONE, baseOffset: 0 });
    expect(cluster.log(1).highWatermark).toBe(3);
    await cluster.until(() => [2, 3].every((id) => cluster.log(id).highWatermark === 3), 100);
    for (const id of [1, 2, 3]) expect(cluster.contents(id)).toEqual(['0:a', '1:b', '2:c']);
  });

  it('keep everyone in sync while nothing is produced, and do not shrink at the next record', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    await cluster.clock.runFor(300_000);
    expect(cluster.proposals).toEqual([]);
    cluster.network.cut('host1', 'host2');
    await cluster.produce(1, ['b'], { acks: 1 });
    await cluster.clock.runFor(25_000);
    expect(cluster.truth().isr).toEqual([1, 2, 3]);
  });

  it('answer acks=1 and acks=0 at once, acks=all only when all in sync have it', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    cluster.network.cut('host1', 'host2');
    const leader = cluster.node(1).replicas;
    expect(await cluster.produce(1, ['b'], { acks: 1 })).toMatchObject({ error: 0, baseOffset: 1 });
    const waiting = cluster.produce(1, ['c'], { timeoutMs: 5000 });
    const outcome = await cluster.clock.runUntilSettled(waiting, 6000);
    expect(outcome).toMatchObject({ error: ErrorCode.REQUEST_TIMED_OUT, baseOffset: 2 });
    expect(cluster.clock.nowMs()).toBeGreaterThan(5000);
    expect(leader.partition(TOPIC, 0)?.log?.endOffset).toBe(3);
    cluster.network.heal();
    await cluster.until(() => cluster.log(1).highWatermark === 3, 60_000);
  });

  it('drop who has fallen behind for the lag time, then acknowledge without it, then take it back', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    cluster.network.cut('host1', 'host3');
    const waiting = cluster.produce(1, ['b'], { timeoutMs: 120_000 });
    expect((await cluster.clock.runUntilSettled(waiting, 100_000)).error).toBe(ErrorCode.NONE);
    expect(cluster.truth().isr).toEqual([1, 2]);
    const droppedMs = cluster.clock.nowMs();
    expect(droppedMs).toBeGreaterThan(29_000);
    expect(droppedMs).toBeLessThan(46_000);
    expect(cluster.contents(3)).toEqual(['0:a']);
    cluster.network.heal();
    await cluster.until(() => cluster.truth().isr.includes(3), 20_000);
    expect(cluster.contents(3)).toEqual(['0:a', '1:b']);
    const text = await cluster.node(1).metrics.render();
    expect(text).toMatch(/isrshrinks_total 1\n/);
    expect(text).toMatch(/isrexpands_total 1\n/);
  });

  it('survive the leader: the next one has every acknowledged record and takes more', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    for (const value of ['a', 'b', 'c']) await cluster.produced(1, [value]);
    cluster.kill(1);
    cluster.elect(2);
    const outcome = await cluster.produced(2, ['d']);
    expect(outcome).toMatchObject({ error: ErrorCode.NONE, baseOffset: 3 });
    expect(cluster.contents(3)).toEqual(['0:a', '1:b', '2:c', '3:d']);
  });
});

describe('a follower that is held back', () => {
  it('gets nothing, and is dropped, until the last of those who hold it back lets go', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    const { follower } = cluster.node(3).replicas;
    const releases = [follower.holdBack(cluster.partition(3)), follower.holdBack(cluster.partition(3))];
    await cluster.produce(1, ['b'], { acks: 1 });
    await cluster.until(() => !cluster.truth().isr.includes(3), 60_000);
    releases[0]?.();
    await cluster.clock.runFor(10_000);
    expect(cluster.contents(3)).toEqual(['0:a']);
    releases[1]?.();
    await cluster.until(() => cluster.truth().isr.includes(3), 20_000);
    expect(cluster.contents(3)).toEqual(['0:a', '1:b']);
  });

  it('follows whoever leads when it is let go', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    const release = cluster.node(3).replicas.follower.holdBack(cluster.partition(3));
    cluster.elect(2, [1, 2]);
    await cluster.produce(2, ['b'], { acks: 1 });
    await cluster.clock.runFor(10_000);
    expect(cluster.contents(3)).toEqual(['0:a']);
    release();
    await cluster.until(() => cluster.contents(3).includes('1:b'), 20_000);
  });
});

describe('a follower that may not join', () => {
  it('and then dies keeps nobody waiting, though there is no other to acknowledge anything', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.alterPartition = async (request) => ({
      ...cluster.decide({ ...request, partitions: [] }),
      partitions: request.partitions.map((item) => {
        return { ...item, error: ErrorCode.INELIGIBLE_REPLICA, leader: 1, isr: [1] };
      }),
    });
    cluster.create([1, 2]);
    cluster.elect(1, [1]);
    const leader = cluster.partition(1);
    await cluster.until(() => cluster.proposals.length > 0 && leader.isrState.kind === 'committed', 10_000);
    const waiting = cluster.produce(1, ['a'], { timeoutMs: 60_000 });
    cluster.kill(2);
    expect((await cluster.clock.runUntilSettled(waiting, 70_000)).error).toBe(ErrorCode.NONE);
    expect(leader.inSyncReplicas).toEqual([1]);
  });
});

describe('divergence', () => {
  it('a former leader gives up what it alone has, and follows', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    cluster.network.isolate(['host1'], ['host2', 'host3']);
    await cluster.produce(1, ['lost', 'lost too'], { acks: 1 });
    cluster.elect(2, [2, 3]);
    await cluster.clock.runFor(100);
    await cluster.produced(2, ['kept']);
    expect(cluster.contents(1)).toEqual(['0:a', '1:lost', '2:lost too']);
    cluster.network.heal();
    await cluster.until(() => cluster.truth().isr.length === 3, 30_000);
    for (const id of [1, 2, 3]) expect(cluster.contents(id)).toEqual(['0:a', '1:kept']);
    expect(cluster.log(1).epochs.entries).toEqual(cluster.log(2).epochs.entries);
  });

  it('of several epochs is found by asking again and again', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    // Broker 3 leads epochs nobody else sees; brokers 1 and 2 go on in epochs of their own.
    cluster.network.isolate(['host3'], ['host1', 'host2']);
    for (const epoch of [1, 3, 5]) {
      cluster.truth().leaderEpoch = epoch - 1;
      cluster.elect(3, [3]);
      cluster.tell(0, { only: [3] });
      await cluster.produce(3, [`three in ${epoch}`], { acks: 1 });
      cluster.truth().leader = 1;
      cluster.truth().leaderEpoch = epoch + 1;
      cluster.truth().partitionEpoch += 1;
      cluster.truth().isr = [1];
      cluster.tell(0, { only: [1] });
      await cluster.produce(1, [`one in ${epoch + 1}`, 'x'], { acks: 1 });
    }
    cluster.network.heal();
    cluster.tell(0, { only: [2, 3] });
    await cluster.until(() => cluster.truth().isr.length === 3, 30_000);
    expect(cluster.contents(3)).toEqual(cluster.contents(1));
    expect(cluster.log(3).epochs.entries).toEqual(cluster.log(1).epochs.entries);
    expect(cluster.contents(1)).toHaveLength(7);
  });

  it('of a follower that lost its disk to a power failure is repaired from the leader', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    for (const value of ['a', 'b', 'c']) await cluster.produced(1, [value]);
    await cluster.clock.runFor(6000);
    cluster.kill(3, true);
    await cluster.produced(1, ['d'], { timeoutMs: 120_000 });
    await cluster.startBroker(3);
    cluster.tell(0, { only: [3], isNew: true });
    await cluster.until(() => cluster.truth().isr.includes(3), 60_000);
    expect(cluster.contents(3)).toEqual(['0:a', '1:b', '2:c', '3:d']);
  });
});

describe('a follower out of range', () => {
  it('starts over where the leader begins when its own end is gone there', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    cluster.kill(2);
    cluster.elect(1, [1]);
    for (const value of ['b', 'c', 'd', 'e']) await cluster.produced(1, [value]);
    const [deleted] = await cluster
      .node(1)
      .replicas.deleteRecords([{ topic: TOPIC, partition: 0, offset: 3 }], 1000, new Turns(cluster.clock));
    expect(deleted).toMatchObject({ error: ErrorCode.NONE, lowWatermark: 3 });
    await cluster.startBroker(2);
    cluster.tell(0, { only: [2] });
    await cluster.until(() => cluster.truth().isr.includes(2), 30_000);
    expect(cluster.log(2).startOffset).toBe(3);
    expect(cluster.contents(2)).toEqual(['3:d', '4:e']);
  });

  it('goes back to the end of a leader that was elected uncleanly', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    cluster.kill(2);
    cluster.elect(1, [1]);
    for (const value of ['b', 'c']) await cluster.produced(1, [value]);
    cluster.kill(1);
    await cluster.startBroker(2);
    cluster.elect(2, [2]);
    await cluster.produced(2, ['z']);
    await cluster.startBroker(1);
    cluster.tell(0, { only: [1] });
    await cluster.until(() => cluster.truth().isr.includes(1), 30_000);
    expect(cluster.contents(1)).toEqual(['0:a', '1:z']);
  });
});

describe('the log start offset', () => {
  it('within a batch makes a new follower take all of that batch', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    cluster.kill(2);
    cluster.elect(1, [1]);
    await cluster.produced(1, ['a', 'b', 'c']);
    await cluster
      .node(1)
      .replicas.deleteRecords([{ topic: TOPIC, partition: 0, offset: 1 }], 1000, new Turns(cluster.clock));
    await cluster.startBroker(2);
    cluster.tell(0, { only: [2] });
    await cluster.until(() => cluster.truth().isr.includes(2), 30_000);
    await cluster.clock.runFor(100);
    expect(cluster.contents(2)).toEqual(['1:b', '2:c']);
  });

  it('of a follower is told to the leader, also when it moved without the leader', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a', 'b']);
    await cluster.clock.runFor(100);
    cluster.log(2).raiseStartOffset(1);
    await cluster.clock.runFor(600);
    expect(cluster.partition(1).followers.get(2)?.startOffset).toBe(1);
  });

  it('goes to the followers, and DeleteRecords waits for them', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    for (const value of ['a', 'b', 'c']) await cluster.produced(1, [value]);
    const entries = [{ topic: TOPIC, partition: 0, offset: -1 }];
    const deleting = Promise.resolve(
      cluster.node(1).replicas.deleteRecords(entries, 10_000, new Turns(cluster.clock)),
    );
    const [outcome] = await cluster.clock.runUntilSettled(deleting, 5000);
    expect(outcome).toMatchObject({ error: ErrorCode.NONE, lowWatermark: 3 });
    for (const id of [1, 2, 3]) expect(cluster.log(id).startOffset).toBe(3);
  });

  it('may not pass the high watermark, and times out when a live follower does not follow', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    const leader = cluster.node(1).replicas;
    const at = (offset: number) => [{ topic: TOPIC, partition: 0, offset }];
    expect(await leader.deleteRecords(at(2), 1000, new Turns(cluster.clock))).toMatchObject([
      { error: ErrorCode.OFFSET_OUT_OF_RANGE },
    ]);
    cluster.network.cut('host1', 'host2');
    const deleting = Promise.resolve(leader.deleteRecords(at(1), 1000, new Turns(cluster.clock)));
    const outcomes = await cluster.clock.runUntilSettled(deleting, 5000);
    expect(outcomes).toMatchObject([{ error: ErrorCode.REQUEST_TIMED_OUT, lowWatermark: 0 }]);
  });
});

describe('fencing', () => {
  it('a stream of an earlier life of the follower is closed once its new broker epoch is known', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    const info = cluster.infos.get(2);
    if (info === undefined) throw new Error();
    cluster.infos.set(2, { ...info, epoch: info.epoch + 1 });
    await cluster.clock.runFor(3000);
    await cluster.produce(1, ['b'], { acks: 1 });
    await cluster.clock.runFor(3000);
    expect(cluster.contents(2)).toEqual(['0:a']);
    expect(cluster.contents(3)).toEqual(['0:a', '1:b']);
    expect(cluster.log(1).highWatermark).toBe(1);
  });

  it('a leader that does not know of its deposition can acknowledge nothing more', async () => {
    const cluster = await ReplicationCluster.start();
    cluster.create([1, 2, 3]);
    await cluster.produced(1, ['a']);
    cluster.truth().leader = 2;
    cluster.truth().leaderEpoch = 1;
    cluster.truth().partitionEpoch = 1;
    cluster.tell(0, { only: [2, 3] });
    const zombie = cluster.produce(1, ['zombie'], { timeoutMs: 60_000 });
    const fresh = await cluster.produced(2, ['fresh'], { acks: 1 });
    expect(fresh.error).toBe(ErrorCode.NONE);
    expect((await cluster.clock.runUntilSettled(zombie, 70_000)).error).toBe(ErrorCode.REQUEST_TIMED_OUT);
    cluster.tell(0, { only: [1] });
    await cluster.until(() => cluster.contents(1).join() === '0:a,1:fresh', 10_000);
  });

  it('a follower that the leader fences in its own epoch waits for the controller', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a']);
    cluster.truth().leaderEpoch = 1;
    cluster.tell(0, { only: [1] });
    await cluster.clock.runFor(5000);
    const failed = /failedpartitionscount (\d)/;
    expect(failed.exec(await cluster.node(2).metrics.render())?.[1]).toBe('1');
    cluster.tell(0, { only: [2] });
    expect((await cluster.produced(1, ['b'])).error).toBe(ErrorCode.NONE);
    expect(failed.exec(await cluster.node(2).metrics.render())?.[1]).toBe('0');
  });
});
