/** A replica moves to another log directory: the copy, the swap, and what may come in between. */
import { describe, expect, it } from 'vitest';
import { LiveValue } from '../../../broker/config/live.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { describeLogDirs } from '../../../broker/handlers/35-describe-log-dirs.ts';
import type { LogManager } from '../../../broker/log/log-manager.ts';
import type { ReplicaState } from '../../../broker/metadata/delta.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import { IsrProposals } from '../../../broker/replication/isr-proposals.ts';
import type { RoleChange } from '../../../broker/replication/leadership.ts';
import { LogDirMoves } from '../../../broker/replication/log-dir-moves.ts';
import { Partition } from '../../../broker/replication/partition.ts';
import { ask } from '../handlers/ask.ts';
import { append, contents, type Fixture, fixture } from '../log/support.ts';

const VOLUME = { totalBytes: () => 2, freeBytes: () => 1 };
const AT = { topic: 't', partition: 0 };
const LEADING: ReplicaState = {
  ...AT,
  controllerEpoch: 1,
  leader: 1,
  leaderEpoch: 0,
  isr: [1],
  partitionEpoch: 0,
  replicas: [1],
  addingReplicas: [],
  removingReplicas: [],
  isNew: true,
  topicId: null,
};

/** A broker that leads t-0, whose log lies in /a; there is /b as well. */
async function broker(
  rate = Number.MAX_SAFE_INTEGER,
  made = fixture({ 'retention.ms': '-1' }, { logDirs: ['/a', '/b'] }),
) {
  const logs = await made.start();
  const log = logs.log('t', 0) ?? logs.create('t', 0, { isNew: true, topicId: null });
  const partition = leading(made, logs);
  let told: (change: RoleChange) => void = () => {};
  const known = new Map([['t-0', partition]]);
  const moves = new LogDirMoves({
    clock: made.clock,
    diagnostics: silent,
    metrics: createMetrics(),
    config: {
      replicaFetchMaxBytes: 1000,
      alterLogDirsReplicationQuotaWindowNum: 11,
      alterLogDirsReplicationQuotaWindowSizeSeconds: 1,
    },
    liveConfig: new LiveValue({ replicaAlterLogDirsIoMaxBytesPerSecond: rate }),
    logs,
    replicas: {
      lookup: (topic, number) =>
        known.get(`${topic}-${number}`) ??
        (topic === 't' ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
      onLeadership: (listener) => {
        told = listener;
      },
      logReplaced: (replica, future) => replica.attachLog(future),
    },
  });
  const begin = () => told({ ...AT, leaderEpoch: 0, role: 'leader' });
  return { made, logs, log, partition, moves, begin };
}

function leading({ clock }: Fixture, logs: LogManager): Partition {
  const nothing = (): void => {};
  const partition = new Partition('t', 0, {
    brokerId: 1,
    clock,
    journal: createJournal(clock, silent),
    lagTimeMaxMs: 30_000,
    isAlive: () => true,
    proposals: new IsrProposals({
      clock,
      diagnostics: silent,
      brokerId: 1,
      brokerEpoch: () => 1,
      propose: () => new Promise(() => {}),
    }),
    events: {
      appended: nothing,
      highWatermarkMoved: nothing,
      startOffsetMoved: nothing,
      isrChanged: nothing,
    },
  });
  const log = logs.log('t', 0);
  if (log !== undefined) partition.becomeLeader(LEADING, log);
  return partition;
}

function fill(log: Parameters<typeof append>[0], count: number): void {
  for (let number = 0; number < count; number++) append(log, [`${log.endOffset}`.repeat(100)]);
  log.updateHighWatermark(log.endOffset);
}

describe('a move', () => {
  it('copies the log, puts the copy in its place, and leaves the old one to be removed', async () => {
    const { made, logs, log, partition, moves } = await broker();
    fill(log, 20);
    const before = contents(log);
    expect(moves.alter(AT, '/b')).toBe(ErrorCode.NONE);
    expect(made.disk.list('/b').some((name) => /^t-0\.[0-9a-f]{32}-future$/.test(name))).toBe(true);
    await made.clock.runFor(1000);
    const moved = logs.log('t', 0);
    expect(partition.log).toBe(moved);
    expect(moved?.directory).toBe('/b/t-0');
    expect(moved === undefined ? [] : contents(moved)).toEqual(before);
    expect(moved?.highWatermark).toBe(20);
    expect(moved?.epochs.latestEpoch()).toBe(log.epochs.latestEpoch());
    expect(made.disk.list('/a').some((name) => name.endsWith('-delete'))).toBe(true);
    await made.clock.runFor(60_000);
    expect(made.disk.list('/a').filter((name) => name.startsWith('t-0'))).toEqual([]);
    if (moved !== undefined) fill(moved, 1);
    logs.shutdown();
    const again = (await made.start()).log('t', 0);
    expect([again?.directory, again?.endOffset]).toEqual(['/b/t-0', 21]);
  });

  it('takes along what is appended, cut and deleted meanwhile', async () => {
    const { made, logs, log, moves } = await broker(2000);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    expect(logs.futures.get('t', 0)?.endOffset).toBeGreaterThan(0);
    log.truncateTo(3);
    expect(logs.futures.get('t', 0)?.endOffset).toBeLessThanOrEqual(3);
    fill(log, 10);
    log.raiseStartOffset(2);
    const expected = contents(log);
    await made.clock.runFor(30_000);
    const moved = logs.log('t', 0);
    expect([moved?.directory, moved?.startOffset, moved?.endOffset]).toEqual(['/b/t-0', 2, 13]);
    expect(moved === undefined ? [] : contents(moved)).toEqual(expected);
  });

  it('is no faster than replica.alter.log.dirs.io.max.bytes.per.second', async () => {
    const { made, logs, log, moves } = await broker(2000);
    fill(log, 100);
    const seconds = log.sizeBytes / 2000;
    moves.alter(AT, '/b');
    const startedMs = made.clock.nowMs();
    await made.clock.runUntilTrue(() => logs.log('t', 0)?.logDirectory === '/b', 60_000);
    const took = (made.clock.nowMs() - startedMs) / 1000;
    expect(took).toBeGreaterThan(seconds * 0.7);
    expect(took).toBeLessThan(seconds * 1.3);
  });

  it('is described as the future of its replica, with how far it is behind', async () => {
    const { made, logs, log, moves } = await broker(2000);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    const { response } = await ask(describeLogDirs, 4, { topics: null }, { logs, disk: VOLUME });
    const found = response.results.flatMap(({ logDir, topics }) =>
      topics.flatMap(({ partitions }) =>
        partitions.map(({ isFutureKey, offsetLag }) => [logDir, isFutureKey, offsetLag]),
      ),
    );
    const future = logs.futures.get('t', 0);
    expect(future?.endOffset).toBeLessThan(60);
    expect(found).toEqual([
      ['/a', false, 0],
      ['/b', true, 60 - (future?.endOffset ?? 0)],
    ]);
  });

  it('is given up when the replica is wanted where it is', async () => {
    const { made, logs, log, moves } = await broker(100);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    expect(moves.alter(AT, '/a')).toBe(ErrorCode.NONE);
    await made.clock.runFor(100_000);
    expect(logs.log('t', 0)?.directory).toBe('/a/t-0');
    expect(made.disk.list('/b').filter((name) => name.startsWith('t-0'))).toEqual([]);
  });

  it('that a stop has interrupted goes on when the replica is led again', async () => {
    const first = await broker(100);
    fill(first.log, 60);
    first.moves.alter(AT, '/b');
    await first.made.clock.runFor(500);
    first.moves.stop();
    first.logs.shutdown();
    const { made, logs, begin } = await broker(undefined, first.made);
    expect(logs.futures.get('t', 0)?.endOffset).toBeGreaterThan(0);
    begin();
    await made.clock.runFor(1000);
    expect([logs.log('t', 0)?.directory, logs.log('t', 0)?.endOffset]).toEqual(['/b/t-0', 60]);
  });

  it('ends with its partition', async () => {
    const { made, logs, log, moves } = await broker(100);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    logs.delete('t', 0);
    await made.clock.runFor(100_000);
    for (const path of ['/a', '/b']) {
      expect(made.disk.list(path).filter((name) => name.startsWith('t-0'))).toEqual([]);
    }
  });
});

describe('a directory that fails during a move', () => {
  it('and to which the replica was going, leaves it where it is', async () => {
    const { made, logs, log, moves } = await broker(2000);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    made.disk.fault = (_, path) => (path.startsWith('/b') ? 'EIO' : null);
    await made.clock.runFor(30_000);
    expect(logs.directories()).toContainEqual({ path: '/b', online: false });
    expect(logs.futures.get('t', 0)).toBeUndefined();
    expect(log.closed).toBe(false);
    expect(contents(log)).toHaveLength(60);
    expect(moves.alter(AT, '/b')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });

  it('and in which the replica lay until just now, does not take it along', async () => {
    const { made, logs, log, partition, moves } = await broker();
    fill(log, 5);
    made.disk.fault = (operation, path) =>
      operation === 'rename' && path.startsWith('/a/t-0') ? 'EIO' : null;
    moves.alter(AT, '/b');
    await made.clock.runFor(1000);
    expect(logs.directories()).toContainEqual({ path: '/a', online: false });
    expect(logs.log('t', 0)?.directory).toBe('/b/t-0');
    expect(partition.log).toBe(logs.log('t', 0));
    expect(partition.log?.closed).toBe(false);
  });

  it('and in which the replica lies, ends the move', async () => {
    const { made, logs, log, moves } = await broker(2000);
    fill(log, 60);
    moves.alter(AT, '/b');
    await made.clock.runFor(500);
    made.disk.fault = (_, path) => (path.startsWith('/a') ? 'EIO' : null);
    expect(() => append(log, ['x'])).toThrow();
    await made.clock.runFor(30_000);
    expect(logs.log('t', 0)).toBeUndefined();
    expect(logs.futures.get('t', 0)?.closed).toBe(false);
  });
});

describe('what can not be moved', () => {
  it('is told apart', async () => {
    const { moves } = await broker();
    expect(moves.alter(AT, '/c')).toBe(ErrorCode.LOG_DIR_NOT_FOUND);
    expect(moves.alter({ topic: 'nobody', partition: 0 }, '/b')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(moves.alter({ topic: 'x'.repeat(249), partition: 0 }, '/b')).toBe(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
  });

  it('because it is not here yet is made where it is wanted', async () => {
    const { logs, moves } = await broker();
    logs.create('t', 8, { isNew: true, topicId: null });
    expect(moves.alter({ topic: 't', partition: 9 }, '/a')).toBe(ErrorCode.REPLICA_NOT_AVAILABLE);
    expect(logs.create('t', 9, { isNew: true, topicId: null }).logDirectory).toBe('/a');
  });
});
