/**
 * DeleteRecords (key 21): raises the log start offset of partitions.
 */
import { api, array, int16, int32, safeInt64, string } from '../schema.ts';

export const DeleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', { partitionIndex: int32('0+'), offset: safeInt64('0+') }),
    }),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        lowWatermark: safeInt64('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
});
