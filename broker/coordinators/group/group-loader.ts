/**
 * Reads a partition of `__consumer_offsets` from its first offset to its end and rebuilds the groups:
 * the later record wins, a tombstone removes. It reads in slices so that the broker goes on serving.
 * Source: Kafka's GroupMetadataManager.loadGroupsAndOffsets.
 */
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { batchIsControl, batchLastOffset, completeBatches } from '../../records/batch.ts';
import { type RecordData, readRecords } from '../../records/record.ts';
import { type PartitionKey, partitionKey } from '../../types.ts';
import type { StateLog } from '../state-log.ts';
import type { Group } from './group.ts';
import { newGroup } from './group.ts';
import { decodeGroupValue, decodeKey, decodeOffsetValue } from './group-records.ts';
import type { CommittedOffset } from './offsets.ts';
import { newGroupOffsets } from './offsets.ts';
import { addEntry, type OwnedPartition } from './owned-partition.ts';

interface Loaded {
  readonly groups: Map<string, Group>;
  readonly offsets: Map<string, Map<PartitionKey, CommittedOffset>>;
}

/** Fills `owner.groups`; false when the partition was lost meanwhile. Throws, having filled in nothing, when records can't be read. */
export async function loadGroups(
  owner: OwnedPartition,
  options: { log: StateLog; clock: Clock; diagnostics: Diagnostics; bufferSizeBytes: number },
): Promise<boolean> {
  const { log, clock, diagnostics, bufferSizeBytes } = options;
  const loaded: Loaded = { groups: new Map(), offsets: new Map() };
  let position = log.range(owner.partition)?.startOffset ?? 0;
  for (;;) {
    await new Promise<void>((resolve) => clock.soon(resolve));
    if (owner.state !== 'loading') return false;
    const slice = log.read(owner.partition, position, bufferSizeBytes);
    if (slice === null) return false;
    let next: number;
    try {
      next = readSlice(slice.bytes, position, loaded, diagnostics);
    } finally {
      slice.release();
    }
    if (next === position) break;
    position = next;
  }
  for (const groupId of new Set([...loaded.groups.keys(), ...loaded.offsets.keys()])) {
    const group = loaded.groups.get(groupId) ?? newGroup(groupId, -1);
    const offsets = newGroupOffsets();
    for (const [key, commit] of loaded.offsets.get(groupId) ?? []) offsets.committed.set(key, commit);
    addEntry(owner, group, offsets);
  }
  return true;
}

function readSlice(bytes: Buffer, from: number, loaded: Loaded, diagnostics: Diagnostics): number {
  let next = from;
  for (const at of completeBatches(bytes, 0, bytes.length)) {
    next = Math.max(next, batchLastOffset(bytes, at) + 1);
    if (batchIsControl(bytes, at)) continue;
    for (const record of readRecords(bytes, at)) {
      if (record.offset < from) continue;
      try {
        applyRecord(record, loaded);
      } catch (error) {
        diagnostics.warn(
          `Skipped an unreadable record of ${'__consumer_offsets'} at offset ${record.offset}`,
          error,
        );
      }
    }
  }
  return next;
}

function applyRecord(record: RecordData, loaded: Loaded): void {
  if (record.key === null) return;
  const key = decodeKey(record.key);
  if (key.kind === 'unknown') return;
  if (key.kind === 'group') {
    if (record.value === null) loaded.groups.delete(key.groupId);
    else loaded.groups.set(key.groupId, decodeGroupValue(key.groupId, record.value));
    return;
  }
  let offsets = loaded.offsets.get(key.groupId);
  if (offsets === undefined) {
    offsets = new Map();
    loaded.offsets.set(key.groupId, offsets);
  }
  const partition = partitionKey(key.topic, key.partition);
  if (record.value === null) offsets.delete(partition);
  else offsets.set(partition, decodeOffsetValue(record.value, record.offset));
  if (offsets.size === 0) loaded.offsets.delete(key.groupId);
}
