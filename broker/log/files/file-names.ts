/**
 * How files and folders of a log directory are called (Kafka's LogFileUtils and LocalLog). A log's
 * files carry their first offset as 20 digits, so that the order of names is the order of offsets.
 */
import { type TopicPartition, topicNameComplaint } from '../../types.ts';

export const LOG_SUFFIX = '.log';
export const OFFSET_INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const ABORTED_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
/** Scheduled for removal; removed on sight when a log is loaded. */
export const DELETED_SUFFIX = '.deleted';
/** Output of a compaction that was not finished. */
export const CLEANED_SUFFIX = '.cleaned';
/** Finished output of a compaction that is taking the place of its sources. */
export const SWAP_SUFFIX = '.swap';

export const SEGMENT_SUFFIXES = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  ABORTED_INDEX_SUFFIX,
] as const;

const MAX_NAME_LENGTH = 255;

/** 20 digits, with zeros in front. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0');
}

/** The offset a file of a log begins with, or null when the name is not of that kind. */
export function offsetOfName(name: string): number | null {
  const match = /^(\d{20})\./.exec(name);
  return match === null ? null : Number(match[1]);
}

type DirectoryKind = 'log' | 'delete' | 'future' | 'stray';

interface LogDirectoryName extends TopicPartition {
  readonly kind: DirectoryKind;
}

/** `topic-3` or `topic-3.0123…-delete`; null when the name is neither, or its topic can't be one. */
export function parseLogDirectoryName(name: string): LogDirectoryName | null {
  const renamed = /^(.+)\.[0-9a-zA-Z_-]{22,32}-(delete|future|stray)$/.exec(name);
  const plain = renamed?.[1] ?? name;
  const kind = (renamed?.[2] ?? 'log') as DirectoryKind;
  const match = /^(.+)-(\d{1,10})$/.exec(plain);
  if (match === null || topicNameComplaint(match[1] ?? '') !== null) return null;
  return { topic: match[1] ?? '', partition: Number(match[2]), kind };
}

/** The name under which a log waits for its removal; the topic is cut when the name got too long. */
export function renamedDirectoryName(
  at: TopicPartition,
  kind: 'delete' | 'future' | 'stray',
  uniqueHex: string,
): string {
  const suffix = `-${at.partition}.${uniqueHex}-${kind}`;
  return at.topic.slice(0, MAX_NAME_LENGTH - suffix.length) + suffix;
}
