/**
 * OAUTHBEARER at the client's end, and the tokens that a client without an issuer makes for itself.
 * Source: OAuthBearerSaslClient and OAuthBearerUnsecuredLoginCallbackHandler of Kafka; RFC 7628, RFC 7519.
 */
import { ConfigError } from '../../config/property.ts';
import type { SaslClient } from '../../protocol/login.ts';
import { bearerMessage, extensionProblem, UNDERSTOOD } from './oauth-messages.ts';

const PREFIX = 'unsecuredLogin';
const STRING_CLAIM = `${PREFIX}StringClaim_`;
const NUMBER_CLAIM = `${PREFIX}NumberClaim_`;
const LIST_CLAIM = `${PREFIX}ListClaim_`;
const UNSECURED_EXTENSION = `${PREFIX}Extension_`;
/** Of a client whose token is somebody's. */
const EXTENSION = 'extension_';
const DEFAULT_LIFETIME_SECONDS = '3600';

/** A client that logs in by a token; `getToken` is asked at each login. */
export function bearerClient(
  getToken: () => Promise<string>,
  extensions: ReadonlyMap<string, string>,
): SaslClient {
  return {
    mechanism: 'OAUTHBEARER',
    async *tokens() {
      const token = await getToken();
      const answer = yield bearerMessage({ authorizationId: '', token, extensions });
      // What is wrong is told as if it went on; the broker fails when it hears that this has arrived.
      if (answer.length > 0) yield UNDERSTOOD;
    },
  };
}

/** The extensions among the options of a client's JAAS config. Throws ConfigError. */
export function extensionsIn(
  options: ReadonlyMap<string, string>,
  kind: 'unsecured' | 'issued',
): ReadonlyMap<string, string> {
  const prefix = kind === 'unsecured' ? UNSECURED_EXTENSION : EXTENSION;
  const extensions = new Map<string, string>();
  for (const [key, value] of options) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    const problem = extensionProblem(name, value);
    if (problem !== null) throw new ConfigError(`sasl.jaas.config: ${problem}`);
    extensions.set(name, value);
  }
  return extensions;
}

/** A token without a signature, of the claims in a client's JAAS options. Throws ConfigError. */
export function unsecuredLoginToken(options: ReadonlyMap<string, string>, nowMs: number): string {
  const lifetime = options.get(`${PREFIX}LifetimeSeconds`) ?? DEFAULT_LIFETIME_SECONDS;
  if (!/^[+-]?\d{1,15}$/.test(lifetime)) {
    throw new ConfigError(`sasl.jaas.config: ${PREFIX}LifetimeSeconds is ${lifetime}, which is no number`);
  }
  const nowSeconds = nowMs / 1000;
  const claims: Record<string, unknown> = { exp: nowSeconds + Number(lifetime), iat: nowSeconds };
  for (const [key, value] of options) {
    const claim = claimOf(key, value);
    if (claim === null) continue;
    if (claim.name === 'exp' || claim.name === 'iat') {
      throw new ConfigError(`sasl.jaas.config: the claim ${claim.name} can't be set`);
    }
    claims[claim.name] = claim.value;
  }
  const principalClaim = options.get(`${PREFIX}PrincipalClaimName`)?.trim() || 'sub';
  const principal = claims[principalClaim];
  if (typeof principal !== 'string' || principal.trim() === '') {
    throw new ConfigError(`sasl.jaas.config has no ${STRING_CLAIM}${principalClaim}="…"`);
  }
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

function claimOf(key: string, value: string): { readonly name: string; readonly value: unknown } | null {
  if (key.startsWith(STRING_CLAIM)) return { name: key.slice(STRING_CLAIM.length), value };
  if (key.startsWith(LIST_CLAIM)) return { name: key.slice(LIST_CLAIM.length), value: listOf(value) };
  if (!key.startsWith(NUMBER_CLAIM)) return null;
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number))
    return { name: key.slice(NUMBER_CLAIM.length), value: number };
  throw new ConfigError(`sasl.jaas.config: ${key} is ${value}, which is no number`);
}

/** The first character stands between the items: `|a|b`. */
function listOf(value: string): readonly string[] {
  return value.length <= 1 ? [] : value.slice(1).split(value.charAt(0));
}
