/**
 * DescribeLogDirs (key 35): log directories of a broker and the replicas in them.
 * - 3+: an error at the top; 4: total and usable bytes of the volume.
 */
import { api, array, bool, int16, int32, safeInt64, string } from '../schema.ts';

export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-4',
  flexible: '2+',
  request: {
    topics: array('0+', { topic: string('0+'), partitions: array('0+', int32) }, { nullable: '0+' }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('3+', { ignorable: true }),
    results: array('0+', {
      errorCode: int16('0+'),
      logDir: string('0+'),
      topics: array('0+', {
        name: string('0+'),
        partitions: array('0+', {
          partitionIndex: int32('0+'),
          partitionSize: safeInt64('0+'),
          offsetLag: safeInt64('0+'),
          isFutureKey: bool('0+'),
        }),
      }),
      totalBytes: safeInt64('4+', { default: -1, ignorable: true }),
      usableBytes: safeInt64('4+', { default: -1, ignorable: true }),
    }),
  },
});
