/** One member of a group as its coordinator sees it: joins, shares out partitions when it leads, beats, leaves. */
import { ErrorCode } from '../../broker/errors.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../broker/protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../broker/protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import type { ClusterClient } from './cluster-client.ts';

interface MembershipOptions {
  readonly client: ClusterClient;
  readonly group: string;
  readonly partitions: number;
}

const SESSION_TIMEOUT_MS = 1500;
const REBALANCE_TIMEOUT_MS = 2000;
const PROTOCOL = 'one-each';

/** What ends a generation for a member, as the code it was answered with. */
export class Refused extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`error ${code}`);
    this.code = code;
  }
}

export class SimulatedMembership {
  readonly #options: MembershipOptions;
  #memberId = '';
  #generationId = -1;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generationId(): number {
    return this.#generationId;
  }

  /** After an error: who is not known any more joins as somebody new. */
  refusedWith(code: number): void {
    if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION) this.#memberId = '';
  }

  /** The partitions that this member is given. */
  async join(coordinator: number): Promise<readonly number[]> {
    const { client, group } = this.#options;
    const joined = await client.request(coordinator, JoinGroup, {
      groupId: group,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      protocolType: 'simulated',
      protocols: [{ name: PROTOCOL, metadata: Buffer.alloc(0) }],
    });
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId;
      return this.join(coordinator);
    }
    check(joined.errorCode);
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    const members = joined.members.map(({ memberId }) => memberId);
    const assignments = joined.leader === this.#memberId ? this.#share(members) : [];
    const synced = await client.request(coordinator, SyncGroup, {
      groupId: group,
      generationId: this.#generationId,
      memberId: this.#memberId,
      protocolType: 'simulated',
      protocolName: PROTOCOL,
      assignments,
    });
    check(synced.errorCode);
    return [...(synced.assignment ?? [])];
  }

  async heartbeat(coordinator: number): Promise<void> {
    const { client, group } = this.#options;
    const ask = { groupId: group, generationId: this.#generationId, memberId: this.#memberId };
    check((await client.request(coordinator, Heartbeat, ask)).errorCode);
  }

  async leave(coordinator: number): Promise<void> {
    const { client, group } = this.#options;
    const memberId = this.#memberId;
    this.#memberId = '';
    await client.request(coordinator, LeaveGroup, { groupId: group, members: [{ memberId }] });
  }

  async coordinator(): Promise<number> {
    const { client, group } = this.#options;
    await client.refresh();
    const answer = await client.request(client.controllerId, FindCoordinator, {
      keyType: 0,
      coordinatorKeys: [group],
    });
    check(answer.coordinators[0]?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE);
    return answer.coordinators[0]?.nodeId ?? -1;
  }

  /** One byte a partition. */
  #share(members: readonly string[]): { memberId: string; assignment: Buffer }[] {
    const all = Array.from({ length: this.#options.partitions }, (_, partition) => partition);
    return members.map((memberId, index) => ({
      memberId,
      assignment: Buffer.from(all.filter((partition) => partition % members.length === index)),
    }));
  }
}

/** Throws unless it stands for success. */
export function check(code: number): void {
  if (code !== ErrorCode.NONE) throw new Refused(code);
}
