/**
 * ControlledShutdown (key 7): a broker asks the controller to move leadership away from it.
 * - 0 has the oldest request header, without a client id; 2+: broker epoch.
 */
import { api, array, int16, int32, safeInt64, string } from '../schema.ts';

export const ControlledShutdown = api({
  key: 7,
  name: 'ControlledShutdown',
  versions: '0-3',
  flexible: '3+',
  clusterAction: true,
  request: { brokerId: int32('0+'), brokerEpoch: safeInt64('2+', { default: -1, ignorable: true }) },
  response: {
    errorCode: int16('0+'),
    remainingPartitions: array('0+', { topicName: string('0+'), partitionIndex: int32('0+') }),
  },
});
