/**
 * Configs of Kafka that this broker knows, checks and shows, but that change nothing here: most of them
 * belong to what is missing (Kerberos, tiered storage), to clusters without ZooKeeper, or to the
 * JVM's threads. Whoever sets one is told so. Where carrying on without the effect would be dangerous, the
 * broker refuses to start.
 */
import { isListenerConfig } from './listener-config.ts';
import type { CamelCase, PropertyTable } from './property.ts';

const GROUPS_WITHOUT_EFFECT = [
  'controller.quorum.',
  'group.consumer.',
  'group.coordinator.',
  'group.share.',
  'kafka.metrics.',
  'metadata.',
  'remote.',
  'sasl.kerberos.',
  'sasl.login.refresh.',
  'sasl.login.retry.',
];

const WITHOUT_EFFECT = new Set([
  'auto.include.jmx.reporter',
  'background.threads',
  'broker.heartbeat.interval.ms',
  'broker.session.timeout.ms',
  'control.plane.listener.name',
  'delete.records.purgatory.purge.interval.requests',
  'eligible.leader.replicas.enable',
  'fetch.purgatory.purge.interval.requests',
  'initial.broker.registration.timeout.ms',
  'inter.broker.protocol.version',
  'log.cleaner.io.buffer.size',
  'log.dir.failure.timeout.ms',
  'log.message.format.version',
  'max.request.partition.size.limit',
  'metric.reporters',
  'metrics.recording.level',
  'num.io.threads',
  'num.network.threads',
  'num.replica.alter.log.dirs.threads',
  'offsets.commit.required.acks',
  'offsets.topic.compression.codec',
  'producer.purgatory.purge.interval.requests',
  'replica.fetch.min.bytes',
  'replica.socket.receive.buffer.bytes',
  'sasl.client.callback.handler.class',
  // Brokers know each other by peer.shared.secret or by their certificates, and log in nowhere.
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.mechanism.controller.protocol',
  'sasl.mechanism.inter.broker.protocol',
  'sasl.oauthbearer.token.endpoint.url',
  'security.providers',
  'ssl.keymanager.algorithm',
  'ssl.provider',
  'ssl.secure.random.implementation',
  'ssl.trustmanager.algorithm',
  'socket.connection.setup.timeout.max.ms',
  'socket.receive.buffer.bytes',
  'telemetry.max.bytes',
  'unclean.leader.election.interval.ms',
]);

/** Of topics. */
const TOPIC_CONFIGS_WITHOUT_EFFECT = new Set([
  'local.retention.bytes',
  'local.retention.ms',
  'message.format.version',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
]);

/** Kafka takes these over at once; here, what was made at the start goes on as it was made. */
const EFFECTIVE_FROM_NEXT_START = [
  'advertised.listeners',
  'listener.security.protocol.map',
  'listeners',
  'log.cleaner.threads',
] as const;

/** The same as members of the configuration. */
export type ValueFromNextStart = CamelCase<(typeof EFFECTIVE_FROM_NEXT_START)[number]>;

/** The authorizer that goes by the access rules in ZooKeeper. */
const ACL_AUTHORIZER = 'kafka.security.authorizer.AclAuthorizer';

/** With what each may be left at. */
const REFUSED: ReadonlyMap<string, readonly string[]> = new Map([
  ['alter.config.policy.class.name', ['']],
  ['authorizer.class.name', ['', ACL_AUTHORIZER]],
  ['authorizer.zookeeper.url', ['']],
  ['client.quota.callback.class', ['']],
  ['controller.listener.names', ['']],
  ['create.topic.policy.class.name', ['']],
  ['early.start.listeners', ['']],
  ['principal.builder.class', ['']],
  ['process.roles', ['']],
  ['remote.log.storage.system.enable', ['false']],
  ['sasl.server.callback.handler.class', ['']],
  ['ssl.engine.factory.class', ['']],
  ['zookeeper.metadata.migration.enable', ['false']],
  ['zookeeper.ssl.crl.enable', ['false']],
  ['zookeeper.ssl.ocsp.enable', ['false']],
]);

/** Whether setting this config changes nothing. */
export function isWithoutEffect(name: string): boolean {
  if (REFUSED.has(name)) return false;
  if (name.startsWith('listener.name.')) return isWithoutEffectForListener(name);
  return WITHOUT_EFFECT.has(name) || GROUPS_WITHOUT_EFFECT.some((group) => name.startsWith(group));
}

/** Security is what a listener has configs of its own for here; limits are the same for all of them. */
function isWithoutEffectForListener(name: string): boolean {
  const afterListener = name.replace(/^listener\.name\.[^.]+\./, '');
  const isOfListener = (config: string): boolean => isListenerConfig(config) && !isWithoutEffect(config);
  return !isOfListener(afterListener) && !isOfListener(afterListener.replace(/^[^.]+\./, ''));
}

/** Why the broker must not start with what was given; null when it may. */
export function refusalOfUnsupported(given: ReadonlyMap<string, string>): string | null {
  for (const [name, allowed] of REFUSED) {
    const value = given.get(name);
    if (value === undefined || allowed.some((one) => sameWord(one, value))) continue;
    const left = allowed.map((one) => (one === '' ? 'be left out' : `be ${one}`)).join(' or ');
    return `Invalid value ${value} for configuration ${name}: it is not supported yet and must ${left}`;
  }
  return null;
}

function sameWord(one: string, other: string): boolean {
  return one.toLowerCase() === other.trim().toLowerCase();
}

/** Configs of a process of Kafka that are refused rather than ignored. */
export function isRefused(name: string): boolean {
  return REFUSED.has(name);
}

/** Whether a value of a topic config changes nothing, and was meant to. */
export function isTopicConfigWithoutEffect(name: string, value: string, table: PropertyTable): boolean {
  return TOPIC_CONFIGS_WITHOUT_EFFECT.has(name) && table[name]?.default !== value.trim();
}

/** Whether a broker config that is set at run time changes nothing before the next start. */
export function isEffectiveFromNextStart(name: string): boolean {
  return EFFECTIVE_FROM_NEXT_START.some((one) => one === name);
}
