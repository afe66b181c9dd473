/** Requests to a group by its transitions, and what comes out of them in words. */
import type { Effect, JoinRequest, PersistReason } from '../../../broker/coordinators/group/effects.ts';
import { type Group, newGroup } from '../../../broker/coordinators/group/group.ts';
import { join } from '../../../broker/coordinators/group/join.ts';
import { completeJoin } from '../../../broker/coordinators/group/rebalance.ts';
import { assignmentStored, type SyncRequest, sync } from '../../../broker/coordinators/group/sync.ts';
import { ErrorCode } from '../../../broker/errors.ts';

export const SETTINGS = { initialRebalanceDelayMs: 3000, groupMaxSize: 10 };
export const AT = { settings: SETTINGS, nowMs: 1000 };
const RANGE = [{ name: 'range', metadata: Buffer.from('topics') }];

export function request(over: Partial<JoinRequest> = {}): JoinRequest {
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
export function words(effects: readonly Effect[]): string[] {
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
export function joinedGroup(...requests: Partial<JoinRequest>[]): Group {
  const group = newGroup('g', 0);
  for (const [index, over] of requests.entries()) join(group, request(over), index + 1, AT);
  group.initialDelayRemainingMs = null;
  completeJoin(group, 1000);
  return group;
}

/** A sync of m1 in the first generation, with an assignment for each of `ids`. */
export function syncRequest(over: Partial<SyncRequest> = {}, ...ids: string[]): SyncRequest {
  return {
    memberId: 'm1',
    instanceId: null,
    generationId: 1,
    protocolType: null,
    protocolName: null,
    assignments: new Map(ids.map((memberId) => [memberId, Buffer.from(`for ${memberId}`)])),
    ...over,
  };
}

/** Why the effects ask for the group to be stored. */
export function storing<W extends PersistReason['why']>(
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
export function stableGroup(...ids: string[]): Group {
  return stableGroupOf(...ids.map((newMemberId) => ({ newMemberId })));
}

export function stableGroupOf(...requests: Partial<JoinRequest>[]): Group {
  const group = joinedGroup(...requests);
  const ids = requests.map(({ newMemberId = 'm1' }) => newMemberId);
  const leader = { memberId: ids[0] ?? '', instanceId: requests[0]?.instanceId ?? null };
  const effects = sync(group, syncRequest(leader, ...ids), 100);
  assignmentStored(group, storing(effects, 'assignment'), ErrorCode.NONE, AT);
  group.pendingSyncMembers.clear();
  return group;
}
