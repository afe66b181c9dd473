/**
 * Looks at a cluster for as long as the console runs, by what any client may ask, so that Apache Kafka can be
 * looked at as well: Metadata twice a second, DescribeLogDirs and ListOffsets once; brokers, sessions, and the
 * controller's epoch by ZooKeeper. A look that fails is told, and the next one is made all the same.
 */
import { ErrorCode } from '../../broker/errors.ts';
import { SaslLoginError } from '../../broker/protocol/login.ts';
import { DescribeLogDirs } from '../../broker/protocol/messages/35-describe-log-dirs.ts';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { brokerZnode, controllerEpochZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { AdminClient, ClusterMetadata } from '../cli/admin-client.ts';
import { at, LATEST, offsetsAt } from '../cli/leaders.ts';
import { runningReassignments } from '../cli/reassign/reassignments.ts';
import type { ClusterRights } from './cluster-rights.ts';
import {
  type BrokerPicture,
  type ClusterPicture,
  changeBetween,
  NOTHING,
  nameOf,
  type PartitionPicture,
  type PictureChange,
  type Progress,
} from './picture.ts';
import { PictureRecorder } from './recorder.ts';

const LOOK_MS = 500;
const PROGRESS_MS = 1000;
const PEER_LISTENER = 'PEER';

type ProgressByPartition = Readonly<Record<string, Progress>>;

/** What is told to whoever listens. */
export interface WatchedListener {
  changed(change: PictureChange): void;
  progressed(progress: ProgressByPartition): void;
  /** Why the last look failed; null when one succeeds again. */
  troubled(reason: string | null): void;
}

interface WatchedParts {
  readonly admin: AdminClient;
  /** Null where ZooKeeper can't be reached or is not to be. */
  readonly coordinator: Coordinator | null;
  /** What ZooKeeper knows is for those who may DESCRIBE the cluster. */
  readonly rights: Pick<ClusterRights, 'may'>;
  readonly nowMs: () => number;
  /** Changes that are kept, as partitions named by them. */
  readonly mostEntries: number;
  /** The login is not taken any more. */
  readonly refused: ((reason: string) => void) | undefined;
}

/** As a reader has it. */
export type Watched = Pick<WatchedCluster, 'picture' | 'trouble' | 'recorder' | 'listen' | 'stop'>;

export class WatchedCluster {
  readonly #parts: WatchedParts;
  readonly #listeners = new Set<WatchedListener>();
  readonly recorder: PictureRecorder;
  readonly #timers: NodeJS.Timeout[] = [];
  #picture: ClusterPicture = NOTHING;
  #trouble: string | null = null;
  #stopped = false;

  constructor(parts: WatchedParts) {
    this.#parts = parts;
    this.recorder = new PictureRecorder(parts.nowMs(), parts.mostEntries);
  }

  get picture(): ClusterPicture {
    return this.#picture;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Resolves with the first picture; rejects when there is none. */
  async start(): Promise<void> {
    this.#picture = await this.#look();
    this.recorder.begin(this.#picture, this.#parts.nowMs());
    this.#repeat(LOOK_MS, () => this.#lookAgain());
    this.#repeat(PROGRESS_MS, () => this.#tellProgress());
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** The answer takes the listener away again. */
  listen(listener: WatchedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One at a time: the next pause begins when the work is done. */
  #repeat(everyMs: number, work: () => Promise<void>): void {
    const slot = this.#timers.length;
    const next = (): void => {
      if (this.#stopped) return;
      this.#timers[slot] = setTimeout(() => {
        work()
          .then(
            () => this.#told(null),
            (error: unknown) => {
              this.#told(error instanceof Error ? error.message : String(error));
              if (error instanceof SaslLoginError && !this.#stopped) this.#parts.refused?.(error.message);
            },
          )
          .finally(next);
      }, everyMs);
    };
    next();
  }

  #told(trouble: string | null): void {
    if (trouble === this.#trouble || this.#stopped) return;
    this.#trouble = trouble;
    for (const listener of this.#listeners) listener.troubled(trouble);
  }

  async #lookAgain(): Promise<void> {
    const seen = await this.#look();
    const change = changeBetween(this.#picture, seen, this.#parts.nowMs());
    if (change === null) return;
    this.#picture = seen;
    this.recorder.add(change);
    for (const listener of this.#listeners) listener.changed(change);
  }

  async #look(): Promise<ClusterPicture> {
    const { admin, coordinator, rights } = this.#parts;
    const [metadata, moving, registered] = await Promise.all([
      admin.metadata(null),
      // Without a controller nobody can say, and what is known stays.
      runningReassignments(admin).catch(() => null),
      rights
        .may('DESCRIBE')
        .then((may) => (coordinator === null || !may ? null : registrations(coordinator))),
    ]);
    const byName = moving === null ? null : new Map(moving.map((each) => [nameOf(each), each]));
    const partitions: Record<string, PartitionPicture> = {};
    for (const partition of partitionsOf(metadata)) {
      const name = nameOf(partition);
      const known = byName === null ? this.#picture.partitions[name] : byName.get(name);
      const { adding = [], removing = [] } = known ?? {};
      partitions[name] = { ...partition, adding, removing };
    }
    return {
      clusterId: metadata.clusterId ?? '',
      controllerId: metadata.controllerId,
      controllerEpoch: registered?.controllerEpoch ?? -1,
      brokers: registered?.brokers ?? metadata.brokers.map(asPicture).sort((a, b) => a.id - b.id),
      partitions,
    };
  }

  async #tellProgress(): Promise<void> {
    if (this.#listeners.size === 0) return;
    const progress = await progressOf(this.#parts.admin, Object.values(this.#picture.partitions));
    for (const listener of this.#listeners) listener.progressed(progress);
  }
}

function partitionsOf({ topics }: ClusterMetadata): Omit<PartitionPicture, 'adding' | 'removing'>[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes, offlineReplicas }) => ({
      topic: name ?? '',
      partition: partitionIndex,
      leader: leaderId,
      leaderEpoch,
      replicas: replicaNodes,
      isr: [...isrNodes].sort((a, b) => a - b),
      offline: offlineReplicas,
    })),
  );
}

function asPicture({ nodeId, host, port, rack }: ClusterMetadata['brokers'][number]): BrokerPicture {
  return { id: nodeId, host, port, rack, epoch: null, sessionId: null, peer: null };
}

/** What ZooKeeper knows of the brokers that live. */
async function registrations(
  coordinator: Coordinator,
): Promise<{ readonly controllerEpoch: number; readonly brokers: readonly BrokerPicture[] }> {
  const [ids, epoch] = await Promise.all([
    coordinator.children(brokerZnode.parent),
    coordinator.read(controllerEpochZnode.path),
  ]);
  const brokers = await Promise.all((ids ?? []).map((id) => registration(coordinator, Number(id))));
  return {
    controllerEpoch: epoch === null ? -1 : controllerEpochZnode.decode(epoch.data),
    brokers: brokers.filter((broker) => broker !== null).sort((a, b) => a.id - b.id),
  };
}

/** Null when it has gone meanwhile. */
async function registration(coordinator: Coordinator, brokerId: number): Promise<BrokerPicture | null> {
  const node = await coordinator.read(brokerZnode.path(brokerId));
  if (node === null) return null;
  const { endpoints, rack } = brokerZnode.decode(brokerId, node.data);
  const client = endpoints.find(({ listener }) => listener !== PEER_LISTENER);
  const peer = endpoints.find(({ listener }) => listener === PEER_LISTENER);
  return {
    id: brokerId,
    host: client?.host ?? '',
    port: client?.port ?? -1,
    rack,
    epoch: String(node.czxid),
    sessionId: `0x${node.ephemeralOwner.toString(16)}`,
    peer: peer === undefined ? null : `${peer.host}:${peer.port}`,
  };
}

async function progressOf(
  admin: AdminClient,
  partitions: readonly PartitionPicture[],
): Promise<ProgressByPartition> {
  const metadata = await admin.metadata([]);
  const led = partitions.filter(({ leader }) => leader >= 0);
  const [{ found }, ...directories] = await Promise.all([
    offsetsAt(admin, at(led, LATEST)),
    ...metadata.brokers.map(async ({ nodeId }) => ({ nodeId, ...(await logDirs(admin, metadata, nodeId)) })),
  ]);
  const replicas = new Map<string, Record<number, { lag: number; sizeBytes: number }>>();
  for (const { nodeId, results } of directories) {
    for (const { topic, partition, lag, sizeBytes } of results) {
      const name = nameOf({ topic, partition });
      const known = replicas.get(name) ?? {};
      known[nodeId] = { lag, sizeBytes };
      replicas.set(name, known);
    }
  }
  const progress: Record<string, Progress> = {};
  for (const partition of partitions) {
    const name = nameOf(partition);
    progress[name] = { highWatermark: found.get(name)?.offset ?? null, replicas: replicas.get(name) ?? {} };
  }
  return progress;
}

interface ReplicaOnDisk {
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
  readonly sizeBytes: number;
}

/** Of one broker, without those that move between directories. A broker that just died has none. */
async function logDirs(
  admin: AdminClient,
  metadata: ClusterMetadata,
  nodeId: number,
): Promise<{ readonly results: readonly ReplicaOnDisk[] }> {
  const answer = await admin.askBroker(nodeId, metadata, DescribeLogDirs, { topics: null }).catch(() => null);
  if (answer === null || answer.errorCode !== ErrorCode.NONE) return { results: [] };
  const results = answer.results.flatMap(({ topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ isFutureKey }) => !isFutureKey)
        .map(({ partitionIndex, offsetLag, partitionSize }) => ({
          topic: name,
          partition: partitionIndex,
          lag: offsetLag,
          sizeBytes: partitionSize,
        })),
    ),
  );
  return { results };
}
