/** The transitions of a group: joining, rebalancing, syncing. */
import { describe, expect, it } from 'vitest';
import { newGroup } from '../../../broker/coordinators/group/group.ts';
import { join } from '../../../broker/coordinators/group/join.ts';
import { leave, pendingExpired } from '../../../broker/coordinators/group/membership.ts';
import {
  completeJoin,
  initialDelayPassed,
  syncTimedOut,
} from '../../../broker/coordinators/group/rebalance.ts';
import { assignmentStored, sync } from '../../../broker/coordinators/group/sync.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import {
  AT,
  joinedGroup,
  request,
  SETTINGS,
  stableGroup,
  storing,
  syncRequest,
  words,
} from './group-transitions.ts';

describe('joining', () => {
  it('an empty group waits the initial delay before its first generation', () => {
    const group = newGroup('g', 0);
    expect(words(join(group, request(), 1, AT))).toEqual([
      'arm session:m1 300000',
      'disarm sync',
      'arm initial-delay 3000',
    ]);
    expect(words(initialDelayPassed(group, SETTINGS, 4000))).toEqual([
      'disarm rebalance',
      'disarm initial-delay',
      'join 1: m1 generation 1 leader m1 members [m1]',
      'arm session:m1 10000',
      'arm sync 60000',
    ]);
    expect(group.state).toBe('CompletingRebalance');
  });

  it('the initial delay is extended while members keep arriving, but not beyond their rebalance timeout', () => {
    const group = newGroup('g', 0);
    join(group, request({ rebalanceTimeoutMs: 5000 }), 1, AT);
    join(group, request({ newMemberId: 'm2', rebalanceTimeoutMs: 5000 }), 2, AT);
    expect(words(initialDelayPassed(group, SETTINGS, 4000))).toEqual(['arm initial-delay 2000']);
    join(group, request({ newMemberId: 'm3', rebalanceTimeoutMs: 5000 }), 3, AT);
    expect(words(initialDelayPassed(group, SETTINGS, 6000))).toContain(
      'join 3: m3 generation 1 leader m1 members []',
    );
  });

  it('a new dynamic member of a current client is first told its id, and then gets in with it', () => {
    const group = newGroup('g', 0);
    expect(words(join(group, request({ requireKnownMemberId: true }), 1, AT))).toEqual([
      'arm pending:m1 10000',
      `join 1: m1 error ${ErrorCode.MEMBER_ID_REQUIRED} members []`,
    ]);
    expect(words(join(group, request({ memberId: 'm1', requireKnownMemberId: true }), 2, AT))[0]).toBe(
      'disarm pending:m1',
    );
    expect([...group.members.keys()]).toEqual(['m1']);
  });

  it('a member id that is never used expires and no longer holds up the rebalance', () => {
    const group = stableGroup('m1');
    join(group, request({ requireKnownMemberId: true, newMemberId: 'late' }), 5, AT);
    expect(
      words(
        join(
          group,
          request({ memberId: 'm1', protocols: [{ name: 'range', metadata: Buffer.from('new') }] }),
          6,
          AT,
        ),
      ),
    ).toEqual(['disarm sync', 'arm rebalance 60000']);
    expect(words(pendingExpired(group, 'late', 2000))).toContain(
      'join 6: m1 generation 2 leader m1 members [m1]',
    );
  });

  it('a full group refuses', () => {
    const group = stableGroup('m1');
    const effects = join(group, request({ newMemberId: 'm2' }), 5, {
      settings: { ...SETTINGS, groupMaxSize: 1 },
      nowMs: 0,
    });
    expect(words(effects)).toEqual([`join 5:  error ${ErrorCode.GROUP_MAX_SIZE_REACHED} members []`]);
  });

  it('protocols that nobody else supports are refused', () => {
    const group = stableGroup('m1');
    const effects = join(
      group,
      request({ newMemberId: 'm2', protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] }),
      5,
      AT,
    );
    expect(words(effects)).toEqual([`join 5:  error ${ErrorCode.INCONSISTENT_GROUP_PROTOCOL} members []`]);
  });

  it('an unknown member is refused, and a follower with unchanged metadata is answered at once', () => {
    const group = stableGroup('m1', 'm2');
    expect(words(join(group, request({ memberId: 'stranger' }), 5, AT))).toEqual([
      `join 5: stranger error ${ErrorCode.UNKNOWN_MEMBER_ID} members []`,
    ]);
    expect(words(join(group, request({ memberId: 'm2' }), 6, AT))).toEqual([
      'join 6: m2 generation 1 leader m1 members []',
    ]);
    expect(group.state).toBe('Stable');
  });

  it('the protocol with the most votes wins', () => {
    const both = (first: string, second: string) =>
      [first, second].map((name) => ({ name, metadata: Buffer.from(name) }));
    const group = joinedGroup(
      { newMemberId: 'm1', protocols: both('a', 'b') },
      { newMemberId: 'm2', protocols: both('b', 'a') },
      { newMemberId: 'm3', protocols: both('b', 'a') },
    );
    expect(group.protocolName).toBe('b');
  });
});

describe('rebalancing', () => {
  it('who does not join again within the rebalance timeout is out', () => {
    const group = stableGroup('m1', 'm2');
    join(group, request({ memberId: 'm1' }), 5, AT);
    expect(group.state).toBe('PreparingRebalance');
    expect(words(completeJoin(group, 2000))).toEqual([
      'disarm session:m2',
      'disarm rebalance',
      'disarm initial-delay',
      'join 5: m1 generation 2 leader m1 members [m1]',
      'arm session:m1 10000',
      'arm sync 60000',
    ]);
  });

  it('completes at once when all members are back', () => {
    const group = stableGroup('m1', 'm2');
    join(group, request({ memberId: 'm1' }), 5, AT);
    expect(words(join(group, request({ memberId: 'm2' }), 6, AT))).toContain(
      'join 6: m2 generation 2 leader m1 members []',
    );
  });

  it('a leader that does not come back is replaced by one that does', () => {
    const group = stableGroup('m1', 'm2');
    join(
      group,
      request({ memberId: 'm2', protocols: [{ name: 'range', metadata: Buffer.from('x') }] }),
      5,
      AT,
    );
    expect(words(completeJoin(group, 0))).toContain('join 5: m2 generation 2 leader m2 members [m2]');
  });

  it('a group whose last member leaves becomes empty, in a generation of its own that is stored', () => {
    const group = stableGroup('m1');
    const { error, effects } = leave(group, { memberId: 'm1', instanceId: null }, AT);
    expect(error).toBe(0);
    expect(words(effects)).toEqual([
      'disarm session:m1',
      'disarm sync',
      'arm rebalance 0',
      'disarm rebalance',
      'disarm initial-delay',
      'persist empty 2',
    ]);
    expect(group.state).toBe('Empty');
  });

  it('members that never ask for their assignment are removed and the rest starts again', () => {
    const group = joinedGroup({ newMemberId: 'm1' }, { newMemberId: 'm2' });
    sync(group, syncRequest(), 3);
    const effects = words(syncTimedOut(group, SETTINGS, 70_000));
    expect(effects).toContain('disarm session:m2');
    expect(effects).toContain(`sync 3: error ${ErrorCode.REBALANCE_IN_PROGRESS} ''`);
    expect([...group.members.keys()]).toEqual(['m1']);
  });
});

describe('members whose ids are very long', () => {
  const [first, second] = ['1', '2'].map((end) => 'm'.repeat(32_000) + end) as [string, string];

  it('are let in by the ids that they were given, and are known by them', () => {
    const group = newGroup('g', 0);
    for (const newMemberId of [first, second]) {
      join(group, request({ requireKnownMemberId: true, newMemberId }), 1, AT);
    }
    expect(group.pendingMembers.size).toBe(2);
    expect(words(join(group, request({ memberId: second }), 2, AT))[0]).toBe(`disarm pending:${second}`);
    expect([...group.members.keys()]).toEqual([second]);
    pendingExpired(group, first, 1000);
    expect(group.pendingMembers.size).toBe(0);
    expect([group.leaderId, join(group, request({ memberId: first }), 3, AT)]).toMatchObject([
      second,
      [{ answer: { error: ErrorCode.UNKNOWN_MEMBER_ID } }],
    ]);
  });

  it('get each its assignment', () => {
    const group = joinedGroup({ newMemberId: first }, { newMemberId: second });
    sync(group, syncRequest({ memberId: second }), 3);
    const effects = sync(group, syncRequest({ memberId: first }, second, first), 4);
    assignmentStored(group, storing(effects, 'assignment'), 0, AT);
    const given = [...group.members.values()].map(({ assignment }) => assignment.toString());
    expect(given).toEqual([`for ${first}`, `for ${second}`]);
  });

  it('and that never ask for their assignment are removed', () => {
    const group = joinedGroup({ newMemberId: first }, { newMemberId: second });
    sync(group, syncRequest({ memberId: second }), 3);
    expect(words(syncTimedOut(group, SETTINGS, 70_000))).toContain(`disarm session:${first}`);
    expect([[...group.members.keys()], group.leaderId]).toEqual([[second], second]);
  });
});

describe('syncing', () => {
  it('nobody gets an assignment before it is stored', () => {
    const group = joinedGroup({ newMemberId: 'm1' }, { newMemberId: 'm2' });
    expect(words(sync(group, syncRequest({ memberId: 'm2' }), 3))).toEqual([]);
    const effects = sync(group, syncRequest({}, 'm1'), 4);
    expect(words(effects)).toEqual(['persist assignment 1']);
    expect(words(assignmentStored(group, storing(effects, 'assignment'), 0, AT))).toEqual([
      "sync 4: error 0 'for m1'",
      'arm session:m1 10000',
      "sync 3: error 0 ''",
      'arm session:m2 10000',
    ]);
    expect(group.state).toBe('Stable');
  });

  it('an assignment that cannot be stored fails everybody and starts another rebalance', () => {
    const group = joinedGroup({});
    const reason = storing(sync(group, syncRequest(), 3), 'assignment');
    expect(words(assignmentStored(group, reason, ErrorCode.NOT_COORDINATOR, AT))).toContain(
      `sync 3: error ${ErrorCode.NOT_COORDINATOR} ''`,
    );
    expect(group.state).toBe('PreparingRebalance');
  });

  it('a wrong generation and a wrong protocol are refused', () => {
    const group = stableGroup('m1');
    expect(words(sync(group, syncRequest({ generationId: 7 }), 5))).toEqual([
      `sync 5: error ${ErrorCode.ILLEGAL_GENERATION} ''`,
    ]);
    expect(words(sync(group, syncRequest({ protocolName: 'other' }), 6))).toEqual([
      `sync 6: error ${ErrorCode.INCONSISTENT_GROUP_PROTOCOL} ''`,
    ]);
  });
});
