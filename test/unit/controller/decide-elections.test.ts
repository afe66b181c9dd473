/** Who leads next, decided from a state: after losses, by request, and when what was written is refused. */
import { describe, expect, it } from 'vitest';
import { decideSettled, withoutCleanLeader } from '../../../broker/controller/decide-brokers.ts';
import { decideRebalance } from '../../../broker/controller/election-events.ts';
import {
  electAfterLoss,
  electForReassignment,
  electForShutdown,
  electPreferred,
} from '../../../broker/controller/leader-election.ts';
import { clusterOf, first, transcript } from './views.ts';

const NONE: ReadonlySet<string> = new Set();
const T: ReadonlySet<string> = new Set(['t']);

describe('the election after a loss', () => {
  it('takes the first assigned replica that lives and is in sync, not the first of the ISR', () => {
    const state = clusterOf([2, 3], { replicas: [1, 2, 3], leader: 1, isr: [1, 3, 2] });
    expect(electAfterLoss(state, first(state), false)).toMatchObject({
      leader: 2,
      isr: [3, 2],
      recipients: [2, 3],
    });
  });

  it('does not take a replica out of sync, unless unclean elections are allowed', () => {
    const state = clusterOf([2, 3], { replicas: [1, 2, 3], leader: 1, isr: [1] });
    expect(electAfterLoss(state, first(state), false)).toBeNull();
    expect(electAfterLoss(state, first(state), true)).toEqual({
      leader: 2,
      isr: [2],
      leaderRecoveryState: 1,
      recipients: [2, 3],
      unclean: true,
    });
  });

  it('is clean even where unclean ones are allowed', () => {
    const state = clusterOf([2, 3], { replicas: [1, 2, 3], leader: 1, isr: [1, 3] });
    expect(electAfterLoss(state, first(state), true)).toMatchObject({ leader: 3, isr: [3], unclean: false });
  });

  it('takes no replica on a broker that is shutting down or on a failed disk', () => {
    const state = clusterOf([2, 3, 4], { replicas: [1, 2, 3, 4], leader: 1 });
    state.shuttingDown.add(2);
    state.setReplicaOnDisk(first(state), 3, false);
    expect(electAfterLoss(state, first(state), false)).toMatchObject({ leader: 4, isr: [4] });
  });
});

describe('the other elections', () => {
  it('prefer the first assigned replica only while it lives and is in sync', () => {
    const state = clusterOf([1, 2], { replicas: [1, 2], leader: 2, isr: [2, 1] });
    expect(electPreferred(state, first(state))).toMatchObject({ leader: 1, isr: [2, 1], recipients: [1, 2] });
    state.brokers.delete(1);
    expect(electPreferred(state, first(state))).toBeNull();
    const behind = clusterOf([1, 2], { replicas: [1, 2], leader: 2, isr: [2] });
    expect(electPreferred(behind, first(behind))).toBeNull();
  });

  it('for a shutdown take nobody who shuts down, and those leave the ISR', () => {
    const state = clusterOf([1, 2, 3], { replicas: [1, 2, 3], leader: 1 });
    state.shuttingDown.add(1).add(2);
    expect(electForShutdown(state, first(state))).toMatchObject({
      leader: 3,
      isr: [3],
      recipients: [1, 2, 3],
    });
    state.shuttingDown.add(3);
    expect(electForShutdown(state, first(state))).toBeNull();
  });

  it('for a reassignment take the first target that lives and is in sync', () => {
    const state = clusterOf([1, 2, 3], { replicas: [3, 2, 1], leader: 1, isr: [1, 2] });
    state.assign(first(state), { replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] });
    expect(electForReassignment(state, first(state))).toMatchObject({
      leader: 2,
      isr: [1, 2],
      recipients: [3, 2],
    });
  });
});

describe('settling', () => {
  it('makes a new partition with every living replica in sync and the first of them as leader', () => {
    const state = clusterOf([2, 3], { replicas: [1, 3, 2] });
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([
      'make new t-0 leader 3 epoch 0 isr 3,2 by 7 -> 3,2',
    ]);
  });

  it('leaves a new partition alone while no replica lives', () => {
    const state = clusterOf([9], { replicas: [1, 2] });
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([]);
  });

  it('needs one write each for an election and for a follower that is gone, and none where all is well', () => {
    const state = clusterOf(
      [2, 3],
      { replicas: [1, 2, 3], leader: 1 },
      { replicas: [2, 1, 3], leader: 2 },
      { replicas: [2, 3], leader: 2 },
      { replicas: [2, 1, 3], leader: 2, isr: [2, 3] },
    );
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([
      'write@9 t-0 leader 2 epoch 6 isr 2,3 by 7 -> 2,3',
      'write@9 t-1 leader 2 epoch 6 isr 2,3 by 7 -> 2,3',
    ]);
  });

  it('keeps one member of the ISR when all are gone, the one that led, and writes that once', () => {
    const state = clusterOf([3], { replicas: [1, 2, 3], leader: 2, isr: [1, 2] });
    const plan = decideSettled(state, state.partitions(), NONE);
    expect(transcript(plan)).toEqual(['write@9 t-0 leader -1 epoch 6 isr 2 by 7 -> 3']);
    const [change] = plan.changes;
    if (change === undefined) throw new Error('no change');
    state.setLeadership(first(state), { ...change.state, partitionEpoch: 10 });
    expect(first(state).status).toBe('Offline');
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([]);
  });

  it('elects uncleanly where the topic allows it', () => {
    const state = clusterOf([3], { replicas: [1, 2, 3], leader: 2, isr: [1, 2] });
    expect(withoutCleanLeader(state, state.partitions()).map(({ key }) => key)).toEqual(['t-0']);
    expect(transcript(decideSettled(state, state.partitions(), T))).toEqual([
      'write@9 unclean t-0 leader 3 epoch 6 isr 3 recovering by 7 -> 3',
    ]);
  });

  it('leaves the only replica in office while its broker is shutting down', () => {
    const state = clusterOf([1, 2], { replicas: [1], leader: 1 }, { replicas: [1, 3], leader: 1 });
    state.shuttingDown.add(1);
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([
      'write@9 t-1 leader 1 epoch 6 isr 1 by 7 -> ',
    ]);
  });

  it('touches nothing of a topic that is being deleted', () => {
    const state = clusterOf([2], { replicas: [1, 2], leader: 1 });
    state.topicsToDelete.add('t');
    expect(transcript(decideSettled(state, state.partitions(), NONE))).toEqual([]);
  });
});

describe('the balance of leaders', () => {
  it('is restored for brokers above the limit, as far as their replicas are in sync', () => {
    const state = clusterOf(
      [1, 2],
      { replicas: [1, 2], leader: 2 },
      { replicas: [1, 2], leader: 2, isr: [2] },
      { replicas: [1, 2], leader: 1 },
      { replicas: [2, 1], leader: 2 },
    );
    expect(decideRebalance(state, 0.1).map(({ key }) => key)).toEqual(['t-0']);
    expect(decideRebalance(state, 2 / 3)).toEqual([]);
  });
});
