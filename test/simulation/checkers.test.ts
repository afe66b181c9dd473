/** Every checker of the simulation can fail: each is shown a history in which its rule is broken. */
import { describe, expect, it } from 'vitest';
import { CommittedLogs } from './committed-logs.ts';
import { History } from './history.ts';
import {
  Invariants,
  OneControllerPerEpoch,
  OneLeaderPerEpoch,
  RisingMarks,
  SoundStates,
} from './invariants.ts';
import { lostOffsets, unsettledReplicas } from './settled.ts';
import { batches, found, KEY, observed, replica, state, tree } from './shown-views.ts';
import { StableOffsets } from './stable-offsets.ts';

describe('leaders', () => {
  it('two brokers that lead in one epoch are found', () => {
    const broken = found(OneLeaderPerEpoch, (checker) => {
      checker.elected(state());
      checker.check(replica({ role: 'leader' }));
      checker.check(replica({ role: 'leader', brokerId: 2 }));
    });
    expect(broken[0]).toBe('orders-0: brokers 1 and 2 lead in epoch 0');
  });

  it('a leader that nobody has elected is found', () => {
    const broken = found(OneLeaderPerEpoch, (checker) => {
      checker.elected(state());
      checker.check(replica({ role: 'leader', brokerId: 3 }));
    });
    expect(broken).toEqual(['orders-0: 3 leads in epoch 0, in which 1 is elected']);
  });

  it('two elections in one epoch are found', () => {
    const broken = found(OneLeaderPerEpoch, (checker) => {
      checker.elected(state());
      checker.elected(state({ leader: 2 }));
    });
    expect(broken).toEqual(['orders-0: brokers 1 and 2 are elected in leader epoch 0']);
  });

  it('one leader after the other, each in its epoch, is fine', () => {
    const broken = found(OneLeaderPerEpoch, (checker) => {
      checker.elected(state());
      checker.check(replica({ role: 'leader' }));
      checker.elected(state({ leader: 2, leaderEpoch: 1 }));
      checker.check(replica({ role: 'leader', brokerId: 2, leaderEpoch: 1 }));
      checker.check(replica({ role: 'leader' }));
    });
    expect(broken).toEqual([]);
  });
});

describe('marks', () => {
  it.each(['highWatermark', 'lastStableOffset', 'leaderEpoch', 'partitionEpoch', 'startOffset'] as const)(
    'a %s that falls in the life of a process is found, and in a new life it may',
    (mark) => {
      const broken = found(RisingMarks, (checker) => {
        checker.check(replica({ [mark]: 2 }));
        checker.check(replica({ [mark]: 1, life: 2 }));
        checker.check(replica({ [mark]: 1 }));
      });
      expect(broken).toEqual([`orders-0: ${mark} on broker 1 fell from 2 to 1`]);
    },
  );

  it('a last stable offset beyond the high watermark is found', () => {
    const broken = found(RisingMarks, (checker) =>
      checker.check(replica({ lastStableOffset: 3, highWatermark: 2 })),
    );
    expect(broken).toEqual(['orders-0: on broker 1 what is not committed counts as stable']);
  });

  it('a high watermark beyond the log is found', () => {
    expect(found(RisingMarks, (checker) => checker.check(replica({ highWatermark: 4 })))).toHaveLength(1);
  });
});

describe('last stable offsets', () => {
  const leader = { role: 'leader', highWatermark: 3, lastStableOffset: 3 } as const;

  it('one that falls while a process leads is found; when it has begun again it may know less', () => {
    const broken = found(StableOffsets, (checker) => {
      checker.check(replica({ ...leader, highWatermark: 2, lastStableOffset: 2 }));
      checker.check(replica({ ...leader, highWatermark: 1, lastStableOffset: 1 }));
      checker.check(replica({ ...leader, highWatermark: 1, lastStableOffset: 0, life: 2 }));
    });
    expect(broken).toEqual(['broker 1 has of orders-0 a last stable offset of 1 in epoch 0, after 2']);
  });

  it('an answer that is behind what was so when the client asked is found; one on its way is fine', () => {
    const answer = { key: KEY, leaderEpoch: 0, highWatermark: 1 };
    const broken = found(StableOffsets, (checker) => {
      checker.check(replica({ ...leader, highWatermark: 1, lastStableOffset: 1 }));
      const early = checker.floor(KEY, 0);
      checker.check(replica({ ...leader, highWatermark: 2, lastStableOffset: 2 }));
      const late = checker.floor(KEY, 0);
      checker.read({ ...answer, lastStableOffset: 1 }, early);
      checker.read({ ...answer, lastStableOffset: 1 }, late);
      checker.check(replica({ ...leader, highWatermark: 1, lastStableOffset: 1, life: 2 }));
      checker.read({ ...answer, lastStableOffset: 1 }, late);
    });
    expect(broken).toEqual([`a client was told of ${KEY} a last stable offset of 1 in epoch 0, after 2`]);
  });

  it('a new leader that opens again what was decided is found; one that does not know yet is fine', () => {
    const next = { ...leader, brokerId: 2, leaderEpoch: 1 };
    const broken = found(StableOffsets, (checker) => {
      checker.check(replica(leader));
      checker.check(replica({ ...next, highWatermark: 2, lastStableOffset: 1 }));
      checker.check(replica({ ...next, highWatermark: 3, lastStableOffset: 2 }));
    });
    expect(broken).toEqual([
      'broker 2 has of orders-0 a last stable offset of 2 with the high watermark at 3; with that at 3 it was 3',
    ]);
  });

  it('a follower with open transactions that are decided where as much is replicated is found', () => {
    const broken = found(StableOffsets, (checker) => {
      checker.check(replica({ ...leader, highWatermark: 2, lastStableOffset: 1 }));
      checker.check(replica({ ...leader, lastStableOffset: 2 }));
      checker.check(replica({ brokerId: 2, highWatermark: 2, lastStableOffset: 1 }));
      checker.check(replica({ brokerId: 2, highWatermark: 2, lastStableOffset: 0 }));
    });
    expect(broken).toHaveLength(1);
  });
});

describe('controllers', () => {
  it('two brokers that are the controller in one epoch are found', () => {
    const broken = found(OneControllerPerEpoch, (checker) => {
      checker.check({ brokerId: 1, life: 1, epoch: 1 }, tree());
      checker.check({ brokerId: 2, life: 1, epoch: 1 }, tree());
    });
    expect(broken[0]).toBe('controllers 1.1 and 2.1 are active in epoch 1');
  });

  it('a controller that is ahead of the tree is found', () => {
    const broken = found(OneControllerPerEpoch, (checker) =>
      checker.check({ brokerId: 1, life: 1, epoch: 2 }, tree()),
    );
    expect(broken).toEqual(['controller 1.1 has epoch 2, the tree 1']);
  });

  it('a controller that lags behind the tree is a zombie, which is fine', () => {
    const broken = found(OneControllerPerEpoch, (checker) =>
      checker.check({ brokerId: 1, life: 1, epoch: 1 }, tree({ controllerEpoch: 2, controllerId: 2 })),
    );
    expect(broken).toEqual([]);
  });
});

describe('states in the tree', () => {
  it.each([
    ['no replica in sync', state({ isr: [], leader: -1 })],
    ['a leader that is not in sync', state({ isr: [2, 3] })],
  ])('%s is found', (_, wrong) => {
    expect(found(SoundStates, (checker) => checker.check(wrong))).toHaveLength(1);
  });

  it.each(['leaderEpoch', 'partitionEpoch', 'controllerEpoch'] as const)(
    'a %s that falls is found',
    (epoch) => {
      const broken = found(SoundStates, (checker) => {
        checker.check(state({ [epoch]: 5 }));
        checker.check(state({ [epoch]: 4 }));
      });
      expect(broken).toEqual([`orders-0: ${epoch} in the tree fell from 5 to 4`]);
    },
  );

  it('a new leader without a new epoch is found', () => {
    const broken = found(SoundStates, (checker) => {
      checker.check(state());
      checker.check(state({ leader: 2 }));
    });
    expect(broken).toHaveLength(1);
  });

  it('an unclean election is found', () => {
    const broken = found(SoundStates, (checker) => {
      checker.check(state({ isr: [1] }));
      checker.check(state({ leader: 2, isr: [2], leaderEpoch: 1 }));
    });
    expect(broken).toEqual(['orders-0: 2 was elected and was not in sync (1)']);
  });
});

describe('offsets of a group', () => {
  const commit = (offset: number) => ({ group: 'g', topic: 't', partition: 0, offset });

  /** What is found wrong where the group holds this. */
  async function wrongWith(held: number | null, happened: (history: History) => void): Promise<string[]> {
    const history = new History();
    for (const offset of [7, 9, 12]) history.attempt(commit(offset));
    history.committed(commit(9));
    happened(history);
    const consumers = [{ committed: async () => held }] as never;
    const members = [{ verify: async () => true }] as never;
    return lostOffsets({ consumers, members }, history);
  }

  it.each([7, 8, 13, null])(
    'that are %s where 9 was committed, and 12 asked for after that, are found',
    async (held) => {
      expect(await wrongWith(held, () => {})).toEqual([`g t-0: committed 9, at most 12, held ${held}`]);
    },
  );

  it.each([9, 12])('may be %s then', async (held) => {
    expect(await wrongWith(held, () => {})).toEqual([]);
  });

  it('are those of a commit that was given up, if it arrives after a later one', async () => {
    const givesUp = (history: History) => history.givenUp(commit(7));
    expect(await wrongWith(7, givesUp)).toEqual([]);
    expect(await wrongWith(8, givesUp)).toHaveLength(1);
  });
});

describe('all checkers together', () => {
  it('look at every replica whose view is new, and at the leader that was elected last', () => {
    const broken: string[] = [];
    const invariants = new Invariants((what) => broken.push(what));
    invariants.treeChanged(tree());
    const first = [replica({ role: 'leader' })];
    invariants.check(observed(first), [], tree());
    const next = tree({ states: [state({ leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [2, 3] })] });
    invariants.treeChanged(next);
    const short = { role: 'leader', brokerId: 2, leaderEpoch: 1, log: batches(['a']) } as const;
    // It has not changed itself; what was elected has.
    invariants.check(observed([replica(short)], []), [], next);
    expect(broken).toEqual(['orders-0: leader 2 of epoch 1 ends at 1, but everything below 3 is committed']);
  });

  it('a replica that has not everything at the end is found', () => {
    const logs = new CommittedLogs(() => {});
    const views = [replica({ role: 'leader' }), replica({ brokerId: 2 }), replica({ brokerId: 3 })];
    for (const view of views) logs.check(view);
    expect(unsettledReplicas(views, tree(), logs)).toEqual([]);
    const behind = replica({ brokerId: 3, highWatermark: 2 });
    expect(unsettledReplicas([...views.slice(0, 2), behind], tree(), logs)).toHaveLength(1);
    expect(unsettledReplicas(views.slice(0, 2), tree(), logs)).toHaveLength(1);
    expect(unsettledReplicas(views, tree({ states: [] }), logs)).toHaveLength(3);
    const stray = replica({ brokerId: 4, highWatermark: 1 });
    expect(unsettledReplicas([...views, stray], tree(), logs)).toEqual([]);
    expect(unsettledReplicas([...views, { ...stray, role: 'leader' }], tree(), logs)).toHaveLength(1);
  });
});
