/** The group's transitions by transcript: what goes in, and the whole list of effects that comes out. */
import { describe, expect, it } from 'vitest';
import type { Effect, JoinRequest, PersistReason } from '../../../broker/coordinators/group/effects.ts';
import { type Group, newGroup } from '../../../broker/coordinators/group/group.ts';
import { join, staticReturnStored } from '../../../broker/coordinators/group/join.ts';
import {
  leave,
  memberHeartbeat,
  pendingExpired,
  sessionExpired,
} from '../../../broker/coordinators/group/membership.ts';
import {
  completeJoin,
  initialDelayPassed,
  syncTimedOut,
} from '../../../broker/coordinators/group/rebalance.ts';
import { assignmentStored, type SyncRequest, sync } from '../../../broker/coordinators/group/sync.ts';
import { ErrorCode } from '../../../broker/errors.ts';

const SETTINGS = { initialRebalanceDelayMs: 3000, groupMaxSize: 10 };
const AT = { settings: SETTINGS, nowMs: 1000 };
const RANGE = [{ name: 'range', metadata: Buffer.from('topics') }];

function request(over: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId: '',
    instanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: RANGE,
    requireKnownMemberId: false,
    supportsSkippingAssignment: false,
    newMemberId: 'm1',
    ...over,
  };
}

/** Effects as short words: `answer-join 1 NONE g1`, `arm session:m1 10000`, … */
function words(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    switch (effect.do) {
      case 'answer-join': {
        const { answer } = effect;
        const error =
          answer.error === 0
            ? `generation ${answer.generationId} leader ${answer.leader}`
            : `error ${answer.error}`;
        return `join ${effect.ticket}: ${answer.memberId} ${error} members [${answer.members.map((m) => m.memberId)}]`;
      }
      case 'answer-sync':
        return `sync ${effect.ticket}: error ${effect.answer.error} '${effect.answer.assignment}'`;
      case 'arm':
        return `arm ${effect.timer} ${effect.delayMs}`;
      case 'disarm':
        return `disarm ${effect.timer}`;
      case 'persist':
        return `persist ${effect.reason.why} ${effect.reason.generationId}`;
      default:
        return effect satisfies never;
    }
  });
}

/** A group whose members, in the order of their requests, are in its first generation, without assignments yet. */
function joinedGroup(...requests: Partial<JoinRequest>[]): Group {
  const group = newGroup('g', 0);
  for (const [index, over] of requests.entries()) join(group, request(over), index + 1, AT);
  group.initialDelayRemainingMs = null;
  completeJoin(group, 1000);
  return group;
}

/** A sync of m1 in the first generation, with an assignment for each of `ids`. */
function syncRequest(over: Partial<SyncRequest> = {}, ...ids: string[]): SyncRequest {
  return {
    memberId: 'm1',
    instanceId: null,
    generationId: 1,
    protocolType: null,
    protocolName: null,
    assignments: ids.map((memberId) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) })),
    ...over,
  };
}

/** Why the effects ask for the group to be stored. */
function storing<W extends PersistReason['why']>(
  effects: readonly Effect[],
  why: W,
): Extract<PersistReason, { why: W }> {
  for (const effect of effects) {
    if (effect.do === 'persist' && isAbout(effect.reason, why)) return effect.reason;
  }
  throw new Error(`nothing is to be stored because of ${why}`);
}

function isAbout<W extends PersistReason['why']>(
  reason: PersistReason,
  why: W,
): reason is Extract<PersistReason, { why: W }> {
  return reason.why === why;
}

/** A stable group of the given members; the first is the leader. */
function stableGroup(...ids: string[]): Group {
  return stableGroupOf(...ids.map((newMemberId) => ({ newMemberId })));
}

function stableGroupOf(...requests: Partial<JoinRequest>[]): Group {
  const group = joinedGroup(...requests);
  const ids = requests.map(({ newMemberId = 'm1' }) => newMemberId);
  const leader = { memberId: ids[0] ?? '', instanceId: requests[0]?.instanceId ?? null };
  const effects = sync(group, syncRequest(leader, ...ids), 100);
  assignmentStored(group, storing(effects, 'assignment'), ErrorCode.NONE, AT);
  group.pendingSyncMembers.clear();
  return group;
}

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

describe('staying', () => {
  it('a heartbeat renews the session, and tells of a rebalance', () => {
    const group = stableGroup('m1', 'm2');
    const beat = { memberId: 'm2', instanceId: null, generationId: 1 };
    expect(memberHeartbeat(group, beat).error).toBe(ErrorCode.NONE);
    join(group, request({ memberId: 'm1' }), 5, AT);
    const answer = memberHeartbeat(group, beat);
    expect(answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(words(answer.effects)).toEqual(['arm session:m2 10000']);
    expect(memberHeartbeat(group, { ...beat, generationId: 0 }).error).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(memberHeartbeat(group, { ...beat, memberId: 'x' }).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('a silent member is removed and the others rebalance; one that waits for a join is alive', () => {
    const group = stableGroup('m1', 'm2');
    expect(words(sessionExpired(group, 'm2', AT))).toEqual([
      'disarm session:m2',
      'disarm sync',
      'arm rebalance 60000',
    ]);
    const other = stableGroup('m1', 'm2');
    join(other, request({ memberId: 'm1' }), 5, AT);
    expect(words(sessionExpired(other, 'm1', AT))).toEqual([]);
  });
});

describe('static members', () => {
  const instance = { instanceId: 'i1', newMemberId: 's1' };

  /** The instance comes back, and is to get the member id s2. */
  function comeBack(group: Group, over: Partial<JoinRequest> = {}): Effect[] {
    return join(group, request({ ...instance, newMemberId: 's2', ...over }), 5, AT);
  }

  it('a static member that returns keeps its place without a rebalance, once its new id is stored', () => {
    const group = stableGroupOf(instance);
    const effects = comeBack(group, { supportsSkippingAssignment: true });
    expect(words(effects)).toEqual(['persist static-return 1']);
    expect([...group.members.keys()]).toEqual(['s1']);
    expect(words(staticReturnStored(group, storing(effects, 'static-return'), 0, AT))).toEqual([
      'disarm session:s1',
      'join 5: s2 generation 1 leader s2 members [s2]',
      'arm session:s2 10000',
    ]);
    expect(group.members.get('s2')?.assignment.toString()).toBe('for s1');
    expect(group.staticMembers.get('i1')).toBe('s2');
    expect(group.state).toBe('Stable');
  });

  it('an older client is shown the old leader id, so that it does not assign', () => {
    const group = stableGroupOf(instance);
    const reason = storing(comeBack(group), 'static-return');
    expect(words(staticReturnStored(group, reason, 0, AT))).toContain(
      'join 5: s2 generation 1 leader s1 members []',
    );
  });

  it('the older of two with one instance id is fenced', () => {
    const group = stableGroupOf(instance);
    staticReturnStored(group, storing(comeBack(group), 'static-return'), 0, AT);
    expect(memberHeartbeat(group, { memberId: 's1', instanceId: 'i1', generationId: 1 }).error).toBe(
      ErrorCode.FENCED_INSTANCE_ID,
    );
  });

  it('of two returns under way the one stored later stays', () => {
    const group = stableGroupOf(instance);
    const first = storing(comeBack(group), 'static-return');
    const second = storing(join(group, request({ ...instance, newMemberId: 's3' }), 6, AT), 'static-return');
    staticReturnStored(group, first, 0, AT);
    const effects = staticReturnStored(group, second, 0, AT);
    // The old id of the second is gone: it comes back as what the group has become.
    const again = storing(effects, 'static-return');
    expect(again.returned.oldMemberId).toBe('s2');
    staticReturnStored(group, again, 0, AT);
    expect([...group.members.keys()]).toEqual(['s3']);
  });

  it('stays as it was when the return cannot be stored', () => {
    const group = stableGroupOf(instance);
    const reason = storing(comeBack(group), 'static-return');
    expect(words(staticReturnStored(group, reason, ErrorCode.NOT_COORDINATOR, AT))).toEqual([
      `join 5: s2 error ${ErrorCode.NOT_COORDINATOR} members []`,
    ]);
    expect([...group.members.keys()]).toEqual(['s1']);
    expect(group.staticMembers.get('i1')).toBe('s1');
  });

  it('whose group rebalances before its return is stored joins that rebalance', () => {
    const group = stableGroupOf(instance);
    const reason = storing(comeBack(group), 'static-return');
    join(group, request({ newMemberId: 'm2' }), 7, AT);
    expect(group.state).toBe('PreparingRebalance');
    const effects = words(staticReturnStored(group, reason, 0, AT));
    expect(effects).toContain('disarm session:s1');
    expect(effects).toContain('join 5: s2 generation 2 leader s2 members [s2,m2]');
  });

  it('whose group is gone before its return is stored is told to look again', () => {
    const group = stableGroupOf(instance);
    const reason = storing(comeBack(group), 'static-return');
    group.state = 'Dead';
    expect(words(staticReturnStored(group, reason, 0, AT))).toEqual([
      `join 5:  error ${ErrorCode.COORDINATOR_NOT_AVAILABLE} members []`,
    ]);
  });

  it('leaves by instance id', () => {
    const group = stableGroupOf(instance);
    expect(leave(group, { memberId: '', instanceId: 'i1' }, AT).error).toBe(0);
    expect(leave(group, { memberId: '', instanceId: 'i1' }, AT).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
