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
import { BEARER, type BearerParts, bearerLogin, HANDLER_CONFIG } from './oauth-login.ts';
import { type PlainUsers, plainMechanism } from './plain.ts';
import type { ScramLookup } from './scram-credentials.ts';
import { scramMechanism } from './scram-server.ts';

export interface ListenerLogin {
  /** By name, in the order of sasl.enabled.mechanisms. */
  readonly mechanisms: ReadonlyMap<string, SaslMechanism>;
  /** After how long a client of this mechanism has to log in again; 0: never. */
  maxReauthMs(mechanism: string): number;
  /** Resolves when clients can be judged, with what has to be read for that; rejects with ConfigError. */
  ready(): Promise<void>;
  /** No more clients will come; those whose login is under way may finish it. */
  close(): void;
}

interface LoginParts extends BearerParts {
  readonly scram: ScramLookup;
  readonly random: Random;
}

interface MadeMechanism {
  readonly mechanism: SaslMechanism;
  readonly ready: () => Promise<void>;
  readonly close: () => void;
}

/** Mechanisms of Kafka's that are missing here. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['GSSAPI', 'GSSAPI (Kerberos) is not supported here, and is the default'],
]);
const MODULE_PREFIX = 'org.apache.kafka.common.security.';

/** The module that a mechanism's JAAS config names. */
export const LOGIN_MODULES: Readonly<Record<MechanismName, string>> = {
  PLAIN: `${MODULE_PREFIX}plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${MODULE_PREFIX}scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${MODULE_PREFIX}scram.ScramLoginModule`,
  OAUTHBEARER: `${MODULE_PREFIX}oauthbearer.OAuthBearerLoginModule`,
};

/** Throws ConfigError, which names the config. */
export function listenerLogin(config: ListenerConfig, parts: LoginParts): ListenerLogin {
  const names = config.values.saslEnabledMechanisms.map((name) => enabledMechanism(name, config));
  if (names.length === 0) {
    throw new ConfigError(
      `${config.prefix}sasl.enabled.mechanisms: no mechanism is enabled; allowed are ${MECHANISMS.join(', ')}`,
    );
  }
  const made = names.map((name) => [name, mechanism(name, config, parts)] as const);
  const mechanisms = new Map<string, SaslMechanism>(made.map(([name, one]) => [name, one.mechanism]));
  const lifetimes = new Map<string, number>(
    names.map((name) => [name, Number(config.ofMechanism(name, 'connections.max.reauth.ms') ?? 0)]),
  );
  return {
    mechanisms,
    maxReauthMs: (name) => lifetimes.get(name) ?? 0,
    async ready() {
      await Promise.all(made.map(([, one]) => one.ready()));
    },
    close() {
      for (const [, one] of made) one.close();
    },
  };
}

function enabledMechanism(name: string, { prefix }: ListenerConfig): MechanismName {
  const known = MECHANISMS.find((one) => one === name);
  if (known !== undefined) return known;
  const reason = UNSUPPORTED.get(name) ?? `unknown mechanism ${name}`;
  throw new ConfigError(
    `Invalid value ${name} for configuration ${prefix}sasl.enabled.mechanisms: ${reason}; allowed are ${MECHANISMS.join(', ')}`,
  );
}

function mechanism(name: MechanismName, config: ListenerConfig, parts: LoginParts): MadeMechanism {
  const jaas = jaasOf(name, config);
  if (name === BEARER) return bearerLogin(config, jaas, parts);
  refuseHandler(name, config);
  const made =
    name === 'PLAIN'
      ? plainMechanism(plainUsers(jaas))
      : scramMechanism({ mechanism: name, lookup: parts.scram, random: parts.random });
  return { mechanism: made, ready: () => Promise.resolve(), close() {} };
}

/** A class that is to judge passwords would be passed over: whoever relies on it must hear so. */
function refuseHandler(name: MechanismName, config: ListenerConfig): void {
  const handler = config.ofMechanismAlone(name, HANDLER_CONFIG);
  if (handler === null) return;
  throw new ConfigError(
    `Invalid value ${handler} for configuration ${config.mechanismKey(name, HANDLER_CONFIG)}: it is not supported and must be left out`,
  );
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
