/**
 * The cluster as the console shows it, as plain data, and how one picture becomes the next. Shared by the
 * server, which finds out, and the page, which shows; so both compare, apply and go back in time by the same
 * rules. What is structure (brokers, leaders, in-sync replicas) is kept as history; what only moves on all
 * the time (offsets, lags, sizes) is not.
 */

export interface BrokerPicture {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /** Of its znode: the broker epoch. Null where ZooKeeper is not looked at. */
  readonly epoch: string | null;
  /** Hexadecimal, as ZooKeeper's tools print it. */
  readonly sessionId: string | null;
  /** Where it answers over HTTP, as `host:port`. */
  readonly peer: string | null;
}

export interface PartitionPicture {
  readonly topic: string;
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  /** The first is the preferred leader. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offline: readonly number[];
  /** Of a reassignment that is under way. */
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export interface ClusterPicture {
  readonly clusterId: string;
  /** -1: none. */
  readonly controllerId: number;
  /** -1 where ZooKeeper is not looked at. */
  readonly controllerEpoch: number;
  readonly brokers: readonly BrokerPicture[];
  /** By {@link nameOf}. */
  readonly partitions: Readonly<Record<string, PartitionPicture>>;
}

/** What is different, from one picture to the next. */
export interface PictureChange {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly controllerId?: number;
  readonly controllerEpoch?: number;
  readonly brokers?: readonly BrokerPicture[];
  readonly partitions: Readonly<Record<string, PartitionPicture>>;
  readonly removed: readonly string[];
}

/** How far the replicas of a partition are, by the partition's name. */
export interface Progress {
  readonly highWatermark: number | null;
  /** Records behind the high watermark and bytes on disk, by broker. */
  readonly replicas: Readonly<Record<number, { readonly lag: number; readonly sizeBytes: number }>>;
}

/** A picture of nothing. */
export const NOTHING: ClusterPicture = {
  clusterId: '',
  controllerId: -1,
  controllerEpoch: -1,
  brokers: [],
  partitions: {},
};

/** `topic-0`, as Kafka writes it. */
export function nameOf({ topic, partition }: Pick<PartitionPicture, 'topic' | 'partition'>): string {
  return `${topic}-${partition}`;
}

/** Null when nothing is. */
export function changeBetween(
  before: ClusterPicture,
  after: ClusterPicture,
  atMs: number,
): PictureChange | null {
  const partitions: Record<string, PartitionPicture> = {};
  for (const [name, partition] of Object.entries(after.partitions)) {
    if (!same(before.partitions[name], partition)) partitions[name] = partition;
  }
  const removed = Object.keys(before.partitions).filter((name) => after.partitions[name] === undefined);
  const change: PictureChange = {
    atMs,
    ...(before.controllerId === after.controllerId ? {} : { controllerId: after.controllerId }),
    ...(before.controllerEpoch === after.controllerEpoch ? {} : { controllerEpoch: after.controllerEpoch }),
    ...(same(before.brokers, after.brokers) ? {} : { brokers: after.brokers }),
    partitions,
    removed,
  };
  const isNothing = Object.keys(change).length === 3 && isEmpty(partitions) && removed.length === 0;
  return isNothing ? null : change;
}

export function applyChange(picture: ClusterPicture, change: PictureChange): ClusterPicture {
  return applyChanges(picture, [change]);
}

/** All at once: of many changes the partitions are copied once. */
export function applyChanges(picture: ClusterPicture, changes: readonly PictureChange[]): ClusterPicture {
  const partitions = { ...picture.partitions };
  let { controllerId, controllerEpoch, brokers } = picture;
  for (const change of changes) {
    Object.assign(partitions, change.partitions);
    for (const name of change.removed) delete partitions[name];
    controllerId = change.controllerId ?? controllerId;
    controllerEpoch = change.controllerEpoch ?? controllerEpoch;
    brokers = change.brokers ?? brokers;
  }
  return { clusterId: picture.clusterId, controllerId, controllerEpoch, brokers, partitions };
}

/** A picture, and what changed since, in the order of time. */
export interface Recording {
  readonly startedMs: number;
  readonly first: ClusterPicture;
  readonly changes: readonly PictureChange[];
}

/** The cluster as it was at a moment; of one before the recording the first that is known. */
export function pictureAt({ first, changes }: Recording, atMs: number): ClusterPicture {
  const later = changes.findIndex((change) => change.atMs > atMs);
  return applyChanges(first, later < 0 ? changes : changes.slice(0, later));
}

/** Fewer in sync than there should be; replicas that a reassignment adds are no trouble yet. */
export function isUnderReplicated({ replicas, isr, adding }: PartitionPicture): boolean {
  return isr.length < replicas.length - adding.length;
}

/** By value; arrays and plain objects only. */
function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}
