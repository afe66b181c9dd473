/**
 * Kafka's JSON of a reassignment: which brokers, and perhaps which of their directories, each partition
 * is to be on. `any` is no particular directory. Source: kafka-reassign-partitions.
 */
import { UsageError } from '../arguments.ts';
import { type JsonField, partitionsOfFile } from '../json-file.ts';
import { comparePartitions, partitionName, type TopicPartition } from '../partitions.ts';

export interface PlannedPartition extends TopicPartition {
  /** The preferred leader first. */
  readonly replicas: readonly number[];
  /** By broker: only those for which a directory is asked for. */
  readonly logDirs: ReadonlyMap<number, string>;
}

const ANY = 'any';

/** The partitions of --reassignment-json-file, sorted. Throws UsageError. */
export function planOf(file: JsonField): PlannedPartition[] {
  const planned = partitionsOfFile(file).map(({ topic, partition, field }) => {
    const name = partitionName({ topic, partition });
    const replicas = field
      .at('replicas')
      .items()
      .map((item) => item.int32());
    if (replicas.length === 0) throw new UsageError(`${field.name}: partition ${name} has no replicas`);
    if (new Set(replicas).size < replicas.length)
      throw new UsageError(`${field.name}: partition ${name} names a broker twice`);
    return { topic, partition, replicas, logDirs: logDirsOf(field, replicas) };
  });
  if (planned.length === 0) throw new UsageError(`${file.name} partitions must not be empty`);
  return planned.sort(comparePartitions);
}

function logDirsOf(field: JsonField, replicas: readonly number[]): Map<number, string> {
  const listed = field.at('log_dirs');
  if (listed.value === undefined) return new Map();
  const paths = listed.items().map((item) => item.text());
  if (paths.length !== replicas.length)
    throw new UsageError(`${listed.name} must have as many entries as replicas, ${replicas.length}`);
  const pairs = replicas.map((broker, index) => [broker, paths[index] ?? ANY] as const);
  return new Map(pairs.filter(([, path]) => path !== ANY));
}

/** The topics of --topics-to-move-json-file: `{"topics": [{"topic": "t"}], "version": 1}`. Throws UsageError. */
export function topicsToMove(file: JsonField): string[] {
  file.checkVersion();
  const topics = file
    .at('topics')
    .items()
    .map((item) => item.at('topic').text());
  const twice = topics.find((topic, index) => topics.indexOf(topic) !== index);
  if (twice !== undefined) throw new UsageError(`${file.name}: topic ${twice} is there twice`);
  if (topics.length === 0) throw new UsageError(`${file.name} topics must not be empty`);
  return topics;
}

/** As Kafka's tool writes it, on one line. */
export function planJson(partitions: readonly PlannedPartition[]): string {
  const shown = partitions.map(({ topic, partition, replicas, logDirs }) => ({
    topic,
    partition,
    replicas,
    log_dirs: replicas.map((broker) => logDirs.get(broker) ?? ANY),
  }));
  return JSON.stringify({ version: 1, partitions: shown });
}
