/** Offsets that are committed within a transaction: nobody sees them before its marker, and no failover loses them. */
import { describe, expect, it } from 'vitest';
import { GroupCoordinator } from '../../../broker/coordinators/group/group-coordinator.ts';
import type { VerifyTransaction } from '../../../broker/coordinators/group/transactional-offsets.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { partitionForKey } from '../../../broker/java-hash.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { batchBaseSequence, batchIsTransactional, batchProducerId } from '../../../broker/records/batch.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';
import { MemoryStateLog } from './memory-state-log.ts';

const PARTITIONS = 5;
const GROUP = 'readers';
const OWNER = partitionForKey(GROUP, PARTITIONS);
const NOBODY = { memberId: '', instanceId: null, generationId: -1 };

class GroupWorld {
  readonly clock = new World().clock;
  readonly log: MemoryStateLog;
  readonly groups: GroupCoordinator;
  verify: VerifyTransaction = () => Promise.resolve({ error: ErrorCode.NONE });

  constructor(log = new MemoryStateLog('__consumer_offsets')) {
    const { clock } = this;
    this.log = log;
    this.groups = new GroupCoordinator({
      clock,
      random: simulatedRandom(7),
      log,
      diagnostics: silent,
      journal: createJournal(clock, silent),
      metrics: createMetrics(),
      partitionCount: () => PARTITIONS,
      verifyTransaction: (...question) => this.verify(...question),
      settings: {
        initialRebalanceDelayMs: 0,
        groupMaxSize: 100,
        commitTimeoutMs: 5000,
        minSessionTimeoutMs: 1000,
        maxSessionTimeoutMs: 60_000,
        metadataMaxLength: 16,
        retentionMs: 1000,
        retentionCheckIntervalMs: 600_000,
        loadBufferSizeBytes: 1 << 20,
      },
    });
  }

  async elected(): Promise<this> {
    const elected = this.groups.elect(OWNER, 1);
    await this.clock.runFor(1);
    await elected;
    return this;
  }

  /** The coordinator after this one: it knows what is in the log. */
  successor(): Promise<GroupWorld> {
    return new GroupWorld(this.log).elected();
  }

  commitBy(
    producerId: number,
    offset: number,
    { partition = 0, ...who }: { partition?: number; memberId?: string; generationId?: number } = {},
  ): Promise<ErrorCode[]> {
    return this.groups.commitInTransaction({
      groupId: GROUP,
      transactionalId: `tx-${producerId}`,
      producerId,
      producerEpoch: 0,
      ...NOBODY,
      ...who,
      commits: [commitOf(offset, partition)],
    });
  }

  commitPlainly(offset: number): Promise<ErrorCode[]> {
    return this.groups.commitOffsets({ groupId: GROUP, ...NOBODY, commits: [commitOf(offset, 0)] });
  }

  /** What the receiver of markers does. */
  async end(producerId: number, committed: boolean): Promise<void> {
    const ending = this.groups.transactionEnding(OWNER, producerId);
    const marker = endTransactionMarker({
      committed,
      producerId,
      producerEpoch: 0,
      coordinatorEpoch: 1,
      timestampMs: 1,
    });
    const { baseOffset } = await this.log.append(OWNER, marker);
    await ending({ committed, markerOffset: baseOffset });
  }

  /** By partition of `t`, as `OffsetFetch` of somebody who wants what is stable. */
  stable(): Record<string, unknown> {
    return shown(this.groups.fetchOffsets(GROUP, ['t-0', 't-1'], true).offsets);
  }

  seen(): Record<string, unknown> {
    return shown(this.groups.fetchOffsets(GROUP, null).offsets);
  }
}

function shown(offsets: ReturnType<GroupCoordinator['fetchOffsets']>['offsets']): Record<string, unknown> {
  return Object.fromEntries(
    [...offsets].map(([key, commit]) => [key, commit === 'unstable' ? commit : commit.offset]),
  );
}

function commitOf(offset: number, partition: number) {
  return {
    topic: 't',
    partition,
    offset,
    leaderEpoch: 3,
    metadata: '',
    commitTimestampMs: 1000,
    expireTimestampMs: null,
  };
}

describe('a commit within a transaction', () => {
  it('is written as records of its producer, without a sequence', async () => {
    const world = await new GroupWorld().elected();
    expect(await world.commitBy(7, 5)).toEqual([ErrorCode.NONE]);
    const [{ batch } = { batch: Buffer.alloc(0) }] = world.log.batches.get(OWNER) ?? [];
    expect(batchIsTransactional(batch, 0)).toBe(true);
    expect(batchProducerId(batch, 0)).toBe(7);
    expect(batchBaseSequence(batch, 0)).toBe(-1);
  });

  it('is unstable, and what was committed before it is shown, until the marker decides', async () => {
    const world = await new GroupWorld().elected();
    await world.commitPlainly(1);
    await world.commitBy(7, 5);
    expect(world.seen()).toEqual({ 't-0': 1 });
    expect(world.stable()).toEqual({ 't-0': 'unstable' });
    await world.end(7, true);
    expect(world.stable()).toEqual({ 't-0': 5 });
  });

  it('is unstable also while it is being replicated', async () => {
    const world = await new GroupWorld().elected();
    world.log.held = [];
    void world.commitBy(7, 5);
    await world.clock.runFor(0);
    expect(world.stable()).toEqual({ 't-0': 'unstable' });
  });

  it('vanishes with an abort', async () => {
    const world = await new GroupWorld().elected();
    await world.commitBy(7, 5);
    await world.end(7, false);
    expect(world.stable()).toEqual({});
    expect((await world.successor()).stable()).toEqual({});
  });

  it('does not replace one that is later in the log', async () => {
    const world = await new GroupWorld().elected();
    await world.commitBy(7, 5);
    await world.commitPlainly(9);
    await world.end(7, true);
    expect(world.seen()).toEqual({ 't-0': 9 });
    expect((await world.successor()).seen()).toEqual({ 't-0': 9 });
  });

  it('of one producer is not decided by the marker of another', async () => {
    const world = await new GroupWorld().elected();
    await world.commitBy(7, 5);
    await world.commitBy(8, 6, { partition: 1 });
    await world.end(8, true);
    expect(world.stable()).toEqual({ 't-0': 'unstable', 't-1': 6 });
    expect((await world.successor()).stable()).toEqual({ 't-0': 'unstable', 't-1': 6 });
  });

  it('that is answered after its marker is decided by it all the same', async () => {
    const world = await new GroupWorld().elected();
    world.log.held = [];
    const committing = world.commitBy(7, 5);
    await world.clock.runFor(0);
    const ending = world.end(7, true);
    const [ofCommit, ofMarker] = world.log.held;
    ofMarker?.();
    await world.clock.runFor(0);
    ofCommit?.();
    await Promise.all([committing, ending]);
    expect(world.stable()).toEqual({ 't-0': 5 });
  });

  it('after a marker waits for the next one', async () => {
    const world = await new GroupWorld().elected();
    await world.commitBy(7, 5);
    const ending = world.groups.transactionEnding(OWNER, 7);
    await world.commitBy(7, 6, { partition: 1 });
    await ending({ committed: true, markerOffset: 0.5 });
    expect(world.stable()).toEqual({ 't-0': 5, 't-1': 'unstable' });
  });

  it.each(['commit', 'abort'] as const)('is decided after a failover as before it (%s)', async (how) => {
    const world = await new GroupWorld().elected();
    await world.commitPlainly(1);
    await world.commitBy(7, 5);
    const after = await world.successor();
    expect(after.seen()).toEqual({ 't-0': 1 });
    expect(after.stable()).toEqual({ 't-0': 'unstable' });
    await after.end(7, how === 'commit');
    const expected = { 't-0': how === 'commit' ? 5 : 1 };
    expect(after.stable()).toEqual(expected);
    expect((await after.successor()).stable()).toEqual(expected);
  });

  it('keeps a group that has nothing else over a failover', async () => {
    const world = await new GroupWorld().elected();
    await world.commitBy(7, 5);
    const after = await world.successor();
    expect(after.groups.listGroups().groups).toHaveLength(1);
  });
});

describe('who may commit within a transaction', () => {
  it('is asked of its coordinator, with the partition of the group', async () => {
    const world = await new GroupWorld().elected();
    const asked: unknown[] = [];
    world.verify = (...question) => {
      asked.push(question);
      return Promise.resolve({ error: ErrorCode.INVALID_TXN_STATE });
    };
    expect(await world.commitBy(7, 5)).toEqual([ErrorCode.INVALID_TXN_STATE]);
    expect(asked).toEqual([[OWNER, { transactionalId: 'tx-7', producerId: 7, producerEpoch: 0 }]]);
    expect(world.log.batches.size).toBe(0);
  });

  it.each([
    [ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS],
  ])('is told %d of the question as %d', async (error, told) => {
    const world = await new GroupWorld().elected();
    world.verify = () => Promise.resolve({ error });
    expect(await world.commitBy(7, 5)).toEqual([told]);
  });

  it('is not asked where the group is not coordinated, or no longer after the question', async () => {
    const world = new GroupWorld();
    expect(await world.commitBy(7, 5)).toEqual([ErrorCode.NOT_COORDINATOR]);
    await world.elected();
    world.verify = () => {
      world.groups.resign(OWNER);
      return Promise.resolve({ error: ErrorCode.NONE });
    };
    expect(await world.commitBy(7, 5)).toEqual([ErrorCode.NOT_COORDINATOR]);
  });

  it('says so from version 3 on: an unknown member and an old generation are refused', async () => {
    const world = await new GroupWorld().elected();
    expect(await world.commitBy(7, 5, { memberId: 'm', generationId: 3 })).toEqual([
      ErrorCode.UNKNOWN_MEMBER_ID,
    ]);
    const joined = world.groups.joinGroup({
      groupId: GROUP,
      memberId: '',
      instanceId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      requireKnownMemberId: false,
      supportsSkippingAssignment: false,
    });
    await world.clock.runFor(100);
    const { memberId, generationId } = await joined;
    expect(await world.commitBy(7, 5, { memberId, generationId: generationId + 1 })).toEqual([
      ErrorCode.ILLEGAL_GENERATION,
    ]);
    // The group awaits its assignment; within a transaction that does not matter.
    expect(await world.commitBy(7, 5, { memberId, generationId })).toEqual([ErrorCode.NONE]);
    // Versions before don't say who commits.
    expect(await world.commitBy(7, 6)).toEqual([ErrorCode.NONE]);
  });
});

describe('what is removed while a transaction is open', () => {
  it('does not come back with its marker, be it offsets or the group', async () => {
    for (const remove of [
      (world: GroupWorld) => world.groups.deleteOffsets(GROUP, ['t-0']),
      (world: GroupWorld) => world.groups.deleteGroup(GROUP),
      (world: GroupWorld) => world.groups.forgetPartitions(new Set(['t-0'])),
    ]) {
      const world = await new GroupWorld().elected();
      await world.commitBy(7, 5);
      await remove(world);
      await world.end(7, true);
      expect(world.seen()).toEqual({});
      expect((await world.successor()).seen()).toEqual({});
    }
  });

  it('is not what a commit is open for: such offsets outlive their retention', async () => {
    const world = await new GroupWorld().elected();
    await world.commitPlainly(1);
    await world.commitBy(7, 5);
    world.groups.start();
    await world.clock.runFor(1_300_000);
    expect(world.seen()).toEqual({ 't-0': 1 });
    await world.end(7, false);
    await world.clock.runFor(700_000);
    expect(world.seen()).toEqual({});
    world.groups.shutdown();
  });
});
