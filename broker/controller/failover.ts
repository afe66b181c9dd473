/**
 * Taking office: what a newly elected controller does, in Kafka's order. Watches first, then reads, all at
 * once as far as they don't follow from each other; living brokers are told to everyone before any
 * LeaderAndIsr names one of them as leader.
 * Source: KafkaController.onControllerFailover.
 */
import {
  deleteTopicsZnode,
  isrChangeZnode,
  logDirEventZnode,
  preferredElectionZnode,
  reassignPartitionsZnode,
} from '../../coordinator-client/znodes/admin-znodes.ts';
import { brokerZnode, topicZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { BrokerInfo } from '../cluster.ts';
import type { FailoverTimeline } from '../platform/cluster-events.ts';
import { brokerChange, logDirEvents, ofOurKind, registeredBrokers } from './broker-events.ts';
import { carryOut, isrAndLeaderOf } from './carry-out.ts';
import { isReassigning } from './cluster-state.ts';
import { decideSettled } from './decide-brokers.ts';
import { preferredElectionNode } from './election-events.ts';
import { isrChanges } from './isr-events.ts';
import { combine, type Plan, type ReplicaNote, type Tell } from './plan.ts';
import { legacyReassignments, restartReassignments } from './reassignment-events.ts';
import type { Term } from './term.ts';
import {
  enqueueDeletions,
  readTopics,
  resumeDeletions,
  topicChange,
  topicDeletion,
  usableNames,
} from './topic-events.ts';

/**
 * Reads everything, moves what has no leader, resumes what was under way. `electedMs`: how long winning
 * the election took.
 */
export async function takeOffice(term: Term, electedMs: number): Promise<FailoverTimeline> {
  const { clock, brokerId } = term.options;
  const startedMs = clock.nowMs();
  watchEverything(term);
  const { deletions, legacy, preferred, registered, topicNames } = await readAtOnce(term);
  await load(term, ofOurKind(term, registered), topicNames);
  await discardImpossibleDeletions(term, deletions);
  const loadedMs = clock.nowMs();
  term.tell([{ request: 'UpdateMetadata', to: 'all', partitions: [] }]);
  const unclean = await term.uncleanTopics(term.state.partitions());
  const partitions = [...term.state.partitions()];
  let first = true;
  const { written } = await carryOut(term, 'failover', partitions, (undecided) => {
    const settled = decideSettled(term.state, undecided, unclean);
    const plan = first ? combine(decideAnnouncement(term), settled) : settled;
    first = false;
    return plan;
  });
  const movedMs = clock.nowMs();
  // What was not there then makes itself heard when it comes.
  if (legacy !== null) await legacyReassignments(term);
  await restartReassignments(term);
  await resumeDeletions(term);
  if (preferred !== null) await preferredElectionNode(term);
  return {
    controllerId: brokerId,
    epoch: term.epoch,
    electedMs,
    loadMs: loadedMs - startedMs,
    leadersMovedMs: movedMs - loadedMs,
    totalMs: electedMs + clock.nowMs() - startedMs,
    brokers: term.state.brokers.size,
    partitions: partitions.length,
    partitionsMoved: written.size,
  };
}

/**
 * What is asked in one session is answered in this order: requests for deletions are read before the topics
 * that they are for, notices before the states that they may be about. The state is left alone here, where
 * the term may end at one answer while another is taken in.
 */
async function readAtOnce(term: Term) {
  const { topics, coordinator } = term.store;
  const [deletions, legacy, preferred, registered, topicNames] = await Promise.all([
    topics.deletionRequests(),
    coordinator.read(reassignPartitionsZnode.path),
    coordinator.read(preferredElectionZnode.path),
    registeredBrokers(term),
    topics.names(),
    enableFeatures(term),
    discardNotices(term),
  ]);
  return { deletions, legacy, preferred, registered, topicNames };
}

/** Finalised features exist from inter-broker protocol 2.7 on; there are none to finalise in 3.9. */
async function enableFeatures(term: Term): Promise<void> {
  const { store, fenced } = term;
  const feature = await store.feature();
  if (feature?.enabled) return;
  await fenced.writeFeature(
    { enabled: true, levels: feature?.levels ?? new Map() },
    feature?.version ?? null,
  );
}

function watchEverything(term: Term): void {
  term.watch(brokerZnode.parent, 'children', 'BrokerChange', brokerChange);
  term.watch(topicZnode.parent, 'children', 'TopicChange', topicChange);
  term.watch(deleteTopicsZnode.parent, 'children', 'TopicDeletion', topicDeletion);
  term.watch(logDirEventZnode.parent, 'children', 'LogDirEventNotification', logDirEvents);
  term.watch(isrChangeZnode.parent, 'children', 'IsrChangeNotification', isrChanges);
  term.watch(preferredElectionZnode.path, 'node', 'ReplicaLeaderElection', preferredElectionNode);
  term.watch(reassignPartitionsZnode.path, 'node', 'ZkPartitionReassignment', legacyReassignments);
}

/** Notices to the former controller: everything is read and told anyway. */
async function discardNotices(term: Term): Promise<void> {
  const { store, fenced } = term;
  const [logDirs, isrs] = await Promise.all([
    store.coordinator.children(logDirEventZnode.parent),
    store.coordinator.children(isrChangeZnode.parent),
  ]);
  await fenced.deleteLogDirEvents(logDirs ?? []);
  await fenced.deleteIsrChanges(isrs ?? []);
}

/** Brokers, topics, states; all pipelined. */
async function load(term: Term, brokers: readonly BrokerInfo[], names: readonly string[]): Promise<void> {
  const { state, options } = term;
  for (const broker of brokers) {
    state.brokers.set(broker.id, broker);
    options.channels.add(broker);
  }
  await readTopics(term, usableNames(term, names));
  const partitions = [...state.partitions()];
  const states = await term.store.topics.partitionStates(partitions, term.unreadable);
  partitions.forEach((partition, index) => {
    const stored = states[index];
    if (stored === undefined || stored === null) return;
    state.setLeadership(partition, isrAndLeaderOf(stored));
  });
}

async function discardImpossibleDeletions(term: Term, names: readonly string[]): Promise<void> {
  const { state, options } = term;
  const known = names.filter((name) => state.topics.has(name));
  const { deleteTopicEnable } = options.config;
  if (deleteTopicEnable) enqueueDeletions(term, known);
  await term.fenced.deleteTopicRequests(
    deleteTopicEnable ? names.filter((name) => !state.topics.has(name)) : names,
  );
}

/**
 * Every living replica hears the state of its partitions, whether it changes or not, and every broker with
 * the last of them that this was all.
 */
function decideAnnouncement({ state }: Term): Plan {
  const tell: Tell[] = [{ request: 'UpdateMetadata', to: 'all', partitions: [], forgetOthers: true }];
  const notes: ReplicaNote[] = [];
  for (const partition of state.partitions()) {
    const leaving = state.topicsToDelete.has(partition.topic);
    const online: number[] = [];
    for (const replica of partition.assignment.replicas) {
      const isOnline = state.isOnline(replica, partition);
      if (isOnline) online.push(replica);
      const gone = leaving ? 'DeletionIneligible' : 'Offline';
      notes.push({ partition, replica, status: isOnline ? 'Online' : gone });
    }
    // Replicas of a topic that is deleted are told nothing here, unless a reassignment has to end before.
    if ((leaving && !isReassigning(partition)) || partition.leadership === null) continue;
    tell.push({ request: 'LeaderAndIsr', to: online, partition, isNew: false });
  }
  return { changes: [], notes, tell };
}
