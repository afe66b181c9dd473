/**
 * Topics that appear, grow or are to be deleted. Source: KafkaController.processTopicChange,
 * processPartitionModifications, processTopicDeletion; TopicDeletionManager.
 */
import type { StoredAssignment } from '../../coordinator-client/stores/topics-store.ts';
import { topicZnode } from '../../coordinator-client/znodes/znodes.ts';
import { ErrorCode } from '../errors.ts';
import type { StopReplicaRequest, StopReplicaResponse } from '../peers/messages.ts';
import { randomUuid } from '../platform/random.ts';
import { type BrokerId, type PartitionKey, partitionKey, topicNameComplaint } from '../types.ts';
import { carryOut } from './carry-out.ts';
import type { PartitionRecord, TopicRecord } from './cluster-state.ts';
import { decideSettled } from './decide-brokers.ts';
import {
  decideDeletionAnswer,
  decideDeletions,
  deletionsToRetry,
  ineligibleForDeletion,
} from './decide-topics.ts';
import type { Term } from './term.ts';

/** Compares the topics that there are with those known: new ones are made, vanished ones forgotten. */
export async function topicChange(term: Term): Promise<void> {
  const { state } = term;
  const found = await term.store.topics.names();
  const names = usableNames(term, found);
  const present = new Set(names);
  for (const name of [...state.topics.keys()]) {
    if (present.has(name)) continue;
    // Removed by hand, or by a deletion that this term did not see to its end.
    term.record({ kind: 'topic-vanished', topic: name });
    term.unwatch(topicZnode.path(name));
    state.removeTopic(name);
  }
  for (const name of [...state.unreadTopics]) {
    if (present.has(name)) continue;
    term.unwatch(topicZnode.path(name));
    state.unreadTopics.delete(name);
  }
  const added = await readTopics(
    term,
    names.filter((name) => !state.topics.has(name)),
  );
  if (added.length === 0) return;
  const partitions = added.flatMap((topic) => [...topic.partitions.values()]);
  await term.because({ kind: 'topics-created', topics: added.map(({ name }) => name) }, () =>
    makePartitions(term, partitions),
  );
}

/**
 * Without those that can't be a topic's name: whoever made such a node by hand would have directories and
 * checkpoints that nobody can read. Each is told once in a term.
 */
export function usableNames({ state, options }: Term, names: readonly string[]): string[] {
  return names.filter((name) => {
    const complaint = topicNameComplaint(name);
    if (complaint !== null && !state.refusedNames.has(name)) {
      state.refusedNames.add(name);
      options.diagnostics.error(`Leaving ${topicZnode.path(name)} alone: ${complaint}`);
    }
    return complaint === null;
  });
}

/** Takes topics into the state, watched from before they are read; those without an id get one. */
export async function readTopics(term: Term, names: readonly string[]): Promise<TopicRecord[]> {
  const { state } = term;
  for (const name of names) {
    term.watch(topicZnode.path(name), 'node', 'PartitionModifications', (current) =>
      partitionModifications(current, name),
    );
  }
  const assignments = await term.store.topics.assignments(names, term.unreadable);
  const named = await Promise.all(
    [...assignments].map(async ([name, stored]) => [name, await withTopicId(term, name, stored)] as const),
  );
  for (const name of names) state.unreadTopics.add(name);
  return named.flatMap(([name, stored]) => {
    if (stored === null) return [];
    state.unreadTopics.delete(name);
    const topic = state.addTopic(name, stored.topicId, stored.version);
    for (const [partition, assignment] of stored.partitions) {
      state.addPartition(topic, partition, assignment);
    }
    return [topic];
  });
}

/** null, and told, for a topic whose znode may be read but not written. */
async function withTopicId(
  term: Term,
  name: string,
  stored: StoredAssignment,
): Promise<(StoredAssignment & { readonly topicId: string }) | null> {
  let current = stored;
  for (;;) {
    if (current.topicId !== null) return { ...current, topicId: current.topicId };
    const topicId = randomUuid(term.options.random);
    const written = await term.fenced.writeAssignment(name, { ...current, topicId }, current.version);
    if (written.ok) return { ...current, topicId, version: written.version };
    if (written.reason !== 'version' && written.reason !== 'missing') {
      term.options.diagnostics.error(`Leaving topic ${name} alone: cannot give it an id: ${written.reason}`);
      return null;
    }
    const again = await term.store.topics.assignment(name);
    if (again === null) return { ...current, topicId };
    current = again;
  }
}

/** Partitions in the znode that are not known are made; anything else in it is the controller's own. */
export async function partitionModifications(term: Term, name: string): Promise<void> {
  const { state } = term;
  // Whoever has mended it makes a topic of it.
  if (state.unreadTopics.has(name)) return topicChange(term);
  const stored = await term.store.topics.assignment(name);
  const topic = state.topics.get(name);
  if (stored === null || topic === undefined || stored.version === topic.version) return;
  const added = [...stored.partitions].filter(([partition]) => !topic.partitions.has(partition));
  if (added.length === 0) {
    topic.version = stored.version;
    return;
  }
  if (state.topicsToDelete.has(name)) {
    term.record({ kind: 'topic-growth-undone', topic: name });
    const partitions = new Map(
      [...topic.partitions].map(([partition, { assignment }]) => [partition, assignment]),
    );
    const assignment = { topicId: topic.topicId, partitions };
    const written = await term.fenced.writeAssignment(name, assignment, stored.version);
    if (written.ok) topic.version = written.version;
    return;
  }
  topic.version = stored.version;
  await term.because({ kind: 'topic-grown', topic: name, added: added.length }, () =>
    makePartitions(
      term,
      added.map(([partition, assignment]) => state.addPartition(topic, partition, assignment)),
    ),
  );
}

async function makePartitions(term: Term, partitions: readonly PartitionRecord[]): Promise<void> {
  await carryOut(term, 'new-partition', partitions, (undecided) =>
    decideSettled(term.state, undecided, new Set()),
  );
  const leaderless = partitions.filter(({ leadership }) => leadership === null);
  const undone = new Set(
    decideSettled(term.state, leaderless, new Set()).changes.map((one) => one.partition),
  );
  const tell = (why: 'no-living-replica' | 'not-written', some: readonly PartitionRecord[]): void => {
    if (some.length === 0) return;
    const names = some.slice(0, 10).map(({ key }) => key);
    term.record({ kind: 'new-partitions-leaderless', why, count: some.length, partitions: names });
  };
  tell(
    'no-living-replica',
    leaderless.filter((partition) => !undone.has(partition)),
  );
  tell(
    'not-written',
    leaderless.filter((partition) => undone.has(partition)),
  );
  if (undone.size > 0) term.options.repairSoon();
}

/** Takes up the requests to delete; those for topics that are not there, or may not go, are removed. */
export async function topicDeletion(term: Term): Promise<void> {
  const { state, options } = term;
  const asked = await term.store.topics.deletionRequests();
  // A topic may have been made and deleted before we have heard of it.
  if (asked.some((name) => !state.topics.has(name))) await topicChange(term);
  const unknown = asked.filter((name) => !state.topics.has(name));
  if (unknown.length > 0) {
    term.record({ kind: 'topic-deletion-refused', topics: unknown, why: 'no-such-topics' });
    await term.fenced.deleteTopicRequests(unknown);
  }
  const known = asked.filter((name) => state.topics.has(name) && !state.topicsToDelete.has(name));
  if (known.length === 0) return;
  if (!options.config.deleteTopicEnable) {
    term.record({ kind: 'topic-deletion-refused', topics: known, why: 'not-enabled' });
    await term.fenced.deleteTopicRequests(known);
    return;
  }
  await term.because({ kind: 'topic-deletion-begun', topics: known }, () => {
    enqueueDeletions(term, known);
    return resumeDeletions(term);
  });
}

/** From here on the topics are on their way out: no elections, leader -2 in all metadata. */
export function enqueueDeletions(term: Term, names: readonly string[]): void {
  for (const name of names) term.state.topicsToDelete.add(name);
  allowDeletions(term, names);
}

/** Of topics that are on their way out: what kept them waiting may be over. */
export function allowDeletions({ state }: Term, names: Iterable<string>): void {
  const leaving = new Set([...names].filter((name) => state.topicsToDelete.has(name)));
  for (const name of leaving) state.deletionIneligible.delete(name);
  for (const name of ineligibleForDeletion(state, leaving)) state.deletionIneligible.add(name);
}

/** Also what a broker has failed to delete is tried once more. */
export async function retryDeletions(term: Term): Promise<void> {
  allowDeletions(term, deletionsToRetry(term.state));
  await resumeDeletions(term);
}

/** Takes every deletion a step further, if it can be. */
export async function resumeDeletions(term: Term): Promise<void> {
  const { state } = term;
  if (state.topicsToDelete.size === 0) return;
  const step = decideDeletions(state);
  for (const name of step.started) {
    state.deletionStarted.add(name);
    for (const partition of state.topics.get(name)?.partitions.values() ?? []) partition.status = 'Offline';
  }
  for (const name of step.ineligible) {
    state.deletionIneligible.add(name);
    term.record({ kind: 'topic-deletion-waits', topic: name });
  }
  await carryOut(term, 'topic-deletion', [], () => step.plan);
  for (let at = 0; at < step.finished.length; at += DELETIONS_AT_ONCE) {
    await Promise.all(
      step.finished.slice(at, at + DELETIONS_AT_ONCE).map((name) => finishDeletion(term, name)),
    );
  }
}

/** Topics whose znodes are removed at the same time. */
const DELETIONS_AT_ONCE = 50;

async function finishDeletion(term: Term, name: string): Promise<void> {
  const { state } = term;
  term.unwatch(topicZnode.path(name));
  await term.fenced.deleteTopic(name);
  state.removeTopic(name);
  term.record({ kind: 'topic-deleted', topic: name });
}

/** A broker has answered a StopReplica that deletes. */
export async function stopReplicaAnswered(
  term: Term,
  broker: BrokerId,
  request: StopReplicaRequest,
  response: StopReplicaResponse,
): Promise<void> {
  const { state, options } = term;
  const told = request.partitions.filter(({ deletePartition }) => deletePartition);
  const answered =
    response.error === ErrorCode.NONE
      ? response.partitions
      : told.map(({ topic, partition }) => ({ topic, partition, error: response.error }));
  const failed = new Map<PartitionKey, ErrorCode>();
  for (const { topic, partition, error } of answered) {
    if (error !== ErrorCode.NONE) failed.set(partitionKey(topic, partition), error);
  }
  if (failed.size > 0)
    options.diagnostics.warn(`Broker ${broker} did not delete ${[...failed.keys()].join(', ')}`);
  const { notes, ineligible } = decideDeletionAnswer(state, broker, told, failed);
  for (const { partition, replica, status } of notes) {
    state.setReplicaStatus(partition, replica, status);
    if (failed.get(partition.key) === ErrorCode.KAFKA_STORAGE_ERROR)
      state.setReplicaOnDisk(partition, replica, false);
  }
  for (const name of ineligible) if (state.topicsToDelete.has(name)) state.deletionIneligible.add(name);
  await resumeDeletions(term);
}
