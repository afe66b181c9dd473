/** The client programs, which of them this machine can run, and how each is started. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import {
  CACHE,
  findJava,
  fingerprint,
  type Java,
  KAFKA_VERSION,
  tried,
} from '../../benchmark/systems/java.ts';
import type { Workplace } from '../../benchmark/workplace.ts';
import { MODES, type Mode } from '../history/entries.ts';
import { PYTHON, packageLacks, pythonWith } from './python-packages.ts';

export const CLIENT_NAMES = ['kafkajs', 'librdkafka', 'java'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** One client in one mode: a column of the table. */
export interface Client {
  readonly name: ClientName;
  readonly mode: Mode;
}

/** What a program is started with, before its arguments. */
export type Programs = ReadonlyMap<ClientName, readonly string[]>;

interface FoundPrograms {
  readonly programs: Programs;
  /** Why others can't be run, in words. */
  readonly lacking: ReadonlyMap<ClientName, string>;
  /** Which one of several was found, in words. */
  readonly told: readonly string[];
}

const CONFLUENT = 'confluent-kafka';
/**
 * Of librdkafka 2.8. Older ones have an idempotent producer that gives itself up when an answer is lost
 * (confluentinc/librdkafka#4438); those from 2.10 on never come back from adding offsets to a transaction if the
 * group's coordinator was a broker that has left the metadata (confluentinc/librdkafka#5511).
 */
const CONFLUENT_VERSION = '2.8.2';
const TELL_LIBRDKAFKA = 'import confluent_kafka; print(confluent_kafka.libversion()[0])';
const PROBE_LIMIT_MS = 30_000;
const COMPILE_LIMIT_MS = 120_000;
const SOURCE = join(import.meta.dirname, 'Torment.java');
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-XX:-UsePerfData'];
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What Kafka's client warns of on its way is not what is judged. */
const LOG4J = `-Dlog4j.configuration=file:${join(ROOT, 'test', 'interop', 'clients', 'log4j.properties')}`;

export const ALL_CLIENTS: readonly Client[] = CLIENT_NAMES.flatMap((name) =>
  MODES.map((mode) => ({ name, mode })),
);

/**
 * librdkafka takes NOT_LEADER_OR_FOLLOWER for certain and sends again by itself, whatever `retries` says; but
 * Kafka answers so as well when a leader that has written a record loses its partition before all have it.
 */
export function sendsAgain({ name, mode }: Client): boolean {
  return name === 'librdkafka' && mode === 'plain';
}

export function clientLabel({ name, mode }: Client): string {
  return `${name}-${mode}`;
}

/** Looks only for these; fetches and compiles once what can be. */
export async function findPrograms(
  workplace: Workplace,
  wanted: readonly ClientName[],
  progress: (line: string) => void,
): Promise<FoundPrograms> {
  const told: string[] = [];
  const finders: Record<ClientName, () => Promise<readonly string[] | string>> = {
    kafkajs: () =>
      Promise.resolve([
        ...[process.execPath, '--disable-warning=TimeoutNegativeWarning'],
        join(import.meta.dirname, 'kafkajs-program.ts'),
      ]),
    librdkafka: () => findPython(workplace, (line) => told.push(line)),
    java: () => findJavaProgram(workplace, progress),
  };
  const programs = new Map<ClientName, readonly string[]>();
  const lacking = new Map<ClientName, string>();
  for (const name of wanted) {
    const found = await finders[name]();
    if (typeof found === 'string') lacking.set(name, found);
    else programs.set(name, found);
  }
  return { programs, lacking, told };
}

async function findPython(
  workplace: Workplace,
  tell: (line: string) => void,
): Promise<readonly string[] | string> {
  const problem = packageLacks(CONFLUENT, CONFLUENT_VERSION);
  const fetched = problem === null ? [pythonWith(CONFLUENT, CONFLUENT_VERSION)] : [];
  for (const python of [...fetched, 'python3', PYTHON]) {
    const found = await tried(workplace, [python, '-c', TELL_LIBRDKAFKA], PROBE_LIMIT_MS);
    if (found?.code !== 0) continue;
    tell(`librdkafka ${found.stdout.trim()}${problem === null ? '' : ` (${problem})`}`);
    return [python, '-B', join(import.meta.dirname, 'librdkafka.py')];
  }
  return `Python's package confluent_kafka is not installed, and ${problem}`;
}

async function findJavaProgram(
  workplace: Workplace,
  progress: (line: string) => void,
): Promise<readonly string[] | string> {
  const java = await findJava(workplace, progress);
  if (typeof java === 'string') return java;
  const classes = join(CACHE, `torture-${KAFKA_VERSION}-${fingerprint([SOURCE])}`);
  const problem = existsSync(classes) ? null : await compile(workplace, java, classes);
  if (problem !== null) return problem;
  return ['java', ...JVM, LOG4J, '-cp', `${classes}:${java.kafkaClasspath}`, 'Torment'];
}

/** Only what is finished gets its name in the cache. */
async function compile(workplace: Workplace, java: Java, classes: string): Promise<string | null> {
  mkdirSync(CACHE, { recursive: true });
  const output = workplace.folderIn(CACHE);
  const argv = ['-cp', java.kafkaClasspath, '-d', output, SOURCE];
  const compiled = await tried(workplace, ['javac', ...argv], COMPILE_LIMIT_MS);
  if (compiled === null) return 'javac is not installed';
  if (compiled.code !== 0) return `javac could not compile: ${compiled.stderr.split('\n')[0]}`;
  if (!existsSync(classes)) renameSync(output, classes);
  return null;
}
