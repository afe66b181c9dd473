/** What the clients of a simulated run were told: the promises that the cluster must keep. */

import { GroupHistory } from './group-history.ts';

/** Records that a producer was told are safe, from `offset` on. */
export interface Acknowledgement {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly values: readonly string[];
  readonly acks: 1 | -1;
  /** Of the leader that was asked, as far as its producer knew. */
  readonly leaderEpoch: number;
}

export interface ConsumedRecord {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

interface CommittedOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export class History {
  readonly #groups = new Map<string, GroupHistory>();
  readonly acknowledged: Acknowledgement[] = [];
  /** Values sent with acks=all by idempotent producers; they may be in a log once at most. */
  readonly idempotentValues = new Set<string>();
  readonly committedOffsets = new Map<string, CommittedOffset>();
  /** The highest offset a commit was asked for, told or not. */
  readonly attemptedOffsets = new Map<string, number>();
  /** Of commits that were given up without an answer, by what they are of: their requests may arrive at any time. */
  readonly givenUpOffsets = new Map<string, Set<number>>();
  /** Topics as their last acknowledged change left them; null while the outcome of one is unknown. */
  readonly topics = new Map<string, { readonly partitions: number } | 'deleted' | null>();
  /** What a checker on the way has to hear at once. */
  onConsumed: (record: ConsumedRecord) => void = () => {};
  onAcknowledged: (acknowledgement: Acknowledgement) => void = () => {};
  onBroken: (what: string) => void = () => {};
  onTopic: (what: string) => void = () => {};
  consumedCount = 0;

  groupOf(name: string): GroupHistory {
    const group = this.#groups.get(name) ?? new GroupHistory(name, (what) => this.onBroken(what));
    this.#groups.set(name, group);
    return group;
  }

  topicIs(name: string, state: { readonly partitions: number } | 'deleted' | null): void {
    this.topics.set(name, state);
    const what =
      state === null ? 'is being changed' : state === 'deleted' ? state : `has ${state.partitions}`;
    this.onTopic(`${name} ${what}`);
  }

  acknowledge(acknowledgement: Acknowledgement): void {
    this.acknowledged.push(acknowledgement);
    this.onAcknowledged(acknowledgement);
  }

  consume(record: ConsumedRecord): void {
    this.consumedCount++;
    this.onConsumed(record);
  }

  attempt(commit: CommittedOffset): void {
    const key = commitKey(commit);
    this.attemptedOffsets.set(key, Math.max(commit.offset, this.attemptedOffsets.get(key) ?? 0));
  }

  givenUp(commit: CommittedOffset): void {
    const key = commitKey(commit);
    const offsets = this.givenUpOffsets.get(key) ?? new Set();
    this.givenUpOffsets.set(key, offsets.add(commit.offset));
  }

  committed(commit: CommittedOffset): void {
    this.committedOffsets.set(commitKey(commit), commit);
  }
}

export function commitKey({ group, topic, partition }: Omit<CommittedOffset, 'offset'>): string {
  return `${group} ${topic}-${partition}`;
}
