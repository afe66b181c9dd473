/** `odradek`: one program with a command for each thing to do with a cluster. */
import { type CommandSpec, UsageError } from './arguments.ts';
import { print } from './output.ts';
import { runCommand } from './run.ts';

/** Loaded only when asked for, so that each command starts as fast as it can. */
const COMMANDS: Record<string, { readonly summary: string; readonly load: () => Promise<CommandSpec> }> = {
  broker: { summary: 'run one broker', load: async () => (await import('./broker.ts')).brokerCommand },
  zookeeper: {
    summary: 'run the embedded ZooKeeper-compatible server',
    load: async () => (await import('./zookeeper.ts')).zookeeperCommand,
  },
  cluster: {
    summary: 'run ZooKeeper and several brokers on this machine',
    load: async () => (await import('./cluster.ts')).clusterCommand,
  },
  topics: {
    summary: 'list, describe, create, grow and delete topics',
    load: async () => (await import('./topics.ts')).topicsCommand,
  },
  produce: {
    summary: 'write lines of standard input to a topic',
    load: async () => (await import('./produce.ts')).produceCommand,
  },
  consume: {
    summary: 'write records of a topic to standard output',
    load: async () => (await import('./consume.ts')).consumeCommand,
  },
  configs: {
    summary: 'show and change configs of topics and brokers',
    load: async () => (await import('./configs.ts')).configsCommand,
  },
  'api-versions': {
    summary: 'show which requests each broker takes',
    load: async () => (await import('./api-versions.ts')).apiVersionsCommand,
  },
  groups: {
    summary: 'list, describe and delete consumer groups',
    load: async () => (await import('./groups.ts')).groupsCommand,
  },
  zk: { summary: 'look at the coordination tree', load: async () => (await import('./zk.ts')).zkCommand },
  log: {
    summary: 'show what is in the files of a log',
    load: async () => (await import('./log-dump.ts')).logCommand,
  },
};

/** Runs the command that these words ask for, and ends the process with its status; `program`: as it was called. */
export async function runCommandLine(argv: readonly string[], program?: string): Promise<void> {
  const [name = '--help', ...rest] = argv;
  const command = COMMANDS[name];
  if (command !== undefined) return runCommand(await command.load(), program ?? `odradek ${name}`, rest);
  const spec = { name, summary: 'What there is.', options: [], run: () => overview(name) };
  return runCommand(spec, 'odradek', []);
}

async function overview(name: string): Promise<number> {
  if (!['--help', '-h', 'help'].includes(name))
    throw new UsageError(`there is no command '${name}'; commands are ${Object.keys(COMMANDS).join(', ')}`);
  const rows = Object.entries(COMMANDS).map(([each, { summary }]) => `  ${each.padEnd(14)}${summary}`);
  await print(
    `Odradek: Apache Kafka in ZooKeeper mode, in TypeScript.\n\nUsage: odradek COMMAND [options]\n\n${rows.join('\n')}\n\n'odradek COMMAND --help' tells more.`,
  );
  return 0;
}
