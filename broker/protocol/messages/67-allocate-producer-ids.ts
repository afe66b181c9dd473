/**
 * AllocateProducerIds (key 67): a broker asks the controller for a block of producer ids.
 */
import { api, int16, int32, safeInt64 } from '../schema.ts';

export const AllocateProducerIds = api({
  key: 67,
  name: 'AllocateProducerIds',
  versions: '0-0',
  flexible: '0+',
  clusterAction: true,
  request: { brokerId: int32('0+'), brokerEpoch: safeInt64('0+', { default: -1 }) },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: safeInt64('0+'),
    producerIdLen: int32('0+'),
  },
});
