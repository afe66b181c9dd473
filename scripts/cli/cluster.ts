/** `odradek cluster`: what quickstart starts, without the drill and the console. */
import { attendCluster, say } from '../cluster/attended-cluster.ts';
import { clusterNotes, clusterOptionSpecs } from '../cluster/cluster-options.ts';
import {
  refuseWithJson,
  refuseWithoutJson,
  testClusterOptionSpecs,
} from '../cluster/test-cluster-options.ts';
import type { Arguments, CommandSpec } from './arguments.ts';

export const clusterCommand: CommandSpec = {
  name: 'cluster',
  summary:
    'Runs ZooKeeper (embedded unless servers or an ensemble are wanted) and several brokers until Ctrl-C.',
  options: [...clusterOptionSpecs, ...testClusterOptionSpecs],
  notes: clusterNotes,
  outlivesOutput: true,
  run,
};

async function run(given: Arguments): Promise<number> {
  // Loaded only for those who want it: all of a broker is in it.
  if (given.flag('json')) {
    refuseWithJson(given);
    return (await import('../cluster/test-cluster.ts')).runTestCluster(given);
  }
  refuseWithoutJson(given);
  return attendCluster(given, {
    async ready({ cluster, startedIn, directory, untilInterrupted }) {
      say(`bootstrap.servers=${cluster.bootstrapServers}`);
      say(`ready in ${startedIn}; data in ${directory}; Ctrl-C ends it`);
      await untilInterrupted(0);
      return 0;
    },
  });
}
