/**
 * LeaderAndIsr (key 4): the controller tells a broker what it leads and follows.
 * - 2+: grouped by topic and fenced by broker epoch; 5+: topic ids; 6+: leader recovery state.
 * - 7: whether the controller is a KRaft one.
 */
import { api, array, bool, int8, int16, int32, safeInt64, string, uuid } from '../schema.ts';

const leaderAndIsrPartitionError = {
  topicName: string('0-4', { ignorable: true }),
  partitionIndex: int32('0+'),
  errorCode: int16('0+'),
};

const leaderAndIsrPartitionState = {
  topicName: string('0-1', { ignorable: true }),
  partitionIndex: int32('0+'),
  controllerEpoch: int32('0+'),
  leader: int32('0+'),
  leaderEpoch: int32('0+'),
  isr: array('0+', int32),
  partitionEpoch: int32('0+'),
  replicas: array('0+', int32),
  addingReplicas: array('3+', int32, { ignorable: true }),
  removingReplicas: array('3+', int32, { ignorable: true }),
  isNew: bool('1+', { ignorable: true }),
  leaderRecoveryState: int8('6+'),
};

export const LeaderAndIsr = api({
  key: 4,
  name: 'LeaderAndIsr',
  versions: '0-7',
  flexible: '4+',
  clusterAction: true,
  request: {
    controllerId: int32('0+'),
    isKRaftController: bool('7+'),
    controllerEpoch: int32('0+'),
    brokerEpoch: safeInt64('2+', { default: -1, ignorable: true }),
    type: int8('5+'),
    ungroupedPartitionStates: array('0-1', leaderAndIsrPartitionState),
    topicStates: array('2+', {
      topicName: string('2+'),
      topicId: uuid('5+', { ignorable: true }),
      partitionStates: array('2+', leaderAndIsrPartitionState),
    }),
    liveLeaders: array('0+', { brokerId: int32('0+'), hostName: string('0+'), port: int32('0+') }),
  },
  response: {
    errorCode: int16('0+'),
    partitionErrors: array('0-4', leaderAndIsrPartitionError),
    topics: array('5+', { topicId: uuid('5+'), partitionErrors: array('5+', leaderAndIsrPartitionError) }),
  },
});
