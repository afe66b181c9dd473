/**
 * What a listener with SASL lets clients log in by: its mechanisms, each with what its JAAS config says.
 * Only the login modules that Kafka comes with mean anything here; a module of somebody's own would be code
 * that is to judge passwords, and is refused rather than passed over.
 * Source: SaslChannelBuilder, JaasContext.loadServerContext, PlainServerCallbackHandler of Kafka.
 */
import type { ListenerConfig } from '../../config/listener-config.ts';
import { ConfigError } from '../../config/property.ts';
import type { Random } from '../../platform/random.ts';
import { type JaasEntry, JaasError, parseJaas } from './jaas.ts';
import { MECHANISMS, type MechanismName, type SaslMechanism } from './mechanism.ts';
import { type PlainUsers, plainMechanism } from './plain.ts';
import type { ScramLookup } from './scram-credentials.ts';
import { scramMechanism } from './scram-server.ts';

export interface ListenerLogin {
  /** By name, in the order of sasl.enabled.mechanisms. */
  readonly mechanisms: ReadonlyMap<string, SaslMechanism>;
  /** After how long a client of this mechanism has to log in again; 0: never. */
  maxReauthMs(mechanism: string): number;
}

interface LoginParts {
  readonly scram: ScramLookup;
  readonly random: Random;
}

/** Mechanisms of Kafka's that are missing here. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['GSSAPI', 'GSSAPI (Kerberos) is not supported here, and is the default'],
  ['OAUTHBEARER', 'OAUTHBEARER is not supported here yet'],
]);
const MODULE_PREFIX = 'org.apache.kafka.common.security.';

/** The module that a mechanism's JAAS config names. */
const LOGIN_MODULES: Readonly<Record<MechanismName, string>> = {
  PLAIN: `${MODULE_PREFIX}plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${MODULE_PREFIX}scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${MODULE_PREFIX}scram.ScramLoginModule`,
};

/** Throws ConfigError, which names the config. */
export function listenerLogin(config: ListenerConfig, parts: LoginParts): ListenerLogin {
  const names = config.values.saslEnabledMechanisms.map((name) => enabledMechanism(name, config));
  if (names.length === 0) {
    throw new ConfigError(
      `${config.prefix}sasl.enabled.mechanisms: no mechanism is enabled; allowed are ${MECHANISMS.join(', ')}`,
    );
  }
  const mechanisms = new Map<string, SaslMechanism>(
    names.map((name) => [name, mechanism(name, config, parts)]),
  );
  const lifetimes = new Map<string, number>(
    names.map((name) => [name, Number(config.ofMechanism(name, 'connections.max.reauth.ms') ?? 0)]),
  );
  return { mechanisms, maxReauthMs: (name) => lifetimes.get(name) ?? 0 };
}

function enabledMechanism(name: string, { prefix }: ListenerConfig): MechanismName {
  const known = MECHANISMS.find((one) => one === name);
  if (known !== undefined) return known;
  const reason = UNSUPPORTED.get(name) ?? `unknown mechanism ${name}`;
  throw new ConfigError(
    `Invalid value ${name} for configuration ${prefix}sasl.enabled.mechanisms: ${reason}; allowed are ${MECHANISMS.join(', ')}`,
  );
}

function mechanism(name: MechanismName, config: ListenerConfig, parts: LoginParts): SaslMechanism {
  const jaas = jaasOf(name, config);
  if (name === 'PLAIN') return plainMechanism(plainUsers(jaas));
  return scramMechanism({ mechanism: name, lookup: parts.scram, random: parts.random });
}

function jaasOf(name: MechanismName, config: ListenerConfig): JaasEntry {
  const key = config.mechanismKey(name, 'sasl.jaas.config');
  const text = config.ofMechanismAlone(name, 'sasl.jaas.config');
  if (text === null) {
    throw new ConfigError(
      `Missing required configuration ${key}: mechanism ${name} is enabled, e.g. ${key}=${LOGIN_MODULES[name]} required${name === 'PLAIN' ? ' user_alice="…"' : ''};`,
    );
  }
  const entry = parsed(key, text);
  if (entry.loginModule === LOGIN_MODULES[name]) return entry;
  throw new ConfigError(
    `Invalid value for configuration ${key}: login module ${entry.loginModule} is not supported; allowed for ${name} is ${LOGIN_MODULES[name]}`,
  );
}

function parsed(key: string, text: string): JaasEntry {
  try {
    return parseJaas(text);
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
    throw new ConfigError(`Invalid value for configuration ${key}: ${error.message}`);
  }
}

/** `user_alice="secret"` lets alice in. */
function plainUsers({ options }: JaasEntry): PlainUsers {
  const prefix = 'user_';
  return new Map(
    [...options]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, password]) => [key.slice(prefix.length), password]),
  );
}
