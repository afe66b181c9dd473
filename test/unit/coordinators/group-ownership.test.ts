/** Who coordinates a group: partitions that come and go, what a successor finds, and logs that cannot be read. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { sealBatch } from '../../../broker/records/batch.ts';
import { commitOf, GROUP, JOIN, OWNER, setUp, stableMember } from './group-bench.ts';

describe('ownership', () => {
  it('answers only for groups of partitions that this broker leads', async () => {
    const { clock, groups } = setUp();
    expect((await groups.joinGroup(JOIN)).error).toBe(ErrorCode.NOT_COORDINATOR);
    const elected = groups.elect(OWNER, 1);
    expect((await groups.joinGroup(JOIN)).error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    await clock.runFor(1);
    await elected;
    expect(groups.describeGroup(GROUP)).toEqual({ error: 0, group: null });
    groups.resign(OWNER);
    expect(groups.describeGroup(GROUP).error).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('a join that waits when the partition moves away is told to look for the coordinator', async () => {
    const { clock, groups } = setUp();
    const elected = groups.elect(OWNER, 1);
    await clock.runFor(1);
    await elected;
    const joining = groups.joinGroup(JOIN);
    groups.resign(OWNER);
    expect((await joining).error).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('a higher leader epoch on the same broker keeps waiting members waiting', async () => {
    const { clock, groups } = setUp();
    const elected = groups.elect(OWNER, 1);
    await clock.runFor(1);
    await elected;
    const joining = groups.joinGroup(JOIN);
    await groups.elect(OWNER, 2);
    await clock.runFor(200);
    expect((await joining).error).toBe(ErrorCode.NONE);
  });
});

describe('a list of groups', () => {
  it('is answered with an error while a partition is loading, or is damaged here and not elsewhere', async () => {
    const first = setUp();
    await stableMember(first);
    const { clock, groups, journal, log, metrics } = setUp(first.log);
    for (const partition of [OWNER, OWNER === 0 ? 1 : 0]) {
      const elected = groups.elect(partition, 2);
      expect(groups.listGroups().error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
      await clock.runFor(1);
      await elected;
    }
    expect(groups.listGroups()).toMatchObject({ error: ErrorCode.NONE, groups: [{ groupId: GROUP }] });
    log.isCopied = true;
    log.unreadableFrom = 0;
    const another = OWNER === 2 ? 3 : 2;
    const damaged = groups.elect(another, 2);
    await clock.runFor(1);
    await damaged;
    expect(groups.listGroups()).toMatchObject({
      error: ErrorCode.KAFKA_STORAGE_ERROR,
      groups: [{ groupId: GROUP }],
    });
    expect(journal.since(0).at(-1)?.event).toEqual({
      kind: 'groups-failed',
      partition: another,
      leaderEpoch: 2,
      reason: 'no batch',
    });
    expect(await metrics.render()).toMatch(/odradek_group_coordinator_failed_partitions 1/);
    groups.resign(another);
    expect(groups.listGroups().error).toBe(ErrorCode.NONE);
    expect(await metrics.render()).toMatch(/odradek_group_coordinator_failed_partitions 0/);
  });
});

describe('ownership of a partition that was deleted', () => {
  it('begins anew with the first leader epoch of the one made in its place', async () => {
    const { clock, groups } = setUp();
    const elected = groups.elect(OWNER, 5);
    await clock.runFor(1);
    await elected;
    groups.resign(OWNER, 'deleted');
    const again = groups.elect(OWNER, 0);
    await clock.runFor(1);
    await again;
    expect(groups.describeGroup(GROUP)).toEqual({ error: 0, group: null });
  });
});

describe('a successor', () => {
  it('finds the group, its members and its offsets in the log', async () => {
    const first = setUp();
    const memberId = await stableMember(first);
    const commit = {
      groupId: GROUP,
      memberId,
      instanceId: null,
      generationId: 1,
      commits: [commitOf(42, 'hello')],
    };
    expect(await first.groups.commitOffsets(commit)).toEqual([0]);

    const second = setUp(first.log);
    const elected = second.groups.elect(OWNER, 2);
    await second.clock.runFor(1);
    await elected;
    const { group } = second.groups.describeGroup(GROUP);
    expect(group?.state).toBe('Stable');
    expect([...(group?.members.keys() ?? [])]).toEqual([memberId]);
    expect(second.groups.heartbeat({ groupId: GROUP, memberId, instanceId: null, generationId: 1 })).toBe(0);
    const { offsets } = second.groups.fetchOffsets(GROUP, null);
    expect(offsets.get('t-0')).toMatchObject({ offset: 42, leaderEpoch: 3, metadata: 'hello' });
  });

  it('finds offsets and times beyond 2^53 exactly as they were committed', async () => {
    const first = setUp();
    const odd = { commitTimestampMs: 2n ** 61n + 1n, expireTimestampMs: 2n ** 62n + 3n };
    const kept = [2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)];
    const commits = kept.map((offset, partition) => ({ ...commitOf(0), partition, offset, ...odd }));
    const commit = { groupId: GROUP, memberId: '', instanceId: null, generationId: -1, commits };
    const electedFirst = first.groups.elect(OWNER, 1);
    await first.clock.runFor(1);
    await electedFirst;
    expect(await first.groups.commitOffsets(commit)).toEqual(kept.map(() => 0));

    const second = setUp(first.log);
    const elected = second.groups.elect(OWNER, 2);
    await second.clock.runFor(1);
    await elected;
    const { offsets } = second.groups.fetchOffsets(GROUP, null);
    expect(kept.map((_, partition) => offsets.get(`t-${partition}`))).toEqual(
      kept.map((offset) => expect.objectContaining({ offset, ...odd })),
    );
  });

  it('ends the session of a member that it never hears of', async () => {
    const first = setUp();
    await stableMember(first);
    const second = setUp(first.log);
    const elected = second.groups.elect(OWNER, 2);
    await second.clock.runFor(1);
    await elected;
    await second.clock.runFor(50_000);
    expect(second.groups.describeGroup(GROUP).group?.state).toBe('Empty');
  });
});

const noRecords = (batch: Buffer): Buffer =>
  Buffer.concat([batch.subarray(0, 61), Buffer.alloc(batch.length - 61, 0x7e)]);

function sealed(batch: Buffer): Buffer {
  sealBatch(batch, 0);
  return batch;
}

describe('a log that cannot be read, and has other copies', () => {
  it.each<[string, (batch: Buffer) => Buffer]>([
    ['is an empty one for its groups when its records are none', (batch) => sealed(noRecords(batch))],
    ['is nobody’s when a batch does not match its checksum', noRecords],
    ['is nobody’s when a batch is of no known format', (batch) => Buffer.from(batch).fill(9, 16, 17)],
  ])('%s, and all of its buffers come back', async (what, damage) => {
    const first = setUp();
    await stableMember(first);
    first.log.isCopied = true;
    const list = first.log.batches.get(OWNER) ?? [];
    first.log.batches.set(
      OWNER,
      list.map(({ batch, offset }) => ({ batch: damage(batch), offset })),
    );
    const second = setUp(first.log);
    let lent = 0;
    const { read } = second.log;
    second.log.read = (partition, offset) => {
      lent += 1;
      return { ...read.call(second.log, partition, offset), release: () => (lent -= 1) };
    };
    const elected = second.groups.elect(OWNER, 2);
    await second.clock.runFor(1);
    await elected;
    const error = what.includes('nobody') ? ErrorCode.NOT_COORDINATOR : ErrorCode.NONE;
    expect(second.groups.describeGroup(GROUP)).toEqual({ error, group: null });
    expect(lent).toBe(0);
    const joining = second.groups.joinGroup(JOIN);
    await second.clock.runFor(200);
    expect((await joining).error).toBe(error);
  });
});
