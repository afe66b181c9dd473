/**
 * The main job in one command: a cluster of real processes, and the first drill on it: a steady load, the controller
 * killed in the middle, who took over and how long that took, and the proof that every acknowledged record is there
 * once and in order. Then the cluster stays up, with a console, for the user's own clients.
 */
import type { Arguments, CommandSpec } from './cli/arguments.ts';
import { PLAINTEXT } from './cli/client-security.ts';
import { openConsole } from './cli/console.ts';
import { runCommand } from './cli/run.ts';
import { DRILLS_OUT, runAndTell } from './cli/told-drill.ts';
import { zookeeperAccessOf } from './cli/zookeeper-client.ts';
import { attendCluster, say } from './cluster/attended-cluster.ts';
import { clusterNotes, clusterOptionSpecs } from './cluster/cluster-options.ts';
import { INTERRUPTED_STATUS } from './cluster/ending.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';
import { portIsFree } from './cluster/ports.ts';
import { ValueReader } from './console/avro/value-reader.ts';
import { knownDrill } from './drills/catalogue.ts';
import type { Drill } from './drills/drill.ts';

const DRILL = 'controller-killed';
/** Where nobody could take over. */
const DRILL_OF_ONE = 'nothing-happens';
const CONSOLE_PORT = 8090;

const quickstart: CommandSpec = {
  name: 'quickstart',
  summary: `Starts ZooKeeper and three brokers, runs the drill ${DRILL} on them, and stays up, with a console.`,
  options: [
    ...clusterOptionSpecs,
    { name: 'out', value: 'DIR', help: 'where the report of the drill goes', fallback: DRILLS_OUT },
    {
      name: 'exit',
      help: 'end after the drill, without a console; exit status 0 only if what it expects held',
    },
  ],
  notes: clusterNotes,
  outlivesOutput: true,
  run,
};

function run(given: Arguments): Promise<number> {
  const exits = given.flag('exit');
  const out = given.needText('out');
  return attendCluster(given, {
    starting: (brokers, where) => say(`starting ${brokers} brokers ${where}`),
    async ready({ cluster, startedIn, untilInterrupted, beforeTheEnd }) {
      void untilInterrupted(INTERRUPTED_STATUS);
      say(`ready in ${startedIn}`);
      say(`bootstrap.servers=${cluster.bootstrapServers}`);
      // Somebody may have had enough at any moment, while the console opens as well.
      const interruption = new AbortController();
      beforeTheEnd(async () => interruption.abort());
      if (!exits) {
        const console = await consoleOf(cluster, given);
        beforeTheEnd(() => console.close());
        if (interruption.signal.aborted) return INTERRUPTED_STATUS;
        say(`console at ${console.url}`);
      }
      const drill = runAndTell(drillFor(cluster), {
        setting: { of: 'lent', cluster },
        ...{ signal: interruption.signal, out, asJson: false, explains: false },
      });
      beforeTheEnd(() => drill.then(() => {}));
      const end = await drill;
      const status = end.how === 'held' ? 0 : 1;
      if (exits || end.how === 'called off') return status;
      say(`\nThe cluster stays up: point any Kafka client at ${cluster.bootstrapServers}. Ctrl-C ends it.`);
      await untilInterrupted(status);
      return status;
    },
  });
}

function drillFor({ brokers }: LocalCluster): Drill {
  const name = brokers.length > 1 ? DRILL : DRILL_OF_ONE;
  const drill = knownDrill(name);
  if (drill === undefined) throw new Error(`there is no drill '${name}'`);
  return drill;
}

async function consoleOf(
  { bootstrapServers, zookeeperConnect }: LocalCluster,
  given: Arguments,
): ReturnType<typeof openConsole> {
  return openConsole({
    bootstrap: bootstrapServers,
    security: PLAINTEXT,
    zookeeper: zookeeperConnect,
    access: await zookeeperAccessOf(given),
    values: new ValueReader(null),
    drillsOut: given.needText('out'),
    host: '127.0.0.1',
    port: (await portIsFree(CONSOLE_PORT)) ? CONSOLE_PORT : 0,
    tls: null,
    allowChanges: true,
  });
}

await runCommand(quickstart, './scripts/quickstart', process.argv.slice(2));
