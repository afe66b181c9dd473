/**
 * ISR changes that leaders ask for, and those that leaders of old versions have made by themselves.
 * Source: KafkaController.processAlterPartition, processIsrChangeNotification.
 */
import { isrChangeZnode } from '../../coordinator-client/znodes/admin-znodes.ts';
import { readable } from '../../coordinator-client/znodes/znode-json.ts';
import { ErrorCode } from '../errors.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../peers/messages.ts';
import { type PartitionKey, partitionKey } from '../types.ts';
import { reread } from './carry-out.ts';
import type { IsrAndLeader, PartitionRecord } from './cluster-state.ts';
import {
  type AlterAnswer,
  type AlterDecision,
  acceptedAlteration,
  alterRequestError,
  decideAlteration,
  refusedAlteration,
} from './decide-isr.ts';
import { resumeReassignments } from './reassignment-events.ts';
import { recordAlteration } from './state-events.ts';
import type { Term } from './term.ts';

/** `reply` is called as soon as the answer is known; what follows from the change comes after it. */
export async function alterPartition(
  term: Term,
  request: AlterPartitionRequest,
  reply: (response: AlterPartitionResponse) => void,
): Promise<void> {
  const { state } = term;
  const error = alterRequestError(state, request.brokerId, request.brokerEpoch);
  if (error !== ErrorCode.NONE) return term.answer(reply, { error, partitions: [] });
  const decisions = request.partitions.map((item) => decideAlteration(state, item));
  const written = await writeAlterations(term, request, decisions);
  const changed: PartitionRecord[] = [];
  const partitions = request.partitions.map((item, index): AlterAnswer => {
    const decision = decisions[index];
    if (decision?.do === 'confirm') return acceptedAlteration(item, decision.leadership);
    if (decision?.do !== 'write')
      return refusedAlteration(item, decision?.error ?? ErrorCode.UNKNOWN_SERVER_ERROR);
    const leadership = written.get(partitionKey(item.topic, item.partition));
    if (leadership === undefined) return refusedAlteration(item, ErrorCode.INVALID_UPDATE_VERSION);
    changed.push(state.record(decision.change.partition));
    return acceptedAlteration(item, leadership);
  });
  if (changed.length > 0) term.tell([{ request: 'UpdateMetadata', to: 'all', partitions: changed }]);
  term.answer(reply, { error: ErrorCode.NONE, partitions });
  await resumeReassignments(term, changed);
}

/** What the accepted changes have become; a partition whose state somebody else has written is not in it. */
async function writeAlterations(
  term: Term,
  { brokerId, partitions }: AlterPartitionRequest,
  decisions: readonly AlterDecision[],
): Promise<Map<PartitionKey, IsrAndLeader>> {
  const changes = decisions.flatMap((decision, index) =>
    decision.do === 'write' ? [{ ...decision.change, causeId: partitions[index]?.causeId }] : [],
  );
  const results = await term.fenced.updatePartitionStates(
    changes.map(({ partition: { topic, partition }, state, expectedVersion }) => ({
      topic,
      partition,
      state,
      version: expectedVersion ?? 0,
    })),
  );
  const written = new Map<PartitionKey, IsrAndLeader>();
  const stale: PartitionRecord[] = [];
  changes.forEach((change, index) => {
    const { partition, state, causeId } = change;
    const result = results[index];
    if (!result?.ok) {
      stale.push(term.state.record(partition));
      return;
    }
    const leadership = { ...state, partitionEpoch: result.version };
    const before = partition.leadership;
    term.state.setLeadership(partition, leadership);
    const cause = causeId === undefined ? null : { brokerId, id: causeId };
    recordAlteration(term, { partition, before, now: leadership }, cause);
    written.set(partition.key, leadership);
  });
  await reread(term, stale);
  return written;
}

/** Leaders before AlterPartition wrote states themselves and left a notice. */
export async function isrChanges(term: Term): Promise<void> {
  const { store, fenced } = term;
  const names = (await store.coordinator.children(isrChangeZnode.parent)) ?? [];
  if (names.length === 0) return;
  const nodes = await Promise.all(names.map((name) => store.coordinator.read(isrChangeZnode.path(name))));
  const changed = new Map<PartitionKey, PartitionRecord>();
  names.forEach((name, index) => {
    const node = nodes[index];
    if (node === undefined || node === null) return;
    const named = readable(() => isrChangeZnode.decode(name, node.data), term.unreadable);
    for (const { topic, partition } of named ?? []) {
      const record = term.state.partition(topic, partition);
      if (record !== undefined) changed.set(record.key, record);
    }
  });
  const partitions = [...changed.values()];
  await reread(term, partitions);
  term.tell([{ request: 'UpdateMetadata', to: 'all', partitions }]);
  await fenced.deleteIsrChanges(names);
  await resumeReassignments(term, partitions);
}
