/**
 * Staying in a group and leaving it: heartbeats, LeaveGroup, the end of a session.
 * Source: Kafka's GroupCoordinator.handleHeartbeat, handleLeaveGroup, onExpireHeartbeat.
 */
import { ErrorCode } from '../../errors.ts';
import type { Effect } from './effects.ts';
import { joinError, syncError } from './effects.ts';
import type { Group } from './group.ts';
import { removeMember } from './group.ts';
import type { RebalanceContext } from './rebalance.ts';
import { maybeCompleteJoin, maybePrepareRebalance } from './rebalance.ts';

/** Is this the member it says it is? A static member under an older id is fenced. */
export function validateMember(group: Group, memberId: string, instanceId: string | null): ErrorCode {
  if (instanceId !== null) {
    const current = group.staticMembers.get(instanceId);
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
  }
  return group.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
}

/** REBALANCE_IN_PROGRESS tells a living member to join again. */
export function memberHeartbeat(
  group: Group,
  request: { memberId: string; instanceId: string | null; generationId: number },
): { error: ErrorCode; effects: Effect[] } {
  if (group.state === 'Dead') return { error: ErrorCode.COORDINATOR_NOT_AVAILABLE, effects: [] };
  const error = validateMember(group, request.memberId, request.instanceId);
  if (error !== ErrorCode.NONE) return { error, effects: [] };
  if (request.generationId !== group.generationId)
    return { error: ErrorCode.ILLEGAL_GENERATION, effects: [] };
  if (group.state === 'Empty') return { error: ErrorCode.UNKNOWN_MEMBER_ID, effects: [] };
  const effects = renewSession(group, request.memberId);
  return {
    error: group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE,
    effects,
  };
}

/** Any sign of life of a member starts its session anew. */
export function renewSession(group: Group, memberId: string): Effect[] {
  const member = group.members.get(memberId);
  if (member === undefined) return [];
  return [{ do: 'arm', timer: `session:${memberId}`, delayMs: member.sessionTimeoutMs }];
}

/** A member, a static one by its instance alone, or an id that was given out and never used. */
export function leave(
  group: Group,
  who: { memberId: string; instanceId: string | null },
  context: RebalanceContext,
): { error: ErrorCode; effects: Effect[] } {
  if (group.state === 'Dead') return { error: ErrorCode.COORDINATOR_NOT_AVAILABLE, effects: [] };
  let { memberId } = who;
  if (memberId === '' && who.instanceId !== null) {
    const current = group.staticMembers.get(who.instanceId);
    if (current === undefined) return { error: ErrorCode.UNKNOWN_MEMBER_ID, effects: [] };
    memberId = current;
  }
  if (group.pendingMembers.delete(memberId)) {
    const effects: Effect[] = [{ do: 'disarm', timer: `pending:${memberId}` }];
    return { error: ErrorCode.NONE, effects: [...effects, ...maybeCompleteJoin(group, context.nowMs)] };
  }
  const error = validateMember(group, memberId, who.instanceId);
  if (error !== ErrorCode.NONE) return { error, effects: [] };
  return { error: ErrorCode.NONE, effects: expel(group, memberId, context) };
}

/** The session timer of a member has run out. Who waits in a join or sync is alive by definition. */
export function sessionExpired(group: Group, memberId: string, context: RebalanceContext): Effect[] {
  const member = group.members.get(memberId);
  if (group.state === 'Dead' || member === undefined) return [];
  const waiting = member.joinTicket !== null || member.syncTicket !== null;
  if (waiting && !member.isNew) return [];
  return expel(group, memberId, context);
}

/** A member id was given out and never used. */
export function pendingExpired(group: Group, memberId: string, nowMs: number): Effect[] {
  return group.pendingMembers.delete(memberId) ? maybeCompleteJoin(group, nowMs) : [];
}

/** Removes a member and lets the others notice. */
function expel(group: Group, memberId: string, context: RebalanceContext): Effect[] {
  const member = group.members.get(memberId);
  if (member === undefined) return [];
  const effects: Effect[] = [{ do: 'disarm', timer: `session:${memberId}` }];
  if (member.joinTicket !== null) {
    effects.push({
      do: 'answer-join',
      ticket: member.joinTicket,
      answer: joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId),
    });
  }
  if (member.syncTicket !== null) {
    effects.push({
      do: 'answer-sync',
      ticket: member.syncTicket,
      answer: syncError(ErrorCode.UNKNOWN_MEMBER_ID),
    });
  }
  removeMember(group, memberId);
  if (group.state === 'PreparingRebalance') effects.push(...maybeCompleteJoin(group, context.nowMs));
  else effects.push(...maybePrepareRebalance(group, context.settings, context.nowMs));
  return effects;
}
