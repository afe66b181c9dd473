/**
 * `--command-config FILE`: how a command's client proves who it is and whom it believes, in Kafka's client
 * configs: security.protocol, sasl.mechanism, sasl.jaas.config, ssl.*. Other configs of clients may stand in
 * the file, and mean nothing here.
 * Source: CommonClientConfigs, SaslConfigs, SslConfigs, JaasContext.loadClientContext of Kafka.
 */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../../broker/config/java-properties.ts';
import { ListenerConfig } from '../../broker/config/listener-config.ts';
import { ConfigError } from '../../broker/config/property.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import { systemRandom } from '../../broker/platform/random.ts';
import type { TlsClientEnd } from '../../broker/platform/tls.ts';
import type { SaslClient } from '../../broker/protocol/login.ts';
import { JaasError, parseJaas } from '../../broker/security/sasl/jaas.ts';
import { bearerClient } from '../../broker/security/sasl/oauth-client.ts';
import { plainClient } from '../../broker/security/sasl/plain.ts';
import { scramClient } from '../../broker/security/sasl/scram-client.ts';
import { SCRAM_MECHANISMS } from '../../broker/security/sasl/scram-formula.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';
import { clientEnd } from '../../broker/security/tls/tls-configs.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { type TokenLogin, tokenLogin } from './client-oauth.ts';

/** Name and password of a login, by which mechanism. */
interface PasswordLogin {
  readonly mechanism: string;
  readonly user: string;
  readonly password: string;
}

export interface ClientSecurity {
  readonly tls: TlsClientEnd | null;
  readonly login: PasswordLogin | TokenLogin | null;
  /** The login as our own client speaks it. */
  readonly sasl: SaslClient | null;
}

/** What a client without a file has. */
export const PLAINTEXT: ClientSecurity = { tls: null, login: null, sasl: null };

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
const BEARER = 'OAUTHBEARER';
const MECHANISMS = ['PLAIN', ...SCRAM_MECHANISMS, BEARER];

/** Throws UsageError, which names the config. */
export async function clientSecurity(given: Arguments): Promise<ClientSecurity> {
  const file = given.text('command-config');
  if (file === null) return PLAINTEXT;
  const properties = parseProperties(readText(file));
  try {
    return await securityOf(properties);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof JaasError) {
      throw new UsageError(`--command-config ${file}: ${error.message}`);
    }
    throw error;
  }
}

async function securityOf(properties: ReadonlyMap<string, string>): Promise<ClientSecurity> {
  const protocol = (properties.get('security.protocol') ?? 'PLAINTEXT').trim().toUpperCase();
  if (!PROTOCOLS.includes(protocol)) {
    throw new ConfigError(`security.protocol is ${protocol}: allowed are ${PROTOCOLS.join(', ')}`);
  }
  const { values } = new ListenerConfig(properties, '');
  const isSecure = protocol.endsWith('SSL');
  const tls = isSecure ? await clientEnd(values, '', { disk: nodeDisk, javaStores }) : null;
  if (!protocol.startsWith('SASL_')) return { ...PLAINTEXT, tls };
  return { tls, ...loginOf(properties) };
}

function loginOf(properties: ReadonlyMap<string, string>): Pick<ClientSecurity, 'login' | 'sasl'> {
  const mechanism = properties.get('sasl.mechanism')?.trim() ?? 'GSSAPI';
  if (!MECHANISMS.includes(mechanism)) {
    throw new ConfigError(`sasl.mechanism is ${mechanism}: allowed are ${MECHANISMS.join(', ')}`);
  }
  const text = properties.get('sasl.jaas.config');
  if (text === undefined) {
    const names = mechanism === BEARER ? 'whom a token is of' : 'user and password';
    throw new ConfigError(`sasl.jaas.config is missing: it names ${names}`);
  }
  const jaas = parseJaas(text);
  if (mechanism === BEARER) {
    const login = tokenLogin(properties, jaas);
    return { login, sasl: bearerClient(login.getToken, login.extensions) };
  }
  const { options } = jaas;
  const user = options.get('username');
  const password = options.get('password');
  if (user === undefined || password === undefined) {
    throw new ConfigError('sasl.jaas.config has no username="…" password="…"');
  }
  const login = { mechanism, user, password };
  return { login, sasl: saslClient(login, options.get('tokenauth')?.toLowerCase() === 'true') };
}

/** The same cluster by the same mechanism, as somebody else. */
export function loggedInAs(security: ClientSecurity, user: string, password: string): ClientSecurity {
  if (security.login === null) return security;
  if ('getToken' in security.login) {
    throw new UsageError('somebody else can be logged in by PLAIN and SCRAM only: a token has no password');
  }
  const login = { ...security.login, user, password };
  return { ...security, login, sasl: saslClient(login, false) };
}

function saslClient({ mechanism, user, password }: PasswordLogin, tokenAuthentication: boolean): SaslClient {
  const scram = SCRAM_MECHANISMS.find((one) => one === mechanism);
  return scram === undefined
    ? plainClient(user, password)
    : scramClient({ mechanism: scram, user, password, tokenAuthentication, random: systemRandom });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--command-config ${file}: ${error instanceof Error ? error.message : error}`);
  }
}
