/**
 * JoinGroup: who may enter, and whether the group has to rebalance for it.
 * Source: Kafka's GroupCoordinator.handleJoinGroup and what it calls; KIP-345 (static members),
 * KIP-394 (member id required), KIP-814 (a static leader skips the assignment).
 */
import { NameMap } from '../../bounded-name.ts';
import { ErrorCode } from '../../errors.ts';
import type { Effect, JoinRequest, PersistReason, StaticReturn } from './effects.ts';
import { joinError, NO_BYTES, syncError } from './effects.ts';
import type { Group, Member, Ticket } from './group.ts';
import {
  addMember,
  membersAwaitingJoin,
  namesOf,
  removeMember,
  sameProtocols,
  selectProtocol,
  setProtocols,
  supportsProtocols,
} from './group.ts';
import { validateMember } from './membership.ts';
import type { RebalanceContext, RebalanceSettings } from './rebalance.ts';
import {
  joinedAnswer,
  maybeCompleteJoin,
  maybePrepareRebalance,
  membersWithMetadata,
  prepareRebalance,
} from './rebalance.ts';

export interface JoinSettings extends RebalanceSettings {
  readonly groupMaxSize: number;
}

interface JoinContext extends RebalanceContext {
  readonly settings: JoinSettings;
}

/** A member that waits in its first join is given this long before it counts as gone. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000;

/** `ticket` is answered now, or when the rebalance it causes is complete. */
export function join(group: Group, request: JoinRequest, ticket: Ticket, context: JoinContext): Effect[] {
  const { settings, nowMs } = context;
  if (!mayJoin(group, request.memberId, settings.groupMaxSize)) {
    removeMember(group, request.memberId);
    return [refuse(ticket, ErrorCode.GROUP_MAX_SIZE_REACHED, request.memberId)];
  }
  if (group.state === 'Dead') return [refuse(ticket, ErrorCode.COORDINATOR_NOT_AVAILABLE, request.memberId)];
  if (!supportsProtocols(group, request.protocolType, request.protocols)) {
    return [refuse(ticket, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId)];
  }
  const effects =
    request.memberId === ''
      ? joinNew(group, request, ticket, context)
      : joinKnown(group, request, ticket, context);
  effects.push(...maybeCompleteJoin(group, nowMs));
  return effects;
}

function mayJoin(group: Group, memberId: string, maxSize: number): boolean {
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance': {
      const awaiting = group.members.get(memberId)?.joinTicket ?? null;
      return awaiting !== null || membersAwaitingJoin(group) < maxSize;
    }
    default:
      return group.members.has(memberId) || group.members.size < maxSize;
  }
}

function joinNew(group: Group, request: JoinRequest, ticket: Ticket, context: JoinContext): Effect[] {
  const memberId = request.newMemberId;
  if (request.instanceId !== null) {
    const oldMemberId = group.staticMembers.get(request.instanceId);
    if (oldMemberId === undefined) return addAndRebalance(group, memberId, request, { ticket, ...context });
    return replaceStatic(group, oldMemberId, request, { ticket, ...context });
  }
  if (request.requireKnownMemberId) {
    group.pendingMembers.add(memberId);
    return [
      { do: 'arm', timer: `pending:${memberId}`, delayMs: request.sessionTimeoutMs },
      refuse(ticket, ErrorCode.MEMBER_ID_REQUIRED, memberId),
    ];
  }
  return addAndRebalance(group, memberId, request, { ticket, ...context });
}

function joinKnown(group: Group, request: JoinRequest, ticket: Ticket, context: JoinContext): Effect[] {
  const { memberId } = request;
  if (group.pendingMembers.has(memberId)) {
    return [
      { do: 'disarm', timer: `pending:${memberId}` },
      ...addAndRebalance(group, memberId, request, { ticket, ...context }),
    ];
  }
  const error = validateMember(group, memberId, request.instanceId);
  if (error !== ErrorCode.NONE) return [refuse(ticket, error, memberId)];
  const member = group.members.get(memberId);
  if (member === undefined) return [refuse(ticket, ErrorCode.UNKNOWN_MEMBER_ID, memberId)];
  switch (group.state) {
    case 'PreparingRebalance':
      return updateAndRebalance(group, member, request, { ticket, ...context });
    case 'CompletingRebalance':
      // The same metadata again: the member has lost our answer, which is given once more.
      if (sameProtocols(member, request.protocols)) return [answerCurrent(group, member, ticket)];
      return updateAndRebalance(group, member, request, { ticket, ...context });
    case 'Stable':
      // A leader that joins again wants a rebalance, as it may have noticed a change of the topics.
      if (group.leaderId !== memberId && sameProtocols(member, request.protocols)) {
        return [answerCurrent(group, member, ticket)];
      }
      return updateAndRebalance(group, member, request, { ticket, ...context });
    default:
      return [refuse(ticket, ErrorCode.UNKNOWN_MEMBER_ID, memberId)];
  }
}

interface TicketContext extends JoinContext {
  readonly ticket: Ticket;
}

function addAndRebalance(
  group: Group,
  memberId: string,
  request: JoinRequest,
  context: TicketContext,
): Effect[] {
  const member: Member = {
    memberId,
    instanceId: request.instanceId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    protocolNames: namesOf(request.protocols),
    assignment: NO_BYTES,
    joinTicket: context.ticket,
    syncTicket: null,
    isNew: true,
  };
  if (group.state === 'PreparingRebalance' && group.initialDelayRemainingMs !== null)
    group.newMemberAdded = true;
  addMember(group, member);
  return [
    { do: 'arm', timer: `session:${memberId}`, delayMs: NEW_MEMBER_JOIN_TIMEOUT_MS },
    ...maybePrepareRebalance(group, context.settings, context.nowMs),
  ];
}

function updateAndRebalance(
  group: Group,
  member: Member,
  request: JoinRequest,
  context: TicketContext,
): Effect[] {
  return [
    ...update(group, member, request, context.ticket),
    ...maybePrepareRebalance(group, context.settings, context.nowMs),
  ];
}

/** `ticket` null: the request does not wait for a rebalance. */
function update(group: Group, member: Member, request: JoinRequest, ticket: Ticket | null): Effect[] {
  const effects: Effect[] = [];
  if (member.joinTicket !== null) {
    // The member asks again over another connection: the older request is let go.
    effects.push(refuse(member.joinTicket, ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
  }
  setProtocols(group, member, request.protocols);
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.joinTicket = ticket;
  return effects;
}

/**
 * A static member is back under a new id: the old one is fenced, and often nobody has to rebalance. Then
 * the new id is stored first, so that a successor knows it, and nothing changes before.
 */
function replaceStatic(
  group: Group,
  oldMemberId: string,
  request: JoinRequest,
  context: TicketContext,
): Effect[] {
  const member = group.members.get(oldMemberId);
  if (member === undefined) return [refuse(context.ticket, ErrorCode.UNKNOWN_MEMBER_ID, oldMemberId)];
  if (group.state === 'Stable' && keepsProtocol(group, member, request)) {
    const returned: StaticReturn = { oldMemberId, request, ticket: context.ticket };
    return [{ do: 'persist', reason: { why: 'static-return', generationId: group.generationId, returned } }];
  }
  const effects = rename(group, member, request.newMemberId);
  effects.push(...update(group, member, request, context.ticket));
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    effects.push(...prepareRebalance(group, context.settings, context.nowMs));
  }
  return effects;
}

/** Would the group choose the protocol it has, if the member came with what it asks for? */
function keepsProtocol(group: Group, member: Member, { protocols }: JoinRequest): boolean {
  const members = new NameMap(group.members);
  members.set(member.memberId, { ...member, protocols, protocolNames: namesOf(protocols) });
  return group.protocolName === selectProtocol({ ...group, members, commonProtocols: null });
}

/** Gives a static member another id; whoever waits under the old one is fenced. */
function rename(group: Group, member: Member, newMemberId: string): Effect[] {
  const oldMemberId = member.memberId;
  const effects: Effect[] = [{ do: 'disarm', timer: `session:${oldMemberId}` }];
  if (member.joinTicket !== null)
    effects.push(refuse(member.joinTicket, ErrorCode.FENCED_INSTANCE_ID, oldMemberId));
  if (member.syncTicket !== null) {
    effects.push({
      do: 'answer-sync',
      ticket: member.syncTicket,
      answer: syncError(ErrorCode.FENCED_INSTANCE_ID),
    });
  }
  member.joinTicket = null;
  member.syncTicket = null;
  member.memberId = newMemberId;
  // Rebuilt so that the member keeps its place in the order of joining.
  const members = [...group.members.values()];
  group.members.clear();
  for (const each of members) group.members.set(each.memberId, each);
  if (member.instanceId !== null) group.staticMembers.set(member.instanceId, newMemberId);
  if (group.leaderId === oldMemberId) group.leaderId = newMemberId;
  if (group.pendingSyncMembers.delete(oldMemberId)) group.pendingSyncMembers.add(newMemberId);
  return effects;
}

/**
 * The static member's new id is in the log (or could not be written): it takes the old one's place. What
 * came between may have changed the group: then it joins the group as it is now.
 */
export function staticReturnStored(
  group: Group,
  reason: Extract<PersistReason, { why: 'static-return' }>,
  error: ErrorCode,
  context: JoinContext,
): Effect[] {
  const { oldMemberId, request, ticket } = reason.returned;
  if (error !== ErrorCode.NONE) return [refuse(ticket, error, request.newMemberId)];
  const member = group.members.get(oldMemberId);
  if (group.state !== 'Stable' || group.generationId !== reason.generationId || member === undefined) {
    return join(group, request, ticket, context);
  }
  const previousLeaderId = group.leaderId ?? '';
  const effects = rename(group, member, request.newMemberId);
  effects.push(...update(group, member, request, null));
  member.isNew = false;
  const isLeader = group.leaderId === member.memberId;
  const skip = request.supportsSkippingAssignment;
  const answer = {
    ...joinedAnswer(group, member),
    leader: skip ? (group.leaderId ?? '') : previousLeaderId,
    skipAssignment: skip && isLeader,
    members: skip && isLeader ? membersWithMetadata(group) : [],
  };
  effects.push(
    { do: 'answer-join', ticket, answer },
    { do: 'arm', timer: `session:${member.memberId}`, delayMs: member.sessionTimeoutMs },
  );
  return effects;
}

function answerCurrent(group: Group, member: Member, ticket: Ticket): Effect {
  return { do: 'answer-join', ticket, answer: joinedAnswer(group, member) };
}

function refuse(ticket: Ticket, error: ErrorCode, memberId: string): Effect {
  return { do: 'answer-join', ticket, answer: joinError(error, memberId) };
}
