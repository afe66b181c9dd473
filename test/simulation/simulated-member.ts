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
import type { ClusterClient } from './cluster-client.ts';
import type { GroupHistory } from './group-history.ts';
import { check, Refused, SimulatedMembership } from './simulated-membership.ts';

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

const TICK_MS = 200;
const BACKOFF_MS = 100;
const LONGEST_ABSENCE_MS = 2000;

export class SimulatedMember {
  readonly #options: MemberOptions;
  readonly #membership: SimulatedMembership;
  #stopped = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#membership = new SimulatedMembership(options);
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
        await this.#membership.coordinator(),
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
        await this.#belong(await this.#membership.coordinator());
      } catch (error) {
        const code = error instanceof Refused ? error.code : ErrorCode.NETWORK_EXCEPTION;
        this.#membership.refusedWith(code);
        if (code !== ErrorCode.REBALANCE_IN_PROGRESS) await sleep(client.clock, BACKOFF_MS);
      }
    }
  }

  /** One generation; ends by an error, or by leaving. */
  async #belong(coordinator: number): Promise<void> {
    const { client, random, history } = this.#options;
    const membership = this.#membership;
    const mine = await membership.join(coordinator);
    for (const partition of mine) history.owns(membership.memberId, partition, membership.generationId);
    const positions = await this.#positions(coordinator, mine);
    while (!this.#stopped) {
      await sleep(client.clock, TICK_MS);
      await membership.heartbeat(coordinator);
      for (const [partition, offset] of positions) positions.set(partition, offset + 1 + random.int(5));
      await this.#commit(coordinator, positions);
      if (random.int(25) === 0) {
        await membership.leave(coordinator);
        await sleep(client.clock, random.int(LONGEST_ABSENCE_MS));
        return;
      }
    }
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
      generationIdOrMemberEpoch: this.#membership.generationId,
      memberId: this.#membership.memberId,
      topics: [{ name: topic, partitions }],
    });
    for (const { partitionIndex, errorCode } of answer.topics[0]?.partitions ?? []) {
      check(errorCode);
      history.acknowledged(partitionIndex, positions.get(partitionIndex) ?? -1);
    }
  }
}
