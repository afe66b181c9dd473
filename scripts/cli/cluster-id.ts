/** `odradek cluster-id`: what Kafka's `kafka-cluster cluster-id` does. */

import { ErrorCode } from '../../broker/errors.ts';
import { DescribeCluster } from '../../broker/protocol/messages/60-describe-cluster.ts';
import { adminClient, reasonOf } from './admin-client.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { print } from './output.ts';

export const clusterIdCommand: CommandSpec = {
  name: 'cluster-id',
  summary: 'Tells the id of the cluster.',
  options: [...clientOptions, jsonOption],
  run,
};

async function run(given: Arguments): Promise<number> {
  const admin = await adminClient(given);
  try {
    const answer = await admin.askAnyBroker(DescribeCluster, { includeClusterAuthorizedOperations: false });
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
    const { clusterId } = answer;
    await print(given.flag('json') ? JSON.stringify({ clusterId }) : `Cluster ID: ${clusterId}`);
    return 0;
  } finally {
    admin.close();
  }
}
