/**
 * A look at whether everything that events should have done is done: topics and requests to delete that
 * nobody has taken up, deletions that a broker has failed, assignments of another version than the known
 * one, partitions without a state or out of line with who is alive. Events do all of this already; but an
 * event that fails half way, or a write that was refused once too often, would leave a partition without a
 * leader until the next failover.
 *
 * One look costs the list of topics, the znodes of a bounded number of them (the next look takes the
 * next), and a pass over what is in memory.
 */
import { carryOut } from './carry-out.ts';
import type { PartitionRecord } from './cluster-state.ts';
import { decideSettled } from './decide-brokers.ts';
import { resumeReassignments } from './reassignment-events.ts';
import type { Term } from './term.ts';
import {
  partitionModifications,
  retryDeletions,
  topicChange,
  topicDeletion,
  usableNames,
} from './topic-events.ts';

/** Topics whose znodes one look reads. */
const TOPICS_PER_LOOK = 1000;

export class Repair {
  readonly #term: Term;
  /** The last topic whose znode was looked at, in the order of names; '' to begin anew. */
  #lookedAt = '';

  constructor(term: Term) {
    this.#term = term;
  }

  async run(): Promise<void> {
    const term = this.#term;
    await this.#missedTopics();
    await topicDeletion(term);
    await this.#missedAssignments();
    await this.#leaderless();
    await resumeReassignments(term);
    await retryDeletions(term);
  }

  async #missedTopics(): Promise<void> {
    const { state } = this.#term;
    const found = await this.#term.store.topics.names();
    const names = new Set(usableNames(this.#term, found));
    const appeared = [...names].some((name) => !state.topics.has(name) && !state.unreadTopics.has(name));
    const vanished = [...state.topics.keys(), ...state.unreadTopics].some((name) => !names.has(name));
    if (appeared || vanished || (await this.#isAnyMended())) await topicChange(this.#term);
  }

  /** Of the topics that could not be read; what is wrong with them has been told. */
  async #isAnyMended(): Promise<boolean> {
    const names = [...this.#term.state.unreadTopics].slice(0, TOPICS_PER_LOOK);
    const readable = await this.#term.store.topics.assignments(names, () => {});
    return readable.size > 0;
  }

  async #missedAssignments(): Promise<void> {
    const { state } = this.#term;
    const all = [...state.topics.keys()].sort();
    const next = all.findIndex((name) => name > this.#lookedAt);
    const from = Math.max(next, 0);
    const names = all.slice(from, from + TOPICS_PER_LOOK);
    this.#lookedAt = names.at(-1) ?? '';
    const stored = await this.#term.store.topics.assignments(names, this.#term.unreadable);
    for (const [name, { version }] of stored) {
      if (state.topics.get(name)?.version !== version) await partitionModifications(this.#term, name);
    }
  }

  async #leaderless(): Promise<void> {
    const { state } = this.#term;
    const partitions: PartitionRecord[] = [...state.partitions()];
    const unclean = await this.#term.uncleanTopics(partitions);
    const { written } = await carryOut(this.#term, 'repair', partitions, (undecided) =>
      decideSettled(state, undecided, unclean),
    );
    if (written.size === 0) return;
    const keys = [...written].slice(0, 10);
    this.#term.record({ kind: 'partitions-repaired', count: written.size, partitions: keys });
  }
}
