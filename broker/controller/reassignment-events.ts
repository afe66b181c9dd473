/**
 * Reassignments: begun through the admin API or the legacy znode, taken on after a failover, completed
 * when the target replicas are in sync. Source: KafkaController.onPartitionReassignment (KIP-455).
 */

import {
  type LegacyReassignment,
  reassignPartitionsZnode,
} from '../../coordinator-client/znodes/admin-znodes.ts';
import { readable } from '../../coordinator-client/znodes/znode-json.ts';
import type { ReplicaAssignment } from '../../coordinator-client/znodes/znodes.ts';
import { ErrorCode, errorName } from '../errors.ts';
import { LargeMap } from '../large-map.ts';
import { gathered, LOOKS_PER_STEP, type Steps } from '../platform/turns.ts';
import { type BrokerId, type PartitionKey, partitionKey, type TopicPartition } from '../types.ts';
import { carryOut } from './carry-out.ts';
import { isReassigning, type PartitionRecord } from './cluster-state.ts';
import {
  canComplete,
  decideDropped,
  decideReassignmentEnd,
  decideReassignmentStart,
  reassignTo,
  settledOn,
  targetReplicas,
  validateReassignment,
} from './decide-reassignment.ts';
import type { Term } from './term.ts';
import { allowDeletions, resumeDeletions } from './topic-events.ts';

export interface ReassignmentRequest extends TopicPartition {
  /** null cancels what is under way. */
  readonly replicas: readonly BrokerId[] | null;
}

export interface ReassignmentAnswer extends TopicPartition {
  readonly error: ErrorCode;
  readonly message: string | null;
}

export interface OngoingReassignment extends TopicPartition, ReplicaAssignment {}

/** The admin API's AlterPartitionReassignments. Of what is asked of one partition the last counts. */
export async function alterReassignments(
  term: Term,
  requests: readonly ReassignmentRequest[],
): Promise<ReassignmentAnswer[]> {
  return term.turns.take(alterEach(term, requests));
}

function* alterEach(term: Term, requests: readonly ReassignmentRequest[]): Steps<ReassignmentAnswer[]> {
  const answers: ReassignmentAnswer[] = [];
  for (const { topic, partition, replicas } of yield* lastOfEach(requests)) {
    const valid = validateReassignment(term.state, topic, partition, replicas);
    const record = valid.ok ? term.state.partition(topic, partition) : undefined;
    if (!valid.ok) {
      answers.push({ topic, partition, error: valid.error, message: valid.message ?? null });
      yield;
    } else if (record === undefined) answers.push({ topic, partition, ...CHANGED });
    else {
      yield begin(term, record, valid.value).then((done) =>
        answers.push({ topic, partition, ...(done ? BEGUN : CHANGED) }),
      );
    }
  }
  return answers;
}

const BEGUN = { error: ErrorCode.NONE, message: null } as const;
const CHANGED = { error: ErrorCode.UNKNOWN_SERVER_ERROR, message: 'The topic was changed.' } as const;

/** One item a partition, the last there is. */
function* lastOfEach<Item extends TopicPartition>(items: readonly Item[]): Steps<Item[]> {
  const last = new LargeMap<PartitionKey, Item>();
  for (const item of items) {
    last.set(partitionKey(item.topic, item.partition), item);
    yield;
  }
  return yield* gathered(last.values());
}

/** What is under way, of the asked partitions or of all. */
export async function listReassignments(
  term: Term,
  asked: readonly TopicPartition[] | null,
): Promise<OngoingReassignment[]> {
  return term.turns.take(ongoing(term, asked));
}

function* ongoing(term: Term, asked: readonly TopicPartition[] | null): Steps<OngoingReassignment[]> {
  const found: OngoingReassignment[] = [];
  let looked = 0;
  for (const one of asked === null ? term.state.partitions() : yield* lastOfEach(asked)) {
    const { topic, partition } = one;
    const record = term.state.partition(topic, partition);
    if (record !== undefined && isReassigning(record)) found.push({ topic, partition, ...record.assignment });
    if (++looked % LOOKS_PER_STEP === 0) yield;
  }
  return found;
}

/** The legacy znode has appeared or changed: its moves are begun, and taken from it as they end. */
export async function legacyReassignments(term: Term): Promise<void> {
  const asked = await readLegacy(term);
  if (asked === null) return;
  term.legacyReassignments = true;
  if (asked.length === 0) await term.fenced.writeReassignments([]);
  for (const { topic, partition, replicas } of await term.turns.take(lastOfEach(asked))) {
    const valid = validateReassignment(term.state, topic, partition, replicas);
    const record = term.state.partition(topic, partition);
    if (!valid.ok || record === undefined) {
      const reason = valid.ok ? 'unknown partition' : errorName(valid.error);
      term.record({ kind: 'reassignment-refused', topic, partition, reason });
      await forgetLegacy(term, { topic, partition });
    } else if (targetReplicas(record.assignment).join() !== replicas.join() || !isReassigning(record)) {
      await begin(term, record, valid.value);
    }
  }
}

/** Moves that may go on now: after a failover, when a broker has come, when an ISR has changed. */
export async function resumeReassignments(
  term: Term,
  partitions: Iterable<PartitionRecord> = term.state.partitions(),
): Promise<void> {
  for (const partition of [...partitions]) {
    if (isReassigning(partition) && canComplete(term.state, partition)) await complete(term, partition);
  }
}

/** Moves whose first phase a former controller may not have finished telling. */
export async function restartReassignments(term: Term): Promise<void> {
  for (const partition of [...term.state.partitions()]) {
    if (isReassigning(partition)) await advance(term, partition);
  }
}

/** False when the topic is gone, or its znode can't be written. */
async function begin(term: Term, partition: PartitionRecord, target: readonly BrokerId[]): Promise<boolean> {
  const { state } = term;
  const before = partition.assignment;
  const next = reassignTo(before, target);
  const event = {
    kind: 'reassignment-begun',
    ...named(partition),
    from: before.replicas,
    to: target,
  } as const;
  return term.because(event, async () => {
    if (!(await writeAssignment(term, partition, next))) return false;
    state.assign(partition, next);
    const dropped = before.replicas.filter((replica) => !next.replicas.includes(replica));
    if (dropped.length > 0) {
      await carryOut(term, 'reassignment', [partition], () => decideDropped(state, partition, dropped));
    }
    await advance(term, partition);
    return true;
  });
}

function named({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

async function advance(term: Term, partition: PartitionRecord): Promise<void> {
  if (canComplete(term.state, partition)) return complete(term, partition);
  const { addingReplicas: adding, removingReplicas: removing } = partition.assignment;
  term.record({ kind: 'reassignment-step', ...named(partition), adding, removing });
  await carryOut(term, 'reassignment', [partition], () => decideReassignmentStart(term.state, partition));
}

async function complete(term: Term, partition: PartitionRecord): Promise<void> {
  const { state } = term;
  const before = partition.assignment;
  const leaving = before.removingReplicas;
  const final = settledOn(targetReplicas(before));
  state.assign(partition, final);
  const { written } = await carryOut(term, 'reassignment', [partition], () =>
    decideReassignmentEnd(state, partition, leaving),
  );
  if (!written.has(partition.key)) {
    // The state was not what we knew, and does not allow it any more: the next change of the ISR resumes it.
    state.assign(partition, before);
    term.record({ kind: 'reassignment-held-up', ...named(partition) });
    return;
  }
  if (!(await writeAssignment(term, partition, final))) {
    term.record({ kind: 'reassignment-unwritten', ...named(partition) });
  }
  await forgetLegacy(term, partition);
  term.tell([{ request: 'UpdateMetadata', to: 'all', partitions: [partition] }]);
  term.record({ kind: 'reassignment-finished', ...named(partition), replicas: final.replicas });
  if (!state.topicsToDelete.has(partition.topic)) return;
  // The topic was to be deleted, and had to wait for this.
  allowDeletions(term, [partition.topic]);
  await resumeDeletions(term);
}

/** How often the assignment is merged anew because somebody else has written the topic's znode meanwhile. */
const MAX_ROUNDS = 10;

/**
 * Writes the assignment of one partition, with those of its neighbours as they are known. Partitions that
 * somebody adds to the topic meanwhile stay in the znode; they are made when their event has its turn.
 * False when the topic is gone.
 */
async function writeAssignment(
  term: Term,
  partition: PartitionRecord,
  assignment: ReplicaAssignment,
): Promise<boolean> {
  const topic = term.state.topics.get(partition.topic);
  if (topic === undefined) return false;
  const { name, topicId } = topic;
  const known = new Map([...topic.partitions].map(([number, one]) => [number, one.assignment]));
  known.set(partition.partition, assignment);
  let { version } = topic;
  let partitions = known;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const written = await term.fenced.writeAssignment(name, { topicId, partitions }, version);
    if (written.ok) {
      // A version with partitions that are not known is not one we know.
      if (partitions.size === known.size) topic.version = written.version;
      return true;
    }
    const stored = await term.store.topics.assignment(name);
    if (stored === null || (stored.topicId ?? topicId) !== topicId) return false;
    version = stored.version;
    partitions = new Map([...stored.partitions, ...known]);
  }
  return false;
}

async function readLegacy(term: Term): Promise<LegacyReassignment[] | null> {
  const node = await term.store.coordinator.read(reassignPartitionsZnode.path);
  if (node === null) return null;
  return readable(() => reassignPartitionsZnode.decode(node.data), term.unreadable) ?? [];
}

async function forgetLegacy(term: Term, { topic, partition }: TopicPartition): Promise<void> {
  if (!term.legacyReassignments) return;
  const asked = await readLegacy(term);
  if (asked === null) return;
  const left = asked.filter((one) => one.topic !== topic || one.partition !== partition);
  if (left.length < asked.length) await term.fenced.writeReassignments(left);
}
