/** Offsets of a group as clients commit and fetch them, and how they come to an end. */

import { describe, expect, it, vi } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { commitOf, DAY_MS, GROUP, OWNER, PARTITIONS, settle, setUp, stableMember } from './group-bench.ts';
import type { MemoryStateLog } from './memory-state-log.ts';

describe('offsets', () => {
  it('are not shown before they are replicated', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    world.log.held = [];
    const committing = world.groups.commitOffsets({
      groupId: GROUP,
      memberId,
      instanceId: null,
      generationId: 1,
      commits: [commitOf(7)],
    });
    await settle();
    expect(world.groups.fetchOffsets(GROUP, null).offsets.size).toBe(0);
    for (const release of world.log.held) release();
    expect(await committing).toEqual([0]);
    expect(world.groups.fetchOffsets(GROUP, null).offsets.get('t-0')).toMatchObject({ offset: 7 });
  });

  it('of which very many are asked for are those that there are, without a look at each that there is not', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const member = { groupId: GROUP, memberId, instanceId: null, generationId: 1 };
    await world.groups.commitOffsets({ ...member, commits: [commitOf(7)] });
    world.log.held = [];
    void world.groups.commitOffsets({ ...member, commits: [{ ...commitOf(8), partition: 1 }] });
    await settle();
    let looks = 0;
    const none = Array.from({ length: 10_000 }, (_, at) => `none-${at}`);
    const asked = new Proxy([...none, 't-0', 't-1'], {
      get(keys, at, self) {
        if (typeof at === 'string' && /^\d+$/.test(at)) looks++;
        return Reflect.get(keys, at, self);
      },
    });
    const { offsets } = world.groups.fetchOffsets(GROUP, asked, true);
    expect(offsets.get('t-0')).toMatchObject({ offset: 7 });
    expect(offsets.get('t-1')).toBe('unstable');
    expect([offsets.size, looks]).toEqual([2, 0]);
  });

  it('of two commits under way the later in the log stays, whichever is answered first', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    world.log.held = [];
    const base = { groupId: GROUP, memberId, instanceId: null, generationId: 1 };
    const one = world.groups.commitOffsets({ ...base, commits: [commitOf(1)] });
    const two = world.groups.commitOffsets({ ...base, commits: [commitOf(2)] });
    await settle();
    for (const release of [...world.log.held].reverse()) {
      release();
      await settle();
    }
    await Promise.all([one, two]);
    expect(world.groups.fetchOffsets(GROUP, null).offsets.get('t-0')).toMatchObject({ offset: 2 });
  });

  it("may be committed by a client outside any group, and not into somebody else's group", async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const simple = {
      groupId: 'simple',
      memberId: '',
      instanceId: null,
      generationId: -1,
      commits: [commitOf(5)],
    };
    const elected = world.groups.elect(partitionForKey('simple', PARTITIONS), 1);
    await world.clock.runFor(1);
    await elected;
    expect(await world.groups.commitOffsets(simple)).toEqual([0]);
    expect(await world.groups.commitOffsets({ ...simple, groupId: GROUP })).toEqual([
      ErrorCode.UNKNOWN_MEMBER_ID,
    ]);
    expect(
      await world.groups.commitOffsets({ ...simple, groupId: GROUP, memberId, generationId: 9 }),
    ).toEqual([ErrorCode.ILLEGAL_GENERATION]);
  });

  it('with too much metadata are refused one by one', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const commits = [commitOf(1, 'x'.repeat(17)), { ...commitOf(2), partition: 1 }];
    const errors = await world.groups.commitOffsets({
      groupId: GROUP,
      memberId,
      instanceId: null,
      generationId: 1,
      commits,
    });
    expect(errors).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE, ErrorCode.NONE]);
  });

  it('may have as many characters of metadata as configured, however many bytes they take', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const commit = (metadata: string) =>
      world.groups.commitOffsets({
        groupId: GROUP,
        memberId,
        instanceId: null,
        generationId: 1,
        commits: [commitOf(1, metadata)],
      });
    expect(await commit('日'.repeat(16))).toEqual([ErrorCode.NONE]);
    expect(await commit('日'.repeat(17))).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE]);
    // Beyond the basic plane a character counts twice.
    expect(await commit('😀'.repeat(8))).toEqual([ErrorCode.NONE]);
    expect(await commit('😀'.repeat(9))).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE]);
  });

  it('that cannot be written tell the client to find the coordinator again', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    world.log.error = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const request = { groupId: GROUP, memberId, instanceId: null, generationId: 1, commits: [commitOf(1)] };
    expect(await world.groups.commitOffsets(request)).toEqual([ErrorCode.NOT_COORDINATOR]);
    expect(world.groups.fetchOffsets(GROUP, null).offsets.size).toBe(0);
  });

  it('of an empty group expire after the retention, and the group with them', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    await world.groups.commitOffsets({
      groupId: GROUP,
      memberId,
      instanceId: null,
      generationId: 1,
      commits: [commitOf(1)],
    });
    world.groups.leaveGroup(GROUP, [{ memberId, instanceId: null }]);
    world.groups.start();
    await world.clock.runFor(6 * DAY_MS);
    expect(world.groups.fetchOffsets(GROUP, null).offsets.size).toBe(1);
    await world.clock.runFor(2 * DAY_MS);
    expect(world.groups.fetchOffsets(GROUP, null).offsets.size).toBe(0);
    expect(world.groups.describeGroup(GROUP).group).toBe(null);
    world.groups.shutdown();
  });
});

describe('very many offsets', () => {
  const COUNT = 1000;
  const commits = Array.from({ length: COUNT }, (_, partition) => ({ ...commitOf(partition), partition }));
  const outcomes = (errors: readonly ErrorCode[]) => [errors.length, ...new Set(errors)];

  it('become records in steps, and whether they may be committed is asked when they are', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const steps = world.groups.preparedCommits(GROUP, commits);
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count++;
    expect(count).toBe(2 * COUNT);
    const prepared = step.value;
    const append = vi.spyOn(world.log, 'append');
    const request = { groupId: GROUP, memberId, instanceId: null, commits, prepared };
    const late = await world.groups.commitOffsets({ ...request, generationId: 9 });
    expect(outcomes(late)).toEqual([COUNT, ErrorCode.ILLEGAL_GENERATION]);
    expect(append).not.toHaveBeenCalled();
    expect(outcomes(await world.groups.commitOffsets({ ...request, generationId: 1 }))).toEqual([COUNT, 0]);
    const { offsets } = world.groups.fetchOffsets(GROUP, null);
    expect([offsets.size, offsets.get('t-7')]).toEqual([COUNT, expect.objectContaining({ offset: 7 })]);
  });

  it('that fit into no batch are refused without making one', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const append = vi.spyOn(world.log, 'append');
    world.log.largestBytes = 10_000;
    const request = { groupId: GROUP, memberId, instanceId: null, generationId: 1, commits };
    const errors = await world.groups.commitOffsets(request);
    expect(outcomes(errors)).toEqual([COUNT, ErrorCode.INVALID_COMMIT_OFFSET_SIZE]);
    expect(append).not.toHaveBeenCalled();
    expect(world.groups.fetchOffsets(GROUP, ['t-7'], true).offsets.size).toBe(0);
  });
});

describe('more offsets than one batch holds', () => {
  const nobody = { groupId: GROUP, memberId: '', instanceId: null, generationId: -1 };
  const keys = Array.from({ length: 200 }, (_, partition) => `t-${partition}`);

  /** A group of somebody who only commits, with an offset of each of `keys`. */
  async function committed(): Promise<ReturnType<typeof setUp>> {
    const world = setUp();
    const elected = world.groups.elect(OWNER, 1);
    await world.clock.runFor(1);
    await elected;
    const commits = keys.map((_, partition) => ({ ...commitOf(1), partition, expireTimestampMs: 1 }));
    expect(new Set(await world.groups.commitOffsets({ ...nobody, commits }))).toEqual(new Set([0]));
    world.log.largestBytes = 1000;
    return world;
  }

  async function successorSees(log: MemoryStateLog): Promise<number> {
    const { clock, groups } = setUp(log);
    const elected = groups.elect(OWNER, 2);
    await clock.runFor(1);
    await elected;
    return groups.fetchOffsets(GROUP, null).offsets.size;
  }

  it('expire in batches that fit', async () => {
    const world = await committed();
    world.groups.start();
    await world.clock.runFor(700_000);
    world.groups.shutdown();
    expect(world.groups.listGroups().groups).toEqual([]);
    expect(await successorSees(world.log)).toBe(0);
  });

  it('are deleted with their group in batches that fit', async () => {
    const world = await committed();
    expect(await world.groups.deleteGroup(GROUP)).toBe(ErrorCode.NONE);
    expect(await successorSees(world.log)).toBe(0);
  });

  it('are deleted in batches that fit, and a commit that comes meanwhile stays', async () => {
    const world = await committed();
    world.log.held = [];
    const deleting = world.groups.deleteOffsets(GROUP, keys.slice(1));
    const committing = world.groups.commitOffsets({
      ...nobody,
      commits: [{ ...commitOf(2), partition: 150 }],
    });
    await settle();
    expect(world.log.held.length).toBeGreaterThan(5);
    for (const release of [...world.log.held].reverse()) {
      release();
      await settle();
    }
    expect(new Set((await deleting).partitions)).toEqual(new Set([0]));
    expect(await committing).toEqual([0]);
    const { offsets } = world.groups.fetchOffsets(GROUP, null);
    expect([...offsets]).toMatchObject([
      ['t-0', { offset: 1 }],
      ['t-150', { offset: 2 }],
    ]);
    expect(await successorSees(world.log)).toBe(2);
  });
});

describe('a topic that is deleted', () => {
  it('takes its offsets along, and a log that fails is no fault of whoever tells', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    const request = { groupId: GROUP, memberId, instanceId: null, generationId: 1, commits: [commitOf(1)] };
    await world.groups.commitOffsets(request);
    const [key = ''] = world.groups.fetchOffsets(GROUP, null).offsets.keys();
    world.log.append = () => Promise.reject(new Error('broken'));
    await world.groups.forgetPartitions(new Set(['another-0']));
    await world.groups.forgetPartitions(new Set([key]));
  });
});
