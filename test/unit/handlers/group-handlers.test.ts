/**
 * The handlers of groups by themselves: what they make of each version of a request, whom they turn away,
 * and how the coordinator's answers look to clients. The coordinator is played by the test.
 */
import { describe, expect, it } from 'vitest';
import { NameMap } from '../../../broker/bounded-name.ts';
import type { JoinAnswer, SyncAnswer } from '../../../broker/coordinators/group/effects.ts';
import { addMember, type Group, namesOf, newGroup } from '../../../broker/coordinators/group/group.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { joinGroup } from '../../../broker/handlers/11-join-group.ts';
import { heartbeat } from '../../../broker/handlers/12-heartbeat.ts';
import { leaveGroup } from '../../../broker/handlers/13-leave-group.ts';
import { syncGroup } from '../../../broker/handlers/14-sync-group.ts';
import { describeGroups } from '../../../broker/handlers/15-describe-groups.ts';
import { listGroups } from '../../../broker/handlers/16-list-groups.ts';
import type { RequestInput } from '../../../broker/protocol/schema.ts';
import type { Resource } from '../../../broker/security/operations.ts';
import { ask, refusal } from './ask.ts';
import { denying, playing } from './support.ts';

const METADATA = Buffer.from('subscription');

describe('JoinGroup', () => {
  const joined: JoinAnswer = {
    error: ErrorCode.NONE,
    generationId: 3,
    protocolType: 'consumer',
    protocolName: 'range',
    leader: 'm',
    skipAssignment: false,
    memberId: 'm',
    members: [{ memberId: 'm', instanceId: null, metadata: METADATA }],
  };
  const request = {
    groupId: 'g',
    memberId: '',
    sessionTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: METADATA }],
    protocolNames: namesOf([{ name: 'range' }]),
  };

  it.each([0, 1, 3, 4, 5, 8, 9])('v%i: the coordinator is told what this version can do', async (version) => {
    const { asked, groups } = playing('joinGroup', joined);
    const rebalance = version === 0 ? {} : { rebalanceTimeoutMs: 60_000 };
    const { response } = await ask(joinGroup, version, { ...request, ...rebalance }, { groups });
    expect(asked).toMatchObject([
      {
        groupId: 'g',
        clientId: 'client',
        clientHost: '/10.0.0.1',
        rebalanceTimeoutMs: version === 0 ? 10_000 : 60_000,
        requireKnownMemberId: version >= 4,
        supportsSkippingAssignment: version >= 9,
        protocols: [{ name: 'range', metadata: METADATA }],
      },
    ]);
    expect(response).toMatchObject({ errorCode: 0, generationId: 3, leader: 'm', memberId: 'm' });
    expect(response.protocolType).toBe(version >= 7 ? 'consumer' : null);
    expect(response.members).toMatchObject([{ memberId: 'm', metadata: METADATA }]);
  });

  it('of a static member needs no id beforehand', async () => {
    const { asked, groups } = playing('joinGroup', joined);
    await ask(joinGroup, 9, { ...request, rebalanceTimeoutMs: 1, groupInstanceId: 'i' }, { groups });
    expect(asked).toMatchObject([{ instanceId: 'i', requireKnownMemberId: false }]);
  });

  it.each([
    [6, ''],
    [7, null],
  ])('v%i: a refusal has %j for a protocol', async (version, protocolName) => {
    const refused = { ...joined, error: ErrorCode.UNKNOWN_MEMBER_ID, protocolName: null, members: [] };
    const { groups } = playing('joinGroup', refused);
    const { response } = await ask(joinGroup, version, request, { groups });
    expect(response).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, protocolName });
    const denied = await ask(joinGroup, version, { ...request, memberId: 'm' }, { may: denying('group') });
    expect(denied.response).toMatchObject({
      errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED,
      generationId: -1,
      protocolName,
      memberId: '',
    });
  });

  it.each([
    [6, ''],
    [7, null],
  ])('v%i: a protocol with an empty name is told as %j', async (version, protocolName) => {
    const { groups } = playing('joinGroup', { ...joined, protocolName: '' });
    const { response } = await ask(joinGroup, version, request, { groups });
    expect(response).toMatchObject({ errorCode: 0, protocolName });
  });

  it('tells a static leader to skip the assignment only when it can understand that', async () => {
    const { groups } = playing('joinGroup', { ...joined, skipAssignment: true });
    const { response } = await ask(joinGroup, 9, request, { groups });
    expect(response.skipAssignment).toBe(true);
  });
});

describe('SyncGroup', () => {
  const synced: SyncAnswer = {
    error: ErrorCode.NONE,
    protocolType: 'consumer',
    protocolName: 'range',
    assignment: Buffer.from('mine'),
  };
  const request = { groupId: 'g', generationId: 3, memberId: 'm' };
  const assignments = [{ memberId: 'm', assignment: Buffer.from('mine') }];

  it.each([0, 3, 4])('v%i: the assignment goes to the coordinator and comes back', async (version) => {
    const { asked, groups } = playing('syncGroup', synced);
    const { response } = await ask(syncGroup, version, { ...request, assignments }, { groups });
    const given = new NameMap([['m', Buffer.from('mine')]]);
    expect(asked).toMatchObject([{ ...request, instanceId: null, protocolName: null, assignments: given }]);
    expect(response).toMatchObject({ errorCode: 0, protocolName: null });
    expect(String(response.assignment)).toBe('mine');
  });

  it('v5: names the protocol, and without that it does not fit the group', async () => {
    const { asked, groups } = playing('syncGroup', synced);
    const named = { ...request, protocolType: 'consumer', protocolName: 'range' };
    const { response } = await ask(syncGroup, 5, named, { groups });
    expect(response).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' });
    for (const missing of [{ protocolType: null }, { protocolName: null }]) {
      const refused = await ask(syncGroup, 5, { ...named, ...missing }, { groups });
      expect(refused.response.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    expect(asked).toHaveLength(1);
  });

  it('needs the right to read the group', async () => {
    const { response } = await ask(syncGroup, 3, request, { may: denying('group') });
    expect(response).toMatchObject({ errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED });
    expect(response.assignment).toHaveLength(0);
  });
});

describe('Heartbeat', () => {
  it.each([0, 2, 3, 4])('v%i: the coordinator is asked, and its error answered', async (version) => {
    const { asked, groups } = playing('heartbeat', ErrorCode.REBALANCE_IN_PROGRESS);
    const request = { groupId: 'g', generationId: 3, memberId: 'm' };
    const named = version < 3 ? request : { ...request, groupInstanceId: 'i' };
    const { response } = await ask(heartbeat, version, named, { groups });
    expect(asked).toEqual([{ ...request, instanceId: version < 3 ? null : 'i' }]);
    expect(response.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('needs the right to read the group', async () => {
    const { response } = await ask(heartbeat, 0, { groupId: 'g' }, { may: denying('group') });
    expect(response.errorCode).toBe(ErrorCode.GROUP_AUTHORIZATION_FAILED);
  });
});

describe('LeaveGroup', () => {
  it.each([0, 2])('v%i: names one member, whose error is that of the request', async (version) => {
    const left = { error: ErrorCode.NONE, members: [ErrorCode.UNKNOWN_MEMBER_ID] };
    const { asked, groups } = playing('leaveGroup', left);
    const { response } = await ask(leaveGroup, version, { groupId: 'g', memberId: 'm' }, { groups });
    expect(asked).toEqual([['g', [{ memberId: 'm', instanceId: null }]]]);
    expect(response).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, members: [] });
  });

  const members = [
    { memberId: 'm', groupInstanceId: null },
    { memberId: '', groupInstanceId: 'i' },
  ];

  it.each([3, 5])('v%i: names many, each with an error', async (version) => {
    const left = { error: ErrorCode.NONE, members: [ErrorCode.NONE, ErrorCode.FENCED_INSTANCE_ID] };
    const { asked, groups } = playing('leaveGroup', left);
    const { response } = await ask(leaveGroup, version, { groupId: 'g', members }, { groups });
    expect(asked).toEqual([
      ['g', members.map((one) => ({ memberId: one.memberId, instanceId: one.groupInstanceId }))],
    ]);
    expect(response).toMatchObject({
      errorCode: 0,
      members: [
        { memberId: 'm', groupInstanceId: null, errorCode: 0 },
        { memberId: '', groupInstanceId: 'i', errorCode: ErrorCode.FENCED_INSTANCE_ID },
      ],
    });
  });

  it.each([0, 3])('v%i: an error of the group as a whole names no members', async (version) => {
    const { groups } = playing('leaveGroup', { error: ErrorCode.NOT_COORDINATOR, members: [] });
    const request = version < 3 ? { groupId: 'g', memberId: 'm' } : { groupId: 'g', members };
    const { response } = await ask(leaveGroup, version, request, { groups });
    expect(response).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, members: [] });
    const denied = await ask(leaveGroup, version, request, { may: denying('group') });
    expect(denied.response).toMatchObject({ errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, members: [] });
  });
});

/** Of one static member, which was given an assignment. */
function groupOf(state: Group['state']): Group {
  const group = newGroup('g', 0);
  addMember(group, {
    memberId: 'm',
    instanceId: 'i',
    clientId: 'c',
    clientHost: '/10.0.0.1',
    rebalanceTimeoutMs: 1,
    sessionTimeoutMs: 1,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: METADATA }],
    protocolNames: namesOf([{ name: 'range' }]),
    assignment: Buffer.from('mine'),
    joinTicket: null,
    syncTicket: null,
    isNew: false,
  });
  return Object.assign(group, { state, protocolName: 'range' });
}

describe('DescribeGroups', () => {
  const described = async (group: Group | null, version = 5, error: number = ErrorCode.NONE) => {
    const { groups } = playing('describeGroup', { error, group });
    const { response } = await ask(describeGroups, version, { groups: ['g'] }, { groups });
    return response.groups;
  };

  it('shows what members sent and got only of a stable group', async () => {
    expect(await described(groupOf('Stable'))).toMatchObject([
      { errorCode: 0, groupId: 'g', groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' },
    ]);
    const texts = async (state: Group['state']) => {
      const [group] = await described(groupOf(state));
      return group?.members.map((one) => [
        one.memberId,
        String(one.memberMetadata),
        String(one.memberAssignment),
      ]);
    };
    expect(await texts('Stable')).toEqual([['m', 'subscription', 'mine']]);
    for (const state of ['PreparingRebalance', 'CompletingRebalance'] as const) {
      expect(await described(groupOf(state))).toMatchObject([{ groupState: state, protocolData: '' }]);
      expect(await texts(state)).toEqual([['m', '', '']]);
    }
  });

  it.each([3, 4])('v%i: knows the instance id of a member from version 4 on', async (version) => {
    const [group] = await described(groupOf('Stable'), version);
    expect(group?.members).toMatchObject([
      { clientId: 'c', clientHost: '/10.0.0.1', groupInstanceId: version < 4 ? null : 'i' },
    ]);
  });

  it('shows a group that nobody knows as dead, without an error', async () => {
    expect(await described(null)).toMatchObject([
      { errorCode: 0, groupId: 'g', groupState: 'Dead', members: [] },
    ]);
    const elsewhere = await described(null, 5, ErrorCode.NOT_COORDINATOR);
    expect(elsewhere).toMatchObject([{ errorCode: ErrorCode.NOT_COORDINATOR, groupId: 'g', groupState: '' }]);
  });

  it('describes a group that is named many times once, and tells rights when asked to', async () => {
    const { asked, groups } = playing('describeGroup', { error: 0, group: null });
    const request = { groups: ['g', 'g', 'h'], includeAuthorizedOperations: true };
    const { response } = await ask(describeGroups, 3, request, { groups });
    expect(asked).toEqual(['g', 'h']);
    const allOfThem = (1 << 3) | (1 << 6) | (1 << 8);
    expect(response.groups.map((one) => one.authorizedOperations)).toEqual([allOfThem, allOfThem]);
    const denied = await ask(describeGroups, 3, request, { may: denying('group') });
    expect(denied.response.groups).toMatchObject([
      { groupId: 'g', errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED },
      { groupId: 'h', errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED },
    ]);
  });
});

describe('ListGroups', () => {
  const listing = {
    error: ErrorCode.NONE,
    groups: [
      { groupId: 'a', protocolType: 'consumer', state: 'Stable' },
      { groupId: 'b', protocolType: '', state: 'Empty' },
    ],
  };
  const listed = async (
    version: number,
    request: RequestInput<(typeof listGroups)['api']>,
    overrides = {},
  ) => {
    const { groups } = playing('listGroups', listing);
    const { response } = await ask(listGroups, version, request, { groups, ...overrides });
    return response;
  };
  const names = async (...asked: Parameters<typeof listed>) =>
    (await listed(...asked)).groups.map(({ groupId }) => groupId);

  it.each([0, 3, 4, 5])('v%i: states from version 4 on, types from version 5 on', async (version) => {
    expect((await listed(version, {})).groups).toMatchObject([
      { groupId: 'a', protocolType: 'consumer', groupState: version < 4 ? '' : 'Stable' },
      { groupId: 'b', protocolType: '', groupType: version < 5 ? '' : 'classic' },
    ]);
  });

  it('leaves out other states and types, however they are spelt', async () => {
    expect(await names(4, { statesFilter: ['STABLE', 'unheard-of'] })).toEqual(['a']);
    expect(await names(5, { statesFilter: ['empty', 'Stable'], typesFilter: ['Classic'] })).toEqual([
      'a',
      'b',
    ]);
    expect(await names(5, { typesFilter: ['consumer'] })).toEqual([]);
  });

  it('shows everything to who may look at the cluster, and to others the groups they may look at', async () => {
    const ofCluster = { may: denying('group') };
    expect(await names(0, {}, ofCluster)).toEqual(['a', 'b']);
    const onlyB = (_operation: number, on: Resource) => on.name === 'b';
    expect(await names(0, {}, { may: onlyB })).toEqual(['b']);
  });

  it('says that it is loading, and shows what it has', async () => {
    const { groups } = playing('listGroups', {
      ...listing,
      error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    });
    const { response } = await ask(listGroups, 0, {}, { groups });
    expect(response.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(response.groups).toHaveLength(2);
  });
});

describe('a request that may not be handled at all', () => {
  it('is answered with the error wherever the API has a place for one', async () => {
    const code = ErrorCode.UNKNOWN_SERVER_ERROR;
    const error = { errorCode: code };
    const group = { groupId: 'g' };
    const members = [{ memberId: 'm', groupInstanceId: null }];
    expect(await refusal(joinGroup, 9, { ...group, memberId: 'm' }, code)).toMatchObject({
      ...error,
      memberId: '',
    });
    expect(await refusal(syncGroup, 5, group, code)).toMatchObject(error);
    expect(await refusal(heartbeat, 4, group, code)).toMatchObject(error);
    expect(await refusal(leaveGroup, 5, { ...group, members }, code)).toMatchObject({
      ...error,
      members: [],
    });
    expect(await refusal(describeGroups, 5, { groups: ['g'] }, code)).toMatchObject({
      groups: [{ ...group, ...error }],
    });
    expect(await refusal(listGroups, 5, {}, code)).toMatchObject({ ...error, groups: [] });
  });
});
