/**
 * Kafka's own commands inside the image, `kafka-topics` and so on, each as a command of ours: people run
 * them in containers, and so do test containers. Flags that the two have in common go through as they
 * are; `flags.ts` says the others in our words. What is not supported ends with one line and status 2.
 */
import { type CommandSpec, UsageError } from '../../cli/arguments.ts';
import { runCommandLine } from '../../cli/command-line.ts';
import { runCommand } from '../../cli/run.ts';
import { type Flags, translated } from './flags.ts';
import { storageCommand } from './kafka-storage.ts';
import { serverWords, shellWords, zookeeperWords } from './servers.ts';

/** The words after `odradek` that do what a tool was asked for. Throws UsageError. */
type Translate = (argv: readonly string[]) => readonly string[];

const PRODUCER: Flags = {
  '--broker-list': '--bootstrap-server',
  '--request-required-acks': '--acks',
  '--producer-property': { key: 'acks', option: '--acks' },
};
const CONSUMER: Flags = {
  '--property': { key: 'print.key', flag: '--print-key', ignored: ['print.value=true'] },
  '--consumer-property': {
    key: 'group.id',
    option: '--group',
    also: { 'auto.offset.reset=earliest': '--from-beginning' },
  },
};

const STORAGE: Flags = {
  '-t': '--cluster-id',
  '-c': '--config',
  '-g': '--ignore-formatted',
  '-S': '--add-scram',
};

const TRANSLATED: Readonly<Record<string, Translate>> = {
  'kafka-topics': (argv) => ['topics', ...argv],
  'kafka-acls': (argv) => ['acls', ...argv],
  'kafka-configs': (argv) => ['configs', ...argv],
  'kafka-consumer-groups': (argv) => ['groups', ...argv],
  'kafka-broker-api-versions': (argv) => ['api-versions', ...argv],
  'kafka-cluster': clusterWords,
  'kafka-delegation-tokens': (argv) => ['tokens', ...argv],
  'kafka-delete-records': (argv) => ['delete-records', ...argv],
  'kafka-get-offsets': (argv) => ['get-offsets', ...argv],
  'kafka-leader-election': (argv) => ['elect-leaders', ...argv],
  'kafka-log-dirs': (argv) => ['log-dirs', ...argv],
  'kafka-reassign-partitions': (argv) => ['reassign', ...argv],
  'kafka-transactions': (argv) => ['transactions', ...argv],
  'kafka-console-producer': (argv) => ['produce', ...translated(argv, PRODUCER)],
  'kafka-console-consumer': (argv) => ['consume', ...translated(argv, CONSUMER)],
  'kafka-dump-log': (argv) => ['log', 'dump', ...argv],
  'kafka-server-start': serverWords,
  'zookeeper-server-start': zookeeperWords,
  'zookeeper-shell': shellWords,
};

/** Of Kafka's commands those that have no counterpart here. */
const MISSING = [
  'kafka-client-metrics',
  'kafka-consumer-perf-test',
  'kafka-e2e-latency',
  'kafka-features',
  'kafka-jmx',
  'kafka-metadata-quorum',
  'kafka-metadata-shell',
  'kafka-mirror-maker',
  'kafka-producer-perf-test',
  'kafka-replica-verification',
  'kafka-run-class',
  'kafka-server-stop',
  'kafka-streams-application-reset',
  'kafka-verifiable-consumer',
  'kafka-verifiable-producer',
  'zookeeper-server-stop',
];

/** All names that the image has a command for. */
export const KAFKA_TOOLS: ReadonlySet<string> = new Set([
  ...Object.keys(TRANSLATED),
  ...MISSING,
  storageCommand.name,
]);

/** Runs a tool, and ends the process with its status. */
export function runKafkaTool(name: string, argv: readonly string[]): Promise<void> {
  if (name === storageCommand.name) return runCommand(storageCommand, name, translated(argv, STORAGE));
  let words: readonly string[];
  try {
    const translate = TRANSLATED[name];
    if (translate === undefined)
      throw new UsageError(`not in this image; its commands are ${Object.keys(TRANSLATED).join(', ')}`);
    words = translate(argv);
  } catch (error) {
    return runCommand(refusal(name, error), name, []);
  }
  return runCommandLine(words, name);
}

function clusterWords([verb = '', ...argv]: readonly string[]): string[] {
  if (verb !== 'cluster-id') throw new UsageError(`takes cluster-id, not '${verb}'`);
  return [verb, ...argv];
}

function refusal(name: string, error: unknown): CommandSpec {
  return { name, summary: '', options: [], run: () => Promise.reject(error) };
}
