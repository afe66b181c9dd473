/** Waiting until the cluster is as a test needs it, and saying what it was like instead when it never was. */
import { ErrorCode } from '../../broker/errors.ts';
import { refuseUnknown } from '../../broker/faults/known-names.ts';
import { DescribeGroups } from '../../broker/protocol/messages/15-describe-groups.ts';
import type { AdminClient } from '../../scripts/cli/admin-client.ts';
import { reasonOf } from '../../scripts/cli/admin-client.ts';
import { assignedPartitions } from './assignment.ts';
import type { Member } from './member.ts';

export interface WaitOptions {
  /** 30,000 unless given. */
  readonly timeoutMs?: number;
}

/** Whoever waits still hears of it, and so does whoever goes on. */
export class ClusterClosed extends Error {
  override readonly name = 'ClusterClosed';

  constructor() {
    super('the test cluster was closed: start another one with startCluster()');
  }
}

/** What is seen at the moment: `done`, with what it came to, or the words for what it is like. */
type Look<T> = { readonly done: T } | { readonly seen: string };

const DEFAULT_TIMEOUT_MS = 30_000;
const PAUSE_MS = 5;
const GROUP_STATES = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'] as const;

export type GroupState = (typeof GROUP_STATES)[number];

/** Looks again and again; rejects with what was last seen, and at once when the cluster is closed. */
export async function until<T>(
  what: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions,
  look: () => Look<T> | Promise<Look<T>>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let seen = 'nobody answers';
  for (;;) {
    const found = await within(deadlineMs - performance.now(), look);
    if (found !== null && 'done' in found) return found.done;
    if (found !== null) seen = found.seen;
    if (performance.now() >= deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}, but ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What is seen in so much time; null when nothing is: a broker that is asked may be paused. */
async function within<T>(ms: number, look: () => Look<T> | Promise<Look<T>>): Promise<Look<T> | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, Math.max(PAUSE_MS, ms), null);
  });
  const looking = (async () => look())().catch((error: unknown) => {
    if (error instanceof ClusterClosed) throw error;
    return { seen: error instanceof Error ? error.message : String(error) };
  });
  return Promise.race([looking, late]).finally(() => clearTimeout(timer));
}

/** Every running broker sees `leader` (any, unless given) lead, and it does. The leader's id. */
export function awaitLeader(
  members: readonly Member[],
  topic: string,
  partition: number,
  options: WaitOptions & { readonly leader?: number },
): Promise<number> {
  const who = options.leader === undefined ? 'a leader' : `broker ${options.leader} as leader`;
  return until(`${who} of ${topic}-${partition}`, options, () => {
    const seen = pictures(members, topic, partition);
    const leaders = new Set(seen.map(({ leader }) => leader));
    const [leader = -1] = leaders;
    const isIt = leaders.size === 1 && leader > 0 && (options.leader ?? leader) === leader;
    if (isIt && leads(members, leader, topic, partition)) return { done: leader };
    return { seen: describe(seen, ({ leader }) => (leader < 0 ? 'no leader' : `leader ${leader}`)) };
  });
}

/** The in-sync replicas are these, or so many. */
export function awaitIsr(
  members: readonly Member[],
  topic: string,
  partition: number,
  options: WaitOptions & { readonly isr: readonly number[] | number },
): Promise<readonly number[]> {
  const { isr } = options;
  const isIt = (now: readonly number[]): boolean =>
    typeof isr === 'number' ? now.length === isr : [...now].sort().join() === [...isr].sort().join();
  const wanted =
    typeof isr === 'number' ? `${isr} in-sync replicas` : `the in-sync replicas ${isr.join(',')}`;
  return until(`${wanted} of ${topic}-${partition}`, options, () => {
    const seen = pictures(members, topic, partition);
    const [first] = seen;
    if (first !== undefined && seen.every((picture) => isIt(picture.isr))) return { done: first.isr };
    return { seen: describe(seen, (picture) => `ISR ${picture.isr.join(',') || 'none'}`) };
  });
}

export async function awaitGroup(
  admin: AdminClient,
  groupId: string,
  state: GroupState,
  options: WaitOptions,
): Promise<void> {
  refuseUnknown([state], GROUP_STATES, 'state of a group');
  await until(`group ${groupId} to be ${state}`, options, async () => {
    const group = await describedGroup(admin, groupId);
    if (group.groupState === state) return { done: undefined };
    return { seen: `it is ${stateOf(group)}, with ${group.members.length} members` };
  });
}

/** The group is stable, and each partition of the topic is some member's. */
export function awaitAssigned(
  admin: AdminClient,
  groupId: string,
  topic: string,
  options: WaitOptions,
): Promise<ReadonlyMap<string, readonly number[]>> {
  return until(`all of ${topic} to be assigned in group ${groupId}`, options, async () => {
    const [group, metadata] = await Promise.all([describedGroup(admin, groupId), admin.metadata([topic])]);
    const partitions = metadata.topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex) ?? [];
    const assigned = new Map<string, readonly number[]>();
    for (const { memberId, memberAssignment } of group.members)
      assigned.set(memberId, assignedPartitions(memberAssignment).get(topic) ?? []);
    const missing = partitions.filter((each) => ![...assigned.values()].some((own) => own.includes(each)));
    if (partitions.length === 0) return { seen: `there is no topic ${topic}` };
    if (group.groupState === 'Stable' && missing.length === 0) return { done: assigned };
    return { seen: `it is ${stateOf(group)}, and partitions ${missing.join(',') || 'none'} are nobody's` };
  });
}

interface DescribedGroup {
  readonly errorCode: number;
  readonly groupState: string;
  readonly members: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
}

async function describedGroup(admin: AdminClient, groupId: string): Promise<DescribedGroup> {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  const answer = await admin.askCoordinator(groupId, DescribeGroups, request, ({ groups }) => groups);
  return (
    answer.groups[0] ?? { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, groupState: 'unknown', members: [] }
  );
}

function stateOf(group: DescribedGroup): string {
  return group.errorCode === ErrorCode.NONE ? group.groupState : reasonOf(group);
}

interface Picture {
  readonly broker: number;
  readonly leader: number;
  readonly isr: readonly number[];
}

/** What each running broker knows of a partition. */
function pictures(members: readonly Member[], topic: string, partition: number): Picture[] {
  if (members.every(({ hasEnded }) => hasEnded)) throw new ClusterClosed();
  return members
    .filter(({ state }) => state === 'running')
    .map(({ id, broker }) => {
      const image = broker.inside.metadata.topic(topic)?.partitions.get(partition);
      return { broker: id, leader: image?.leader ?? -1, isr: image?.isr ?? [] };
    });
}

function leads(members: readonly Member[], id: number, topic: string, partition: number): boolean {
  const member = members.find((each) => each.id === id);
  if (member?.state !== 'running') return false;
  for (const replica of member.broker.inside.replicas.partitions())
    if (replica.topic === topic && replica.partition === partition) return replica.role === 'leader';
  return false;
}

/** `broker 1 and 2 see ISR 1,2; broker 3 sees ISR 1,2,3`. */
function describe(seen: readonly Picture[], words: (picture: Picture) => string): string {
  if (seen.length === 0) return 'no broker is running';
  const groups = Map.groupBy(seen, words);
  return [...groups]
    .map(([what, who]) => {
      const ids = who.map(({ broker }) => broker).join(', ');
      return who.length === 1 ? `broker ${ids} sees ${what}` : `brokers ${ids} see ${what}`;
    })
    .join('; ');
}
