/** Transactions in a log: what holds readers back, what they leave out, and that no stop changes either. */
import { describe, expect, it } from 'vitest';
import { ErrorCode, isError } from '../../../broker/errors.ts';
import type { AbortedTransaction } from '../../../broker/log/files/aborted-index.ts';
import type { LogManager } from '../../../broker/log/log-manager.ts';
import type { PartitionLog } from '../../../broker/log/partition-log.ts';
import { endTransactionMarker } from '../../../broker/records/control.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { append, batch, fixture } from './support.ts';

const SMALL = { 'segment.bytes': '500', 'index.interval.bytes': '50' };

function theLog(logs: LogManager): PartitionLog {
  return logs.create('topic', 0, { isNew: true, topicId: null });
}

async function freshLog(topic: Readonly<Record<string, string>> = {}): Promise<PartitionLog> {
  return theLog(await fixture(topic).start());
}

interface Sender {
  readonly producerId: number;
  readonly epoch?: number;
  readonly timestampMs?: number;
}

function write(log: PartitionLog, { producerId, epoch = 0, timestampMs }: Sender, sequence: number) {
  return append(log, ['x'], {
    producerId,
    producerEpoch: epoch,
    baseSequence: sequence,
    transactional: true,
    timestampMs: timestampMs ?? 1000 + sequence,
  });
}

function end(
  log: PartitionLog,
  { producerId, epoch = 0, timestampMs = 2000 }: Sender,
  how: 'commit' | 'abort',
  coordinatorEpoch = 1,
) {
  const marker = endTransactionMarker({
    committed: how === 'commit',
    producerId,
    producerEpoch: epoch,
    coordinatorEpoch,
    timestampMs,
  });
  return log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator', apiVersion: 0 });
}

/** Copies what `from` has and `to` lacks, in one append. */
function replicate(from: PartitionLog, to: PartitionLog, maxBytes = 1_000_000): void {
  while (to.endOffset < from.endOffset) {
    const read = from.read({ offset: to.endOffset, maxBytes, upToOffset: from.endOffset, minOneBatch: true });
    if (isError(read) || read.bytes.length === 0) throw new Error(`nothing to read at ${to.endOffset}`);
    to.appendAsFollower(Buffer.from(read.bytes));
    read.release();
  }
}

describe('a marker', () => {
  it('of an older producer epoch is refused, and one of a newer fences the records of the older', async () => {
    const log = await freshLog();
    write(log, { producerId: 1, epoch: 3 }, 0);
    expect(end(log, { producerId: 1, epoch: 2 }, 'abort').error).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(end(log, { producerId: 1, epoch: 4 }, 'abort').error).toBe(ErrorCode.NONE);
    expect(write(log, { producerId: 1, epoch: 3 }, 1).error).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(write(log, { producerId: 1, epoch: 4 }, 1).error).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(write(log, { producerId: 1, epoch: 4 }, 0).error).toBe(ErrorCode.NONE);
  });

  it('of an older coordinator is refused, also where nothing was written since', async () => {
    const log = await freshLog();
    expect(end(log, { producerId: 1 }, 'commit', 5).error).toBe(ErrorCode.NONE);
    expect(end(log, { producerId: 1 }, 'abort', 4).error).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    expect(end(log, { producerId: 1 }, 'commit', 5).error).toBe(ErrorCode.NONE);
  });

  it('from a client is refused', async () => {
    const log = await freshLog();
    const marker = endTransactionMarker({
      committed: true,
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: 1,
    });
    const answer = log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'client', apiVersion: 9 });
    expect(answer.error).toBe(ErrorCode.INVALID_RECORD);
    expect(log.endOffset).toBe(0);
  });

  it('of a transaction without records here lists nothing as aborted', async () => {
    const log = await freshLog();
    end(log, { producerId: 1 }, 'abort');
    log.updateHighWatermark(1);
    expect(log.abortedTransactions(0, 1)).toEqual([]);
    expect(log.lastStableOffset).toBe(1);
  });

  it('keeps its bytes where the topic compresses its records', async () => {
    const log = await freshLog({ 'compression.type': 'gzip' });
    write(log, { producerId: 1 }, 0);
    end(log, { producerId: 1 }, 'abort');
    log.updateHighWatermark(2);
    expect(log.lastStableOffset).toBe(2);
    expect(log.abortedTransactions(0, 2)).toHaveLength(1);
    const read = log.read({ offset: 1, maxBytes: 1, upToOffset: 2, minOneBatch: true });
    expect(isError(read) ? null : read.bytes.readInt16BE(21) & 7).toBe(0);
  });
});

describe('the permission to begin', () => {
  const attempt = (log: PartitionLog, guard: ReturnType<PartitionLog['startVerification']>, sequence = 0) =>
    log.appendAsLeader(
      batch(['x'], { producerId: 1, producerEpoch: 0, baseSequence: sequence, transactional: true }),
      { leaderEpoch: 0, origin: 'client', apiVersion: 9, verification: { guard } },
    );

  it('ends with a marker, even that of a transaction without records here', async () => {
    const log = await freshLog();
    const guard = log.startVerification(1, 0, 0);
    end(log, { producerId: 1 }, 'abort');
    expect(attempt(log, guard).error).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(attempt(log, log.startVerification(1, 0, 0)).error).toBe(ErrorCode.NONE);
  });

  it('is one for all batches that ask for it meanwhile, and the first sequence comes first', async () => {
    const log = await freshLog();
    const first = log.startVerification(1, 0, 0);
    const second = log.startVerification(1, 0, 1);
    expect(second).toBe(first);
    expect(attempt(log, second, 1).error).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(attempt(log, first, 0).error).toBe(ErrorCode.NONE);
    expect(attempt(log, null, 1).error).toBe(ErrorCode.NONE);
  });

  it('is not needed by a retry of what is there already, nor by an open transaction', async () => {
    const log = await freshLog();
    attempt(log, log.startVerification(1, 0, 0));
    expect(attempt(log, null, 1).error).toBe(ErrorCode.NONE);
    end(log, { producerId: 1 }, 'commit');
    expect(attempt(log, null, 1)).toMatchObject({ error: ErrorCode.NONE, duplicate: true });
    expect(attempt(log, null, 2).error).toBe(ErrorCode.INVALID_TXN_STATE);
  });

  it('is forgotten after producer.id.expiration.ms', async () => {
    const made = fixture();
    const log = theLog(await made.start());
    const guard = log.startVerification(1, 0, 0);
    await made.clock.runUntil(made.clock.nowMs() + 86_400_000 + 700_000);
    expect(attempt(log, guard).error).toBe(ErrorCode.INVALID_TXN_STATE);
  });
});

describe('a transaction', () => {
  it('tells when the oldest of them was last written to', async () => {
    const log = await freshLog();
    expect(log.oldestTransactionTimestampMs).toBe(-1);
    write(log, { producerId: 1 }, 0);
    write(log, { producerId: 2 }, 7);
    write(log, { producerId: 1 }, 1);
    expect(log.oldestTransactionTimestampMs).toBe(1001);
    end(log, { producerId: 1 }, 'commit');
    expect(log.oldestTransactionTimestampMs).toBe(1007);
    end(log, { producerId: 2 }, 'commit');
    expect(log.oldestTransactionTimestampMs).toBe(-1);
  });

  it('is listed by a follower that got it with those after it as by its leader', async () => {
    const leader = await freshLog();
    write(leader, { producerId: 1 }, 0);
    end(leader, { producerId: 1 }, 'abort');
    write(leader, { producerId: 1 }, 1);
    write(leader, { producerId: 2 }, 0);
    end(leader, { producerId: 1 }, 'abort');
    end(leader, { producerId: 2 }, 'abort');
    const follower = await freshLog();
    replicate(leader, follower);
    expect(follower.abortedTransactions(0, 6)).toEqual(leader.abortedTransactions(0, 6));
    // A reader of [0, 3) must hear of both of producer 1.
    expect(follower.abortedTransactions(0, 3).map(({ firstOffset }) => firstOffset)).toEqual([0, 2]);
  });
});

it('a truncation leaves the last stable offset where it was, when what is cut away was not committed', async () => {
  const log = await freshLog();
  write(log, { producerId: 1 }, 0);
  end(log, { producerId: 1 }, 'commit');
  log.updateHighWatermark(2);
  append(log, ['more']);
  expect(log.lastStableOffset).toBe(2);
  log.truncateTo(2);
  expect(log.lastStableOffset).toBe(2);
});

it('a truncation opens a transaction again whose producer has been forgotten since', async () => {
  const made = fixture();
  const logs = await made.start();
  // Long ago, so that the next start does not remember the producer.
  write(theLog(logs), { producerId: 1, timestampMs: 1000 }, 0);
  end(theLog(logs), { producerId: 1, timestampMs: 1000 }, 'commit');
  logs.shutdown();
  made.disk.crash('all');
  const log = theLog(await made.start());
  expect(log.producers()).toEqual([]);
  log.truncateTo(1);
  log.updateHighWatermark(1);
  expect(log.lastStableOffset).toBe(0);
});

describe('a transaction whose marker is not replicated holds readers back', () => {
  /** Offsets 0 and 1 of a transaction, its marker at 2; only the records are replicated. */
  async function restarted(clean: boolean): Promise<PartitionLog> {
    const made = fixture();
    const logs = await made.start();
    const log = theLog(logs);
    const nowMs = made.clock.wallMs();
    for (const sequence of [0, 1]) write(log, { producerId: 1, timestampMs: nowMs }, sequence);
    end(log, { producerId: 1, timestampMs: nowMs }, 'commit');
    log.updateHighWatermark(2);
    expect(log.lastStableOffset).toBe(0);
    if (clean) logs.shutdown();
    made.disk.crash('all');
    return theLog(await made.start());
  }

  it.each([
    ['a clean stop', true],
    ['a kill (seed 2000351 of the simulator, with transactions)', false],
  ])('after %s as before', async (_what, clean) => {
    const log = await restarted(clean);
    log.restoreHighWatermark(2);
    expect(log.lastStableOffset).toBe(0);
    log.truncateTo(2);
    expect(log.lastStableOffset).toBe(0);
  });

  it('until it is', async () => {
    const log = await restarted(true);
    log.restoreHighWatermark(1);
    log.updateHighWatermark(2);
    expect(log.lastStableOffset).toBe(0);
    log.updateHighWatermark(3);
    expect(log.lastStableOffset).toBe(3);
  });

  it('also when the snapshot before it is damaged, which the log itself has to find out', async () => {
    const made = fixture(SMALL);
    const logs = await made.start();
    const before = theLog(logs);
    const sender = { producerId: 1, timestampMs: made.clock.wallMs() };
    for (let sequence = 0; before.segmentCount < 2; sequence++) write(before, sender, sequence);
    const markerOffset = before.endOffset;
    end(before, sender, 'commit');
    logs.shutdown();
    made.disk.crash('all');
    const [damaged = ''] = made.disk.list('/data/topic-0').filter((name) => name.endsWith('.snapshot'));
    made.disk.rot(`/data/topic-0/${damaged}`, 12, 0);
    const log = theLog(await made.start());
    log.restoreHighWatermark(markerOffset);
    expect(log.lastStableOffset).toBe(0);
    log.truncateTo(markerOffset);
    expect(log.closed).toBe(false);
    expect(log.lastStableOffset).toBe(0);
    expect(end(log, sender, 'commit').error).toBe(ErrorCode.NONE);
  });

  it('also when what follows on its marker is cut away', async () => {
    const log = await freshLog(SMALL);
    write(log, { producerId: 1 }, 0);
    end(log, { producerId: 1 }, 'commit');
    log.updateHighWatermark(1);
    while (log.segmentCount < 2) append(log, ['more']);
    log.truncateTo(log.endOffset - 1);
    expect(log.lastStableOffset).toBe(0);
  });
});

/** What a log should say, from the list of all that was written. */
class Model {
  entries: { producerId: number; kind: 'data' | 'commit' | 'abort'; offset: number }[] = [];

  get endOffset(): number {
    return this.entries.length;
  }

  cut(offset: number): void {
    this.entries.length = offset;
  }

  open(upTo = this.endOffset): Map<number, number> {
    const open = new Map<number, number>();
    for (const { producerId, kind, offset } of this.entries.slice(0, upTo)) {
      if (kind !== 'data') open.delete(producerId);
      else if (!open.has(producerId)) open.set(producerId, offset);
    }
    return open;
  }

  lastStableOffset(): number {
    return Math.min(this.endOffset, ...this.open().values());
  }

  aborted(): AbortedTransaction[] {
    return this.entries.flatMap(({ producerId, kind, offset }) => {
      const firstOffset = this.open(offset).get(producerId);
      if (kind !== 'abort' || firstOffset === undefined) return [];
      const lastStableOffset = Math.min(offset + 1, ...this.open(offset + 1).values());
      return [{ producerId, firstOffset, lastOffset: offset, lastStableOffset }];
    });
  }
}

describe('whatever happens', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))(
    'the log holds back and lists what the model says, and so does a follower (seed %d)',
    async (seed) => {
      const random = simulatedRandom(seed);
      const made = fixture({ ...SMALL, 'segment.bytes': String(250 + random.int(700)) });
      let logs = await made.start();
      let log = theLog(logs);
      const follower = await freshLog({ 'segment.bytes': String(250 + random.int(700)) });
      const model = new Model();
      const note = (producerId: number, kind: 'data' | 'commit' | 'abort', error: ErrorCode): void => {
        expect(error).toBe(ErrorCode.NONE);
        model.entries.push({ producerId, kind, offset: model.endOffset });
      };
      const marker = (how: 'commit' | 'abort') => (): void => {
        const producerId = random.int(4);
        note(producerId, how, end(log, { producerId, timestampMs: made.clock.wallMs() }, how).error);
      };
      const restart = async (): Promise<void> => {
        logs = await made.start();
        log = theLog(logs);
        // A hole that the power failure has left is gone back to, as a follower does.
        if (log.holeOffset !== null && log.holeOffset < log.endOffset) log.truncateTo(log.holeOffset);
        model.cut(log.endOffset);
        if (follower.endOffset > log.endOffset) follower.truncateTo(log.endOffset);
      };
      const steps: (() => void | Promise<void>)[] = [
        () => {
          const producerId = random.int(4);
          const known = log.producers().find((entry) => entry.producerId === producerId);
          const sequence = (known?.batches.at(-1)?.lastSequence ?? -1) + 1;
          // Of now: who has been silent for long is forgotten, and begins with sequence 0 again.
          const timestampMs = made.clock.wallMs();
          note(producerId, 'data', write(log, { producerId, timestampMs }, sequence).error);
        },
        marker('commit'),
        marker('abort'),
        async () => {
          const at = Math.max(0, log.endOffset - random.int(6));
          log.truncateTo(at);
          model.cut(at);
          if (follower.endOffset > at) follower.truncateTo(at);
          // The recovery point goes to its checkpoint.
          await made.clock.runUntil(made.clock.nowMs());
        },
        () => log.flush(),
        async () => {
          logs.shutdown();
          made.disk.crash('all');
          await restart();
        },
        async () => {
          logs.abandon();
          made.disk.crash(['all' as const, 'synced' as const, random][random.int(3)] ?? 'all');
          await restart();
        },
        () => replicate(log, follower, 1 + random.int(1500)),
      ];
      for (let step = 0; step < 80; step++) {
        await (steps[random.int(16)] ?? steps[0])?.();
        for (const each of log.endOffset === follower.endOffset ? [log, follower] : [log]) {
          each.updateHighWatermark(each.endOffset);
          expect(each.lastStableOffset).toBe(model.lastStableOffset());
          expect(each.abortedTransactions(0, each.endOffset)).toEqual(model.aborted());
        }
      }
    },
  );
});
