/** The options that quickstart and `odradek cluster` share, and what they mean. */
import { accessSync, constants, existsSync } from 'node:fs';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { ensembleLacks } from '../../test/support/ensemble.ts';
import { setAside } from '../../test/support/free-ports.ts';
import { type Arguments, type OptionSpec, UsageError } from '../cli/arguments.ts';
import { type ClusterOptions, clusterDefaults } from './local-cluster.ts';
import { overrides } from './overrides.ts';
import { keptServers } from './own-zookeeper.ts';
import { portIsFree } from './ports.ts';

const DEFAULT_BROKERS = 3;
const DEFAULT_BASE_PORT = 9092;
const DEFAULT_SESSION_TIMEOUT_MS = 3000;

export const clusterOptionSpecs: readonly OptionSpec[] = [
  {
    name: 'brokers',
    value: 'N',
    kind: 'integer',
    min: 1,
    max: 32,
    help: 'how many brokers',
    fallback: String(DEFAULT_BROKERS),
  },
  {
    name: 'base-port',
    value: 'PORT',
    kind: 'integer',
    min: 0,
    max: 65_000,
    help: `Kafka port of the first broker (default ${DEFAULT_BASE_PORT}, with --json 0); 0: any free ports`,
  },
  {
    name: 'data-dir',
    value: 'DIR',
    help: 'where everything is kept (otherwise a temporary directory, removed at the end)',
  },
  {
    name: 'zookeeper',
    value: 'HOST:PORT,…',
    help: 'use this ensemble, which runs, instead of the embedded server; a chroot may follow',
  },
  {
    name: 'zookeeper-port',
    value: 'PORT',
    kind: 'integer',
    min: 0,
    max: 65_535,
    help: 'port of the embedded server, or of the first of several; 0: any',
    fallback: '0',
  },
  {
    name: 'zookeeper-servers',
    value: 'N',
    kind: 'integer',
    min: 1,
    max: 5,
    help: "so many of Apache's ZooKeeper instead of the embedded server: 1, 3 or 5; needs Java and Debian's packages",
  },
  {
    name: 'session-timeout-ms',
    value: 'MS',
    kind: 'integer',
    min: 500,
    max: 60_000,
    help: 'zookeeper.session.timeout.ms of the brokers (Kafka has 18000)',
    fallback: String(DEFAULT_SESSION_TIMEOUT_MS),
  },
  {
    name: 'override',
    value: 'KEY=VALUE',
    repeats: true,
    help: 'a property for every broker; may be repeated',
  },
];

/** For --help: what topics get here that they would not get from Kafka's defaults. */
export const clusterNotes = `Brokers have Kafka's defaults, but for these (of three brokers; --override changes them):

${Object.entries(clusterDefaults(DEFAULT_BROKERS))
  .map(([key, value]) => `  ${key}=${value}`)
  .join('\n')}`;

/** Everything but the directory; ports are checked, so that a failure leaves nothing behind. */
export async function clusterOptions(given: Arguments): Promise<Omit<ClusterOptions, 'directory'>> {
  const brokers = given.needInteger('brokers');
  const basePort = given.integer('base-port') ?? DEFAULT_BASE_PORT;
  const zookeeper = given.text('zookeeper');
  const zookeeperPort = given.needInteger('zookeeper-port');
  const zookeeperServers = chosenServers(given);
  const wanted = basePort === 0 ? [] : Array.from({ length: brokers }, (_, index) => basePort + index);
  const ownServers = Math.max(1, zookeeperServers);
  if (zookeeperPort !== 0 && zookeeper === null)
    wanted.push(...Array.from({ length: ownServers }, (_, index) => zookeeperPort + index));
  setAside(wanted);
  for (const port of wanted) {
    if (!(await portIsFree(port)))
      throw new UsageError(`port ${port} is in use; choose others with --base-port or --zookeeper-port`);
  }
  const directory = given.text('data-dir');
  if (directory !== null) {
    checkWritable(directory);
    if (zookeeper === null) checkKept(directory, zookeeperServers);
  }
  return {
    brokers,
    basePort,
    zookeeper,
    zookeeperPort,
    zookeeperServers,
    sessionTimeoutMs: given.needInteger('session-timeout-ms'),
    properties: overrides(given.all('override')),
  };
}

/** 0: the embedded one. An even number would be no safer than the odd one below it. */
function chosenServers(given: Arguments): number {
  const count = given.integer('zookeeper-servers');
  if (count === null) return 0;
  if (count % 2 === 0) throw new UsageError(`--zookeeper-servers takes 1, 3 or 5, not ${count}`);
  if (given.text('zookeeper') !== null)
    throw new UsageError(
      '--zookeeper-servers starts servers, --zookeeper uses some that run: leave one of them out',
    );
  const lacks = ensembleLacks();
  if (lacks !== null)
    throw new UsageError(
      `--zookeeper-servers: ${lacks}; of Debian it needs default-jre-headless, libzookeeper-java and libslf4j-java`,
    );
  return count;
}

/** What agreement is kept there is of so many servers, and of no other number. */
function checkKept(directory: string, servers: number): void {
  const kept = keptServers(directory);
  if (kept === null || kept === servers) return;
  const made = kept === 0 ? 'on the embedded ZooKeeper' : `with --zookeeper-servers ${kept}`;
  throw new UsageError(`--data-dir ${directory} was made ${made}: it takes no other`);
}

function checkWritable(directory: string): void {
  try {
    if (!existsSync(directory)) nodeDisk.makeDirectory(directory);
    accessSync(directory, constants.W_OK);
  } catch {
    throw new UsageError(`--data-dir ${directory} can't be written to`);
  }
}
