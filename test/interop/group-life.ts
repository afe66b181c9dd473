/**
 * The life of a group of one member in every version of its requests, with what a client can do wrong at each
 * step; all answers in full, without what is drawn.
 */
import type { KafkaConnection } from '../../broker/protocol/client.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../broker/protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../broker/protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import { DescribeGroups } from '../../broker/protocol/messages/15-describe-groups.ts';
import { ListGroups } from '../../broker/protocol/messages/16-list-groups.ts';
import { DeleteGroups } from '../../broker/protocol/messages/42-delete-groups.ts';
import { OffsetDelete } from '../../broker/protocol/messages/47-offset-delete.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { versionIn } from '../../broker/protocol/versions.ts';
import type { Answers } from './group-answers.ts';

const TOPIC = 'of-4';
const NEWEST_JOIN = 9;
const ILLEGAL_GENERATION = 99;
/** Version, one topic, no user data: what consumers say that they subscribe to. */
const SUBSCRIPTION = Buffer.from(
  `0001000000010004${Buffer.from(TOPIC).toString('hex')}ffffffff00000000`,
  'hex',
);

/** At the coordinator of `groupId`. */
export async function groupLives(connection: KafkaConnection, groupId: string): Promise<Answers> {
  const life = new Life(connection, groupId);
  for (let version = 0; version <= NEWEST_JOIN; version++) {
    for (const instanceId of version < 5 ? [null] : [null, 'instance']) await life.live(version, instanceId);
  }
  return life.answers;
}

class Life {
  readonly answers: Answers = [];
  readonly #connection: KafkaConnection;
  readonly #groupId: string;

  constructor(connection: KafkaConnection, groupId: string) {
    this.#connection = connection;
    this.#groupId = groupId;
  }

  async live(version: number, instanceId: string | null): Promise<void> {
    const groupId = this.#groupId;
    const member = { groupId, groupInstanceId: version < 5 ? null : instanceId };
    await this.#bystand(version);
    const joined = await this.#enter(version, member);
    const inside = { ...member, memberId: joined.memberId, generationId: joined.generationId };
    await this.#sync(version, inside);
    await this.#bystand(version);
    await this.#offsets(version, inside);
    await this.#beat(version, inside);
    await this.#comeBack(version, inside);
    await this.#leave(version, inside);
    await this.#bystand(version);
    // The last offset of an empty group takes the group with it: then there is nothing left to delete.
    const partitions = [{ partitionIndex: 0 }, { partitionIndex: 77 }];
    if (version % 2 === 0)
      await this.#ask(OffsetDelete, 0, { groupId, topics: [{ name: TOPIC, partitions }] });
    await this.#ask(DeleteGroups, version, { groupsNames: [groupId, 'nobody-knows', ''] });
    await this.#bystand(version);
  }

  async #enter(version: number, member: Membership): Promise<ResponseOf<typeof JoinGroup>> {
    const request = {
      ...member,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata: SUBSCRIPTION },
        { name: 'roundrobin', metadata: SUBSCRIPTION },
      ],
    };
    await this.#ask(JoinGroup, version, { ...request, groupId: '' });
    await this.#ask(JoinGroup, version, { ...request, sessionTimeoutMs: 1 });
    await this.#ask(JoinGroup, version, { ...request, memberId: 'nobody' });
    await this.#ask(JoinGroup, version, { ...request, protocols: [] });
    await this.#ask(JoinGroup, version, { ...request, protocolType: '' });
    const first = await this.#ask(JoinGroup, version, request);
    if (first.errorCode === 0) return first;
    return this.#ask(JoinGroup, version, { ...request, memberId: first.memberId });
  }

  async #sync(version: number, inside: Inside): Promise<void> {
    const { memberId } = inside;
    const names = { protocolType: 'consumer', protocolName: 'range' };
    const request = {
      ...inside,
      ...(version < 5 ? {} : names),
      assignments: [{ memberId, assignment: Buffer.from('mine') }],
    };
    await this.#ask(SyncGroup, version, { ...request, groupId: '' });
    await this.#ask(SyncGroup, version, { ...request, memberId: 'nobody' });
    await this.#ask(SyncGroup, version, { ...request, generationId: ILLEGAL_GENERATION });
    if (version >= 5) {
      await this.#ask(SyncGroup, version, { ...request, protocolName: 'other' });
      await this.#ask(SyncGroup, version, { ...request, protocolType: 'other' });
      await this.#ask(SyncGroup, version, { ...request, protocolType: null });
    }
    await this.#ask(SyncGroup, version, request);
    await this.#ask(SyncGroup, version, { ...request, assignments: [] });
  }

  async #offsets(version: number, inside: Inside): Promise<void> {
    const { groupId, generationId, memberId, groupInstanceId } = inside;
    const at = Math.max(1, version);
    const partitions = [0, 17].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 5,
      committedMetadata: 'm',
    }));
    const request = {
      groupId,
      generationIdOrMemberEpoch: generationId,
      memberId,
      topics: [
        { name: TOPIC, partitions },
        { name: 'no-such-topic', partitions },
      ],
      ...(at < 7 ? {} : { groupInstanceId }),
    };
    await this.#ask(OffsetCommit, at, { ...request, groupId: '' });
    await this.#ask(OffsetCommit, at, { ...request, memberId: 'nobody' });
    await this.#ask(OffsetCommit, at, { ...request, generationIdOrMemberEpoch: ILLEGAL_GENERATION });
    await this.#ask(OffsetCommit, at, { ...request, generationIdOrMemberEpoch: -1, memberId: '' });
    await this.#ask(OffsetCommit, at, request);
    const topics = [
      { name: TOPIC, partitionIndexes: [1, 0, 17, -1] },
      { name: 'no-such-topic', partitionIndexes: [0] },
    ];
    for (const asked of [groupId, 'nobody-knows', '']) {
      await this.#fetch(at, asked, topics);
      if (at >= 2) await this.#fetch(at, asked, null);
    }
  }

  async #fetch(
    version: number,
    groupId: string,
    topics: { name: string; partitionIndexes: number[] }[] | null,
  ) {
    if (version < 8) await this.#ask(OffsetFetch, version, { groupId, topics });
    else await this.#ask(OffsetFetch, version, { groups: [{ groupId, topics }] });
  }

  async #beat(version: number, inside: Inside): Promise<void> {
    await this.#ask(Heartbeat, version, inside);
    await this.#ask(Heartbeat, version, { ...inside, groupId: '' });
    await this.#ask(Heartbeat, version, { ...inside, groupId: 'nobody-knows' });
    await this.#ask(Heartbeat, version, { ...inside, memberId: 'nobody' });
    await this.#ask(Heartbeat, version, { ...inside, generationId: ILLEGAL_GENERATION });
  }

  /** A leader that joins again, and one of another kind. */
  async #comeBack(version: number, { groupId, groupInstanceId, memberId }: Inside): Promise<void> {
    const request = {
      groupId,
      memberId,
      groupInstanceId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
    };
    await this.#ask(JoinGroup, version, { ...request, protocolType: 'connect' });
    await this.#ask(JoinGroup, version, {
      ...request,
      protocols: [{ name: 'sticky', metadata: SUBSCRIPTION }],
    });
    await this.#ask(JoinGroup, version, request);
    await this.#bystand(version);
    const members = { groupsNames: [groupId] };
    await this.#ask(DeleteGroups, version, members);
  }

  async #leave(version: number, { groupId, groupInstanceId, memberId }: Inside): Promise<void> {
    const wrong = { memberId: 'nobody', groupInstanceId: null };
    for (const asked of [groupId, '', 'nobody-knows']) {
      const request = { groupId: asked, memberId: 'nobody', members: [wrong] };
      await this.#ask(LeaveGroup, version, request);
    }
    const members = [wrong, { memberId: groupInstanceId === null ? memberId : '', groupInstanceId }];
    await this.#ask(LeaveGroup, version, { groupId, memberId, members });
  }

  /** What others are told of the group. */
  async #bystand(version: number): Promise<void> {
    const described = { groups: [this.#groupId, 'nobody-knows'] };
    await this.#ask(DescribeGroups, version, { ...described, includeAuthorizedOperations: version >= 3 });
    await this.#ask(ListGroups, version, {});
    if (version < 4) return;
    for (const statesFilter of [['Stable'], ['empty', 'COMPLETINGREBALANCE'], ['unheard-of']]) {
      await this.#ask(ListGroups, version, { statesFilter });
    }
    if (version < 5) return;
    for (const typesFilter of [['classic'], ['Consumer'], ['unheard-of']]) {
      await this.#ask(ListGroups, version, { typesFilter });
    }
  }

  async #ask<A extends AnyApi>(api: A, version: number, request: object): Promise<ResponseOf<A>> {
    const at = Math.min(version, api.maxVersion);
    const known = Object.fromEntries(Object.entries(request).filter(([name]) => existsIn(api, name, at)));
    const answer = await this.#connection.request(api, known as RequestInput<A>, at);
    this.answers.push([
      `${this.answers.length}: ${api.name} v${at} ${shown(request)}`,
      shown(answer, api === (ListGroups as AnyApi) ? this.#groupId : undefined),
    ]);
    return answer;
  }
}

interface Membership {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
}

interface Inside extends Membership {
  readonly memberId: string;
  readonly generationId: number;
}

/** The client refuses to send what a version does not have. */
function existsIn(api: AnyApi, field: string, version: number): boolean {
  return versionIn(api.request[field]?.versions, version);
}

/** As text: without the digits of ids, of a listing only this group, partitions in one order. */
function shown(message: object, groupId?: string): string {
  const text = JSON.stringify(message, (key, value: unknown) => {
    if (isBytes(value)) return Buffer.from(value.data).toString('latin1');
    if (!Array.isArray(value)) return value;
    if (key === 'partitions' || key === 'topics' || key === 'results') return value.toSorted(byText);
    if (key !== 'groups' || groupId === undefined) return value;
    return (value as { groupId: string }[]).filter((group) => group.groupId === groupId);
  });
  return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'uuid');
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function isBytes(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}
