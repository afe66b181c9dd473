/**
 * Brokers that register, vanish, come back under a new epoch, change their endpoints, lose a disk or ask
 * to leave. Source: KafkaController.processBrokerChange and its neighbours.
 */

import type { RegisteredBroker } from '../../coordinator-client/stores/cluster-store.ts';
import { logDirEventZnode } from '../../coordinator-client/znodes/admin-znodes.ts';
import { readable } from '../../coordinator-client/znodes/znode-json.ts';
import { brokerZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { BrokerInfo } from '../cluster.ts';
import { ErrorCode } from '../errors.ts';
import { isPeer } from '../metadata/registration.ts';
import type {
  ControlledShutdownRequest,
  ControlledShutdownResponse,
  LeaderAndIsrResponse,
} from '../peers/messages.ts';
import type { StateReason } from '../platform/partition-events.ts';
import { type BrokerId, NO_EPOCH } from '../types.ts';
import { carryOut } from './carry-out.ts';
import type { PartitionView } from './cluster-state.ts';
import {
  decideBrokersStarted,
  decideControlledShutdown,
  decideReplicasLost,
  stillLed,
} from './decide-brokers.ts';
import { resumeReassignments } from './reassignment-events.ts';
import type { Term } from './term.ts';
import { resumeDeletions } from './topic-events.ts';

/** Compares the registered brokers with those known: new, gone, and bounced (a larger epoch). */
export async function brokerChange(term: Term): Promise<void> {
  const { state, options } = term;
  const registered = await readBrokers(term);
  const known = new Map(state.brokers);
  const started = registered.filter(({ id }) => !known.has(id));
  const bounced = registered.filter(({ id, epoch }) => epoch > (known.get(id)?.epoch ?? epoch));
  const gone = [...known.keys()].filter((id) => !registered.some((broker) => broker.id === id));
  if (started.length + bounced.length + gone.length === 0) return;
  const [joined, back] = [ids(started), ids(bounced)];
  const registrations = [
    ...[...started, ...bounced].map(({ id, epoch }) => ({ broker: id, epoch })),
    ...gone.map((id) => ({ broker: id, epoch: known.get(id)?.epoch ?? NO_EPOCH })),
  ];
  const event = { kind: 'brokers-changed', joined, bounced: back, left: gone, registrations } as const;
  await term.because(event, async () => {
    for (const broker of [...started, ...bounced]) options.channels.add(broker);
    for (const id of gone) options.channels.remove(id);
    if (started.length > 0) await brokersStarted(term, started);
    if (bounced.length > 0) {
      // Its new self leads and follows nothing yet: it counts as lost first, and as started then.
      await brokersLost(term, back);
      await brokersStarted(term, bounced);
    }
    if (gone.length > 0) {
      for (const id of gone) term.unwatch(brokerZnode.path(id));
      await brokersLost(term, gone);
    }
  });
}

async function readBrokers(term: Term): Promise<BrokerInfo[]> {
  return ofOurKind(term, await registeredBrokers(term));
}

/** Every registered broker, watched from before it is read. */
export async function registeredBrokers(term: Term): Promise<RegisteredBroker[]> {
  const { store } = term;
  const ids = await store.brokerIds();
  for (const id of ids) {
    term.watch(brokerZnode.path(id), 'node', 'BrokerModifications', (current) => brokerModified(current, id));
  }
  // Who has come since is an event of the watch on all of them.
  return store.brokers(term.unreadable, ids);
}

/** Those that are brokers of this cluster. */
export function ofOurKind(term: Term, brokers: readonly RegisteredBroker[]): BrokerInfo[] {
  return brokers.filter((broker) => isOfOurKind(term, broker)).map(toBrokerInfo);
}

/**
 * A broker of another kind can neither be told anything nor replicate: for the cluster it isn't there. It
 * is told once that it has come; one that starts beside it refuses.
 */
function isOfOurKind(term: Term, broker: RegisteredBroker): boolean {
  if (isPeer(broker)) return true;
  const { strangers } = term.state;
  if (strangers.get(broker.id) !== broker.epoch) {
    strangers.set(broker.id, broker.epoch);
    term.record({ kind: 'stranger-registered', broker: broker.id });
  }
  return false;
}

/** Endpoints of a registered broker have changed: everybody learns them. */
async function brokerModified(term: Term, id: BrokerId): Promise<void> {
  const read = await term.store.broker(id);
  const known = term.state.brokers.get(id);
  if (read === null || known === undefined || known.epoch !== read.epoch) return;
  const broker = toBrokerInfo(read);
  if (JSON.stringify(broker) === JSON.stringify(known)) return;
  term.state.brokers.set(id, broker);
  term.options.channels.update(broker);
  term.tell([{ request: 'UpdateMetadata', to: 'all', partitions: [] }]);
}

async function brokersStarted(term: Term, brokers: readonly BrokerInfo[]): Promise<void> {
  const { state } = term;
  const started = new Set(brokers.map(({ id }) => id));
  const others = [...state.brokers.keys()].filter((id) => !started.has(id));
  for (const broker of brokers) {
    state.brokers.set(broker.id, broker);
    state.offlineDirs.delete(broker.id);
  }
  // Living brokers must be known before LeaderAndIsr names them as leaders.
  term.tell([{ request: 'UpdateMetadata', to: others, partitions: [] }]);
  const led = [...state.partitions()].filter(({ leadership }) => leadership !== null);
  term.tell([{ request: 'UpdateMetadata', to: [...started], partitions: led, forgetOthers: true }]);
  const waiting = [...state.partitions()].filter(({ status }) => status !== 'Online');
  const unclean = await term.uncleanTopics(waiting);
  await carryOut(term, 'broker-started', [], () => decideBrokersStarted(state, started, unclean));
  await resumeReassignments(term);
  // Also of topics that are being moved: the move may never end, as nobody is elected for them any more.
  for (const { topic } of state.partitionsOn(started)) state.deletionIneligible.delete(topic);
  await resumeDeletions(term);
}

async function brokersLost(term: Term, gone: readonly BrokerId[]): Promise<void> {
  const { state, options } = term;
  const startedMs = options.clock.nowMs();
  const lostSet = new Set(gone);
  for (const id of gone) {
    state.brokers.delete(id);
    state.shuttingDown.delete(id);
  }
  const led = state.partitionsOn(lostSet).filter(({ leadership }) => lostSet.has(leadership?.leader ?? -1));
  const lost = new Map<PartitionView, BrokerId[]>();
  for (const partition of state.partitionsOn(lostSet)) {
    lost.set(
      partition,
      partition.assignment.replicas.filter((replica) => lostSet.has(replica)),
    );
  }
  await replicasLost(term, 'broker-lost', lost);
  const moved = led.filter(({ leadership }) => (leadership?.leader ?? -1) >= 0).length;
  const tookMs = Math.round(options.clock.nowMs() - startedMs);
  term.record({ kind: 'lost-leaders-replaced', brokers: gone, led: led.length, moved, tookMs });
}

async function replicasLost(
  term: Term,
  reason: StateReason,
  lost: ReadonlyMap<PartitionView, readonly BrokerId[]>,
): Promise<void> {
  const { state } = term;
  const unclean = await term.uncleanTopics(lost.keys());
  await carryOut(term, reason, [...lost.keys()], (partitions) =>
    decideReplicasLost(
      state,
      new Map(partitions.map((partition) => [partition, lost.get(partition) ?? []])),
      unclean,
    ),
  );
  for (const { topic } of lost.keys()) {
    if (state.topicsToDelete.has(topic)) state.deletionIneligible.add(topic);
  }
  await resumeDeletions(term);
}

/** Brokers say that a disk of theirs failed: they are told again what they hold, and answer what is lost. */
export async function logDirEvents(term: Term): Promise<void> {
  const { store, fenced } = term;
  const names = (await store.coordinator.children(logDirEventZnode.parent)) ?? [];
  const nodes = await Promise.all(names.map((name) => store.coordinator.read(logDirEventZnode.path(name))));
  const brokers = new Set<BrokerId>();
  names.forEach((name, index) => {
    const node = nodes[index];
    if (node === undefined || node === null) return;
    const broker = readable(() => logDirEventZnode.decode(name, node.data), term.unreadable);
    if (broker !== null) brokers.add(broker);
  });
  if (brokers.size > 0) {
    term.record({ kind: 'log-directories-reported', brokers: [...brokers] });
    // Whoever has deleted a replica would make it anew.
    const held = term.state
      .partitionsOn(brokers)
      .filter(({ topic }) => !term.state.deletionStarted.has(topic));
    term.tell(
      held.map((partition) => ({
        request: 'LeaderAndIsr',
        to: partition.assignment.replicas.filter((replica) => brokers.has(replica)),
        partition,
        isNew: false,
      })),
    );
  }
  await fenced.deleteLogDirEvents(names);
}

/** Takes in which replicas a broker has no disk for, and which are well again. */
export async function leaderAndIsrAnswered(
  term: Term,
  broker: BrokerId,
  response: LeaderAndIsrResponse,
): Promise<void> {
  const { state } = term;
  if (response.error !== ErrorCode.NONE) return;
  const lost = new Map<PartitionView, BrokerId[]>();
  for (const { topic, partition, error } of response.partitions) {
    const record = state.partition(topic, partition);
    if (record === undefined) continue;
    if (error === ErrorCode.KAFKA_STORAGE_ERROR) {
      if (state.isOnlineOrShuttingDown(broker, record)) lost.set(record, [broker]);
      state.setReplicaOnDisk(record, broker, false);
    } else if (error === ErrorCode.NONE) state.setReplicaOnDisk(record, broker, true);
  }
  if (lost.size > 0) await replicasLost(term, 'replica-lost', lost);
}

/**
 * Moves what a broker leads; the answer names what it leads still, and it asks again until that is
 * nothing.
 */
export function controlledShutdown(
  term: Term,
  request: ControlledShutdownRequest,
): Promise<ControlledShutdownResponse> {
  const { brokerId, causeId } = request;
  const cause = causeId === undefined ? null : { brokerId, id: causeId };
  return term.following(cause, () => moveAway(term, request));
}

async function moveAway(
  term: Term,
  { brokerId, brokerEpoch }: ControlledShutdownRequest,
): Promise<ControlledShutdownResponse> {
  const { state } = term;
  const known = state.brokers.get(brokerId);
  const refuse = (error: ErrorCode): ControlledShutdownResponse => {
    term.record({ kind: 'controlled-shutdown-refused', broker: brokerId, error });
    return { error, remainingPartitions: [] };
  };
  if (known === undefined) return refuse(ErrorCode.BROKER_NOT_AVAILABLE);
  if (brokerEpoch >= 0 && brokerEpoch < known.epoch) return refuse(ErrorCode.STALE_BROKER_EPOCH);
  state.shuttingDown.add(brokerId);
  const held = state.partitionsOn(new Set([brokerId]));
  await carryOut(term, 'controlled-shutdown', held, (partitions) =>
    decideControlledShutdown(state, brokerId, partitions),
  );
  const remaining = stillLed(state, brokerId);
  term.record({ kind: 'controlled-shutdown-granted', broker: brokerId, remaining: remaining.length });
  const remainingPartitions = remaining.map(({ topic, partition }) => ({ topic, partition }));
  return { error: ErrorCode.NONE, remainingPartitions };
}

function toBrokerInfo({ id, epoch, rack, endpoints }: RegisteredBroker): BrokerInfo {
  return { id, epoch, rack, endpoints };
}

function ids(brokers: readonly BrokerInfo[]): BrokerId[] {
  return brokers.map(({ id }) => id);
}
