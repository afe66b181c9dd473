/** States of small clusters, written down in a line, for tests of pure decisions. */
import { ClusterState, type PartitionRecord } from '../../../broker/controller/cluster-state.ts';
import type { Plan } from '../../../broker/controller/plan.ts';

interface PartitionSketch {
  readonly replicas: number[];
  /** Absent: the partition is new. */
  readonly leader?: number;
  readonly isr?: number[];
  readonly recovering?: boolean;
}

/** Topic `t` with the sketched partitions, brokers alive as given, controller epoch 7. */
export function clusterOf(alive: readonly number[], ...partitions: PartitionSketch[]): ClusterState {
  const state = new ClusterState(7);
  for (const id of alive) state.brokers.set(id, { id, epoch: 100 + id, rack: null, endpoints: [] });
  const topic = state.addTopic('t', 'AAAAAAAAAAAAAAAAAAAAAQ', 0);
  partitions.forEach(({ replicas, leader, isr, recovering }, index) => {
    const assignment = { replicas, addingReplicas: [], removingReplicas: [] };
    const partition = state.addPartition(topic, index, assignment);
    if (leader === undefined) return;
    state.setLeadership(partition, {
      leader,
      leaderEpoch: 5,
      isr: isr ?? replicas,
      controllerEpoch: 6,
      leaderRecoveryState: recovering ? 1 : 0,
      partitionEpoch: 9,
    });
  });
  return state;
}

export function first(state: ClusterState): PartitionRecord {
  const partition = state.partition('t', 0);
  if (partition === undefined) throw new Error('no partition');
  return partition;
}

/** A plan as lines: what is written, noted and told. */
export function transcript(plan: Plan): string[] {
  return [
    ...plan.changes.map(({ partition, state, expectedVersion, recipients, isNew, unclean }) => {
      const kind = `${expectedVersion === null ? 'make' : `write@${expectedVersion}`}${isNew ? ' new' : ''}${unclean ? ' unclean' : ''}`;
      const recovering = state.leaderRecoveryState === 1 ? ' recovering' : '';
      return `${kind} ${partition.key} leader ${state.leader} epoch ${state.leaderEpoch} isr ${state.isr}${recovering} by ${state.controllerEpoch} -> ${recipients}`;
    }),
    ...plan.notes.map(({ partition, replica, status }) => `${partition.key} replica ${replica} is ${status}`),
    ...plan.tell.map((tell) => {
      switch (tell.request) {
        case 'LeaderAndIsr':
          return `LeaderAndIsr ${tell.partition.key}${tell.isNew ? ' new' : ''} -> ${tell.to}`;
        case 'UpdateMetadata':
          return `UpdateMetadata ${tell.partitions.map(({ key }) => key)} -> ${tell.to}`;
        case 'StopReplica':
          return `StopReplica ${tell.partition.key}${tell.deletePartition ? ' delete' : ''} -> ${tell.to}`;
      }
      return '';
    }),
  ];
}
