/**
 * The rebalance itself: from "members are asked to join again" to a new generation.
 * The rule: a generation starts when every known member has joined, or when the longest rebalance
 * timeout has passed and those who did not join are left out (static members are kept until their
 * session ends). Source: Kafka's GroupCoordinator.prepareRebalance, onCompleteJoin, DelayedJoin.
 */
import { ErrorCode } from '../../errors.ts';
import type { Effect, JoinAnswer } from './effects.ts';
import { NO_BYTES, syncError } from './effects.ts';
import type { Group, Member } from './group.ts';
import {
  allMembersJoined,
  canRebalance,
  memberMetadata,
  rebalanceTimeoutMs,
  removeMember,
  selectProtocol,
  transition,
} from './group.ts';

export interface RebalanceSettings {
  readonly initialRebalanceDelayMs: number;
}

/** What a transition needs besides the group and the request. */
export interface RebalanceContext {
  readonly settings: RebalanceSettings;
  readonly nowMs: number;
}

/** A rebalance, if the state allows one. */
export function maybePrepareRebalance(group: Group, settings: RebalanceSettings, nowMs: number): Effect[] {
  return canRebalance(group) ? prepareRebalance(group, settings, nowMs) : [];
}

/** Begins a rebalance: who waits for an assignment is told, and the wait for members begins. */
export function prepareRebalance(group: Group, settings: RebalanceSettings, nowMs: number): Effect[] {
  const effects: Effect[] = [];
  if (group.state === 'CompletingRebalance') {
    effects.push(...propagateAssignmentError(group, ErrorCode.REBALANCE_IN_PROGRESS));
  }
  group.pendingSyncMembers.clear();
  effects.push({ do: 'disarm', timer: 'sync' });
  const timeoutMs = rebalanceTimeoutMs(group);
  if (group.state === 'Empty') {
    const delayMs = settings.initialRebalanceDelayMs;
    group.initialDelayRemainingMs = Math.max(timeoutMs - delayMs, 0);
    group.newMemberAdded = false;
    transition(group, 'PreparingRebalance', nowMs);
    effects.push({ do: 'arm', timer: 'initial-delay', delayMs });
    return effects;
  }
  group.initialDelayRemainingMs = null;
  transition(group, 'PreparingRebalance', nowMs);
  effects.push({ do: 'arm', timer: 'rebalance', delayMs: timeoutMs });
  effects.push(...maybeCompleteJoin(group, nowMs));
  return effects;
}

/** Completes the join phase early when nobody is missing; the initial delay is always waited out. */
export function maybeCompleteJoin(group: Group, nowMs: number): Effect[] {
  if (group.state !== 'PreparingRebalance' || group.initialDelayRemainingMs !== null) return [];
  return allMembersJoined(group) ? completeJoin(group, nowMs) : [];
}

/** The initial delay has passed: wait on while new members keep arriving, but not beyond their timeout. */
export function initialDelayPassed(group: Group, settings: RebalanceSettings, nowMs: number): Effect[] {
  if (group.state !== 'PreparingRebalance' || group.initialDelayRemainingMs === null) return [];
  const remainingMs = group.initialDelayRemainingMs;
  if (group.newMemberAdded && remainingMs > 0) {
    const delayMs = Math.min(settings.initialRebalanceDelayMs, remainingMs);
    group.newMemberAdded = false;
    group.initialDelayRemainingMs = Math.max(remainingMs - delayMs, 0);
    return [{ do: 'arm', timer: 'initial-delay', delayMs }];
  }
  group.initialDelayRemainingMs = null;
  return completeJoin(group, nowMs);
}

/** The rebalance timeout has passed, or everyone is here. */
export function completeJoin(group: Group, nowMs: number): Effect[] {
  if (group.state !== 'PreparingRebalance') return [];
  const effects: Effect[] = [];
  for (const member of [...group.members.values()]) {
    if (member.joinTicket !== null || member.instanceId !== null) continue;
    removeMember(group, member.memberId);
    effects.push({ do: 'disarm', timer: `session:${member.memberId}` });
  }
  if (!electJoinedLeader(group) && group.members.size > 0) {
    effects.push({ do: 'arm', timer: 'rebalance', delayMs: rebalanceTimeoutMs(group) });
    return effects;
  }
  effects.push({ do: 'disarm', timer: 'rebalance' }, { do: 'disarm', timer: 'initial-delay' });
  startGeneration(group, nowMs);
  if (group.members.size === 0) {
    effects.push({ do: 'persist', reason: { why: 'empty', generationId: group.generationId } });
    return effects;
  }
  for (const member of group.members.values()) effects.push(...answerJoined(group, member));
  effects.push({ do: 'arm', timer: 'sync', delayMs: rebalanceTimeoutMs(group) });
  return effects;
}

/** Keeps a leader that has joined, else makes any joined member leader; false when nobody has joined. */
function electJoinedLeader(group: Group): boolean {
  if (group.leaderId === null) return false;
  const leader = group.members.get(group.leaderId);
  if (leader !== undefined && leader.joinTicket !== null) return true;
  for (const member of group.members.values()) {
    if (member.joinTicket === null) continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

function startGeneration(group: Group, nowMs: number): void {
  group.generationId += 1;
  group.pendingSyncMembers.clear();
  if (group.members.size === 0) {
    group.protocolName = null;
    group.leaderId = null;
    transition(group, 'Empty', nowMs);
    return;
  }
  group.protocolName = selectProtocol(group);
  transition(group, 'CompletingRebalance', nowMs);
}

function answerJoined(group: Group, member: Member): Effect[] {
  const effects: Effect[] = [];
  if (member.joinTicket !== null) {
    effects.push({ do: 'answer-join', ticket: member.joinTicket, answer: joinedAnswer(group, member) });
    member.joinTicket = null;
  }
  effects.push({ do: 'arm', timer: `session:${member.memberId}`, delayMs: member.sessionTimeoutMs });
  member.isNew = false;
  group.pendingSyncMembers.add(member.memberId);
  return effects;
}

/** What a member of the current generation is told; the leader gets everybody's metadata. */
export function joinedAnswer(group: Group, member: Member): JoinAnswer {
  return {
    error: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: group.leaderId === member.memberId ? membersWithMetadata(group) : [],
  };
}

/** What the leader needs to assign. */
export function membersWithMetadata(group: Group): JoinAnswer['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    metadata: memberMetadata(member, group.protocolName),
  }));
}

/** Forgets the assignment and fails everybody who waits for it. */
export function propagateAssignmentError(group: Group, error: ErrorCode): Effect[] {
  const effects: Effect[] = [];
  for (const member of group.members.values()) {
    member.assignment = NO_BYTES;
    if (member.syncTicket === null) continue;
    effects.push({ do: 'answer-sync', ticket: member.syncTicket, answer: syncError(error) });
    member.syncTicket = null;
    effects.push({ do: 'arm', timer: `session:${member.memberId}`, delayMs: member.sessionTimeoutMs });
  }
  return effects;
}

/** Some members of the generation never sent their SyncGroup: out they go, and the rest starts again. */
export function syncTimedOut(group: Group, settings: RebalanceSettings, nowMs: number): Effect[] {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return [];
  if (group.pendingSyncMembers.size === 0) return [];
  const effects: Effect[] = [];
  for (const { memberId } of [...group.members.values()]) {
    if (!group.pendingSyncMembers.has(memberId)) continue;
    removeMember(group, memberId);
    effects.push({ do: 'disarm', timer: `session:${memberId}` });
  }
  effects.push(...prepareRebalance(group, settings, nowMs));
  return effects;
}
