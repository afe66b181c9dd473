/**
 * What `odradek` is inside a container: the command line of scripts/cli. A broker starts from the
 * container's properties, and `zk` looks at the ensemble that they name; options that are given win. With
 * no ensemble named, the broker brings the coordination along (embedded-broker.ts).
 */
import { UsageError } from '../cli/arguments.ts';
import { runCommandLine } from '../cli/command-line.ts';
import { runCommand } from '../cli/run.ts';
import { environmentProperties, PROPERTIES_FILE, secretFromFile } from './container-properties.ts';
import { containerShape, optionValue } from './container-shape.ts';
import { runEmbeddedBroker } from './embedded-broker.ts';
import type { Shape } from './kraft-shape.ts';
import { KAFKA_TOOLS, runKafkaTool } from './tools/kafka-tools.ts';

/** For the image, which has a command for each. */
export const TOOL_NAMES: readonly string[] = [...KAFKA_TOOLS];

/** Runs what the words after `odradek` ask for, and ends the process with its status. */
export async function runInContainer(argv: readonly string[]): Promise<void> {
  const [command = 'broker', ...given] = argv;
  if (KAFKA_TOOLS.has(command)) return runKafkaTool(command, given);
  if (command === 'broker' && !given.some((word) => word === '--help' || word === '-h')) {
    let shape: Shape;
    try {
      shape = containerShape(given);
    } catch (error) {
      return runRefused(error);
    }
    if (shape.isEmbedded || shape.problem !== null) return runAlone(shape);
    return runCommandLine([command, ...fromContainer(given, shape.properties), ...given]);
  }
  if (command === 'zk' && optionValue(given, 'zookeeper') === undefined) {
    let connect: string | undefined;
    try {
      connect = containerShape([]).properties.get('zookeeper.connect');
    } catch (error) {
      return runRefused(error);
    }
    return runCommandLine([command, `--zookeeper=${connect}`, ...given]);
  }
  return runCommandLine(argv);
}

function runAlone(shape: Shape): Promise<void> {
  if (shape.problem !== null) return runRefused(new UsageError(shape.problem));
  const run = () => runEmbeddedBroker(shape, process.env['CLUSTER_ID'] ?? '');
  return runCommand({ ...BROKER, run }, 'odradek broker', []);
}

/** Says why, in one line. */
function runRefused(error: unknown): Promise<void> {
  return runCommand({ ...BROKER, run: () => Promise.reject(error) }, 'odradek broker', []);
}

const BROKER = { name: 'broker', summary: '', options: [], outlivesOutput: true } as const;

function fromContainer(given: readonly string[], properties: ReadonlyMap<string, string>): string[] {
  const words = [...environmentProperties(process.env)].map(([key, value]) => `--override=${key}=${value}`);
  const secret = secretFromFile(process.env, () => properties);
  if (secret !== null) words.push(`--override=peer.shared.secret=${secret}`);
  return optionValue(given, 'config') === undefined ? [`--config=${PROPERTIES_FILE}`, ...words] : words;
}
