/** What the controller decides about brokers, ISRs, deletions and reassignments, and the requests it makes of it. */
import { describe, expect, it } from 'vitest';
import type { ClusterState } from '../../../broker/controller/cluster-state.ts';
import {
  decideBrokersStarted,
  decideControlledShutdown,
  decideReplicasLost,
  stillLed,
} from '../../../broker/controller/decide-brokers.ts';
import {
  type AlterItem,
  alterRequestError,
  decideAlteration,
} from '../../../broker/controller/decide-isr.ts';
import {
  canComplete,
  decideDropped,
  decideReassignmentEnd,
  decideReassignmentStart,
  originReplicas,
  reassignTo,
  settledOn,
  targetReplicas,
  validateReassignment,
} from '../../../broker/controller/decide-reassignment.ts';
import {
  decideDeletionAnswer,
  decideDeletions,
  ineligibleForDeletion,
} from '../../../broker/controller/decide-topics.ts';
import { RequestBatch } from '../../../broker/controller/request-batch.ts';
import { ErrorCode, success } from '../../../broker/errors.ts';
import { clusterOf, first, transcript } from './views.ts';

const NONE: ReadonlySet<string> = new Set();

describe('brokers', () => {
  it('that are lost: elections, statuses, and metadata also where no state changes', () => {
    const state = clusterOf(
      [2, 3],
      { replicas: [1, 2], leader: 1 },
      { replicas: [2, 1], leader: 2, isr: [2] },
    );
    const lost = new Map([...state.partitions()].map((partition) => [partition, [1]]));
    expect(transcript(decideReplicasLost(state, lost, NONE))).toEqual([
      'write@9 t-0 leader 2 epoch 6 isr 2 by 7 -> 2',
      't-0 replica 1 is Offline',
      't-1 replica 1 is Offline',
      'UpdateMetadata t-0,t-1 -> all',
    ]);
  });

  it('that lost a disk only are told to stop the replicas on it', () => {
    const state = clusterOf([1, 2], { replicas: [1, 2], leader: 1 });
    state.setReplicaOnDisk(first(state), 1, false);
    expect(transcript(decideReplicasLost(state, new Map([[first(state), [1]]]), NONE))).toEqual([
      'write@9 t-0 leader 2 epoch 6 isr 2 by 7 -> 2',
      't-0 replica 1 is Offline',
      'StopReplica t-0 -> 1',
      'UpdateMetadata t-0 -> all',
    ]);
  });

  it('that come are told what they hold, and leaderless partitions get a leader', () => {
    const state = clusterOf(
      [1, 2],
      { replicas: [2, 1], leader: 1, isr: [1] },
      { replicas: [2], leader: -1, isr: [2] },
    );
    expect(transcript(decideBrokersStarted(state, new Set([2]), NONE))).toEqual([
      'write@9 t-1 leader 2 epoch 6 isr 2 by 7 -> 2',
      't-0 replica 2 is Online',
      't-1 replica 2 is Online',
      'LeaderAndIsr t-0 -> 2',
      'LeaderAndIsr t-1 -> 2',
    ]);
  });

  it('that want to leave hand over what they lead and stop what they follow, and keep single replicas', () => {
    const state = clusterOf(
      [1, 2, 3],
      { replicas: [1, 2, 3], leader: 1 },
      { replicas: [2, 1], leader: 2 },
      { replicas: [1], leader: 1 },
      { replicas: [1, 2], leader: 1, isr: [1] },
    );
    state.shuttingDown.add(1);
    expect(transcript(decideControlledShutdown(state, 1, state.partitions()))).toEqual([
      'write@9 t-0 leader 2 epoch 6 isr 2,3 by 7 -> 1,2,3',
      'write@9 t-1 leader 2 epoch 6 isr 2 by 7 -> 2',
      't-1 replica 1 is Offline',
      'StopReplica t-1 -> 1',
    ]);
    expect(stillLed(state, 1).map(({ key }) => key)).toEqual(['t-0', 't-3']);
  });
});

describe('AlterPartition', () => {
  const item = (more: Partial<AlterItem> = {}): AlterItem => ({
    topic: 't',
    partition: 0,
    leaderEpoch: 5,
    newIsr: [1, 2],
    leaderRecoveryState: 0,
    partitionEpoch: 9,
    ...more,
  });
  const state = (): ClusterState => clusterOf([1, 2, 3], { replicas: [1, 2, 3], leader: 1, isr: [1] });
  const errorOf = (view: ClusterState, one: AlterItem): number | string => {
    const decision = decideAlteration(view, one);
    return decision.do === 'refuse' ? decision.error : decision.do;
  };

  it('comes from a registered broker of the right epoch', () => {
    expect(alterRequestError(state(), 1, 101)).toBe(ErrorCode.NONE);
    expect(alterRequestError(state(), 1, 100)).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(alterRequestError(state(), 8, 101)).toBe(ErrorCode.STALE_BROKER_EPOCH);
  });

  it("is checked in Kafka's order: each fault hides those after it", () => {
    const faults: [Partial<AlterItem>, number][] = [
      [{ partition: 3 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [{ leaderEpoch: 6 }, ErrorCode.NOT_CONTROLLER],
      [{ leaderEpoch: 4 }, ErrorCode.FENCED_LEADER_EPOCH],
      [{ partitionEpoch: 8 }, ErrorCode.INVALID_UPDATE_VERSION],
      [{ leaderRecoveryState: 1, newIsr: [1, 2] }, ErrorCode.INVALID_REQUEST],
      [{ newIsr: [1, 8] }, ErrorCode.INELIGIBLE_REPLICA],
    ];
    for (const [index, [, error]] of faults.entries()) {
      const later = faults
        .slice(index)
        .toReversed()
        .map(([fault]) => fault);
      expect(errorOf(state(), item(Object.assign({}, ...later)))).toBe(error);
    }
    expect(errorOf(state(), item({ partitionEpoch: 10 }))).toBe(ErrorCode.NOT_CONTROLLER);
    expect(errorOf(state(), item({ leaderRecoveryState: 1, newIsr: [1] }))).toBe(ErrorCode.INVALID_REQUEST);
    expect(errorOf(state(), item({ newIsr: [] }))).toBe(ErrorCode.INVALID_REQUEST);
  });

  it('refuses a replica whose broker is shutting down', () => {
    const view = state();
    view.shuttingDown.add(2);
    expect(errorOf(view, item())).toBe(ErrorCode.INELIGIBLE_REPLICA);
  });

  it('confirms what is in place already, also at an old partition epoch', () => {
    expect(errorOf(state(), item({ newIsr: [1], partitionEpoch: 3 }))).toBe('confirm');
    expect(errorOf(state(), item({ newIsr: [1], partitionEpoch: 3, leaderEpoch: 4 }))).toBe(
      ErrorCode.FENCED_LEADER_EPOCH,
    );
  });

  it('writes with the same leader epoch, and ends a recovery', () => {
    const recovering = clusterOf([1, 2], { replicas: [1, 2], leader: 1, isr: [1], recovering: true });
    const decision = decideAlteration(recovering, item({ newIsr: [1] }));
    expect(decision).toMatchObject({
      do: 'write',
      change: { state: { leader: 1, leaderEpoch: 5, isr: [1], leaderRecoveryState: 0 }, expectedVersion: 9 },
    });
  });
});

describe('deletion of topics', () => {
  it('tells leader -2 first, then stops and deletes on living brokers, and waits for dead ones', () => {
    const state = clusterOf([1], { replicas: [1, 2], leader: 1 });
    state.topicsToDelete.add('t');
    const step = decideDeletions(state);
    expect(step).toMatchObject({ started: ['t'], ineligible: ['t'], finished: [] });
    expect(transcript(step.plan)).toEqual([
      't-0 replica 1 is DeletionStarted',
      't-0 replica 2 is DeletionIneligible',
      'UpdateMetadata t-0 -> all',
      'StopReplica t-0 -> 1',
      'StopReplica t-0 delete -> 1',
    ]);
  });

  it('is blocked by a reassignment, but not by a replica that is not there', () => {
    const state = clusterOf([1, 2], { replicas: [1, 2], leader: 1 });
    expect(ineligibleForDeletion(state, ['t'])).toEqual([]);
    state.brokers.delete(2);
    expect(ineligibleForDeletion(state, ['t'])).toEqual([]);
    state.assign(first(state), { replicas: [1, 2], addingReplicas: [2], removingReplicas: [] });
    expect(ineligibleForDeletion(state, ['t'])).toEqual(['t']);
    state.topicsToDelete.add('t');
    state.deletionIneligible.add('t');
    expect(transcript(decideDeletions(state).plan)).toEqual([]);
  });

  it('waits for answers, retries what failed once it may, and ends when all have succeeded', () => {
    const state = clusterOf([1, 2], { replicas: [1, 2], leader: 1 });
    state.topicsToDelete.add('t');
    state.deletionStarted.add('t');
    const told = [{ topic: 't', partition: 0 }];
    state.setReplicaStatus(first(state), 1, 'DeletionStarted');
    state.setReplicaStatus(first(state), 2, 'DeletionStarted');
    expect(transcript(decideDeletions(state).plan)).toEqual([]);
    expect(decideDeletionAnswer(state, 2, told, new Set(['t-0']))).toMatchObject({
      notes: [{ replica: 2, status: 'DeletionIneligible' }],
      ineligible: ['t'],
    });
    state.setReplicaStatus(first(state), 1, 'DeletionSuccessful');
    state.setReplicaStatus(first(state), 2, 'DeletionIneligible');
    expect(transcript(decideDeletions(state).plan)).toEqual([
      't-0 replica 2 is DeletionStarted',
      'StopReplica t-0 -> 2',
      'StopReplica t-0 delete -> 2',
    ]);
    state.setReplicaStatus(first(state), 2, 'DeletionSuccessful');
    expect(decideDeletions(state).finished).toEqual(['t']);
  });

  it('an answer for a replica that nobody told to delete means nothing', () => {
    const state = clusterOf([1], { replicas: [1], leader: 1 });
    expect(decideDeletionAnswer(state, 1, [{ topic: 't', partition: 0 }], new Set()).notes).toEqual([]);
  });
});

describe('reassignments', () => {
  it('hold the target first and then the origin while they last', () => {
    const moving = reassignTo(settledOn([1, 2, 3]), [3, 4]);
    expect(moving).toEqual({ replicas: [3, 4, 1, 2], addingReplicas: [4], removingReplicas: [1, 2] });
    expect(targetReplicas(moving)).toEqual([3, 4]);
    expect(originReplicas(moving)).toEqual([3, 1, 2]);
    expect(reassignTo(moving, originReplicas(moving))).toEqual(settledOn([3, 1, 2]));
    expect(reassignTo(moving, [5]).addingReplicas).toEqual([5]);
  });

  it('start with a new leader epoch, for the added replicas as new ones', () => {
    const state = clusterOf([1, 2, 3], { replicas: [1, 2], leader: 1 });
    state.assign(first(state), reassignTo(settledOn([1, 2]), [2, 3]));
    expect(canComplete(state, first(state))).toBe(false);
    expect(transcript(decideReassignmentStart(state, first(state)))).toEqual([
      'write@9 t-0 leader 1 epoch 6 isr 1,2 by 7 -> 2,1',
      't-0 replica 3 is New',
      'LeaderAndIsr t-0 new -> 3',
    ]);
  });

  it('are not given another target when only a replica that would be dropped can lead', () => {
    const state = clusterOf([1, 2, 3], { replicas: [1, 2], leader: 2, isr: [2] });
    state.assign(first(state), reassignTo(settledOn([1]), [2]));
    expect(validateReassignment(state, 't', 0, null)).toMatchObject({
      error: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    });
    expect(validateReassignment(state, 't', 0, [3])).toMatchObject({
      error: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    });
    expect(validateReassignment(state, 't', 0, [2, 3])).toEqual(success([2, 3]));
  });

  it('are called off where nobody can lead, if those who are waited for stay', () => {
    const state = clusterOf([1], { replicas: [2], leader: -1, isr: [2] });
    state.assign(first(state), reassignTo(settledOn([2]), [1]));
    expect(validateReassignment(state, 't', 0, null)).toEqual(success([2]));
    state.assign(first(state), settledOn([2]));
    expect(transcript(decideDropped(state, first(state), [1]))).toEqual(['StopReplica t-0 delete -> 1']);
  });

  it('end when the whole target is in sync: leader and ISR within it, the others deleted', () => {
    const state = clusterOf([1, 2, 3], { replicas: [1, 2], leader: 1, isr: [1, 2, 3] });
    state.assign(first(state), reassignTo(settledOn([1, 2]), [2, 3]));
    expect(canComplete(state, first(state))).toBe(true);
    state.assign(first(state), settledOn([2, 3]));
    expect(transcript(decideReassignmentEnd(state, first(state), [1]))).toEqual([
      'write@9 t-0 leader 2 epoch 7 isr 2,3 by 7 -> 2,3',
      't-0 replica 2 is Online',
      't-0 replica 3 is Online',
      'StopReplica t-0 delete -> 1',
    ]);
  });
});

describe('a batch of requests', () => {
  it('is sent as LeaderAndIsr, UpdateMetadata, StopReplica; leadership goes to everybody as metadata', () => {
    const state = clusterOf([1, 2, 3], { replicas: [1, 2], leader: 1 });
    const partition = first(state);
    const batch = new RequestBatch(state, 1);
    batch.add({ request: 'StopReplica', to: 2, partition, deletePartition: true });
    batch.add({ request: 'LeaderAndIsr', to: [1, 9], partition, isNew: true });
    batch.add({ request: 'LeaderAndIsr', to: [1], partition, isNew: false });
    batch.add({ request: 'StopReplica', to: 2, partition, deletePartition: false });
    const requests = batch.requests();
    expect(
      requests.map(({ to, request }) => `${request.type} -> ${to} of epoch ${request.brokerEpoch}`),
    ).toEqual([
      'LeaderAndIsr -> 1 of epoch 101',
      'UpdateMetadata -> 1 of epoch 101',
      'UpdateMetadata -> 2 of epoch 102',
      'UpdateMetadata -> 3 of epoch 103',
      'StopReplica -> 2 of epoch 102',
    ]);
    expect(requests[0]?.request).toMatchObject({ partitions: [{ isNew: true }] });
    expect(requests.at(-1)?.request).toMatchObject({
      partitions: [{ deletePartition: true, leaderEpoch: 5 }],
    });
  });

  it('tells only those of all topics that there are who are to forget others', () => {
    const state = clusterOf([1, 2], { replicas: [1, 2], leader: 1 });
    const batch = new RequestBatch(state, 1);
    batch.add({ request: 'UpdateMetadata', to: [2], partitions: [first(state)], forgetOthers: true });
    batch.add({ request: 'LeaderAndIsr', to: [1], partition: first(state), isNew: false });
    const told = batch.requests().flatMap(({ to, request }) => {
      return request.type === 'UpdateMetadata' ? [[to, request.onlyTopics]] : [];
    });
    expect(new Map(told as [number, unknown][])).toEqual(
      new Map<number, unknown>([
        [1, undefined],
        [2, ['t']],
      ]),
    );
  });

  it('names the replicas that are offline, and -2 for what is being deleted', () => {
    const state = clusterOf([1], { replicas: [1, 2], leader: 1 });
    state.topicsToDelete.add('t');
    const batch = new RequestBatch(state, 1);
    batch.add({ request: 'UpdateMetadata', to: 'all', partitions: [first(state)] });
    batch.add({ request: 'StopReplica', to: 1, partition: first(state), deletePartition: true });
    const [metadata, stop] = batch.requests();
    expect(metadata?.request).toMatchObject({
      partitions: [{ leader: -2, offlineReplicas: [2] }],
      topicIds: [['t', 'AAAAAAAAAAAAAAAAAAAAAQ']],
    });
    expect(stop?.request).toMatchObject({ partitions: [{ leaderEpoch: -2 }] });
  });
});
