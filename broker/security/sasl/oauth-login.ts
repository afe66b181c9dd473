/**
 * How a listener takes tokens, made of its configs: without signatures, unless its callback handler is that
 * of Kafka which looks at them.
 * Source: SaslChannelBuilder.createServerCallbackHandlers, ConfigurationUtils and JaasOptionsUtils of Kafka.
 */
import { fileURLToPath } from 'node:url';
import { ListenerConfig } from '../../config/listener-config.ts';
import { ConfigError } from '../../config/property.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { HttpAsker } from '../../platform/http-asker.ts';
import type { TlsClientEnd } from '../../platform/tls.ts';
import type { StoreReader } from '../tls/key-stores.ts';
import { clientEnd } from '../tls/tls-configs.ts';
import { type HeldKeys, type IssuerKeySets, IssuerKeys, type KeySetConfigs } from './issuer-keys.ts';
import type { JaasEntry } from './jaas.ts';
import type { SaslMechanism } from './mechanism.ts';
import { bearerMechanism } from './oauth-server.ts';
import { signedJudge } from './signed-token.ts';
import type { ClaimRules } from './token-claims.ts';
import { unsecuredJudge } from './unsecured-token.ts';

/** What tokens are judged with. */
export interface BearerParts extends StoreReader {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly askHttp: HttpAsker;
  readonly keySets: IssuerKeySets;
}

interface BearerLogin {
  readonly mechanism: SaslMechanism;
  /** Resolves when tokens can be judged; rejects with ConfigError. */
  ready(): Promise<void>;
  /** No more clients will come. */
  close(): void;
}

export const BEARER = 'OAUTHBEARER';
export const HANDLER_CONFIG = 'sasl.server.callback.handler.class';
const PACKAGE = 'org.apache.kafka.common.security.oauthbearer';
const UNSECURED = `${PACKAGE}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`;
const SIGNED = `${PACKAGE}.OAuthBearerValidatorCallbackHandler`;
/** Its name up to Kafka 3.3, which still works. */
const SIGNED_FORMERLY = `${PACKAGE}.secured.OAuthBearerValidatorCallbackHandler`;

const URL_CONFIG = 'sasl.oauthbearer.jwks.endpoint.url';
/** Unless sasl.login.connect.timeout.ms and sasl.login.read.timeout.ms say otherwise. */
const DEFAULT_TIMEOUT_MS = 10_000;
const TIMEOUTS = ['sasl.login.connect.timeout.ms', 'sasl.login.read.timeout.ms'] as const;
const MOST_KEY_SET_BYTES = 1024 * 1024;

/** Throws ConfigError. */
export function bearerLogin(config: ListenerConfig, jaas: JaasEntry, parts: BearerParts): BearerLogin {
  const handler = config.ofMechanismAlone(BEARER, HANDLER_CONFIG)?.trim() ?? UNSECURED;
  if (handler === UNSECURED) {
    const key = config.mechanismKey(BEARER, 'sasl.jaas.config');
    const judge = unsecuredJudge(jaas.options, key, parts.clock);
    return { mechanism: bearerMechanism(judge), ready: () => Promise.resolve(), close() {} };
  }
  if (handler === SIGNED || handler === SIGNED_FORMERLY) {
    const keys = keysOf(config, jaas, parts);
    const judge = signedJudge(claimRules(config), keys, parts.clock);
    return { mechanism: bearerMechanism(judge), ready: () => keys.ready(), close: () => keys.giveBack() };
  }
  throw new ConfigError(
    `Invalid value ${handler} for configuration ${config.mechanismKey(BEARER, HANDLER_CONFIG)}: allowed are ${SIGNED} and ${UNSECURED}`,
  );
}

function claimRules(config: ListenerConfig): ClaimRules {
  const audiences = config.ofMechanism(BEARER, 'sasl.oauthbearer.expected.audience');
  const text = (key: 'sasl.oauthbearer.sub.claim.name' | 'sasl.oauthbearer.scope.claim.name'): string => {
    const claim = String(config.ofMechanism(BEARER, key) ?? '').trim();
    if (claim !== '') return claim;
    throw new ConfigError(`Invalid value for configuration ${config.mechanismKey(BEARER, key)}: it is empty`);
  };
  return {
    subClaim: text('sasl.oauthbearer.sub.claim.name'),
    scopeClaim: text('sasl.oauthbearer.scope.claim.name'),
    clockSkewSeconds: Number(config.ofMechanism(BEARER, 'sasl.oauthbearer.clock.skew.seconds') ?? 0),
    audiences: Array.isArray(audiences) ? audiences : [],
    issuer: textOrNull(config.ofMechanism(BEARER, 'sasl.oauthbearer.expected.issuer')),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function keysOf(config: ListenerConfig, jaas: JaasEntry, parts: BearerParts): HeldKeys {
  const url = keySetUrl(config);
  const number = (name: Parameters<ListenerConfig['ofMechanism']>[1]): number =>
    Number(config.ofMechanism(BEARER, name));
  const configs: KeySetConfigs = {
    config: config.mechanismKey(BEARER, URL_CONFIG),
    url,
    refreshMs: number('sasl.oauthbearer.jwks.endpoint.refresh.ms'),
    retryBackoffMs: number('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms'),
    retryBackoffMaxMs: number('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms'),
  };
  const read =
    url.protocol === 'file:' ? readFile(fileOf(url), parts) : askEndpoint(url, { config, jaas, parts });
  const how = JSON.stringify([TIMEOUTS.map((name) => number(name)), sslOptions(jaas)]);
  return parts.keySets.at(configs, { how, make: () => new IssuerKeys(configs, { ...parts, read }) });
}

function keySetUrl(config: ListenerConfig): URL {
  const key = config.mechanismKey(BEARER, URL_CONFIG);
  const text = textOrNull(config.ofMechanism(BEARER, URL_CONFIG))?.trim() ?? '';
  if (text === '') {
    throw new ConfigError(
      `Missing required configuration ${key}: where the keys of the issuer are, e.g. https://issuer/keys or file:///etc/keys.json`,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && ['http:', 'https:', 'file:'].includes(url.protocol)) return url;
  throw new ConfigError(
    `Invalid value ${text} for configuration ${key}: allowed are URLs of https, http and file`,
  );
}

function fileOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Invalid value ${url.href} for configuration ${URL_CONFIG}: ${reason}`);
  }
}

function readFile(path: string, { disk }: BearerParts): () => Promise<string> {
  return async () => {
    const bytes = disk.readFile(path);
    if (bytes.length <= MOST_KEY_SET_BYTES) return bytes.toString('utf8');
    throw new Error(`it has ${bytes.length} bytes; at most ${MOST_KEY_SET_BYTES} are read`);
  };
}

function askEndpoint(
  url: URL,
  {
    config,
    jaas,
    parts,
  }: { readonly config: ListenerConfig; readonly jaas: JaasEntry; readonly parts: BearerParts },
): () => Promise<string> {
  const timeoutMs = (name: (typeof TIMEOUTS)[number]): number =>
    Number(config.ofMechanism(BEARER, name) ?? DEFAULT_TIMEOUT_MS);
  return async () => {
    const { status, body } = await parts.askHttp({
      url,
      method: 'GET',
      headers: { accept: 'application/json' },
      body: null,
      connectTimeoutMs: timeoutMs('sasl.login.connect.timeout.ms'),
      readTimeoutMs: timeoutMs('sasl.login.read.timeout.ms'),
      maxBytes: MOST_KEY_SET_BYTES,
      tls: await endpointEnd(jaas, parts),
    });
    if (status === 200) return body;
    throw new Error(`the endpoint answers with status ${status}`);
  };
}

/** The `ssl.` options of a JAAS config say whom to believe as an issuer; null: what Node believes. Rejects with ConfigError. */
export async function endpointEnd(jaas: JaasEntry, reader: StoreReader): Promise<TlsClientEnd | null> {
  const own = sslOptions(jaas);
  if (own.length === 0) return null;
  return clientEnd(new ListenerConfig(new Map(own), '').values, 'JAAS option ', reader);
}

function sslOptions({ options }: JaasEntry): readonly (readonly [string, string])[] {
  return [...options].filter(([name]) => name.startsWith('ssl.'));
}
