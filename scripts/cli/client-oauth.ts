/**
 * The tokens of `sasl.mechanism=OAUTHBEARER` in a file of --command-config: made here without a signature
 * unless sasl.login.callback.handler.class says otherwise, or else read from a file or asked for at an
 * issuer's endpoint (sasl.oauthbearer.token.endpoint.url) with the client id and secret of the JAAS config.
 * Source: OAuthBearerLoginCallbackHandler, AccessTokenRetrieverFactory, HttpAccessTokenRetriever of Kafka;
 * RFC 6749, section 4.4.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ListenerConfig } from '../../broker/config/listener-config.ts';
import { ConfigError } from '../../broker/config/property.ts';
import { retried, systemClock } from '../../broker/platform/clock.ts';
import { askHttp, type HttpQuestion } from '../../broker/platform/http-asker.ts';
import { nodeDisk } from '../../broker/platform/node-disk.ts';
import type { JaasEntry } from '../../broker/security/sasl/jaas.ts';
import { extensionsIn, unsecuredLoginToken } from '../../broker/security/sasl/oauth-client.ts';
import { endpointEnd } from '../../broker/security/sasl/oauth-login.ts';
import { javaStores } from '../../broker/security/tls/java-stores.ts';

/** Where the token of each login comes from, and what goes with it. */
export interface TokenLogin {
  readonly getToken: () => Promise<string>;
  readonly extensions: ReadonlyMap<string, string>;
}

const PACKAGE = 'org.apache.kafka.common.security.oauthbearer';
const UNSECURED = `${PACKAGE}.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`;
const ISSUED = `${PACKAGE}.OAuthBearerLoginCallbackHandler`;
/** Its name up to Kafka 3.3, which still works. */
const ISSUED_FORMERLY = `${PACKAGE}.secured.OAuthBearerLoginCallbackHandler`;
const HANDLER_CONFIG = 'sasl.login.callback.handler.class';
const URL_CONFIG = 'sasl.oauthbearer.token.endpoint.url';

const DEFAULT_TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 1024 * 1024;
/** More attempts would change nothing. */
const FINAL_STATUSES = new Set([
  400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 501, 505,
]);

/** Throws ConfigError. */
export function tokenLogin(properties: ReadonlyMap<string, string>, jaas: JaasEntry): TokenLogin {
  const handler = properties.get(HANDLER_CONFIG)?.trim() ?? UNSECURED;
  if (handler === UNSECURED) {
    const make = (): string => unsecuredLoginToken(jaas.options, systemClock.wallMs());
    make(); // what is wrong with the options is said before anybody is dialled
    return { getToken: async () => make(), extensions: extensionsIn(jaas.options, 'unsecured') };
  }
  if (handler !== ISSUED && handler !== ISSUED_FORMERLY) {
    throw new ConfigError(`${HANDLER_CONFIG} is ${handler}: allowed are ${ISSUED} and ${UNSECURED}`);
  }
  const extensions = extensionsIn(jaas.options, 'issued');
  const url = endpointUrl(properties);
  const getToken =
    url.protocol === 'file:'
      ? async () => tokenOfFile(fileURLToPath(url))
      : issuedToken(url, properties, jaas);
  return { getToken, extensions };
}

function endpointUrl(properties: ReadonlyMap<string, string>): URL {
  const text = properties.get(URL_CONFIG)?.trim() ?? '';
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && ['http:', 'https:', 'file:'].includes(url.protocol)) return url;
  throw new ConfigError(
    text === ''
      ? `${URL_CONFIG} is missing: where tokens are issued, or the file that has one`
      : `${URL_CONFIG} is ${text}: allowed are URLs of https, http and file`,
  );
}

function tokenOfFile(path: string): string {
  const token = readFileSync(path, 'utf8').trim();
  if (token === '') throw new Error(`${path} has no token`);
  return token;
}

function issuedToken(
  url: URL,
  properties: ReadonlyMap<string, string>,
  jaas: JaasEntry,
): () => Promise<string> {
  const option = (name: string): string => {
    const value = jaas.options.get(name)?.trim() ?? '';
    if (value === '') throw new ConfigError(`sasl.jaas.config has no ${name}="…"`);
    return value;
  };
  const identity = Buffer.from(`${option('clientId')}:${option('clientSecret')}`).toString('base64');
  const scope = jaas.options.get('scope')?.trim() ?? '';
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === '' ? {} : { scope }) });
  const { values } = new ListenerConfig(properties, '');
  return async () => {
    const question: HttpQuestion = {
      url,
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${identity}`,
        'cache-control': 'no-cache',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: body.toString(),
      connectTimeoutMs: values.saslLoginConnectTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      readTimeoutMs: values.saslLoginReadTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      maxBytes: MOST_ANSWER_BYTES,
      tls: await endpointEnd(jaas, { disk: nodeDisk, javaStores }),
    };
    const retries = {
      clock: systemClock,
      backoffMs: values.saslLoginRetryBackoffMs,
      backoffMaxMs: values.saslLoginRetryBackoffMaxMs,
      isWorthwhile: (error: unknown) => !(error instanceof NoToken && error.isFinal),
    };
    return retried(retries, () => asked(question));
  };
}

class NoToken extends Error {
  readonly isFinal: boolean;

  constructor(url: URL, problem: string, isFinal: boolean) {
    super(`no token from ${url.href}: ${problem}`);
    this.isFinal = isFinal;
  }
}

/** Rejects with {@link NoToken}. */
async function asked(question: HttpQuestion): Promise<string> {
  const { url } = question;
  const { status, body } = await askHttp(question).catch((error: unknown) => {
    throw new NoToken(url, error instanceof Error ? error.message : String(error), false);
  });
  if (status === 200 || status === 201) {
    const token = textIn(body, 'access_token');
    if (token !== null) return token;
    throw new NoToken(url, 'there is no access_token in its answer', true);
  }
  const said = textIn(body, 'error_description') ?? textIn(body, 'error') ?? '';
  throw new NoToken(url, `status ${status} ${said}`.trim(), FINAL_STATUSES.has(status));
}

function textIn(body: string, name: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const value: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, name) : null;
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  } catch {
    return null;
  }
}
