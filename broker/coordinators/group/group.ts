/**
 * A classic consumer group: its members, generation and state, as plain data with the questions that
 * can be asked of it. The transitions are in join.ts, rebalance.ts, sync.ts and membership.ts; they are
 * synchronous, change the group in place and return effects for the driver to carry out.
 * Source: Kafka's GroupMetadata and MemberMetadata.
 */
import { NameMap, NameSet } from '../../bounded-name.ts';

/** Stands for a request that waits for its answer; the driver keeps the other end. */
export type Ticket = number;

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  readonly protocolType: string;
  /** In the order of its choice. In a group they change with {@link setProtocols}. */
  protocols: readonly MemberProtocol[];
  /** Those of its protocols, made once: everybody's may be looked at when one joins. */
  protocolNames: NameSet;
  assignment: Buffer;
  /** A JoinGroup of this member that waits for the rebalance to complete. */
  joinTicket: Ticket | null;
  /** A SyncGroup of this member that waits for the leader's assignment. */
  syncTicket: Ticket | null;
  /** Has not completed its first join: its session timer is the longer join timeout. */
  isNew: boolean;
}

/**
 * The leader is a member, or null; who is in `pendingMembers` is no member yet. `protocolName` is that of the
 * last generation: null before the first, and after one without members.
 */
export interface Group {
  readonly groupId: string;
  state: GroupState;
  /** Wall time of the last change of state; persisted, decides when offsets expire. */
  stateSinceMs: number;
  /** 0 before the first rebalance; rises by one with each. */
  generationId: number;
  /** Of the first member since the group was without any; kept when all have left. */
  protocolType: string | null;
  protocolName: string | null;
  leaderId: string | null;
  /** In order of joining: the first is the first choice for leader. Who comes is put in with {@link putMember}. */
  readonly members: NameMap<Member>;
  /** The names of those that all members support; null where they have to be found anew. Never changed in place. */
  commonProtocols: NameSet | null;
  /** Member id by group.instance.id. */
  readonly staticMembers: NameMap<string>;
  /** Ids given out with MEMBER_ID_REQUIRED that have not joined yet. */
  readonly pendingMembers: NameSet;
  /** Members of this generation whose SyncGroup has not come. */
  readonly pendingSyncMembers: NameSet;
  /** Set while the first rebalance of an empty group waits for more members: what is left to wait at most. */
  initialDelayRemainingMs: number | null;
  /** A member came during the initial delay: wait on. */
  newMemberAdded: boolean;
}

const VALID_PREVIOUS: Record<GroupState, readonly GroupState[]> = {
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  Empty: ['PreparingRebalance'],
};

/** Empty, in generation 0. */
export function newGroup(groupId: string, nowMs: number): Group {
  return {
    groupId,
    state: 'Empty',
    stateSinceMs: nowMs,
    generationId: 0,
    protocolType: null,
    protocolName: null,
    leaderId: null,
    members: new NameMap(),
    commonProtocols: null,
    staticMembers: new NameMap(),
    pendingMembers: new NameSet(),
    pendingSyncMembers: new NameSet(),
    initialDelayRemainingMs: null,
    newMemberAdded: false,
  };
}

/** Throws on a transition that the protocol does not have: a defect, not an input error. */
export function transition(group: Group, to: GroupState, nowMs: number): void {
  if (!VALID_PREVIOUS[to].includes(group.state)) {
    throw new Error(`group ${group.groupId} must not go from ${group.state} to ${to}`);
  }
  group.state = to;
  group.stateSinceMs = nowMs;
}

/** Whether the state allows a rebalance to begin. */
export function canRebalance(group: Group): boolean {
  return VALID_PREVIOUS.PreparingRebalance.includes(group.state);
}

/** The longest rebalance timeout of all members: how long a rebalance waits for them. */
export function rebalanceTimeoutMs(group: Group): number {
  let longest = 0;
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
  return longest;
}

/** Everybody's JoinGroup waits, and nobody is still to come. */
export function allMembersJoined(group: Group): boolean {
  if (group.pendingMembers.size > 0) return false;
  for (const member of group.members.values()) if (member.joinTicket === null) return false;
  return true;
}

export function membersAwaitingJoin(group: Group): number {
  let count = 0;
  for (const member of group.members.values()) if (member.joinTicket !== null) count++;
  return count;
}

/** The names of protocols, each once. */
export function namesOf(protocols: readonly Pick<MemberProtocol, 'name'>[]): NameSet {
  return new NameSet(protocols.map(({ name }) => name));
}

/** Of a member of the group: what it supports from now on. */
export function setProtocols(group: Group, member: Member, protocols: readonly MemberProtocol[]): void {
  const before = member.protocolNames;
  member.protocols = protocols;
  member.protocolNames = namesOf(protocols);
  const hasSameNames = before.size === member.protocolNames.size && supportsAll(member, before);
  if (!hasSameNames) group.commonProtocols = null;
}

/** Protocol names that every member supports. Looked for at every join of a member, so it has to be quick. */
function commonProtocols(group: Group): NameSet {
  group.commonProtocols ??= supportedByAll([...group.members.values()]);
  return group.commonProtocols;
}

function supportedByAll(members: readonly Member[]): NameSet {
  let fewest = members[0]?.protocolNames ?? new NameSet();
  for (const { protocolNames } of members) if (protocolNames.size < fewest.size) fewest = protocolNames;
  let common = [...fewest];
  for (const { protocolNames } of members) {
    const isSupported = (name: string) => protocolNames.has(name);
    if (!common.every(isSupported)) common = common.filter(isSupported);
  }
  return new NameSet(common);
}

/** The same set where the member supports all of them. */
function supportedOf(names: NameSet, member: Member): NameSet {
  if (supportsAll(member, names)) return names;
  return new NameSet([...names].filter((name) => member.protocolNames.has(name)));
}

function supportsAll({ protocolNames }: Member, names: NameSet): boolean {
  for (const name of names) if (!protocolNames.has(name)) return false;
  return true;
}

/** May a member of this type and these protocols be in the group? */
export function supportsProtocols(
  group: Group,
  type: string,
  protocols: readonly Pick<MemberProtocol, 'name'>[],
): boolean {
  if (group.state === 'Empty') return type !== '' && protocols.length > 0;
  if (group.protocolType !== type) return false;
  // All may have left while the first rebalance was still waiting: nobody's protocols count then.
  if (group.members.size === 0) return protocols.length > 0;
  const common = commonProtocols(group);
  return protocols.some(({ name }) => common.has(name));
}

/** Each member votes for its first protocol that all support; the most votes win. */
export function selectProtocol(group: Group): string {
  // Whoever is alone has the choice, of however many.
  const [first] = group.members.size === 1 ? group.members.values() : [];
  const [choice] = first?.protocols ?? [];
  if (choice !== undefined) return choice.name;
  const common = commonProtocols(group);
  const votes = new NameMap<number>();
  for (const member of group.members.values()) {
    const vote = member.protocols.find((protocol) => common.has(protocol.name));
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const [name, count] of votes) if (best === null || count > (votes.get(best) ?? 0)) best = name;
  if (best === null) throw new Error(`group ${group.groupId} has no protocol that all members support`);
  return best;
}

/** The member's metadata for a protocol; empty when it does not support it. */
export function memberMetadata(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? Buffer.alloc(0);
}

/** Same names with the same metadata in the same order. */
export function sameProtocols(member: Member, protocols: readonly MemberProtocol[]): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every((protocol, index) => {
      const other = protocols[index];
      return other !== undefined && protocol.name === other.name && protocol.metadata.equals(other.metadata);
    })
  );
}

/** The first member gives the group its protocol type, and leads while nobody else does. */
export function addMember(group: Group, member: Member): void {
  if (group.members.size === 0) group.protocolType = member.protocolType;
  if (group.leaderId === null) group.leaderId = member.memberId;
  putMember(group, member);
  group.pendingMembers.delete(member.memberId);
}

/** Nothing but that it is there. */
export function putMember(group: Group, member: Member): void {
  const { members, commonProtocols: common } = group;
  const isOneMore = members.size > 0 && !members.has(member.memberId);
  group.commonProtocols = isOneMore && common !== null ? supportedOf(common, member) : null;
  members.set(member.memberId, member);
  if (member.instanceId !== null) group.staticMembers.set(member.instanceId, member.memberId);
}

/** Also a pending one; a leader is followed by the member that has been there longest. */
export function removeMember(group: Group, memberId: string): void {
  const member = group.members.get(memberId);
  if (member !== undefined) {
    group.members.delete(memberId);
    group.commonProtocols = null;
    if (member.instanceId !== null && group.staticMembers.get(member.instanceId) === memberId) {
      group.staticMembers.delete(member.instanceId);
    }
  }
  if (group.leaderId === memberId) group.leaderId = group.members.keys().next().value ?? null;
  group.pendingMembers.delete(memberId);
  group.pendingSyncMembers.delete(memberId);
}
