/**
 * The records of `__consumer_offsets`: keys and values, each with its version first. We write what
 * Kafka 3.9 writes in ZooKeeper mode (offset key 1, value 3, or 1 for a commit with its own retention;
 * group key 2, value 3) and read every version, the flexible 4 included. A null value is a tombstone.
 * Source: OffsetCommitKey/Value and GroupMetadataKey/Value of Kafka's group coordinator.
 */
import { array, bytes, type DataOf, data, int32, int64, safeInt64, string } from '../../protocol/schema.ts';
import type { KeyValue, RecordCodec } from '../runtime/shard.ts';
import { decodeVersioned, encodeVersioned, versionOf } from '../runtime/versioned.ts';
import type { Commit } from './offsets.ts';

const OffsetCommitKey = data({
  name: 'OffsetCommitKey',
  versions: '0-1',
  flexible: 'none',
  fields: { group: string('0+'), topic: string('0+'), partition: int32('0+') },
});

const OffsetCommitValue = data({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
  },
});

const GroupMetadataKey = data({
  name: 'GroupMetadataKey',
  versions: '2',
  flexible: 'none',
  fields: { group: string('2+') },
});

const GroupMetadataValue = data({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: string('0+'),
    generation: int32('0+'),
    protocol: string('0+', { nullable: '0+' }),
    leader: string('0+', { nullable: '0+' }),
    currentStateTimestamp: safeInt64('2+', { default: -1, ignorable: true }),
    members: array('0+', {
      memberId: string('0+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
      clientId: string('0+'),
      clientHost: string('0+'),
      rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
      sessionTimeout: int32('0+'),
      subscription: bytes('0+'),
      assignment: bytes('0+'),
    }),
  },
});

export type GroupValue = DataOf<typeof GroupMetadataValue>;

export type GroupRecord =
  | {
      readonly kind: 'offset';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
      readonly commit: Commit | null;
    }
  | { readonly kind: 'group'; readonly groupId: string; readonly value: GroupValue | null };

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 3;
const OFFSET_VALUE_VERSION_WITH_EXPIRY = 1;
const GROUP_VALUE_VERSION = 3;

export const groupRecordCodec: RecordCodec<GroupRecord> = {
  encode(record) {
    if (record.kind === 'group') {
      const { groupId: group, value } = record;
      return {
        key: encodeVersioned(GroupMetadataKey, GROUP_KEY_VERSION, { group }),
        value: value === null ? null : encodeVersioned(GroupMetadataValue, GROUP_VALUE_VERSION, value),
      };
    }
    const { groupId: group, topic, partition, commit } = record;
    return {
      key: encodeVersioned(OffsetCommitKey, OFFSET_KEY_VERSION, { group, topic, partition }),
      value: commit === null ? null : encodeCommit(commit),
    };
  },

  decode({ key, value }: KeyValue) {
    const version = versionOf(key);
    if (version === GROUP_KEY_VERSION) {
      const { group: groupId } = decodeVersioned(GroupMetadataKey, key);
      return {
        kind: 'group',
        groupId,
        value: value === null ? null : decodeVersioned(GroupMetadataValue, value),
      };
    }
    if (version < 0 || version > OFFSET_KEY_VERSION) return null;
    const { group: groupId, topic, partition } = decodeVersioned(OffsetCommitKey, key);
    return { kind: 'offset', groupId, topic, partition, commit: value === null ? null : decodeCommit(value) };
  },
};

function encodeCommit(commit: Commit): Buffer {
  const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs } = commit;
  const common = { offset, metadata, commitTimestamp: commitTimestampMs };
  if (expireTimestampMs === null) {
    return encodeVersioned(OffsetCommitValue, OFFSET_VALUE_VERSION, { ...common, leaderEpoch });
  }
  const value = { ...common, expireTimestamp: expireTimestampMs };
  return encodeVersioned(OffsetCommitValue, OFFSET_VALUE_VERSION_WITH_EXPIRY, value);
}

function decodeCommit(bytes: Buffer): Commit {
  const value = decodeVersioned(OffsetCommitValue, bytes);
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp === -1 ? null : value.expireTimestamp,
  };
}
