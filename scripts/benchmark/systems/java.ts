/**
 * Apache Kafka's jars and the Java that runs them: looked for in the cache, fetched once with Maven when
 * they are missing. Without Java or Maven there is no Kafka to compare with, which is said and not an error.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Finished, Workplace } from '../workplace.ts';

export const KAFKA_VERSION = '3.9.1';
export const CACHE =
  process.env['ODRADEK_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'odradek');
const HOME = join(CACHE, `kafka-${KAFKA_VERSION}`);
/** Complete if it is there: it gets this name when everything is in it. */
const LIBS = join(HOME, 'libs');
/** Debian's; newer ZooKeeper servers come with Kafka's own jars. */
const ZOOKEEPER_JARS = ['/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'];
const PROBE_LIMIT_MS = 30_000;
const FETCH_LIMIT_MS = 600_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>odradek</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
</dependencies></project>
`;

export interface Java {
  readonly version: string;
  readonly kafkaClasspath: string;
  readonly zookeeperClasspath: string;
}

/** What is there, or why it isn't, in words. Fetches Kafka's jars when only they are missing. */
export async function findJava(
  workplace: Workplace,
  progress: (message: string) => void,
): Promise<Java | string> {
  const java = await tried(workplace, ['java', '-version'], PROBE_LIMIT_MS);
  if (java === null || java.code !== 0) return 'java is not installed';
  if (!existsSync(LIBS)) {
    if ((await tried(workplace, ['mvn', '-v'], PROBE_LIMIT_MS))?.code !== 0)
      return `Kafka's jars are not in ${LIBS}, and mvn is not installed`;
    progress(`fetching Apache Kafka ${KAFKA_VERSION} with mvn into ${HOME} (once)`);
    const problem = await fetchJars(workplace);
    if (problem !== null) return problem;
  }
  const kafkaClasspath = join(LIBS, '*');
  const debian = ZOOKEEPER_JARS.every((name) => existsSync(name));
  return {
    version: /"([^"]+)"/.exec(java.stderr)?.[1] ?? 'unknown',
    kafkaClasspath,
    zookeeperClasspath: debian ? ZOOKEEPER_JARS.join(':') : kafkaClasspath,
  };
}

/** Names what is made of these sources, so that every checkout finds its own in the cache. */
export function fingerprint(sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source));
  return hash.digest('hex').slice(0, 12);
}

/** null when there is no such program. */
export async function tried(
  workplace: Workplace,
  command: readonly string[],
  limitMs: number,
): Promise<Finished | null> {
  try {
    return await workplace.run(command, limitMs);
  } catch (error) {
    if (workplace.closed) throw error;
    return null;
  }
}

/** Into a directory beside the right one, which gets its name at the end: nobody ever sees half of it. */
async function fetchJars(workplace: Workplace): Promise<string | null> {
  const directory = workplace.folderIn(HOME);
  const pom = join(directory, 'pom.xml');
  writeFileSync(pom, POM);
  const fetched = join(directory, 'libs');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${fetched}`];
  const { code, stdout } = await workplace.run(['mvn', '-q', '-B', '-f', pom, ...goal], FETCH_LIMIT_MS);
  workplace.checkOpen();
  if (code !== 0) return `mvn could not fetch Kafka: ${stdout.split('\n')[0]}`;
  if (!existsSync(LIBS)) renameSync(fetched, LIBS);
  return null;
}
