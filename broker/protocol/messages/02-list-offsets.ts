/**
 * ListOffsets (key 2): finds offsets by timestamp.
 * - 0: several offsets per partition, from segment times; 1+: one offset and its timestamp.
 * - 2+: isolation level; 4+: leader epoch.
 * - Special timestamps: -1 latest, -2 earliest, -3 largest timestamp (7+), -4 earliest local (8+), -5 last
 *   tiered (9+).
 */
import { api, array, int8, int16, int32, int64, safeInt64, string } from '../schema.ts';

export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-9',
  flexible: '6+',
  request: {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
        maxNumOffsets: int32('0', { default: 1 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        oldStyleOffsets: array('0', safeInt64),
        timestamp: int64('1+', { default: -1 }),
        offset: safeInt64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
});
