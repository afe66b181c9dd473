/** Changes of the ISR, by leaders and by hands other than the controller's. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { alter, TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('ISR changes', () => {
  it('are written without a new leader epoch and told to everybody', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    const request = alter(1, one?.epoch ?? 0, [1]);
    const answer = {
      error: 0,
      leader: 1,
      leaderEpoch: 0,
      isr: [1],
      leaderRecoveryState: 0,
      partitionEpoch: 1,
    };
    expect(await one?.controller.alterPartition(request)).toEqual({
      error: 0,
      partitions: [{ topic: 't', partition: 0, ...answer }],
    });
    expect(cluster.state('t', 0)).toEqual({ leader: 1, isr: [1], leaderEpoch: 0 });
    await cluster.settle();
    expect(cluster.toldTo(2)).toMatchObject([
      { type: 'UpdateMetadata', partitions: [{ isr: [1], partitionEpoch: 1 }] },
    ]);
    // The same again, as after a lost answer.
    expect((await one?.controller.alterPartition(request))?.partitions[0]).toMatchObject(answer);
  });

  it('lose against a state that somebody else has written; the controller reads it', async () => {
    cluster = new TestCluster();
    const [one] = await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    const path = '/brokers/topics/t/partitions/0/state';
    const data = Buffer.from('{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}');
    cluster.tree.commit([{ op: 'put', path, data, version: 0 }], 0n, 0);
    const first = await one?.controller.alterPartition(alter(1, one.epoch, [1]));
    expect(first?.partitions[0]?.error).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    const second = await one?.controller.alterPartition(alter(1, one.epoch, [1, 2], { partitionEpoch: 1 }));
    expect(second?.partitions[0]).toMatchObject({ error: 0, isr: [1, 2], partitionEpoch: 2 });
  });

  it('an election meets a state that somebody else has written: it is read, and decided again', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2, 3);
    await cluster.createTopic('t', [3, 1, 2]);
    const path = '/brokers/topics/t/partitions/0/state';
    const data = Buffer.from('{"controller_epoch":1,"leader":3,"version":1,"leader_epoch":4,"isr":[3,2]}');
    cluster.tree.commit([{ op: 'put', path, data, version: 0 }], 0n, 0);
    await cluster.kill(3);
    await cluster.until(() => cluster.state('t', 0)?.leader === 2);
    expect(cluster.state('t', 0)).toEqual({ leader: 2, isr: [2], leaderEpoch: 5 });
  });

  it('of leaders of old versions are read from their notices', async () => {
    cluster = new TestCluster();
    await cluster.startAll(1, 2);
    await cluster.createTopic('t', [1, 2]);
    cluster.forget();
    const state = Buffer.from('{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}');
    const notice = Buffer.from('{"version":1,"partitions":[{"topic":"t","partition":0}]}');
    cluster.tree.commit(
      [
        { op: 'put', path: '/brokers/topics/t/partitions/0/state', data: state, version: 0 },
        {
          op: 'create',
          path: '/isr_change_notification/isr_change_',
          data: notice,
          lifetime: 'persistent',
          sequential: true,
        },
      ],
      0n,
      0,
    );
    await cluster.until(() => cluster.toldTo(2).length === 1);
    expect(cluster.toldTo(2)).toMatchObject([
      { type: 'UpdateMetadata', partitions: [{ isr: [1], partitionEpoch: 1 }] },
    ]);
    await cluster.until(() => cluster.tree.children('/isr_change_notification')?.length === 0);
  });
});
