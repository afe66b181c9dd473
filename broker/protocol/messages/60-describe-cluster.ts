/**
 * DescribeCluster (key 60): brokers, controller and cluster id.
 * - 1: which endpoints are meant, brokers or controllers.
 */
import { api, array, bool, int8, int16, int32, string } from '../schema.ts';

export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-1',
  flexible: '0+',
  request: { includeClusterAuthorizedOperations: bool('0+'), endpointType: int8('1+', { default: 1 }) },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: array('0+', {
      brokerId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -2147483648 }),
  },
});
