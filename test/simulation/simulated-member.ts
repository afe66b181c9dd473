/**
 * A member of a group: joins, is given partitions, goes on from the committed offsets, commits as it
 * goes, leaves now and then and comes back. It does not read: what is examined is the group.
 */

import { ErrorCode } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Random } from '../../broker/platform/random.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import { JoinGroup } from '../../broker/protocol/messages/11-join-group.ts';
import { Heartbeat } from '../../broker/protocol/messages/12-heartbeat.ts';
import { LeaveGroup } from '../../broker/protocol/messages/13-leave-group.ts';
import { SyncGroup } from '../../broker/protocol/messages/14-sync-group.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { GroupHistory } from './group-history.ts';

interface MemberOptions {
  readonly client: ClusterClient;
  readonly random: Random;
  readonly history: GroupHistory;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  /** Whether a broker leads the group's partition at this moment. */
  readonly coordinates: (brokerId: number) => boolean;
}

const SESSION_TIMEOUT_MS = 1500;
const REBALANCE_TIMEOUT_MS = 2000;
const TICK_MS = 200;
const BACKOFF_MS = 100;
const LONGEST_ABSENCE_MS = 2000;
const PROTOCOL = 'one-each';

/** What ends a generation for a member, as the code it was answered with. */
class Refused extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`error ${code}`);
    this.code = code;
  }
}

export class SimulatedMember {
  readonly #options: MemberOptions;
  #memberId = '';
  #generation = -1;
  #stopped = false;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#live();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Asks once more what is committed, and lets the history judge. False when nobody answered. */
  async verify(): Promise<boolean> {
    try {
      await this.#positions(
        await this.#coordinator(),
        Array.from({ length: this.#options.partitions }, (_, partition) => partition),
      );
      return true;
    } catch {
      return false;
    }
  }

  async #live(): Promise<void> {
    const { client } = this.#options;
    while (!this.#stopped) {
      try {
        await this.#belong(await this.#coordinator());
      } catch (error) {
        const code = error instanceof Refused ? error.code : ErrorCode.NETWORK_EXCEPTION;
        if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION)
          this.#memberId = '';
        if (code !== ErrorCode.REBALANCE_IN_PROGRESS) await sleep(client.clock, BACKOFF_MS);
      }
    }
  }

  /** One generation; ends by an error, or by leaving. */
  async #belong(coordinator: number): Promise<void> {
    const { client, random, history } = this.#options;
    const mine = await this.#join(coordinator);
    for (const partition of mine) history.owns(this.#memberId, partition, this.#generation);
    const positions = await this.#positions(coordinator, mine);
    while (!this.#stopped) {
      await sleep(client.clock, TICK_MS);
      await this.#heartbeat(coordinator);
      for (const [partition, offset] of positions) positions.set(partition, offset + 1 + random.int(5));
      await this.#commit(coordinator, positions);
      if (random.int(25) === 0) {
        await this.#leave(coordinator);
        await sleep(client.clock, random.int(LONGEST_ABSENCE_MS));
        return;
      }
    }
  }

  async #join(coordinator: number): Promise<readonly number[]> {
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
      return this.#join(coordinator);
    }
    check(joined.errorCode);
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    const members = joined.members.map(({ memberId }) => memberId);
    const assignments = joined.leader === this.#memberId ? this.#share(members) : [];
    const synced = await client.request(coordinator, SyncGroup, {
      groupId: group,
      generationId: this.#generation,
      memberId: this.#memberId,
      protocolType: 'simulated',
      protocolName: PROTOCOL,
      assignments,
    });
    check(synced.errorCode);
    return [...(synced.assignment ?? [])];
  }

  /** One byte a partition. */
  #share(members: readonly string[]): { memberId: string; assignment: Buffer }[] {
    const all = Array.from({ length: this.#options.partitions }, (_, partition) => partition);
    return members.map((memberId, index) => ({
      memberId,
      assignment: Buffer.from(all.filter((partition) => partition % members.length === index)),
    }));
  }

  async #positions(coordinator: number, partitions: readonly number[]): Promise<Map<number, number>> {
    const { client, history, group, topic, coordinates } = this.#options;
    const floors = partitions.map((partition) => history.highest(partition));
    const wasRight = coordinates(coordinator);
    const answer = await client.request(coordinator, OffsetFetch, {
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }],
    });
    check(answer.groups[0]?.errorCode ?? ErrorCode.NONE);
    const found = answer.groups[0]?.topics[0]?.partitions ?? [];
    const positions = new Map<number, number>();
    for (const { partitionIndex, committedOffset, errorCode } of found) {
      check(errorCode);
      // A former coordinator that has not heard of it yet answers from memory; its commits will fail.
      if (wasRight && coordinates(coordinator))
        history.fetched(
          partitionIndex,
          toSafeInteger(committedOffset),
          floors[partitions.indexOf(partitionIndex)] ?? -1,
        );
      positions.set(partitionIndex, Math.max(0, toSafeInteger(committedOffset)));
    }
    return positions;
  }

  async #heartbeat(coordinator: number): Promise<void> {
    const { client, group } = this.#options;
    const ask = { groupId: group, generationId: this.#generation, memberId: this.#memberId };
    check((await client.request(coordinator, Heartbeat, ask)).errorCode);
  }

  async #commit(coordinator: number, positions: ReadonlyMap<number, number>): Promise<void> {
    const { client, history, group, topic } = this.#options;
    if (positions.size === 0) return;
    const partitions = [...positions].map(([partitionIndex, committedOffset]) => ({
      partitionIndex,
      committedOffset,
      committedMetadata: '',
    }));
    const answer = await client.request(coordinator, OffsetCommit, {
      groupId: group,
      generationIdOrMemberEpoch: this.#generation,
      memberId: this.#memberId,
      topics: [{ name: topic, partitions }],
    });
    for (const { partitionIndex, errorCode } of answer.topics[0]?.partitions ?? []) {
      check(errorCode);
      history.acknowledged(partitionIndex, positions.get(partitionIndex) ?? -1);
    }
  }

  async #leave(coordinator: number): Promise<void> {
    const { client, group } = this.#options;
    const memberId = this.#memberId;
    this.#memberId = '';
    await client.request(coordinator, LeaveGroup, { groupId: group, members: [{ memberId }] });
  }

  async #coordinator(): Promise<number> {
    const { client, group } = this.#options;
    await client.refresh();
    const answer = await client.request(client.controllerId, FindCoordinator, {
      keyType: 0,
      coordinatorKeys: [group],
    });
    check(answer.coordinators[0]?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE);
    return answer.coordinators[0]?.nodeId ?? -1;
  }
}

function check(code: number): void {
  if (code !== ErrorCode.NONE) throw new Refused(code);
}
