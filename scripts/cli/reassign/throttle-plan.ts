/**
 * What must be throttled while partitions move: by topic the replicas that send and those that receive,
 * and the brokers that they are on. Pure. Source: ReassignPartitionsCommand, KIP-73.
 */
import { comparePartitions, partitionName, type TopicPartition } from '../partitions.ts';
import type { Reassignment } from './reassignments.ts';

interface ThrottlePlan {
  /** By topic, its two configs: `partition:broker,…`. */
  readonly topics: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly brokers: readonly number[];
}

interface Move extends TopicPartition {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
}

const LEADER_REPLICAS = 'leader.replication.throttled.replicas';
const FOLLOWER_REPLICAS = 'follower.replication.throttled.replicas';
const LEADER_RATE = 'leader.replication.throttled.rate';
const FOLLOWER_RATE = 'follower.replication.throttled.rate';
const LOG_DIR_RATE = 'replica.alter.log.dirs.io.max.bytes.per.second';

export const TOPIC_THROTTLES: readonly string[] = [LEADER_REPLICAS, FOLLOWER_REPLICAS];
export const BROKER_THROTTLES: readonly string[] = [LEADER_RATE, FOLLOWER_RATE, LOG_DIR_RATE];

/** `planned` are moves about to start from where partitions are now, `running` those that are under way. */
export function throttlePlan(
  planned: readonly (TopicPartition & { readonly replicas: readonly number[] })[],
  current: ReadonlyMap<string, readonly number[]>,
  running: readonly Reassignment[],
): ThrottlePlan {
  const moves = new Map<string, Move>();
  for (const { topic, partition, replicas, adding } of running) {
    const sources = replicas.filter((broker) => !adding.includes(broker));
    moves.set(partitionName({ topic, partition }), { topic, partition, sources, destinations: adding });
  }
  for (const { topic, partition, replicas } of planned) {
    const name = partitionName({ topic, partition });
    const sources = moves.get(name)?.sources ?? current.get(name) ?? [];
    const destinations = replicas.filter((broker) => !sources.includes(broker));
    moves.set(name, { topic, partition, sources, destinations });
  }
  const all = [...moves.values()].sort(comparePartitions);
  const topics = [...Map.groupBy(all, ({ topic }) => topic)].map(([topic, own]) => {
    const configs = [
      [LEADER_REPLICAS, throttled(own, 'sources')],
      [FOLLOWER_REPLICAS, throttled(own, 'destinations')],
    ] as const;
    return [topic, new Map(configs)] as const;
  });
  const brokers = new Set(all.flatMap(({ sources, destinations }) => [...sources, ...destinations]));
  return { topics: new Map(topics), brokers: [...brokers].sort((a, b) => a - b) };
}

/** The configs of a broker; null: that throttle is not asked for. */
export function brokerThrottles(interBroker: number | null, logDirs: number | null): Map<string, string> {
  return new Map([
    ...(interBroker === null
      ? []
      : ([
          [LEADER_RATE, String(interBroker)],
          [FOLLOWER_RATE, String(interBroker)],
        ] as const)),
    ...(logDirs === null ? [] : ([[LOG_DIR_RATE, String(logDirs)]] as const)),
  ]);
}

function throttled(moves: readonly Move[], side: 'sources' | 'destinations'): string {
  return moves
    .flatMap(({ partition, [side]: brokers }) =>
      [...brokers].sort((a, b) => a - b).map((broker) => `${partition}:${broker}`),
    )
    .join(',');
}
