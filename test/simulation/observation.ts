/** What checkers look at: replicas, controllers and state znodes as they are between two events. */
import { isError } from '../../broker/errors.ts';
import type { HostedReplicaView, LogView } from '../../broker/node/broker-view.ts';
import { batchLastOffset, completeBatches } from '../../broker/records/batch.ts';
import type { LocalTree } from '../../coordinator-client/local/local-tree.ts';
import {
  controllerEpochZnode,
  controllerZnode,
  partitionStateZnode,
  topicZnode,
} from '../../coordinator-client/znodes/znodes.ts';
import type { Machine } from './simulated-machine.ts';

export type Broken = (what: string) => void;

export interface ReplicaView {
  readonly brokerId: number;
  /** Counts logs: with a new process, or a replica made anew, state may start over. */
  readonly life: number;
  /** Topic id and partition. */
  readonly key: string;
  /** Topic name and partition. */
  readonly name: string;
  readonly role: 'leader' | 'follower' | 'none';
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** Whole batches from one offset up to another. */
  read(fromOffset: number, upToOffset: number): Buffer;
}

export interface ControllerView {
  readonly brokerId: number;
  readonly life: number;
  /** Of its term; null when it is not the controller, or does not think so. */
  readonly epoch: number | null;
}

export interface StateView {
  readonly key: string;
  readonly name: string;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly controllerEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly reassigning: boolean;
}

export interface TreeView {
  readonly states: readonly StateView[];
  readonly controllerEpoch: number;
  /** null while nobody is elected. */
  readonly controllerId: number | null;
}

const READ_BYTES = 1024 * 1024;

export interface ObservedReplicas {
  readonly all: readonly ReplicaView[];
  /** Of replicas that have changed since the last look. */
  readonly fresh: readonly ReplicaView[];
}

/** What was seen of a machine, and when. */
interface Look {
  readonly broker: Machine['broker'];
  readonly status: Machine['status'];
  readonly turns: number;
  readonly views: readonly ReplicaView[];
}

const NOTHING: readonly ReplicaView[] = [];

/** Looks at all replicas again and again; one that has not changed gives the same view as before. */
export class ReplicaObserver {
  readonly #last = new WeakMap<LogView, ReplicaView>();
  readonly #looks = new Map<number, Look>();
  #all: readonly ReplicaView[] = NOTHING;
  #lives = 0;

  observe(machines: readonly Machine[]): ObservedReplicas {
    const fresh: ReplicaView[] = [];
    let hasChanged = false;
    for (const machine of machines) {
      const { id, broker, status } = machine;
      const turns = machine.process?.turns ?? 0;
      const look = this.#looks.get(id);
      if (look?.broker === broker && look.status === status && look.turns === turns) continue;
      this.#looks.set(id, { broker, status, turns, views: this.#lookAt(machine, fresh) });
      hasChanged = true;
    }
    if (hasChanged) this.#all = machines.flatMap(({ id }) => this.#looks.get(id)?.views ?? NOTHING);
    return { all: this.#all, fresh };
  }

  /** Adds those that are new to `fresh`. */
  #lookAt({ id, broker, status }: Machine, fresh: ReplicaView[]): readonly ReplicaView[] {
    if (broker === null || (status !== 'running' && status !== 'stopping')) return NOTHING;
    const views: ReplicaView[] = [];
    for (const partition of broker.inside.replicas.partitions()) {
      const { log } = partition;
      if (log === null || log.closed || log.topicId === null) continue;
      const last = this.#last.get(log);
      if (last !== undefined && isUnchanged(last, partition, log)) {
        views.push(last);
        continue;
      }
      const life = last?.life ?? this.#lives++;
      const view = replicaView({ brokerId: id, life }, partition, log);
      this.#last.set(log, view);
      views.push(view);
      fresh.push(view);
    }
    return views;
  }
}

function isUnchanged(last: ReplicaView, partition: HostedReplicaView, log: LogView): boolean {
  return (
    last.endOffset === log.endOffset &&
    last.highWatermark === log.highWatermark &&
    last.lastStableOffset === log.lastStableOffset &&
    last.startOffset === log.startOffset &&
    last.role === partition.role &&
    last.leaderEpoch === partition.leaderEpoch &&
    last.partitionEpoch === partition.partitionEpoch
  );
}

function replicaView(
  at: { brokerId: number; life: number },
  partition: HostedReplicaView,
  log: LogView,
): ReplicaView {
  return {
    ...at,
    key: `${log.topicId}:${partition.partition}`,
    name: partition.key,
    role: partition.role,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    startOffset: log.startOffset,
    endOffset: log.endOffset,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    read: (fromOffset, upToOffset) => readBatches(log, fromOffset, upToOffset),
  };
}

function readBatches(log: LogView, fromOffset: number, upToOffset: number): Buffer {
  const parts: Buffer[] = [];
  for (let offset = fromOffset; offset < upToOffset; ) {
    const found = log.read({ offset, maxBytes: READ_BYTES, upToOffset, minOneBatch: true });
    if (isError(found)) throw new Error(`${log.directory} can't be read at ${offset}: ${found}`);
    const bytes = Buffer.from(found.bytes);
    found.release();
    if (bytes.length === 0) break;
    parts.push(bytes);
    offset = nextOffsetAfter(bytes);
  }
  return Buffer.concat(parts);
}

/** Where the log goes on after these batches. */
function nextOffsetAfter(batches: Buffer): number {
  let next = 0;
  for (const at of completeBatches(batches)) next = batchLastOffset(batches, at) + 1;
  return next;
}

export function observeControllers(machines: readonly Machine[]): ControllerView[] {
  const views: ControllerView[] = [];
  for (const { id, life, broker, status } of machines) {
    if (broker === null || status !== 'running') continue;
    const { controller } = broker.inside;
    views.push({ brokerId: id, life, epoch: controller.isActive ? controller.epoch : null });
  }
  return views;
}

export function observeTree(tree: LocalTree): TreeView {
  const states: StateView[] = [];
  for (const topic of tree.children(topicZnode.parent) ?? []) {
    const node = tree.read(topicZnode.path(topic));
    if (node === null) continue;
    const { topicId, partitions } = topicZnode.decode(topic, node.data);
    for (const [partition, assignment] of partitions) {
      const state = tree.read(partitionStateZnode.path(topic, partition));
      if (state === null) continue;
      states.push({
        ...partitionStateZnode.decode(topic, partition, state.data),
        key: `${topicId}:${partition}`,
        name: `${topic}-${partition}`,
        partitionEpoch: state.version,
        replicas: assignment.replicas,
        reassigning: assignment.addingReplicas.length + assignment.removingReplicas.length > 0,
      });
    }
  }
  const epoch = tree.read(controllerEpochZnode.path);
  const controller = tree.read(controllerZnode.path);
  return {
    states,
    controllerEpoch: epoch === null ? 0 : controllerEpochZnode.decode(epoch.data),
    controllerId: controller === null ? null : controllerZnode.decode(controller.data).brokerId,
  };
}
