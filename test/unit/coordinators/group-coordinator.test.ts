/** The coordinator as its clients see it, over a log in memory and virtual time. */
import { describe, expect, it } from 'vitest';
import { GroupCoordinator, type GroupJoin } from '../../../broker/coordinators/group/group-coordinator.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { MemoryStateLog } from './memory-state-log.ts';

const TOPIC = '__consumer_offsets';
const PARTITIONS = 5;
const GROUP = 'readers';
const OWNER = partitionForKey(GROUP, PARTITIONS);
const DAY_MS = 24 * 3600 * 1000;

function setUp(log = new MemoryStateLog(TOPIC)): {
  clock: SimulatedClock;
  log: MemoryStateLog;
  groups: GroupCoordinator;
} {
  const clock = new SimulatedClock();
  const groups = new GroupCoordinator({
    clock,
    random: simulatedRandom(7),
    log,
    diagnostics: silent,
    journal: createJournal(clock, silent),
    metrics: createMetrics(),
    partitionCount: PARTITIONS,
    settings: {
      initialRebalanceDelayMs: 100,
      groupMaxSize: 100,
      commitTimeoutMs: 5000,
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 60_000,
      metadataMaxLength: 16,
      retentionMs: 7 * DAY_MS,
      retentionCheckIntervalMs: 600_000,
      loadBufferSizeBytes: 1 << 20,
    },
  });
  return { clock, log, groups };
}

const JOIN: GroupJoin = {
  groupId: GROUP,
  memberId: '',
  instanceId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  protocolType: 'consumer',
  protocols: [
    { name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff]) },
  ],
  requireKnownMemberId: false,
  supportsSkippingAssignment: false,
};

function commitOf(offset: number, metadata = '') {
  return {
    topic: 't',
    partition: 0,
    offset,
    leaderEpoch: 3,
    metadata,
    commitTimestampMs: 1_767_225_600_000,
    expireTimestampMs: null,
  };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

/** A group of one stable member, whose id is returned. */
async function stableMember({ clock, groups }: ReturnType<typeof setUp>): Promise<string> {
  const elected = groups.elect(OWNER, 1);
  await clock.runFor(1);
  await elected;
  const joining = groups.joinGroup(JOIN);
  await clock.runFor(200);
  const { memberId, generationId } = await joining;
  const synced = await groups.syncGroup({
    groupId: GROUP,
    memberId,
    instanceId: null,
    generationId,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId, assignment: Buffer.from('t-0') }],
  });
  expect(synced.assignment.toString()).toBe('t-0');
  return memberId;
}

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
      assignments: [],
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
      assignments: [],
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
    await world.groups.syncGroup({ ...who, protocolType: null, protocolName: null, assignments: [] });
    world.log.held = [];
    const returning = world.groups.joinGroup(request);
    await settle();
    world.groups.resign(OWNER);
    for (const release of world.log.held) release();
    expect((await returning).error).toBe(ErrorCode.NOT_COORDINATOR);
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

describe('a log that cannot be read', () => {
  it.each<[string, (batch: Buffer) => Buffer]>([
    [
      'a record is damaged',
      (batch) => Buffer.concat([batch.subarray(0, 61), Buffer.alloc(batch.length - 61, 0x7e)]),
    ],
    ['a batch is of no known format', (batch) => Buffer.from(batch).fill(9, 16, 17)],
  ])('is an empty one for its groups when %s, and all of its buffers come back', async (_what, damage) => {
    const first = setUp();
    await stableMember(first);
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
    expect(second.groups.describeGroup(GROUP)).toEqual({ error: ErrorCode.NONE, group: null });
    expect(lent).toBe(0);
    const joining = second.groups.joinGroup(JOIN);
    await second.clock.runFor(200);
    expect((await joining).error).toBe(ErrorCode.NONE);
  });
});

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
    expect(world.groups.fetchOffsets(GROUP, null).offsets.get('t-0')?.offset).toBe(7);
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
    expect(world.groups.fetchOffsets(GROUP, null).offsets.get('t-0')?.offset).toBe(2);
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
    expect([...offsets].map(([key, { offset }]) => [key, offset])).toEqual([
      ['t-0', 1],
      ['t-150', 2],
    ]);
    expect(await successorSees(world.log)).toBe(2);
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
