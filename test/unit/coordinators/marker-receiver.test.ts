/** Markers, where they are told: what is written, who is answered what, and that groups learn of it first. */
import { describe, expect, it, vi } from 'vitest';
import { type Marker, MarkerReceiver } from '../../../broker/coordinators/marker-receiver.ts';
import type { TransactionEnd } from '../../../broker/coordinators/runtime/shard.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import type { Clock } from '../../../broker/platform/clock.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { batchProducerEpoch, batchProducerId } from '../../../broker/records/batch.ts';
import { readControl } from '../../../broker/records/control.ts';
import type { Partition } from '../../../broker/replication/partition.ts';
import type { AppendOutcome, AppendRequest } from '../../../broker/replication/requests/replica-append.ts';
import { World } from '../../support/world.ts';

const MARKER: Marker = {
  producerId: 7,
  producerEpoch: 2,
  committed: true,
  coordinatorEpoch: 5,
  topics: [{ topic: 't', partitions: [0, 1, 0] }],
};
const OFFSETS = '__consumer_offsets';
const WORLD = new World();
const turns = new Turns(WORLD.clock);

/** Hosts the partitions 0 and 1 of everything; their logs answer as the test says, with offset 40. */
function setUp(errors: Readonly<Record<string, ErrorCode>> = {}, clock: Clock = WORLD.clock) {
  const appended: AppendRequest[] = [];
  const events: string[] = [];
  const receiver = new MarkerReceiver({
    clock,
    timeoutMs: 30_000,
    replicas: {
      partition: (_topic, partition) => (partition <= 1 ? ({} as Partition) : undefined),
      append: (request) => {
        appended.push(request);
        events.push('appended');
        return request.entries.map(({ topic, partition }): AppendOutcome => {
          const error = errors[`${topic}-${partition}`] ?? ErrorCode.NONE;
          return {
            topic,
            partition,
            error,
            baseOffset: 40,
            lastOffset: 40,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            recordErrors: [],
            errorMessage: null,
            currentLeader: null,
          };
        });
      },
    },
    groups: {
      transactionEnding: (partition, producerId) => {
        events.push(`ending ${partition} of ${producerId}`);
        return async (end: TransactionEnd) => {
          await Promise.resolve();
          events.push(`ended ${partition}: ${JSON.stringify(end)}`);
        };
      },
    },
  });
  return { receiver, appended, events };
}

describe('a marker', () => {
  it('is written once to each partition, for all in-sync replicas, in its own batch', async () => {
    const { receiver, appended } = setUp();
    expect(await receiver.write([MARKER], turns)).toEqual([
      [
        { topic: 't', partition: 0, error: ErrorCode.NONE },
        { topic: 't', partition: 1, error: ErrorCode.NONE },
      ],
    ]);
    const [request] = appended;
    expect(request).toMatchObject({ acks: -1, origin: 'coordinator', timeoutMs: 30_000 });
    const batches = (request?.entries ?? []).map(({ records }) => records);
    expect(batches.map((records) => readControl(records, 0))).toEqual([
      { type: 'COMMIT', coordinatorEpoch: 5 },
      { type: 'COMMIT', coordinatorEpoch: 5 },
    ]);
    for (const records of batches) {
      expect([batchProducerId(records, 0), batchProducerEpoch(records, 0)]).toEqual([7, 2]);
    }
    expect(
      batches[0]?.buffer === batches[1]?.buffer && batches[0]?.byteOffset === batches[1]?.byteOffset,
    ).toBe(false);
  });

  it('of very many topics without partitions is looked at in turns, and holds nothing for them', async () => {
    const { receiver } = setUp();
    const topics = Array.from({ length: 10_000 }, (_, at) => ({ topic: `t-${at}`, partitions: [] }));
    let pieces = 0;
    const counted = new Turns(World.flowing().clock, (piece) => {
      pieces++;
      return piece();
    });
    const kept = vi.spyOn(Map.prototype, 'set');
    try {
      expect(await receiver.write([{ ...MARKER, topics }], counted)).toEqual([[]]);
      expect(kept.mock.calls.filter(([key]) => String(key).startsWith('t-')).length).toBe(0);
    } finally {
      kept.mockRestore();
    }
    expect(pieces).toBeGreaterThanOrEqual(5);
  });

  it('of very many partitions is written to some of them in each turn', async () => {
    const { receiver, appended } = setUp();
    const topics = Array.from({ length: 100 }, (_, at) => ({ topic: `t-${at}`, partitions: [0] }));
    let [pieces, mostInPiece] = [0, 0];
    const counted = new Turns(World.flowing().clock, (piece) => {
      const before = appended.length;
      const result = piece();
      if (appended.length > before) pieces++;
      mostInPiece = Math.max(
        mostInPiece,
        appended.slice(before).reduce((sum, { entries }) => sum + entries.length, 0),
      );
      return result;
    });
    const [written] = await receiver.write([{ ...MARKER, topics }], counted);
    expect(written?.map(({ topic, error }) => [topic, error])).toEqual(
      topics.map(({ topic }) => [topic, ErrorCode.NONE]),
    );
    expect([pieces, mostInPiece]).toEqual([10, 10]);
  });

  it('beside very many others is written in a turn with few of them, and answered as if it were alone', async () => {
    const { clock } = World.flowing();
    let [before, mostInTurn] = [0, 0];
    const counting: Clock = {
      wallMs: () => clock.wallMs(),
      nowMs: () => clock.nowMs(),
      after: (delayMs, run) => clock.after(delayMs, run),
      soon: (run) =>
        clock.soon(() => {
          mostInTurn = Math.max(mostInTurn, written() - before);
          before = written();
          run();
        }),
    };
    const { receiver, appended } = setUp({ 't-1': ErrorCode.INVALID_PRODUCER_EPOCH }, counting);
    const written = () => appended.reduce((sum, { entries }) => sum + entries.length, 0);
    const markers = Array.from({ length: 100 }, (_, at) => ({
      ...{ ...MARKER, producerId: at, coordinatorEpoch: at },
      topics: [
        { topic: 't', partitions: [0, 1, 2] },
        { topic: 'u', partitions: [at % 2] },
      ],
    }));
    const response = await receiver.answer(markers);
    expect(response.markers).toEqual(
      markers.map(({ producerId }) => ({
        producerId,
        partitions: [
          { topic: 't', partition: 2, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          { topic: 't', partition: 0, error: ErrorCode.NONE },
          { topic: 't', partition: 1, error: ErrorCode.INVALID_PRODUCER_EPOCH },
          { topic: 'u', partition: producerId % 2, error: ErrorCode.NONE },
        ],
      })),
    );
    const batches = appended.flatMap(({ entries }) => entries.map(({ records }) => records));
    expect(batches.map((records) => batchProducerId(records, 0))).toEqual(
      markers.flatMap(({ producerId }) => [producerId, producerId, producerId]),
    );
    expect(batches.map((records) => readControl(records, 0)?.coordinatorEpoch)).toEqual(
      markers.flatMap(({ coordinatorEpoch }) => [coordinatorEpoch, coordinatorEpoch, coordinatorEpoch]),
    );
    expect(Math.max(mostInTurn, written() - before)).toBeLessThanOrEqual(10);
  });

  it('is answered with the error of each partition; one that is not here is unknown', async () => {
    const { receiver } = setUp({ 't-1': ErrorCode.INVALID_PRODUCER_EPOCH });
    const topics = [{ topic: 't', partitions: [1, 2] }];
    const response = await receiver.answer([{ ...MARKER, producerId: 7, topics }]);
    expect(response).toEqual({
      error: ErrorCode.NONE,
      markers: [
        {
          producerId: 7,
          partitions: [
            { topic: 't', partition: 2, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
            { topic: 't', partition: 1, error: ErrorCode.INVALID_PRODUCER_EPOCH },
          ],
        },
      ],
    });
  });

  it('of a partition of groups is told to them before it is answered, and announced before it is written', async () => {
    const { receiver, events } = setUp();
    const topics = [{ topic: OFFSETS, partitions: [1] }];
    await receiver.write([{ ...MARKER, committed: false, topics }], turns);
    expect(events).toEqual(['ending 1 of 7', 'appended', 'ended 1: {"committed":false,"markerOffset":40}']);
  });

  it('that was not written is not told to groups', async () => {
    const { receiver, events } = setUp({ [`${OFFSETS}-1`]: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    await receiver.write([{ ...MARKER, topics: [{ topic: OFFSETS, partitions: [1] }] }], turns);
    expect(events).toEqual(['ending 1 of 7', 'appended']);
  });
});
