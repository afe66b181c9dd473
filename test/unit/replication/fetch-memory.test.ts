/** What fetches take of the memory for answers, from their reading on. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { LateBytes } from '../../../broker/protocol/late-bytes.ts';
import type { FetchOutcome } from '../../../broker/replication/requests/read-partition.ts';
import { bytesOfPart } from '../../support/message-bytes.ts';
import { ReplicationCluster } from './cluster-kit.ts';
import { fetch, fetching, oneBroker, values } from './one-consumer.ts';

const MIB = 1024 * 1024;

describe('a consumer reads', () => {
  it('what there is memory for at once, more when it is sent, and the same either way', async () => {
    const cluster = await oneBroker();
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await cluster.produced(1, [letter.repeat(400 * 1024)]);
    const all = { maxBytes: 10_000_000, partitionMaxBytes: 10_000_000 };
    const atOnce = await fetch(cluster, 1, all);
    expect(atOnce.records).toBeInstanceOf(Buffer);
    cluster.answerMemory.add(120 * MIB);
    const late = await fetch(cluster, 1, all);
    expect(late.records).toBeInstanceOf(LateBytes);
    expect(bytesOfPart(late.records).equals(bytesOfPart(atOnce.records))).toBe(true);
    // A client of Fetch v0-3 needs them converted: it gets what there is memory for.
    atOnce.release();
    cluster.answerMemory.add(8 * MIB - 1);
    const old = await fetch(cluster, 1, { ...all, needsRecords: true });
    expect(old.records).toBeInstanceOf(Buffer);
    expect(values(old)).toHaveLength(1);
  });

  it('no more than memory is left for, whoever has read before and has not been sent anything', async () => {
    const cluster = await oneBroker();
    for (let count = 0; count < 4; count++) await cluster.produced(1, ['a'.repeat(400 * 1024)]);
    cluster.answerMemory.add(120 * MIB);
    const all = { maxBytes: 10_000_000, partitionMaxBytes: 10_000_000 };
    const read: FetchOutcome[] = [];
    for (let count = 0; count < 100; count++) {
      read.push(await fetch(cluster, 1, { ...all, partitionMaxBytes: count % 2 === 0 ? 500_000 : 900_000 }));
    }
    const held = () => read.filter(({ records }) => records instanceof Buffer);
    const heldBytes = held().reduce((sum, { records }) => sum + records.length, 0);
    expect(held().length).toBeGreaterThan(8);
    expect(heldBytes).toBeLessThan(8 * MIB + 64 * 1024);
    expect(cluster.answerMemory.usedBytes).toBe(120 * MIB + heldBytes);
    // Those whose answer is at its connection are counted there.
    for (const { claim } of held().slice(0, 3)) claim.end();
    for (const { release } of [...read, ...read]) release();
    expect(cluster.answerMemory.usedBytes).toBe(120 * MIB);
  });

  it('nothing that takes memory while it waits, or when it fails', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    const waiting = fetching(cluster, 1, { minBytes: 1000, maxWaitMs: 500 });
    expect(cluster.answerMemory.usedBytes).toBe(0);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 60_000);
    expect(cluster.answerMemory.usedBytes).toBe(outcome?.records.length);
    outcome?.release();
    await fetch(cluster, 1, { epoch: 7 });
    expect(cluster.answerMemory.usedBytes).toBe(0);
  });
});

describe('an old client, whose records must be in memory to be converted', () => {
  const old = { maxWaitMs: 1000, needsRecords: true, maxBytes: 10_000_000, partitionMaxBytes: 10_000_000 };

  async function full(): Promise<ReplicationCluster> {
    const cluster = await oneBroker();
    for (const letter of ['a', 'b']) await cluster.produced(1, [letter.repeat(400 * 1024)]);
    cluster.answerMemory.add(128 * MIB);
    return cluster;
  }

  it('waits for room, holding nothing, and each who waits gets it in turn', async () => {
    const cluster = await full();
    const got: number[] = [];
    const fetches = [0, 1, 2].map((index) =>
      fetching(cluster, 1, old).then(([outcome]) => {
        got.push(index);
        return outcome;
      }),
    );
    await cluster.clock.runFor(100);
    expect([got, cluster.answerMemory.usedBytes]).toEqual([[], 128 * MIB]);
    cluster.answerMemory.add(-MIB / 2);
    await cluster.clock.runFor(1);
    // The second finds what the first has left, the third finds nothing.
    expect(got).toEqual([0, 1]);
    expect(cluster.answerMemory.usedBytes).toBeGreaterThan(128 * MIB);
    expect(cluster.answerMemory.usedBytes).toBeLessThan(129 * MIB);
    for (const fetched of (await Promise.all(fetches.slice(0, 2))).slice(0, 2)) fetched?.release();
    await cluster.clock.runFor(1);
    expect(got).toEqual([0, 1, 2]);
    (await fetches[2])?.release();
    expect(cluster.answerMemory.usedBytes).toBe(127.5 * MIB);
  });

  it('gets nothing that is large when its time is over, and no error', async () => {
    const cluster = await full();
    const outcome = await fetch(cluster, 1, old);
    expect([outcome.error, outcome.records.length]).toEqual([ErrorCode.NONE, 0]);
    expect(cluster.answerMemory.usedBytes).toBe(128 * MIB);
  });

  it('is not woken within the call that gives memory back', async () => {
    const cluster = await full();
    const waiting = fetching(cluster, 1, old);
    cluster.answerMemory.add(-MIB);
    expect(cluster.answerMemory.usedBytes).toBe(127 * MIB);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 1);
    expect(cluster.answerMemory.usedBytes).toBe(127 * MIB + (outcome?.records.length ?? 0));
  });

  it('is woken with a few others in one turn of the event loop, and with all of them in the end', async () => {
    const cluster = await full();
    const fetches = Array.from({ length: 200 }, () => fetching(cluster, 1, { ...old, partitionMaxBytes: 1 }));
    cluster.answerMemory.add(-127 * MIB);
    const used = [cluster.answerMemory.usedBytes];
    cluster.clock.afterStep = () => used.push(cluster.answerMemory.usedBytes);
    const all = await cluster.clock.runUntilSettled(Promise.all(fetches), 1);
    const mostBytes = Math.max(...used.map((bytes, at) => bytes - (used[at - 1] ?? bytes)));
    const batchBytes = all[0]?.[0]?.records.length ?? 0;
    expect(mostBytes).toBeGreaterThan(batchBytes);
    expect(mostBytes).toBeLessThan(30 * batchBytes);
  });

  it('is not overtaken by who comes when there is room for one', async () => {
    const cluster = await full();
    const got: string[] = [];
    const begin = (name: string) => void fetching(cluster, 1, old).then(() => got.push(name));
    begin('first');
    cluster.answerMemory.add(-1);
    begin('second');
    await cluster.clock.runFor(900);
    expect(got).toEqual(['first']);
    cluster.answerMemory.add(-MIB);
    await cluster.clock.runFor(1);
    expect(got).toEqual(['first', 'second']);
  });

  it('that has less than it wants lets the next one try, however many they are', async () => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.answerMemory.add(128 * MIB);
    const got: number[] = [];
    const fetches = Array.from({ length: 3000 }, (_, index) =>
      fetching(cluster, 1, { ...old, minBytes: 1000 }).then(([outcome]) => {
        got.push(index);
        return outcome;
      }),
    );
    cluster.answerMemory.add(-50);
    await cluster.clock.runFor(900);
    expect([got, cluster.answerMemory.usedBytes]).toEqual([[], 128 * MIB - 50]);
    await cluster.clock.runFor(200);
    expect(got).toHaveLength(3000);
    const outcomes = await Promise.all(fetches);
    expect(new Set(outcomes.map((outcome) => outcome && values(outcome).join()))).toEqual(new Set(['0:a']));
    for (const outcome of outcomes) outcome?.release();
    expect(cluster.answerMemory.usedBytes).toBe(128 * MIB - 50);
  });

  it.each(['never', 'late'])('waits no longer than its time, whether there is %s room', async (room) => {
    const cluster = await oneBroker();
    await cluster.produced(1, ['a']);
    cluster.answerMemory.add(128 * MIB);
    let isOver = false;
    const waiting = fetching(cluster, 1, { ...old, minBytes: 1000 }).finally(() => {
      isOver = true;
    });
    await cluster.clock.runFor(600);
    if (room === 'late') cluster.answerMemory.add(-50);
    await cluster.clock.runFor(390);
    expect(isOver).toBe(false);
    await cluster.clock.runFor(20);
    expect(isOver).toBe(true);
    expect((await waiting).map(values)).toEqual([['0:a']]);
  });

  it.each([
    ['a partition that is not here', { partition: 9 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['an offset that is not there', { offset: 99 }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['another leader epoch', { epoch: 7 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
  ])('hears of %s at once, which takes no memory', async (_what, wanted, error) => {
    const cluster = await full();
    const [outcome] = await cluster.clock.runUntilSettled(fetching(cluster, 1, { ...old, ...wanted }), 1);
    expect(outcome?.error).toBe(error);
  });

  it('waits for records where there are none, and hears of a little in spite of all', async () => {
    const cluster = await full();
    const waiting = fetching(cluster, 1, { ...old, offset: 2 });
    await cluster.clock.runFor(100);
    await cluster.produced(1, ['c']);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 1);
    expect(outcome && values(outcome)).toEqual(['2:c']);
  });

  it('hears when its time is over that its partition has another leader', async () => {
    const cluster = await ReplicationCluster.start({ brokers: 2 });
    cluster.create([1, 2]);
    await cluster.produced(1, ['a'.repeat(400 * 1024)]);
    cluster.answerMemory.add(128 * MIB);
    const waiting = fetching(cluster, 1, { ...old, clientRack: null });
    cluster.elect(2);
    const [outcome] = await cluster.clock.runUntilSettled(waiting, 1001);
    expect(outcome?.error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('reads what there is memory for once the disk has brought it, however many waited for that', async () => {
    const cluster = await oneBroker();
    for (let count = 0; count < 4; count++) await cluster.produced(1, ['a'.repeat(400 * 1024)]);
    cluster.answerMemory.add(120 * MIB);
    const coming = Promise.withResolvers<void>();
    cluster.node(1).disk.warming = () => coming.promise;
    const fetches = Promise.all(Array.from({ length: 50 }, () => fetching(cluster, 1, old)));
    await cluster.clock.runFor(1);
    coming.resolve();
    const outcomes = (await cluster.clock.runUntilSettled(fetches, 60_000)).flat();
    expect(outcomes[0]?.records.length).toBeGreaterThan(MIB / 2);
    expect(cluster.answerMemory.usedBytes).toBeGreaterThan(127 * MIB);
    expect(cluster.answerMemory.usedBytes).toBeLessThan(129 * MIB);
  });

  it('takes a part of what is left, so that others find some', async () => {
    const cluster = await oneBroker();
    for (let count = 0; count < 8; count++) await cluster.produced(1, ['a'.repeat(400 * 1024)]);
    cluster.answerMemory.add(120 * MIB);
    const outcome = await fetch(cluster, 1, old);
    expect(outcome.records.length).toBeGreaterThan(MIB / 2);
    expect(outcome.records.length).toBeLessThan(1.1 * MIB);
  });
});
