/** The options that quickstart and `odradek cluster` share, and what they mean. */
import { accessSync, constants, existsSync } from 'node:fs';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { type Arguments, type OptionSpec, UsageError } from '../cli/arguments.ts';
import { type ClusterOptions, clusterDefaults } from './local-cluster.ts';
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
    help: 'use this ensemble instead of the embedded server; a chroot may follow',
  },
  {
    name: 'zookeeper-port',
    value: 'PORT',
    kind: 'integer',
    min: 0,
    max: 65_535,
    help: 'port of the embedded server; 0: any',
    fallback: '0',
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
  const wanted = basePort === 0 ? [] : Array.from({ length: brokers }, (_, index) => basePort + index);
  if (zookeeperPort !== 0 && zookeeper === null) wanted.push(zookeeperPort);
  for (const port of wanted) {
    if (!(await portIsFree(port)))
      throw new UsageError(`port ${port} is in use; choose others with --base-port or --zookeeper-port`);
  }
  const directory = given.text('data-dir');
  if (directory !== null) checkWritable(directory);
  return {
    brokers,
    basePort,
    zookeeper,
    zookeeperPort,
    sessionTimeoutMs: given.needInteger('session-timeout-ms'),
    properties: overrides(given.all('override')),
  };
}

/** `key=value` words as a table. */
export function overrides(words: readonly string[]): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw new UsageError(`--override takes KEY=VALUE, not '${word}'`);
    properties[word.slice(0, at)] = word.slice(at + 1);
  }
  return properties;
}

function checkWritable(directory: string): void {
  try {
    if (!existsSync(directory)) nodeDisk.makeDirectory(directory);
    accessSync(directory, constants.W_OK);
  } catch {
    throw new UsageError(`--data-dir ${directory} can't be written to`);
  }
}
