/**
 * DescribeCluster (60), versions 0-1: brokers, controller, cluster id. v1 says which kind of endpoint
 * is meant; this broker knows brokers (1) only.
 * Source: KafkaApis.handleDescribeCluster, AuthHelper.computeDescribeClusterResponse.
 */
import { ErrorCode } from '../errors.ts';
import { DescribeCluster } from '../protocol/messages/60-describe-cluster.ts';
import { allowedOperations } from '../security/authorizer.ts';
import { CLUSTER, Operation } from '../security/operations.ts';
import { defineHandler } from './handler.ts';
import { aliveNodes } from './shared/nodes.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeCluster = defineHandler(DescribeCluster, ['clusterId', 'metadata'], {
  handle(request, context, services) {
    const { endpointType } = request;
    if (endpointType !== BROKERS) {
      const known = endpointType === CONTROLLERS;
      return {
        errorCode: known ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: known
          ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
          : `Unsupported endpoint type ${endpointType}`,
        endpointType: BROKERS,
      };
    }
    const response = {
      clusterId: services.clusterId,
      controllerId: services.metadata.image.controllerId,
      brokers: aliveNodes(services.metadata, context.listener).map(({ id, host, port, rack }) => ({
        brokerId: id,
        host,
        port,
        rack,
      })),
    };
    if (!request.includeClusterAuthorizedOperations) return response;
    const allowed = context.may(Operation.DESCRIBE, CLUSTER);
    return {
      ...response,
      clusterAuthorizedOperations: allowed ? allowedOperations(context, CLUSTER) : 0,
    };
  },
  refuse: (_request, errorCode) => ({ errorCode }),
});
