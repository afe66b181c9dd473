/**
 * The records of `__consumer_offsets`: keys and values, each with its version first. We write what
 * Kafka 3.9 writes in ZooKeeper mode (offset key 1, value 3, or 1 for a commit with its own retention;
 * group key 2, value 3) and read every version, the flexible 4 included. A null value is a tombstone.
 * Source: OffsetCommitKey/Value and GroupMetadataKey/Value of Kafka's group coordinator.
 */
import { toSafeInteger } from '../../int64.ts';
import { FieldReader, FieldWriter } from './fields.ts';
import type { Group, Member } from './group.ts';
import { memberMetadata, newGroup } from './group.ts';
import type { CommittedOffset } from './offsets.ts';

export type GroupRecordKey =
  | { readonly kind: 'offset'; readonly groupId: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly groupId: string }
  /** Written by something newer than us: skipped. */
  | { readonly kind: 'unknown'; readonly version: number };

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 3;
const OFFSET_VALUE_VERSION_WITH_EXPIRY = 1;
const GROUP_VALUE_VERSION = 3;
const FLEXIBLE_VERSION = 4;

export function encodeOffsetKey(groupId: string, topic: string, partition: number): Buffer {
  return new FieldWriter().int16(OFFSET_KEY_VERSION).string(groupId).string(topic).int32(partition).bytes();
}

export function encodeGroupKey(groupId: string): Buffer {
  return new FieldWriter().int16(GROUP_KEY_VERSION).string(groupId).bytes();
}

export function decodeKey(key: Buffer): GroupRecordKey {
  const reader = new FieldReader(key, false);
  const version = reader.int16();
  if (version === 0 || version === OFFSET_KEY_VERSION) {
    return { kind: 'offset', groupId: reader.string(), topic: reader.string(), partition: reader.int32() };
  }
  if (version === GROUP_KEY_VERSION) return { kind: 'group', groupId: reader.string() };
  return { kind: 'unknown', version };
}

export function encodeOffsetValue(commit: CommittedOffset): Buffer {
  if (commit.expireTimestampMs !== null) {
    return new FieldWriter()
      .int16(OFFSET_VALUE_VERSION_WITH_EXPIRY)
      .int64(commit.offset)
      .string(commit.metadata)
      .int64(commit.commitTimestampMs)
      .int64(commit.expireTimestampMs)
      .bytes();
  }
  return new FieldWriter()
    .int16(OFFSET_VALUE_VERSION)
    .int64(commit.offset)
    .int32(commit.leaderEpoch)
    .string(commit.metadata)
    .int64(commit.commitTimestampMs)
    .bytes();
}

export function decodeOffsetValue(value: Buffer, recordOffset: number): CommittedOffset {
  const version = value.readInt16BE(0);
  const reader = new FieldReader(value, version >= FLEXIBLE_VERSION);
  reader.int16();
  const offset = reader.int64();
  const leaderEpoch = version >= 3 ? reader.int32() : -1;
  const metadata = reader.string();
  const commitTimestampMs = reader.int64();
  const expiry = version === OFFSET_VALUE_VERSION_WITH_EXPIRY ? reader.int64() : -1;
  return {
    offset,
    leaderEpoch,
    metadata,
    commitTimestampMs,
    expireTimestampMs: expiry === -1 ? null : expiry,
    recordOffset,
  };
}

/** The group as it will be once `assignments` are its members' (the group itself is not yet changed). */
export function encodeGroupValue(group: Group, assignments: ReadonlyMap<string, Buffer>): Buffer {
  const writer = new FieldWriter()
    .int16(GROUP_VALUE_VERSION)
    .string(group.protocolType ?? '')
    .int32(group.generationId)
    .nullableString(group.protocolName)
    .nullableString(group.leaderId)
    .int64(group.stateSinceMs)
    .int32(group.members.size);
  for (const member of group.members.values()) {
    writer
      .string(member.memberId)
      .nullableString(member.instanceId)
      .string(member.clientId)
      .string(member.clientHost)
      .int32(member.rebalanceTimeoutMs)
      .int32(member.sessionTimeoutMs)
      .sized(memberMetadata(member, group.protocolName))
      .sized(assignments.get(member.memberId) ?? member.assignment);
  }
  return writer.bytes();
}

/** The group as a coordinator finds it in the log: Stable with members, Empty without. */
export function decodeGroupValue(groupId: string, value: Buffer): Group {
  const version = value.readInt16BE(0);
  const reader = new FieldReader(value, version >= FLEXIBLE_VERSION);
  reader.int16();
  const group = newGroup(groupId, -1);
  const protocolType = reader.string();
  group.protocolType = protocolType === '' ? null : protocolType;
  group.generationId = reader.int32();
  group.protocolName = reader.nullableString();
  group.leaderId = reader.nullableString();
  if (version >= 2) group.stateSinceMs = toSafeInteger(reader.int64());
  const count = reader.count();
  for (let index = 0; index < count; index++) {
    const member = readMember(reader, version, group);
    group.members.set(member.memberId, member);
    if (member.instanceId !== null) group.staticMembers.set(member.instanceId, member.memberId);
    reader.tags();
  }
  group.state = count > 0 ? 'Stable' : 'Empty';
  return group;
}

function readMember(reader: FieldReader, version: number, group: Group): Member {
  const memberId = reader.string();
  const instanceId = version >= 3 ? reader.nullableString() : null;
  const clientId = reader.string();
  const clientHost = reader.string();
  const rebalance = version >= 1 ? reader.int32() : null;
  const sessionTimeoutMs = reader.int32();
  const subscription = reader.sized();
  const assignment = reader.sized();
  return {
    memberId,
    instanceId,
    clientId,
    clientHost,
    rebalanceTimeoutMs: rebalance ?? sessionTimeoutMs,
    sessionTimeoutMs,
    protocolType: group.protocolType ?? '',
    protocols: [{ name: group.protocolName ?? '', metadata: subscription }],
    assignment,
    joinTicket: null,
    syncTicket: null,
    isNew: false,
  };
}
