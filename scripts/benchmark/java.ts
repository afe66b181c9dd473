/**
 * Apache Kafka's jars and the Java that runs them: looked for in the cache, fetched once with Maven when
 * they are missing. Without Java or Maven there is no Kafka to compare with, which is said and not an error.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const KAFKA_VERSION = '3.9.1';
export const CACHE = process.env['ODRADEK_CACHE'] ?? join(homedir(), '.cache', 'odradek');
const HOME = join(CACHE, `kafka-${KAFKA_VERSION}`);
const LIBS = join(HOME, 'libs');
/** Debian's; newer ZooKeeper servers come with Kafka's own jars. */
const ZOOKEEPER_JARS = ['/usr/share/java/zookeeper.jar', '/usr/share/java/slf4j-simple.jar'];

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
export function findJava(progress: (message: string) => void): Java | string {
  const version = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (version.status !== 0) return 'java is not installed';
  if (!haveJars()) {
    if (spawnSync('mvn', ['-v'], { stdio: 'ignore' }).status !== 0)
      return `Kafka's jars are not in ${LIBS}, and mvn is not installed`;
    progress(`fetching Apache Kafka ${KAFKA_VERSION} with mvn into ${HOME} (once)`);
    const problem = fetchJars();
    if (problem !== null) return problem;
  }
  const kafkaClasspath = join(LIBS, '*');
  const debian = ZOOKEEPER_JARS.every((name) => existsSync(name));
  return {
    version: /"([^"]+)"/.exec(version.stderr)?.[1] ?? 'unknown',
    kafkaClasspath,
    zookeeperClasspath: debian ? ZOOKEEPER_JARS.join(':') : kafkaClasspath,
  };
}

function haveJars(): boolean {
  if (!existsSync(LIBS)) return false;
  const names = new Set(readdirSync(LIBS));
  return names.has(`kafka_2.13-${KAFKA_VERSION}.jar`) && names.has(`kafka-tools-${KAFKA_VERSION}.jar`);
}

/** Under a lock, as a test of clients may be fetching the same. */
function fetchJars(): string | null {
  mkdirSync(HOME, { recursive: true });
  const pom = join(HOME, 'pom.xml');
  writeFileSync(pom, POM);
  const copy = `mvn -q -B -f '${pom}' dependency:copy-dependencies -DoutputDirectory='${LIBS}'`;
  const script = `[ -e '${LIBS}/kafka_2.13-${KAFKA_VERSION}.jar' ] || ${copy}`;
  try {
    execFileSync('flock', [join(HOME, '.lock'), 'sh', '-c', script], { stdio: 'pipe' });
    return haveJars() ? null : `mvn left no Kafka in ${LIBS}`;
  } catch (error) {
    return `mvn could not fetch Kafka: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`;
  }
}
