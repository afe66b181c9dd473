/** Deltas from lists, as tests name partitions. */
import type { BrokerInfo } from '../../broker/cluster.ts';
import type {
  MetadataDelta,
  RemovedPartition,
  ReplicaDelta,
  ReplicaState,
  TopicDelta,
} from '../../broker/metadata/delta.ts';
import type { PartitionImage } from '../../broker/metadata/image.ts';
import type { Uuid } from '../../broker/types.ts';

/** A partition with the name of its topic. */
export interface ToldPartition extends PartitionImage {
  readonly topic: string;
}

export interface Told {
  readonly controllerId?: number;
  readonly brokers?: readonly BrokerInfo[];
  readonly partitions?: readonly ToldPartition[];
  readonly removed?: readonly (RemovedPartition & { readonly topic: string })[];
  readonly topicIds?: readonly (readonly [topic: string, topicId: Uuid])[];
  readonly onlyTopics?: readonly string[];
}

/** Of controller 1, if nothing else is said. */
export function metadataDelta(told: Told): MetadataDelta {
  const topics = new Map<string, TopicDelta & { changed: PartitionImage[]; removed: RemovedPartition[] }>();
  const ids = new Map(told.topicIds ?? []);
  const of = (topic: string) => {
    const delta = topics.get(topic) ?? { topicId: ids.get(topic) ?? null, changed: [], removed: [] };
    topics.set(topic, delta);
    return delta;
  };
  for (const { topic, ...image } of told.partitions ?? []) of(topic).changed.push(image);
  for (const { topic, ...removed } of told.removed ?? []) of(topic).removed.push(removed);
  return {
    controllerId: told.controllerId ?? 1,
    brokers: told.brokers ?? [],
    topics,
    onlyTopics: told.onlyTopics === undefined ? null : new Set(told.onlyTopics),
  };
}

/** What broker `brokerId` is to lead and to follow of these. */
export function replicaDelta(brokerId: number, states: readonly ReplicaState[]): ReplicaDelta {
  return {
    lead: states.filter(({ leader }) => leader === brokerId),
    follow: states.filter(({ leader }) => leader !== brokerId),
    stop: [],
  };
}
