/** The transitions of a group by members that stay, leave, or have names of their own. */
import { describe, expect, it } from 'vitest';
import type { Effect, JoinRequest } from '../../../broker/coordinators/group/effects.ts';
import type { Group } from '../../../broker/coordinators/group/group.ts';
import { join, staticReturnStored } from '../../../broker/coordinators/group/join.ts';
import { leave, memberHeartbeat, sessionExpired } from '../../../broker/coordinators/group/membership.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { AT, request, stableGroup, stableGroupOf, storing, words } from './group-transitions.ts';

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
