/**
 * A consumer of one partition, from its beginning, which commits its position to a group now and then.
 * What it is given must be a sequence without gaps; it tells the history every record.
 */

import { ErrorCode, errorName, isRetriable } from '../../broker/errors.ts';
import { toSafeInteger } from '../../broker/int64.ts';
import { sleep } from '../../broker/platform/clock.ts';
import type { Fetch } from '../../broker/protocol/messages/01-fetch.ts';
import { OffsetCommit } from '../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../broker/protocol/messages/10-find-coordinator.ts';
import type { RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { batchLastOffset, batchLeaderEpoch, completeBatches } from '../../broker/records/batch.ts';
import { readRecords } from '../../broker/records/record.ts';
import type { ClusterClient, Leader } from './cluster-client.ts';
import type { History } from './history.ts';

interface ConsumerOptions {
  readonly client: ClusterClient;
  readonly history: History;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

const BACKOFF_MS = 60;
const COMMIT_EVERY_MS = 700;
const MAX_WAIT_MS = 250;
const MAX_BYTES = 4096;

export class SimulatedConsumer {
  readonly #options: ConsumerOptions;
  #position = 0;
  #lastEpoch = -1;
  /** The fetch session with one broker; a new leader gets a new one. */
  #session = { brokerId: -1, id: 0, epoch: 0 };
  #stopped = false;
  #commits = true;
  #committing = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get position(): number {
    return this.#position;
  }

  /** A commit is under way. */
  get committing(): boolean {
    return this.#committing;
  }

  /** Reads on, but commits nothing more. */
  stopCommitting(): void {
    this.#commits = false;
  }

  start(): void {
    void this.#consume();
    void this.#commitAgainAndAgain();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What the group's coordinator holds for this partition; null when it can't be asked now. */
  async committed(): Promise<number | null> {
    const { client, group, topic, partition } = this.#options;
    try {
      const answer = await client.request(await this.#coordinator(), OffsetFetch, {
        groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [partition] }] }],
        requireStable: false,
      });
      const found = answer.groups[0];
      const result = found?.topics[0]?.partitions[0];
      if (found?.errorCode !== ErrorCode.NONE || result?.errorCode !== ErrorCode.NONE) return null;
      return toSafeInteger(result.committedOffset);
    } catch {
      await client.refresh();
      return null;
    }
  }

  async #consume(): Promise<void> {
    const { client, topic, partition } = this.#options;
    while (!this.#stopped) {
      const leader = client.leader(topic, partition);
      const error = leader === null ? ErrorCode.LEADER_NOT_AVAILABLE : await this.#fetch(leader);
      if (error === ErrorCode.NONE) continue;
      await sleep(client.clock, BACKOFF_MS);
      await client.refresh();
    }
  }

  async #fetch(leader: Leader): Promise<number> {
    const { client, partition } = this.#options;
    if (this.#session.brokerId !== leader.brokerId)
      this.#session = { brokerId: leader.brokerId, id: 0, epoch: 0 };
    const session = this.#session;
    let answer: ResponseOf<typeof Fetch>;
    try {
      answer = await client.fetch(leader, partition, this.#request(leader));
    } catch {
      session.brokerId = -1;
      return ErrorCode.NETWORK_EXCEPTION;
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      session.brokerId = -1;
      return answer.errorCode;
    }
    session.id = answer.sessionId;
    session.epoch += 1;
    const result = answer.responses[0]?.partitions[0];
    // In a session a partition without news is left out.
    if (result === undefined) return ErrorCode.NONE;
    if (result.errorCode !== ErrorCode.NONE) {
      session.brokerId = -1;
      if (!isRetriable(result.errorCode)) this.#broken(`refused with ${errorName(result.errorCode)}`);
      return result.errorCode;
    }
    if (result.divergingEpoch.endOffset >= 0)
      this.#broken(`told to go back to ${result.divergingEpoch.endOffset}`);
    if (result.records !== null && !client.closed) this.#take(result.records, leader, partition);
    return ErrorCode.NONE;
  }

  #request({ topicId, leaderEpoch }: Leader): RequestInput<typeof Fetch> {
    const { topic, partition } = this.#options;
    return {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      sessionId: this.#session.id,
      sessionEpoch: this.#session.epoch,
      topics: [
        {
          topic,
          topicId,
          partitions: [
            {
              partition,
              currentLeaderEpoch: leaderEpoch,
              fetchOffset: this.#position,
              lastFetchedEpoch: this.#lastEpoch,
              partitionMaxBytes: MAX_BYTES,
            },
          ],
        },
      ],
    };
  }

  #take(records: Buffer, { topicId }: Leader, partition: number): void {
    const { history } = this.#options;
    for (const at of completeBatches(records)) {
      for (const { offset, value } of readRecords(records, at)) {
        if (offset < this.#position) continue;
        if (offset !== this.#position) this.#broken(`given ${offset} after ${this.#position - 1}`);
        history.consume({ topicId, partition, offset, value: value?.toString() ?? '' });
        this.#position = offset + 1;
      }
      this.#position = Math.max(this.#position, batchLastOffset(records, at) + 1);
      this.#lastEpoch = batchLeaderEpoch(records, at);
    }
  }

  #broken(what: string): void {
    const { history, topic, partition } = this.#options;
    history.onBroken(`the consumer of ${topic}-${partition} at ${this.#position} was ${what}`);
  }

  async #coordinator(): Promise<number> {
    const { client, group } = this.#options;
    await client.refresh();
    const answer = await client.request(client.controllerId, FindCoordinator, {
      keyType: 0,
      coordinatorKeys: [group],
    });
    return answer.coordinators[0]?.nodeId ?? -1;
  }

  async #commitAgainAndAgain(): Promise<void> {
    const { client } = this.#options;
    while (!this.#stopped) {
      await sleep(client.clock, COMMIT_EVERY_MS);
      if (this.#position === 0 || !this.#commits) continue;
      this.#committing = true;
      await this.#commit().catch(() => {});
      this.#committing = false;
    }
  }

  async #commit(): Promise<void> {
    const { client, history, group, topic, partition } = this.#options;
    const commit = { group, topic, partition, offset: this.#position };
    const coordinator = await this.#coordinator();
    history.attempt(commit);
    const request = {
      groupId: group,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, committedOffset: commit.offset, committedMetadata: '' }],
        },
      ],
    };
    const answer = await client.request(coordinator, OffsetCommit, request).catch((error) => {
      history.givenUp(commit);
      throw error;
    });
    if (answer.topics[0]?.partitions[0]?.errorCode === ErrorCode.NONE) history.committed(commit);
  }
}
