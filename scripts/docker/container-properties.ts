/**
 * What the environment of a container says of its broker: over the file of the image. A property is
 * spelled as Kafka's public images spell it: KAFKA_ and then the name in capitals, with _ for a dot, __ for
 * an underscore and ___ for a dash. KAFKA_NUM_PARTITIONS=3 is num.partitions=3; so is Bitnami's
 * KAFKA_CFG_NUM_PARTITIONS=3. Who says only what is advertised has said what to listen on. Stores of
 * certificates and files with their passwords may be named as files in the directory of secrets.
 * Source: KafkaDockerWrapper.getServerConfigsFromEnv, docker/resources/common-scripts/configure.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../cli/arguments.ts';
import { sharedSecret } from '../cluster/peer-secret.ts';

/** Mount another file here, or change single properties through the environment. */
export const PROPERTIES_FILE = '/etc/odradek/server.properties';

/** The longer one first. */
const PREFIXES = ['KAFKA_CFG_', 'KAFKA_'];
/** What Kafka's images take for their JVM and logging; no properties, and without a meaning here. */
const OF_THE_JVM = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
]);

const SECRETS_DIRECTORY = '/etc/kafka/secrets';
/** Names of files there; those of what is trusted count where clients are asked for certificates. */
const STORES: Readonly<Record<string, string>> = {
  KAFKA_SSL_KEYSTORE_FILENAME: 'ssl.keystore.location',
  KAFKA_SSL_TRUSTSTORE_FILENAME: 'ssl.truststore.location',
};
/** Names of files there that hold a password. */
const PASSWORD_FILES: Readonly<Record<string, string>> = {
  KAFKA_SSL_KEY_CREDENTIALS: 'ssl.key.password',
  KAFKA_SSL_KEYSTORE_CREDENTIALS: 'ssl.keystore.password',
  KAFKA_SSL_TRUSTSTORE_CREDENTIALS: 'ssl.truststore.password',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The properties that the environment names. Throws UsageError for a secret that can't be read. */
export function environmentProperties(
  environment: Environment,
  secrets = SECRETS_DIRECTORY,
): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    const prefix = PREFIXES.find((each) => variable.startsWith(each));
    if (value === undefined || prefix === undefined || OF_THE_JVM.has(variable)) continue;
    if (!(variable in STORES || variable in PASSWORD_FILES))
      properties.set(propertyName(variable.slice(prefix.length)), value);
  }
  for (const [key, value] of storeProperties(environment, secrets)) properties.set(key, value);
  const advertised = properties.get('advertised.listeners');
  if (advertised !== undefined && !properties.has('listeners')) {
    properties.set('listeners', advertised.replace(/:\/\/[^,]*:/g, '://0.0.0.0:'));
  }
  return properties;
}

/** Of a name in the environment the file, of a file with a password what is in it, as `$(cat …)` reads it. */
function* storeProperties(environment: Environment, secrets: string): Iterable<[string, string]> {
  const asksClients = /required|requested/.test(environment['KAFKA_SSL_CLIENT_AUTH'] ?? '');
  const named = Object.entries({ ...STORES, ...PASSWORD_FILES }).filter(
    ([variable]) => asksClients || !variable.includes('TRUSTSTORE'),
  );
  for (const [variable, property] of named) {
    const name = environment[variable] ?? '';
    if (name === '') continue;
    const file = join(secrets, name);
    yield [property, variable in STORES ? file : passwordIn(file, variable)];
  }
}

function passwordIn(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\n+$/, '');
  } catch (error) {
    throw new UsageError(`${variable}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * The secret that the brokers of a cluster of containers share through ODRADEK_PEER_SECRET_FILE, a file on
 * a volume that all of them mount; the first of them makes it. null when no file is named, or when the
 * properties, which are read only then, have a secret.
 */
export function secretFromFile(
  environment: Environment,
  properties: () => ReadonlyMap<string, string>,
): string | null {
  const file = environment['ODRADEK_PEER_SECRET_FILE'] ?? '';
  if (file === '') return null;
  return (properties().get('peer.shared.secret') ?? '') === '' ? sharedSecret(file) : null;
}

const SPELLED: Readonly<Record<string, string>> = { _: '.', __: '_', ___: '-' };

function propertyName(words: string): string {
  return words.toLowerCase().replace(/_{1,3}/g, (underscores) => SPELLED[underscores] ?? '.');
}
