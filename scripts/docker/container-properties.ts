/**
 * What the environment of a container says of its broker: over the file of the image. A property is
 * spelled as Kafka's public images spell it: KAFKA_ and then the name in capitals, with _ for a dot, __ for
 * an underscore and ___ for a dash. KAFKA_NUM_PARTITIONS=3 is num.partitions=3; so is Bitnami's
 * KAFKA_CFG_NUM_PARTITIONS=3. Who says only what is advertised has said what to listen on.
 * Source: KafkaDockerWrapper.getServerConfigsFromEnv, docker/resources/common-scripts/configure.
 */
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

type Environment = Readonly<Record<string, string | undefined>>;

/** The properties that the environment names. */
export function environmentProperties(environment: Environment): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    const prefix = PREFIXES.find((each) => variable.startsWith(each));
    if (value === undefined || prefix === undefined || OF_THE_JVM.has(variable)) continue;
    properties.set(propertyName(variable.slice(prefix.length)), value);
  }
  const advertised = properties.get('advertised.listeners');
  if (advertised !== undefined && !properties.has('listeners')) {
    properties.set('listeners', advertised.replace(/:\/\/[^,]*:/g, '://0.0.0.0:'));
  }
  return properties;
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
