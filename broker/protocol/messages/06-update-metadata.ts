/**
 * UpdateMetadata (key 6): the controller tells a broker the state of partitions and who is alive.
 * - 5+: grouped by topic and fenced by broker epoch; 7+: topic ids; 8: type of update.
 */
import { api, array, bool, int8, int16, int32, safeInt64, string, uuid } from '../schema.ts';

const updateMetadataPartitionState = {
  topicName: string('0-4', { ignorable: true }),
  partitionIndex: int32('0+'),
  controllerEpoch: int32('0+'),
  leader: int32('0+'),
  leaderEpoch: int32('0+'),
  isr: array('0+', int32),
  zkVersion: int32('0+'),
  replicas: array('0+', int32),
  offlineReplicas: array('4+', int32, { ignorable: true }),
};

export const UpdateMetadata = api({
  key: 6,
  name: 'UpdateMetadata',
  versions: '0-8',
  flexible: '6+',
  clusterAction: true,
  request: {
    controllerId: int32('0+'),
    isKRaftController: bool('8+'),
    type: int8('8+', { tag: 0 }),
    controllerEpoch: int32('0+'),
    brokerEpoch: safeInt64('5+', { default: -1, ignorable: true }),
    ungroupedPartitionStates: array('0-4', updateMetadataPartitionState),
    topicStates: array('5+', {
      topicName: string('5+'),
      topicId: uuid('7+', { ignorable: true }),
      partitionStates: array('5+', updateMetadataPartitionState),
    }),
    liveBrokers: array('0+', {
      id: int32('0+'),
      v0Host: string('0', { ignorable: true }),
      v0Port: int32('0', { ignorable: true }),
      endpoints: array(
        '1+',
        {
          port: int32('1+'),
          host: string('1+'),
          listener: string('3+', { ignorable: true }),
          securityProtocol: int16('1+'),
        },
        { ignorable: true },
      ),
      rack: string('2+', { nullable: '0+', ignorable: true }),
    }),
  },
  response: { errorCode: int16('0+') },
});
