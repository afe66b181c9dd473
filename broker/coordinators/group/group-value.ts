/**
 * A group as its record holds it, and back. What is written may be ahead of the group: the assignments
 * that are to be stored before anybody learns them, and the new id of a static member that has returned.
 * Source: Kafka's GroupMetadataManager.storeGroup, readGroupMessageValue.
 */
import { NameSet } from '../../bounded-name.ts';
import type { StaticReturn } from './effects.ts';
import { type Group, type Member, memberMetadata, namesOf, newGroup, putMember } from './group.ts';
import type { GroupValue } from './group-records.ts';

/** What the record is to hold and the group does not yet. */
export interface Ahead {
  readonly assignments?: ReadonlyMap<string, Buffer>;
  readonly returned?: StaticReturn;
}

/** The record of a group, with what is to become true once it is stored. */
export function groupValue(group: Group, { assignments, returned }: Ahead): GroupValue {
  return {
    protocolType: group.protocolType ?? '',
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leaderId === returned?.oldMemberId ? returned.request.newMemberId : group.leaderId,
    currentStateTimestamp: group.stateSinceMs,
    members: [...group.members.values()].map((member) => {
      const stored = member.memberId === returned?.oldMemberId ? returning(member, returned) : member;
      return {
        memberId: stored.memberId,
        groupInstanceId: stored.instanceId,
        clientId: stored.clientId,
        clientHost: stored.clientHost,
        rebalanceTimeout: stored.rebalanceTimeoutMs,
        sessionTimeout: stored.sessionTimeoutMs,
        subscription: memberMetadata(stored, group.protocolName),
        assignment: assignments?.get(stored.memberId) ?? stored.assignment,
      };
    }),
  };
}

function returning(member: Member, { request }: StaticReturn): Member {
  const { newMemberId: memberId, protocols, rebalanceTimeoutMs, sessionTimeoutMs } = request;
  const protocolNames = namesOf(protocols);
  return { ...member, memberId, protocols, protocolNames, rebalanceTimeoutMs, sessionTimeoutMs };
}

/** The group as a coordinator finds it in the log: Stable with members, Empty without. */
export function groupFrom(groupId: string, value: GroupValue): Group {
  const group = newGroup(groupId, value.currentStateTimestamp);
  group.protocolType = value.protocolType === '' ? null : value.protocolType;
  group.generationId = value.generation;
  group.protocolName = value.protocol;
  group.leaderId = value.leader;
  for (const each of value.members) putMember(group, memberOf(each, value));
  group.state = value.members.length > 0 ? 'Stable' : 'Empty';
  return group;
}

function memberOf(stored: GroupValue['members'][number], value: GroupValue): Member {
  const name = value.protocol ?? '';
  return {
    memberId: stored.memberId,
    instanceId: stored.groupInstanceId,
    clientId: stored.clientId,
    clientHost: stored.clientHost,
    rebalanceTimeoutMs: stored.rebalanceTimeout < 0 ? stored.sessionTimeout : stored.rebalanceTimeout,
    sessionTimeoutMs: stored.sessionTimeout,
    protocolType: value.protocolType,
    // Copies, as the record belongs to the log.
    protocols: [{ name, metadata: Buffer.from(stored.subscription) }],
    protocolNames: new NameSet([name]),
    assignment: Buffer.from(stored.assignment),
    joinTicket: null,
    syncTicket: null,
    isNew: false,
  };
}
