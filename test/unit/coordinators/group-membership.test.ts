/** Members of a group as they see its coordinator: joining, static members, and the end of a group. */

import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { commitOf, GROUP, JOIN, OWNER, settle, setUp, stableMember } from './group-bench.ts';

describe('a group', () => {
  it('whose first members have left before the first rebalance takes in the next one', async () => {
    const { clock, groups } = setUp();
    const elected = groups.elect(OWNER, 1);
    await clock.runFor(1);
    await elected;
    const first = groups.joinGroup(JOIN);
    const [memberId = ''] = groups.describeGroup(GROUP).group?.members.keys() ?? [];
    expect(groups.leaveGroup(GROUP, [{ memberId, instanceId: null }])).toEqual({ error: 0, members: [0] });
    expect((await first).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const second = groups.joinGroup(JOIN);
    await clock.runFor(30_000);
    expect((await second).error).toBe(ErrorCode.NONE);
  });

  it('that cannot be written as a record answers an error, and nothing else breaks', async () => {
    const world = setUp();
    const elected = world.groups.elect(OWNER, 1);
    await world.clock.runFor(1);
    await elected;
    // Member ids begin with the client's: this one is longer than a string of a record may be.
    const joining = [JOIN, { ...JOIN, clientId: 'x'.repeat(0x7fff) }].map((request) =>
      world.groups.joinGroup(request),
    );
    await world.clock.runFor(200);
    const [leader] = await Promise.all(joining);
    const synced = await world.groups.syncGroup({
      groupId: GROUP,
      memberId: leader?.memberId ?? '',
      instanceId: null,
      generationId: 1,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
    });
    expect(synced.error).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });
});

describe('the id of a member', () => {
  it('is its client or instance id and a UUID in 36 characters', async () => {
    const world = setUp();
    await stableMember(world);
    const asked = { ...JOIN, requireKnownMemberId: true };
    const { memberId } = await world.groups.joinGroup(asked);
    expect(memberId).toMatch(/^c-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const joining = world.groups.joinGroup({ ...JOIN, groupId: GROUP, instanceId: 'i', clientId: 'other' });
    await world.clock.runFor(60_000);
    expect((await joining).memberId).toMatch(/^i-[0-9a-f-]{36}$/);
  });
});

describe('a static member', () => {
  it('whose return could not be stored still loses its session when it stays away', async () => {
    const world = setUp();
    const elected = world.groups.elect(OWNER, 1);
    await world.clock.runFor(1);
    await elected;
    const request = { ...JOIN, instanceId: 'i1' };
    const joining = world.groups.joinGroup(request);
    await world.clock.runFor(200);
    const { memberId, generationId } = await joining;
    await world.groups.syncGroup({
      groupId: GROUP,
      memberId,
      instanceId: 'i1',
      generationId,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
    });
    world.log.error = ErrorCode.NOT_ENOUGH_REPLICAS;
    expect((await world.groups.joinGroup(request)).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    world.log.error = ErrorCode.NONE;
    expect([...(world.groups.describeGroup(GROUP).group?.members.keys() ?? [])]).toEqual([memberId]);
    await world.clock.runFor(JOIN.sessionTimeoutMs + 1);
    expect(world.groups.describeGroup(GROUP).group?.members.size).toBe(0);
  });
});

describe('a static member that comes back', () => {
  it('while its coordinator moves away is told to look for the new one', async () => {
    const world = setUp();
    const elected = world.groups.elect(OWNER, 1);
    await world.clock.runFor(1);
    await elected;
    const request = { ...JOIN, instanceId: 'i1' };
    const joining = world.groups.joinGroup(request);
    await world.clock.runFor(200);
    const { memberId, generationId } = await joining;
    const who = { groupId: GROUP, memberId, instanceId: 'i1', generationId };
    await world.groups.syncGroup({ ...who, protocolType: null, protocolName: null, assignments: new Map() });
    world.log.held = [];
    const returning = world.groups.joinGroup(request);
    await settle();
    world.groups.resign(OWNER);
    for (const release of world.log.held) release();
    expect((await returning).error).toBe(ErrorCode.NOT_COORDINATOR);
  });
});

describe('a group that came to nothing', () => {
  it('is forgotten at the next look, and leaves no record', async () => {
    const world = setUp();
    const elected = world.groups.elect(OWNER, 1);
    await world.clock.runFor(1);
    await elected;
    const asked = await world.groups.joinGroup({ ...JOIN, requireKnownMemberId: true });
    expect(asked.error).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(world.groups.listGroups().groups).toHaveLength(1);
    world.groups.start();
    await world.clock.runFor(700_000);
    expect(world.groups.listGroups().groups).toEqual([]);
    expect(world.log.batches.size).toBe(0);
    world.groups.shutdown();
  });
});

describe('deleting', () => {
  it('a group with members stays, an empty one goes, an unknown one is not found', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    expect(await world.groups.deleteGroup(GROUP)).toBe(ErrorCode.NON_EMPTY_GROUP);
    world.groups.leaveGroup(GROUP, [{ memberId, instanceId: null }]);
    expect(await world.groups.deleteGroup(GROUP)).toBe(ErrorCode.NONE);
    expect(await world.groups.deleteGroup(GROUP)).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    const successor = setUp(world.log);
    const elected = successor.groups.elect(OWNER, 2);
    await successor.clock.runFor(1);
    await elected;
    expect(successor.groups.listGroups().groups).toEqual([]);
  });

  it('the last offset of an empty group takes the group with it, one that is left keeps it', async () => {
    const world = setUp();
    const memberId = await stableMember(world);
    world.groups.leaveGroup(GROUP, [{ memberId, instanceId: null }]);
    const commits = [commitOf(1), { ...commitOf(1), partition: 1 }];
    const nobody = { groupId: GROUP, memberId: '', instanceId: null, generationId: -1 };
    expect(await world.groups.commitOffsets({ ...nobody, commits })).toEqual([0, 0]);
    const [first, second] = ['t-0', 't-1'] as const;
    expect(await world.groups.deleteOffsets(GROUP, [first, first])).toMatchObject({ partitions: [0, 0] });
    expect(world.groups.listGroups().groups).toHaveLength(1);
    expect(await world.groups.deleteOffsets(GROUP, [second])).toMatchObject({ partitions: [0] });
    expect(world.groups.listGroups().groups).toEqual([]);
    expect(await world.groups.deleteGroup(GROUP)).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });
});
