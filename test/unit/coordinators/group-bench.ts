/** A group coordinator over a log in memory and virtual time, and what its clients ask. */

import { expect } from 'vitest';
import { GroupCoordinator, type GroupJoin } from '../../../broker/coordinators/group/group-coordinator.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import type { Journal } from '../../../broker/platform/journal.ts';
import type { Metrics } from '../../../broker/platform/metrics.ts';
import type { SimulatedClock } from '../../support/simulated-clock.ts';
import { World } from '../../support/world.ts';
import { MemoryStateLog } from './memory-state-log.ts';

const TOPIC = '__consumer_offsets';
export const PARTITIONS = 5;
export const GROUP = 'readers';
export const OWNER = partitionForKey(GROUP, PARTITIONS);
export const DAY_MS = 24 * 3600 * 1000;

export function setUp(log = new MemoryStateLog(TOPIC)): {
  clock: SimulatedClock;
  log: MemoryStateLog;
  groups: GroupCoordinator;
  journal: Journal;
  metrics: Metrics;
} {
  const world = new World();
  const platform = world.platform();
  const groups = new GroupCoordinator({
    ...platform,
    log,
    partitionCount: () => PARTITIONS,
    verifyTransaction: () => Promise.resolve({ error: ErrorCode.NONE }),
    settings: {
      initialRebalanceDelayMs: 100,
      groupMaxSize: 100,
      commitTimeoutMs: 5000,
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 60_000,
      metadataMaxLength: 16,
      retentionMs: 7 * DAY_MS,
      retentionCheckIntervalMs: 600_000,
      loadBufferSizeBytes: 1 << 20,
    },
  });
  const { journal, metrics } = platform;
  return { clock: world.clock, log, groups, journal, metrics };
}

export const JOIN: GroupJoin = {
  groupId: GROUP,
  memberId: '',
  instanceId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  protocolType: 'consumer',
  protocols: [
    { name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff]) },
  ],
  requireKnownMemberId: false,
  supportsSkippingAssignment: false,
};

export function commitOf(offset: number, metadata = '') {
  return {
    topic: 't',
    partition: 0,
    offset,
    leaderEpoch: 3,
    metadata,
    commitTimestampMs: 1_767_225_600_000,
    expireTimestampMs: null,
  };
}

export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

/** A group of one stable member, whose id is returned. */
export async function stableMember({ clock, groups }: ReturnType<typeof setUp>): Promise<string> {
  const elected = groups.elect(OWNER, 1);
  await clock.runFor(1);
  await elected;
  const joining = groups.joinGroup(JOIN);
  await clock.runFor(200);
  const { memberId, generationId } = await joining;
  const synced = await groups.syncGroup({
    groupId: GROUP,
    memberId,
    instanceId: null,
    generationId,
    protocolType: null,
    protocolName: null,
    assignments: new Map([[memberId, Buffer.from('t-0')]]),
  });
  expect(synced.assignment.toString()).toBe('t-0');
  return memberId;
}
