/** One partition as its leader: ISR changes under way, acknowledgements, min.insync.replicas, epochs. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { ReplicaState } from '../../../broker/metadata/delta.ts';
import type { AlterPartitionRequest, AlterPartitionResponse } from '../../../broker/peers/messages.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createJournal } from '../../../broker/platform/journal.ts';
import { IsrProposals } from '../../../broker/replication/isr-proposals.ts';
import { Partition } from '../../../broker/replication/partition.ts';
import { batch, fixture } from '../log/support.ts';

type Answer = (request: AlterPartitionRequest) => AlterPartitionResponse | Error;

const LAG_MS = 30_000;

function state(changed: Partial<ReplicaState> = {}): ReplicaState {
  return {
    topic: 't',
    partition: 0,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 0,
    isr: [1, 2, 3],
    partitionEpoch: 0,
    replicas: [1, 2, 3],
    addingReplicas: [],
    removingReplicas: [],
    isNew: true,
    topicId: null,
    ...changed,
  };
}

async function setUp(options: { topic?: Record<string, string>; initial?: Partial<ReplicaState> } = {}) {
  const made = fixture(options.topic ?? {});
  const logs = await made.start();
  const log = logs.create('t', 0, { isNew: true, topicId: null });
  const asked: AlterPartitionRequest[] = [];
  const events: string[] = [];
  const alive = new Set([1, 2, 3]);
  const waiting: {
    request: AlterPartitionRequest;
    resolve: (answer: AlterPartitionResponse) => void;
    reject: (error: Error) => void;
  }[] = [];
  const proposals = new IsrProposals({
    clock: made.clock,
    diagnostics: silent,
    brokerId: 1,
    brokerEpoch: () => 77,
    propose: (request) => {
      asked.push(request);
      return new Promise((resolve, reject) => waiting.push({ request, resolve, reject }));
    },
  });
  const partition = new Partition('t', 0, {
    brokerId: 1,
    clock: made.clock,
    journal: createJournal(made.clock, silent),
    lagTimeMaxMs: LAG_MS,
    isAlive: (id) => alive.has(id),
    proposals,
    events: {
      appended: () => events.push('appended'),
      highWatermarkMoved: () => events.push(`hw ${log.highWatermark}`),
      startOffsetMoved: () => events.push('start'),
      isrChanged: (_partition, change) => events.push(change),
    },
  });
  partition.becomeLeader(state(options.initial), log);
  const append = (values: string[], acks: -1 | 0 | 1 = 1) =>
    partition.append(batch(values), { acks, origin: 'client', apiVersion: 9 });
  const ack = (id: number, endOffset: number, epoch = partition.leaderEpoch) =>
    partition.acknowledge(id, epoch, { endOffset, startOffset: 0 });
  /** Answers the oldest open question. */
  const answer = async (make: Answer) => {
    const open = waiting.shift();
    if (open === undefined) throw new Error('nothing was asked');
    const answered = make(open.request);
    if (answered instanceof Error) open.reject(answered);
    else open.resolve(answered);
    await made.clock.runFor(0);
  };
  return { clock: made.clock, log, partition, proposals, asked, events, alive, append, ack, answer, waiting };
}

/** The controller agrees. */
const agree: Answer = (request) => ({
  error: 0,
  partitions: request.partitions.map((item) => ({
    ...item,
    error: 0,
    leader: request.brokerId,
    isr: item.newIsr,
    partitionEpoch: item.partitionEpoch + 1,
  })),
});

const refuse =
  (error: ErrorCode): Answer =>
  (request) => ({
    error: 0,
    partitions: request.partitions.map((item) => ({ ...item, error, leader: -1, isr: [], leaderEpoch: -1 })),
  });

describe('shrinking', () => {
  it('keeps the removed replica in the maximal and the committed ISR until the controller has agreed', async () => {
    const { partition, append, ack, clock, answer, asked, log, events } = await setUp();
    append(['a']);
    ack(2, 1);
    ack(3, 0);
    await clock.runFor(LAG_MS + 1);
    ack(2, 1);
    partition.shrinkIsr();
    expect(asked.map(({ partitions }) => partitions)).toEqual([
      [
        {
          topic: 't',
          partition: 0,
          leaderEpoch: 0,
          partitionEpoch: 0,
          newIsr: [1, 2],
          leaderRecoveryState: 0,
          causeId: 1,
        },
      ],
    ]);
    expect(asked[0]?.brokerEpoch).toBe(77);
    expect([partition.inSyncReplicas, partition.maximalIsr, log.highWatermark]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      0,
    ]);
    partition.shrinkIsr();
    expect(asked).toHaveLength(1);
    await answer(agree);
    expect([partition.inSyncReplicas, partition.partitionEpoch, log.highWatermark]).toEqual([[1, 2], 1, 1]);
    expect(events.slice(-2)).toEqual(['shrink', 'hw 1']);
    expect(partition.isUnderReplicated).toBe(true);
  });
});

describe('expanding', () => {
  const initial = { isr: [1, 2] };

  it('counts the new replica into the maximal ISR at once, into the committed one when agreed', async () => {
    const { partition, append, ack, answer, log } = await setUp({ initial });
    append(['a', 'b']);
    ack(2, 2);
    expect(log.highWatermark).toBe(2);
    ack(3, 2);
    expect([partition.isrState.kind, partition.inSyncReplicas, partition.maximalIsr]).toEqual([
      'pending-expand',
      [1, 2],
      [1, 2, 3],
    ]);
    append(['c']);
    ack(2, 3);
    expect(log.highWatermark).toBe(2);
    await answer(agree);
    expect([partition.inSyncReplicas, partition.partitionEpoch]).toEqual([[1, 2, 3], 1]);
    ack(3, 3);
    expect(log.highWatermark).toBe(3);
  });

  it('is not proposed below the high watermark, below the epoch’s start, or for a dead broker', async () => {
    const { partition, append, ack, asked, alive } = await setUp({ initial });
    append(['a', 'b']);
    ack(2, 2);
    ack(3, 1);
    expect(asked).toHaveLength(0);
    alive.delete(3);
    ack(3, 2);
    expect(asked).toHaveLength(0);
    alive.add(3);
    append(['c']);
    partition.becomeLeader(state({ ...initial, leaderEpoch: 1, partitionEpoch: 1 }), partition.log ?? fail());
    expect(partition.leaderEpochStartOffset).toBe(3);
    ack(3, 2);
    expect(asked).toHaveLength(0);
    ack(3, 3);
    expect(asked).toHaveLength(1);
  });
});

describe('the controller’s answer', () => {
  const initial = { isr: [1, 2] };

  it.each([ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.INELIGIBLE_REPLICA])(
    'error %i takes the proposal back, and the next acknowledgement makes it again',
    async (error) => {
      const { partition, ack, answer, asked } = await setUp({ initial });
      ack(3, 0);
      await answer(refuse(error));
      expect([partition.isrState.kind, partition.maximalIsr]).toEqual(['committed', [1, 2]]);
      ack(3, 0);
      expect(asked).toHaveLength(2);
    },
  );

  it.each([
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.FENCED_LEADER_EPOCH,
    ErrorCode.INVALID_UPDATE_VERSION,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.NEW_LEADER_ELECTED,
  ])('error %i leaves it pending until a LeaderAndIsr decides', async (error) => {
    const { partition, ack, answer, asked, clock } = await setUp({ initial });
    ack(3, 0);
    await answer(refuse(error));
    await clock.runFor(60_000);
    ack(3, 0);
    expect([partition.isrState.kind, asked.length]).toEqual(['pending-expand', 1]);
    partition.becomeLeader(
      state({ isr: [1, 2, 3], leaderEpoch: 1, partitionEpoch: 2 }),
      partition.log ?? fail(),
    );
    expect([partition.isrState.kind, partition.inSyncReplicas]).toEqual(['committed', [1, 2, 3]]);
  });

  it('with any other error has the same proposal made again', async () => {
    const { ack, answer, asked, clock, partition } = await setUp({ initial });
    ack(3, 0);
    await answer(refuse(ErrorCode.UNKNOWN_SERVER_ERROR));
    expect(asked).toHaveLength(1);
    await clock.runFor(50);
    expect(asked[1]).toEqual(asked[0]);
    await answer(agree);
    expect(partition.inSyncReplicas).toEqual([1, 2, 3]);
  });

  it.each([true, false])('refused, holds back no high watermark (dead: %s)', async (isDead) => {
    const { append, ack, answer, log, alive } = await setUp({ initial });
    ack(3, 0);
    append(['a'], -1);
    ack(2, 1);
    if (isDead) alive.delete(3);
    await answer(refuse(ErrorCode.INELIGIBLE_REPLICA));
    expect(log.highWatermark).toBe(isDead ? 1 : 0);
    alive.delete(3);
    ack(2, 1); // a heartbeat
    expect(log.highWatermark).toBe(1);
  });

  it('refused as a whole, or never coming, has everything asked again after 50 ms', async () => {
    const { ack, answer, asked, clock, partition } = await setUp({ initial });
    ack(3, 0);
    await answer(() => ({ error: ErrorCode.NOT_CONTROLLER, partitions: [] }));
    await clock.runFor(49);
    expect(asked).toHaveLength(1);
    await clock.runFor(1);
    expect(asked).toHaveLength(2);
    await answer(() => new Error('unreachable'));
    await clock.runFor(50);
    await answer(() => ({ error: 0, partitions: [] }));
    await clock.runFor(50);
    expect(asked).toHaveLength(4);
    await answer(agree);
    expect(partition.inSyncReplicas).toEqual([1, 2, 3]);
  });

  it('to a question of an earlier epoch is not listened to', async () => {
    const { partition, ack, answer } = await setUp({ initial });
    ack(3, 0);
    partition.becomeLeader(
      state({ isr: [1, 2], leaderEpoch: 1, partitionEpoch: 5 }),
      partition.log ?? fail(),
    );
    await answer(agree);
    expect([partition.inSyncReplicas, partition.partitionEpoch]).toEqual([[1, 2], 5]);
    ack(3, 0);
    partition.becomeLeader(state({ isr: [1], leaderEpoch: 2, partitionEpoch: 6 }), partition.log ?? fail());
    await answer(refuse(ErrorCode.INELIGIBLE_REPLICA));
    expect(partition.inSyncReplicas).toEqual([1]);
  });

  it('of a lower partition epoch, another leader epoch or another leader is ignored', async () => {
    for (const changed of [{ partitionEpoch: -1 }, { leaderEpoch: 9 }, { leader: 2 }]) {
      const { partition, ack, answer } = await setUp({ initial });
      ack(3, 0);
      await answer((request) => {
        const agreed = agree(request);
        if (agreed instanceof Error) return agreed;
        return { ...agreed, partitions: agreed.partitions.map((item) => ({ ...item, ...changed })) };
      });
      expect([partition.inSyncReplicas, partition.isrState.kind]).toEqual([[1, 2], 'pending-expand']);
    }
  });
});

describe('proposals of one broker', () => {
  it('have one request under way; what comes meanwhile goes together with the next', async () => {
    const { proposals, asked, answer, waiting } = await setUp();
    const decided: string[] = [];
    const propose = (topic: string): boolean =>
      proposals.submit({ topic, partition: 0, leaderEpoch: 0, partitionEpoch: 0, newIsr: [1] }, (verdict) =>
        decided.push(`${topic} ${verdict.ok}`),
      );
    expect(['a', 'b', 'c', 'b'].map(propose)).toEqual([true, true, true, false]);
    expect(waiting).toHaveLength(1);
    await answer(agree);
    expect(decided).toEqual(['a true']);
    expect(asked.map(({ partitions }) => partitions.map(({ topic }) => topic))).toEqual([['a'], ['b', 'c']]);
    expect(propose('a')).toBe(true);
    await answer(agree);
    expect(decided).toEqual(['a true', 'b true', 'c true']);
    expect(asked).toHaveLength(3);
  });
});

describe('min.insync.replicas', () => {
  const topic = { 'min.insync.replicas': '2' };

  it('keeps acks=all out before the append, lets acks=1 in, and holds the high watermark', async () => {
    const { append, log, ack } = await setUp({ topic, initial: { isr: [1] } });
    expect(append(['a'], -1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(log.endOffset).toBe(0);
    expect(append(['a'], 1)).toMatchObject({ error: 0 });
    ack(2, 1);
    expect([log.endOffset, log.highWatermark]).toEqual([1, 0]);
  });

  it('that is no longer met after the append is told as such', async () => {
    const { partition, append, ack, log } = await setUp({ topic, initial: { isr: [1, 2] } });
    append(['a'], -1);
    expect(partition.acknowledgedByAll(1)).toBeNull();
    ack(2, 1);
    expect([log.highWatermark, partition.acknowledgedByAll(1)]).toEqual([1, ErrorCode.NONE]);
    partition.becomeLeader(state({ isr: [1], leaderEpoch: 1, partitionEpoch: 1 }), log);
    expect(partition.acknowledgedByAll(1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
  });

  it('counts no more replicas than there are', async () => {
    const { append, log } = await setUp({ topic, initial: { isr: [1], replicas: [1] } });
    expect(append(['a'], -1)).toMatchObject({ error: 0 });
    expect(log.highWatermark).toBe(1);
  });
});

describe('epochs', () => {
  it('of requests are compared with the leader’s', async () => {
    const { partition } = await setUp({ initial: { leaderEpoch: 5 } });
    expect([-1, -2, 4, 5, 6].map((epoch) => partition.checkLeaderEpoch(epoch, true))).toEqual([
      ErrorCode.NONE,
      ErrorCode.FENCED_LEADER_EPOCH,
      ErrorCode.FENCED_LEADER_EPOCH,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    ]);
    partition.becomeFollower(
      state({ leader: 2, leaderEpoch: 6, partitionEpoch: 1 }),
      partition.log ?? fail(),
    );
    expect(partition.checkLeaderEpoch(6, true)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(partition.checkLeaderEpoch(6, false)).toBe(ErrorCode.NONE);
  });

  it('fence acknowledgements of before, which change nothing', async () => {
    const { partition, ack, append, log } = await setUp({
      initial: { isr: [1, 2], replicas: [1, 2], leaderEpoch: 5 },
    });
    append(['a']);
    expect(ack(2, 1, 4)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(ack(2, 1, 6)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect([log.highWatermark, partition.followers.get(2)?.endOffset]).toEqual([0, -1]);
    expect(ack(7, 1)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(ack(2, 1)).toBe(ErrorCode.NONE);
    expect(log.highWatermark).toBe(1);
  });

  it('of a partition state that is older by the partition epoch change nothing', async () => {
    const { partition, log } = await setUp({ initial: { partitionEpoch: 9 } });
    expect(partition.becomeLeader(state({ leaderEpoch: 1, partitionEpoch: 8 }), log)).toBe(false);
    expect(partition.becomeFollower(state({ leader: 2, leaderEpoch: 1, partitionEpoch: 8 }), log)).toBe(
      false,
    );
    expect([partition.isLeader, partition.leaderEpoch]).toEqual([true, 0]);
  });

  it('begin at the log’s end, in the history too, and make every follower unknown to a new leader', async () => {
    const { partition, append, ack, log } = await setUp();
    append(['a', 'b']);
    ack(2, 2);
    partition.becomeLeader(state({ leaderEpoch: 3, partitionEpoch: 1 }), log);
    expect(partition.followers.get(2)?.endOffset).toBe(2);
    partition.becomeFollower(state({ leader: 2, leaderEpoch: 4, partitionEpoch: 2 }), log);
    expect([partition.inSyncReplicas, partition.followers.size]).toEqual([[], 0]);
    partition.becomeLeader(state({ leaderEpoch: 5, partitionEpoch: 3 }), log);
    expect(partition.followers.get(2)?.endOffset).toBe(-1);
    expect(log.epochs.entries).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 5, startOffset: 2 },
    ]);
  });
});

function fail(): never {
  throw new Error('there is no log');
}
