/** Kafka's commands that start something from a properties file, in words of ours; and ZooKeeper's shell. */
import { mkdirSync, readFileSync } from 'node:fs';
import { parseProperties } from '../../../broker/config/java-properties.ts';
import { UsageError } from '../../cli/arguments.ts';

/** Of zoo.cfg: what ours has an option for. */
const OPTIONS: Readonly<Record<string, string>> = {
  clientPort: '--port',
  clientPortAddress: '--host',
  dataDir: '--data-dir',
  tickTime: '--tick-ms',
  minSessionTimeout: '--min-session-timeout-ms',
  maxSessionTimeout: '--max-session-timeout-ms',
  maxClientCnxns: '--max-client-connections',
};
/** What has no meaning for one server that writes one log. */
const WITHOUT_MEANING = /^(dataLogDir|initLimit|syncLimit|standaloneEnabled|admin\.|autopurge\.|4lw\.)/;
const EVERYWHERE = '--host=0.0.0.0';

/** `kafka-server-start FILE [--override K=V]…`. */
export function serverWords(argv: readonly string[]): string[] {
  const [file, ...rest] = argv.filter((word) => word !== '-daemon');
  if (argv.includes('-daemon')) throw new UsageError('-daemon is not supported: a container has one program');
  if (file === undefined) throw new UsageError('a server.properties file is required');
  return ['broker', `--config=${file}`, ...rest];
}

/** `zookeeper-server-start FILE`. */
export function zookeeperWords(argv: readonly string[]): string[] {
  const [file, ...rest] = argv;
  if (file === undefined || rest.length > 0)
    throw new UsageError('takes one zookeeper.properties file, and nothing else');
  const words: string[] = [EVERYWHERE];
  for (const [key, value] of propertiesOf(file)) {
    const option = OPTIONS[key];
    if (option !== undefined) words.push(`${option}=${value}`);
    else if (key.startsWith('server.'))
      throw new UsageError(`${key}: an ensemble can't be had here, only one server`);
    else if (!WITHOUT_MEANING.test(key)) throw new UsageError(`${key} is not supported`);
    if (key === 'dataDir') mkdirSync(value, { recursive: true });
  }
  const isPlaced = words.some((word) => word.startsWith('--host=') && word !== EVERYWHERE);
  return ['zookeeper', ...(isPlaced ? words.slice(1) : words)];
}

/** `zookeeper-shell HOST:PORT[/CHROOT] [COMMAND PATH …]`. */
export function shellWords(argv: readonly string[]): string[] {
  const [connect, ...words] = argv;
  if (connect === undefined || words.length === 0)
    throw new UsageError('takes HOST:PORT and one command, such as ls /brokers/ids; there is no prompt');
  return ['zk', ...words, `--zookeeper=${connect}`];
}

function propertiesOf(file: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} can't be read`);
  }
}
