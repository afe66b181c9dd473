/**
 * SyncGroup: the leader's assignment comes in, is stored, and goes out to everybody.
 * The rule: nobody learns an assignment that is not in the log.
 * Source: Kafka's GroupCoordinator.doSyncGroup.
 */
import { NameMap } from '../../bounded-name.ts';
import { ErrorCode } from '../../errors.ts';
import type { Effect, PersistReason, SyncAnswer } from './effects.ts';
import { NO_BYTES, syncError } from './effects.ts';
import type { Group, Member, Ticket } from './group.ts';
import { transition } from './group.ts';
import { validateMember } from './membership.ts';
import type { RebalanceContext } from './rebalance.ts';
import { maybePrepareRebalance, propagateAssignmentError } from './rebalance.ts';

export interface SyncRequest {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generationId: number;
  /** v5 and later; null means "not given". */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** What the leader gives to whom; of its own, so that it may be kept. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

/** Answered at once in a stable group; otherwise when the leader's assignment is stored. */
export function sync(group: Group, request: SyncRequest, ticket: Ticket): Effect[] {
  const error = validateSync(group, request);
  if (error !== ErrorCode.NONE) return [{ do: 'answer-sync', ticket, answer: syncError(error) }];
  const member = group.members.get(request.memberId);
  if (member === undefined)
    return [{ do: 'answer-sync', ticket, answer: syncError(ErrorCode.UNKNOWN_MEMBER_ID) }];
  group.pendingSyncMembers.delete(member.memberId);
  if (group.state === 'Stable') {
    return [
      { do: 'answer-sync', ticket, answer: assignmentOf(group, member) },
      { do: 'arm', timer: `session:${member.memberId}`, delayMs: member.sessionTimeoutMs },
    ];
  }
  const effects: Effect[] = [];
  if (member.syncTicket !== null) {
    effects.push({
      do: 'answer-sync',
      ticket: member.syncTicket,
      answer: syncError(ErrorCode.REBALANCE_IN_PROGRESS),
    });
  }
  member.syncTicket = ticket;
  if (group.leaderId === member.memberId) {
    effects.push({
      do: 'persist',
      reason: {
        why: 'assignment',
        generationId: group.generationId,
        assignments: fullAssignment(group, request),
      },
    });
  }
  return effects;
}

function validateSync(group: Group, request: SyncRequest): ErrorCode {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const error = validateMember(group, request.memberId, request.instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  if (request.protocolType !== null && request.protocolType !== group.protocolType)
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (request.protocolName !== null && request.protocolName !== group.protocolName)
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (group.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID;
  if (group.state === 'PreparingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
  return ErrorCode.NONE;
}

/** Members that the leader left out get an empty assignment; strangers are dropped. */
function fullAssignment(group: Group, request: SyncRequest): Map<string, Buffer> {
  const full = new NameMap<Buffer>();
  for (const memberId of group.members.keys()) {
    full.set(memberId, request.assignments.get(memberId) ?? NO_BYTES);
  }
  return full;
}

/** The assignment is in the log (or could not be written). */
export function assignmentStored(
  group: Group,
  reason: Extract<PersistReason, { why: 'assignment' }>,
  error: ErrorCode,
  context: RebalanceContext,
): Effect[] {
  if (group.state !== 'CompletingRebalance' || group.generationId !== reason.generationId) return [];
  if (error !== ErrorCode.NONE) {
    return [
      ...propagateAssignmentError(group, error),
      ...maybePrepareRebalance(group, context.settings, context.nowMs),
    ];
  }
  const effects: Effect[] = [];
  for (const member of group.members.values()) {
    member.assignment = reason.assignments.get(member.memberId) ?? NO_BYTES;
    if (member.syncTicket === null) continue;
    effects.push({ do: 'answer-sync', ticket: member.syncTicket, answer: assignmentOf(group, member) });
    member.syncTicket = null;
    effects.push({ do: 'arm', timer: `session:${member.memberId}`, delayMs: member.sessionTimeoutMs });
  }
  transition(group, 'Stable', context.nowMs);
  return effects;
}

function assignmentOf(group: Group, member: Member): SyncAnswer {
  return {
    error: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
