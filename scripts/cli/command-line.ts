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
  console: {
    summary: 'show a cluster in the browser, live',
    load: async () => (await import('./console.ts')).consoleCommand,
  },
  drill: {
    summary: 'failures to practise, each with a verdict',
    load: async () => (await import('./drill.ts')).drillCommand,
  },
  witness: {
    summary: 'clients that write down all that they do and are told',
    load: async () => (await import('./witness.ts')).witnessCommand,
  },
  topics: {
    summary: 'list, describe, create, grow and delete topics',
    load: async () => (await import('./topics/topics.ts')).topicsCommand,
  },
  produce: {
    summary: 'write lines of standard input to a topic',
    load: async () => (await import('./produce.ts')).produceCommand,
  },
  consume: {
    summary: 'write records of a topic to standard output',
    load: async () => (await import('./consume.ts')).consumeCommand,
  },
  groups: {
    summary: 'list, describe and delete consumer groups; reset and delete their offsets',
    load: async () => (await import('./groups/groups.ts')).groupsCommand,
  },
  configs: {
    summary: 'describe and change configs of topics, brokers, loggers, users, clients and addresses',
    load: async () => (await import('./configs/configs.ts')).configsCommand,
  },
  quotas: {
    summary: 'show and change what users, clients and addresses are held to',
    load: async () => (await import('./configs/quotas.ts')).quotasCommand,
  },
  users: {
    summary: 'list, set and delete the SCRAM credentials of users',
    load: async () => (await import('./users.ts')).usersCommand,
  },
  certs: {
    summary: 'make an authority and certificates for tests and demonstrations',
    load: async () => (await import('./certs/certs.ts')).certsCommand,
  },
  acls: {
    summary: 'list, add and remove access rules',
    load: async () => (await import('./acls/acls.ts')).aclsCommand,
  },
  'zk-security-migration': {
    summary: "secure Kafka's znodes, or open them",
    load: async () => (await import('./zk/zk-security-migration.ts')).zkSecurityMigrationCommand,
  },
  tokens: {
    summary: 'make, renew, end and show delegation tokens',
    load: async () => (await import('./tokens.ts')).tokensCommand,
  },
  reassign: {
    summary: 'move partitions to other brokers and log directories',
    load: async () => (await import('./reassign/reassign.ts')).reassignCommand,
  },
  'elect-leaders': {
    summary: 'have leaders of partitions elected',
    load: async () => (await import('./elect-leaders.ts')).electLeadersCommand,
  },
  'delete-records': {
    summary: 'delete the records before an offset',
    load: async () => (await import('./delete-records.ts')).deleteRecordsCommand,
  },
  'get-offsets': {
    summary: 'offsets of partitions: ends, beginnings, of a time',
    load: async () => (await import('./get-offsets.ts')).getOffsetsCommand,
  },
  'log-dirs': {
    summary: 'where replicas are on the disks of brokers',
    load: async () => (await import('./log-dirs.ts')).logDirsCommand,
  },
  transactions: {
    summary: 'list, describe and abort transactions; find those that hang',
    load: async () => (await import('./transactions/transactions.ts')).transactionsCommand,
  },
  'cluster-id': {
    summary: 'the id of the cluster',
    load: async () => (await import('./cluster-id.ts')).clusterIdCommand,
  },
  'api-versions': {
    summary: 'which requests each broker answers',
    load: async () => (await import('./api-versions.ts')).apiVersionsCommand,
  },
  zk: {
    summary: 'look at the coordination tree, and change it',
    load: async () => (await import('./zk/zk.ts')).zkCommand,
  },
  events: {
    summary: 'show what has happened, and what happens',
    load: async () => (await import('./events/events.ts')).eventsCommand,
  },
  explain: {
    summary: 'tell why a partition, a broker or the controller is as it is',
    load: async () => (await import('./events/explain.ts')).explainCommand,
  },
  log: {
    summary: 'show what is in the files of a log',
    load: async () => (await import('./log-dump.ts')).logCommand,
  },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

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
    throw new UsageError(`there is no command '${name}'; commands are ${COMMAND_NAMES.join(', ')}`);
  const rows = Object.entries(COMMANDS).map(([each, { summary }]) => `  ${each.padEnd(16)}${summary}`);
  await print(
    `Odradek: Apache Kafka in ZooKeeper mode, in TypeScript.\n\nUsage: odradek COMMAND [options]\n\n${rows.join('\n')}\n\n'odradek COMMAND --help' tells more.`,
  );
  return 0;
}
