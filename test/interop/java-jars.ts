/**
 * Apache Kafka's own jars, fetched once by Maven into the user's cache, and how to run what is in them:
 * a program in a source file, the command line tools one after the other in one JVM, or a broker.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { CLIENTS, commandLacks } from './interop-cluster.ts';

const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const FETCH_TIMEOUT_MS = 120_000;
/** Tests are short: the quick compiler and a small heap are enough. */
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
const LOG4J = join(CLIENTS, 'log4j.properties');

/** What to fetch besides its dependencies, by version, with a word for what is not needed by all. */
const ARTIFACTS: Record<string, readonly string[]> = {
  '3.9.1': ['kafka_2.13', 'kafka-tools'],
  '3.9.1-streams': ['kafka-streams'],
  '3.9.1-connect': ['connect-runtime', 'connect-file'],
  '4.1.0': ['kafka-clients', 'kafka-tools'],
};

/** Why Kafka's jars of a version can't be had; null when they are there. */
export function jarsLack(version: string): string | null {
  const noJava = commandLacks('javac', ['-version']);
  if (noJava !== null) return noJava;
  if (existsSync(jarsOf(version))) return null;
  const noMaven = commandLacks('mvn', ['--version']);
  if (noMaven !== null) return noMaven;
  try {
    fetchJars(version);
    return null;
  } catch {
    return `Maven could not fetch Kafka ${version}`;
  }
}

export function javaArguments(version: string, more: readonly string[] = []): string[] {
  return [...JVM, `-Dlog4j.configuration=file:${LOG4J}`, ...more, '-cp', classpathOf(version)];
}

/** Of all that Kafka comes with; a ZooKeeper is in it. */
export function classpathOf(version: string): string {
  return join(jarsOf(version), '*');
}

export interface ToolResult {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Kafka's command line tools, by their main classes. */
export class JavaTools {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(version: string) {
    const argv = [...javaArguments(version), join(CLIENTS, 'JavaTools.java')];
    const child = spawn('java', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    child.once('exit', () => {
      for (const each of this.#waiting.splice(0)) each('');
    });
  }

  run(mainClass: string, argv: readonly string[], input = ''): Promise<ToolResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push((line) => {
        const words = line.split(' ').map((word) => Buffer.from(word, 'base64').toString());
        const [status, out, error] = words;
        if (out === undefined || error === undefined) reject(new Error('the JVM of the tools has ended'));
        else resolve({ status: Number(status), out, error });
      });
      const words = [input, mainClass, ...argv].map((word) => Buffer.from(word).toString('base64'));
      this.#child.stdin?.write(`${words.join(' ')}\n`);
    });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

function jarsOf(version: string): string {
  return join(CACHE, 'odradek', `kafka-${version}`, 'libs');
}

/** Into a directory of its own first, so that nobody sees half of it. */
function fetchJars(version: string): void {
  const home = join(CACHE, 'odradek', `kafka-${version}`);
  mkdirSync(home, { recursive: true });
  const directory = mkdtempSync(join(home, 'fetch-'));
  try {
    writeFileSync(join(directory, 'pom.xml'), pom(version));
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(directory, 'libs')}`];
    const options = { cwd: directory, stdio: 'ignore', timeout: FETCH_TIMEOUT_MS } as const;
    execFileSync('mvn', ['-q', '-B', ...goal], options);
    if (!existsSync(jarsOf(version))) renameSync(join(directory, 'libs'), jarsOf(version));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function pom(key: string): string {
  const [version = ''] = key.split('-');
  const dependencies = (ARTIFACTS[key] ?? []).map(
    (artifact) =>
      `<dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>odradek</groupId><artifactId>interop</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`;
}
