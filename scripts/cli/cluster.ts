/** `odradek cluster`: what quickstart starts, without the tour. */
import { attendCluster, say } from '../cluster/attended-cluster.ts';
import { clusterNotes, clusterOptionSpecs } from '../cluster/cluster-options.ts';
import type { Arguments, CommandSpec } from './arguments.ts';

export const clusterCommand: CommandSpec = {
  name: 'cluster',
  summary: 'Runs ZooKeeper (embedded unless an ensemble is given) and several brokers until Ctrl-C.',
  options: clusterOptionSpecs,
  notes: clusterNotes,
  outlivesOutput: true,
  run,
};

function run(given: Arguments): Promise<number> {
  return attendCluster(given, {
    async ready({ cluster, startedIn, directory, untilInterrupted }) {
      say(`bootstrap.servers=${cluster.bootstrapServers}`);
      say(`ready in ${startedIn}; data in ${directory}; Ctrl-C ends it`);
      await untilInterrupted(0);
      return 0;
    },
  });
}
