/**
 * What the options of a JVM say to Kafka and ZooKeeper: `-Dname=value`, in KAFKA_OPTS and its like. Whoever
 * comes from Kafka has them set; other options mean nothing here.
 */
import { ConfigError } from '../config/property.ts';
import type { Disk } from '../platform/disk.ts';
import { type JaasEntry, parseJaasFile } from './sasl/jaas.ts';
import { withProperties } from './sasl/system-properties.ts';

/** System properties by name. */
export type JvmProperties = ReadonlyMap<string, string>;

const ONE_WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/g;
const JAAS_FILE = 'java.security.auth.login.config';

/** Of a property that is given twice the last counts, as in Java. */
export function jvmProperties(options: string): JvmProperties {
  const found = new Map<string, string>();
  for (const [word] of options.matchAll(ONE_WORD)) {
    const plain = word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2');
    const match = /^-D([^=]+)(?:=(.*))?$/s.exec(plain);
    // `-Dname==file` is Java's way to say "this file and no other"; there is no other here.
    if (match !== null) found.set(match[1] ?? '', (match[2] ?? '').replace(/^=/, ''));
  }
  return found;
}

export function namesJaasFile(properties: JvmProperties): boolean {
  return (properties.get(JAAS_FILE) ?? '') !== '';
}

/** The only entry of a section of the JAAS file; null: there is no file, or no such section. Throws ConfigError. */
export function jaasSection(
  properties: JvmProperties,
  section: string,
  disk: Pick<Disk, 'readFile'>,
): JaasEntry | null {
  const entries = jaasSections(properties, disk)?.get(section) ?? [];
  if (entries.length <= 1) return entries[0] ?? null;
  throw new ConfigError(
    `-D${JAAS_FILE}=${properties.get(JAAS_FILE)}, section ${section}: ${entries.length} login modules, at most 1 is allowed`,
  );
}

/** The entries of all sections of the JAAS file by their names; null: no file is named. Throws ConfigError. */
export function jaasSections(
  properties: JvmProperties,
  disk: Pick<Disk, 'readFile'>,
): ReadonlyMap<string, readonly JaasEntry[]> | null {
  const file = properties.get(JAAS_FILE) ?? '';
  if (file === '') return null;
  try {
    // Java puts properties into the name, as it does into the values of the file.
    const path = withProperties(file, properties);
    if (path === null) throw new Error('it names a system property that is not set (-Dname=value)');
    return parseJaasFile(disk.readFile(path.replace(/^file:/, '')).toString('utf8'), properties);
  } catch (error) {
    throw new ConfigError(
      `-D${JAAS_FILE}=${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
