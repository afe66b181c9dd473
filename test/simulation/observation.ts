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
  /** Broker, life and key: by which checkers remember it. */
  readonly id: string;
  /** Key and leader epoch. */
  readonly term: string;
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
  /** Of replicas that have changed since the look before. */
  readonly fresh: readonly ReplicaView[];
  /** Of the replicas of one partition. */
  partition(key: string): readonly ReplicaView[];
}

/** A replica's log, and what was seen of it last. */
interface Seen {
  readonly log: LogView;
  view: ReplicaView;
}

/** What was seen of a machine, and when. */
interface Look {
  broker: Machine['broker'];
  status: Machine['status'];
  turns: number;
  readonly seen: Seen[];
}

const NOTHING: readonly ReplicaView[] = [];

/**
 * Looks at all replicas again and again; one that has not changed gives the same view as before. Nearly every
 * event changes nothing or one replica: its view takes the place of the last one, and lists are made for who asks.
 */
export class ReplicaObserver implements ObservedReplicas {
  readonly #seen = new WeakMap<LogView, Seen>();
  /** In the order of the machines. */
  readonly #looks: Look[] = [];
  #fresh: ReplicaView[] = [];
  /** null when something has changed since it was made. */
  #all: readonly ReplicaView[] | null = null;
  /** By key; null when replicas have come or gone since it was made. */
  #partitions: ReadonlyMap<string, readonly Seen[]> | null = null;
  #lives = 0;

  get all(): readonly ReplicaView[] {
    this.#all ??= this.#looks.flatMap(({ seen }) => seen.map(({ view }) => view));
    return this.#all;
  }

  get fresh(): readonly ReplicaView[] {
    return this.#fresh;
  }

  partition(key: string): readonly ReplicaView[] {
    this.#partitions ??= Map.groupBy(
      this.#looks.flatMap(({ seen }) => seen),
      ({ view }) => view.key,
    );
    return this.#partitions.get(key)?.map(({ view }) => view) ?? NOTHING;
  }

  /** Gives itself; what it shows is what was there at its last look. */
  observe(machines: readonly Machine[]): ObservedReplicas {
    if (this.#fresh.length > 0) this.#fresh = [];
    let at = 0;
    for (const machine of machines) {
      const turns = machine.process?.turns ?? 0;
      const look = this.#lookOf(at++);
      if (look.broker === machine.broker && look.status === machine.status && look.turns === turns) continue;
      look.broker = machine.broker;
      look.status = machine.status;
      look.turns = turns;
      this.#lookAt(machine, look.seen);
    }
    return this;
  }

  #lookOf(at: number): Look {
    const known = this.#looks[at];
    if (known !== undefined) return known;
    const made: Look = { broker: null, status: 'down', turns: 0, seen: [] };
    this.#looks.push(made);
    return made;
  }

  /** Brings up to date what was seen of it, in the order of its partitions. */
  #lookAt({ id, broker, status }: Machine, seen: Seen[]): void {
    let count = 0;
    if (broker !== null && (status === 'running' || status === 'stopping')) {
      for (const partition of broker.inside.replicas.partitions()) {
        const { log } = partition;
        if (log === null || log.closed || log.topicId === null) continue;
        const before = seen[count];
        const one = before?.log === log ? before : this.#seen.get(log);
        if (one !== before || one === undefined) this.#partitions = this.#all = null;
        seen[count++] =
          one === undefined || !isUnchanged(one.view, partition, log)
            ? this.#renewed(id, one, partition, log)
            : one;
      }
    }
    if (count === seen.length) return;
    seen.length = count;
    this.#partitions = this.#all = null;
  }

  #renewed(brokerId: number, last: Seen | undefined, partition: HostedReplicaView, log: LogView): Seen {
    const before = last?.view ?? newcomer({ brokerId, life: this.#lives++ }, partition, log);
    const view = replicaView(before, partition, log);
    this.#fresh.push(view);
    this.#all = null;
    if (last !== undefined) {
      last.view = view;
      return last;
    }
    const made = { log, view };
    this.#seen.set(log, made);
    return made;
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

/** What stays as it is while its log lives; making these names takes longer than all of a look. */
type ReplicaNames = Pick<ReplicaView, 'brokerId' | 'life' | 'key' | 'id' | 'name'>;

function newcomer(
  { brokerId, life }: { readonly brokerId: number; readonly life: number },
  partition: HostedReplicaView,
  log: LogView,
): ReplicaNames {
  const key = `${log.topicId}:${partition.partition}`;
  return { brokerId, life, key, id: replicaId(brokerId, life, key), name: partition.key };
}

export function replicaId(brokerId: number, life: number, key: string): string {
  return `${brokerId}.${life} ${key}`;
}

function replicaView(
  names: ReplicaNames & Partial<ReplicaView>,
  partition: HostedReplicaView,
  log: LogView,
): ReplicaView {
  const { brokerId, life, key, id, name } = names;
  const { leaderEpoch } = partition;
  const sameTerm = names.leaderEpoch === leaderEpoch ? names.term : undefined;
  return {
    brokerId,
    life,
    key,
    id,
    term: sameTerm ?? `${key}@${leaderEpoch}`,
    name,
    role: partition.role,
    leaderEpoch,
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
    offset = nextOffsetAfter(bytes);
    if (offset >= upToOffset && parts.length === 0) return bytes;
    parts.push(bytes);
  }
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}

/** Where the log goes on after these batches. */
function nextOffsetAfter(batches: Buffer): number {
  let next = 0;
  for (const at of completeBatches(batches)) next = batchLastOffset(batches, at) + 1;
  return next;
}

/** Looks at all controllers again and again; as long as nothing has changed it gives the same list. */
export class ControllerObserver {
  #views: readonly ControllerView[] = [];

  observe(machines: readonly Machine[]): readonly ControllerView[] {
    let count = 0;
    for (const machine of machines) {
      if (machine.broker === null || machine.status !== 'running') continue;
      const seen = this.#views[count++];
      const isSame = seen?.brokerId === machine.id && seen.life === machine.life;
      if (!isSame || seen.epoch !== controllerEpoch(machine)) return this.#renewed(machines);
    }
    return count === this.#views.length ? this.#views : this.#renewed(machines);
  }

  #renewed(machines: readonly Machine[]): readonly ControllerView[] {
    this.#views = machines
      .filter(({ broker, status }) => broker !== null && status === 'running')
      .map((machine) => ({ brokerId: machine.id, life: machine.life, epoch: controllerEpoch(machine) }));
    return this.#views;
  }
}

function controllerEpoch({ broker }: Machine): number | null {
  const controller = broker?.inside.controller;
  return controller?.isActive ? controller.epoch : null;
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
