/** The checkers of logs can fail: what is committed is lost, changed, moved, cleaned away, or lost without a reason. */
import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../broker/records/build.ts';
import { CommittedLogs } from './committed-logs.ts';
import { type Acknowledgement, History } from './history.ts';
import { Invariants, SoundStates } from './invariants.ts';
import { logRules } from './log-rules.ts';
import type { ReplicaView } from './observation.ts';
import { repeatedRecords } from './settled.ts';
import { batches, found, foundIn, KEY, observed, replica, state, tree } from './shown-views.ts';

describe('committed records', () => {
  it('other bytes below the high watermark of another replica are found', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      checker.check(replica({ brokerId: 2, log: batches(['a', 'x', 'c']) }));
    });
    expect(broken).toEqual(['orders-0: broker 2 has other bytes at 1 than what is committed']);
  });

  it('other bytes above the high watermark are fine', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      checker.check(replica({ brokerId: 2, log: batches(['a', 'b', 'x']), highWatermark: 2 }));
    });
    expect(broken).toEqual([]);
  });

  it('a leader whose log is too short is found', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      checker.checkLeader(replica({ brokerId: 2, role: 'leader', log: batches(['a', 'b']) }));
    });
    expect(broken).toHaveLength(1);
  });

  it('a new leader with other records than the committed ones is found, whatever its high watermark', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      const log = batches(['a', 'b', 'x']);
      checker.checkLeader(replica({ brokerId: 2, role: 'leader', highWatermark: 0, log }));
    });
    expect(broken).toHaveLength(1);
  });

  it('a process that has come back with other bytes is found', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      checker.check(replica({ life: 2, log: batches(['x', 'b', 'c']) }));
    });
    expect(broken).toHaveLength(1);
  });

  it('an acknowledged record that is not committed, or another one in its place, is found', () => {
    const promise = {
      topic: 'orders',
      topicId: KEY.slice(0, -2),
      partition: 0,
      acks: -1,
      leaderEpoch: 0,
    } as const;
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica());
      checker.checkAcknowledged({ ...promise, offset: 1, values: ['b', 'c'] });
      checker.checkAcknowledged({ ...promise, offset: 2, values: ['c', 'd'] });
      checker.checkAcknowledged({ ...promise, offset: 0, values: ['b'] });
      checker.checkAcknowledged({ ...promise, offset: -1, values: ['z'] });
    });
    expect(broken).toHaveLength(3);
  });

  it('a record that a consumer was given before it was committed is found', () => {
    const broken = found(CommittedLogs, (checker) => {
      checker.check(replica({ highWatermark: 2 }));
      checker.checkConsumed({ topicId: KEY.slice(0, -2), partition: 0, offset: 1, value: 'b' });
      checker.checkConsumed({ topicId: KEY.slice(0, -2), partition: 0, offset: 2, value: 'c' });
    });
    expect(broken).toHaveLength(1);
  });

  it('a record of an idempotent producer that is there twice is found', () => {
    const history = new History();
    history.idempotentValues.add('a');
    const logs = new CommittedLogs(() => {});
    logs.check(replica({ log: batches(['a', 'b', 'b', 'a']) }));
    expect(repeatedRecords(tree(), logs, history)).toEqual(["orders-0: 'a' is at 0 and at 3"]);
  });

  it('one that comes again when the former is deleted is not', () => {
    const history = new History();
    history.idempotentValues.add('a').add('b');
    const logs = new CommittedLogs(() => {});
    logs.check(replica({ log: batches(['a', 'b']), highWatermark: 2 }));
    logs.check(replica({ log: batches(['a', 'b', 'a', 'b']), startOffset: 1, highWatermark: 4 }));
    expect(repeatedRecords(tree(), logs, history)).toEqual(["orders-0: 'b' is at 1 and at 3"]);
  });
});

describe('compacted logs', () => {
  const rules = logRules({ compaction: true });
  const key = (name: string): Buffer => Buffer.from(name);
  /** Of three records, a with its second value at 2. */
  const record = (offset: number): Buffer =>
    buildBatch({
      baseOffset: offset,
      records: [{ key: key(offset === 1 ? 'b' : 'a'), value: Buffer.from(`${offset}`) }],
    });
  const log = (offsets: readonly number[], changes: Partial<ReplicaView> = {}): ReplicaView => ({
    ...replica({ name: 'accounts-0', log: [0, 1, 2].map(record) }),
    read: () => Buffer.concat(offsets.map(record)),
    ...changes,
  });
  const compared = (cleaned: ReplicaView): string[] =>
    foundIn((broken) => {
      const checker = new CommittedLogs(broken, rules);
      checker.check(log([0, 1, 2]));
      checker.check({ ...cleaned, brokerId: 2, id: 'of broker 2' });
    });

  it('may lack what has been replaced', () => {
    expect(compared(log([1, 2]))).toEqual([]);
  });

  it('may for a while lack both, while they are fetched from a leader that has cleaned its own (seed 8)', () => {
    expect(compared(log([], { endOffset: 1, highWatermark: 1 }))).toEqual([]);
  });

  it('that lack the latest value of a key are found', () => {
    expect(compared(log([0, 2]))).toEqual(['accounts-0: broker 2 has lost the latest value of b, at 1']);
  });

  it('that have kept an older value instead of the latest are found', () => {
    expect(compared(log([0, 1]))).toEqual(['accounts-0: broker 2 has lost the latest value of a, at 2']);
  });

  it('in another order, or with other records, are found', () => {
    expect(compared(log([2, 1])).join()).toMatch(/1 follows on 2/);
    const other = buildBatch({ baseOffset: 2, records: [{ key: key('a'), value: Buffer.from('x') }] });
    const changed = log([], { read: () => Buffer.concat([record(1), other]) });
    expect(compared(changed)).toEqual([
      'accounts-0: broker 2 has another record at 2 than what is committed',
    ]);
  });

  it('of other topics may lack nothing', () => {
    expect(compared(log([0, 2], { name: 'orders-0' }))).not.toEqual([]);
  });
});

describe('unclean elections', () => {
  const rules = logRules({ unclean: true });
  const at = { name: 'spare-0', leader: 1, isr: [1], replicas: [1, 2] };
  const promise = {
    topic: 'spare',
    topicId: KEY.slice(0, -2),
    partition: 0,
    acks: -1,
    leaderEpoch: 0,
    offset: 2,
    values: ['c'],
  } as const;
  const leads = (changes: Parameters<typeof replica>[0]): ReplicaView =>
    replica({ name: 'spare-0', role: 'leader', ...changes });
  const afterElection = (isr: number[], lost: readonly Acknowledgement[]): string[] =>
    foundIn((broken) => {
      const invariants = new Invariants(broken, rules);
      const before = tree({ states: [state(at)] });
      invariants.treeChanged(before);
      const first = [leads({})];
      invariants.check(observed(first), [], before);
      const elected = { ...at, leader: 2, isr: [2], leaderEpoch: 1, partitionEpoch: 2 };
      const after = tree({ states: [state(elected)] });
      if (isr.length > 1)
        invariants.treeChanged(tree({ states: [state({ ...at, isr, partitionEpoch: 1 })] }));
      invariants.treeChanged(after);
      const second = [leads({ brokerId: 2, leaderEpoch: 1, log: batches(['a', 'b']) })];
      invariants.check(observed(second), [], after);
      for (const acknowledgement of lost) invariants.acknowledged(acknowledgement);
      for (const what of invariants.unclean.unexplained(invariants.logs)) broken(what);
    });

  it('may lose what the new leader does not have', () => {
    expect(afterElection([1], [promise])).toEqual([]);
  });

  it('lose nothing of what their new leader was told', () => {
    expect(afterElection([1], [{ ...promise, leaderEpoch: 1 }])).toEqual([
      "spare-0: 'c', acknowledged at 2 in epoch 1, is lost",
    ]);
  });

  it('are no excuse where an election was clean', () => {
    const broken = afterElection([1, 2], [promise]);
    expect(broken).toContain('spare-0: leader 2 of epoch 1 ends at 2, but everything below 3 is committed');
  });

  it('are found where the topic does not allow them', () => {
    const broken = found(SoundStates, (checker) => {
      checker.check(state({ isr: [1] }));
      checker.check(state({ isr: [2], leader: 2, leaderEpoch: 1 }));
    });
    expect(broken).toHaveLength(1);
  });
});
