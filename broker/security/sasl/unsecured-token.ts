/**
 * Tokens without a signature, for tests: a JWT with the algorithm `none`, which says who its bearer is and is
 * believed. What is looked at are its times and its scope.
 * Source: OAuthBearerUnsecuredValidatorCallbackHandler, OAuthBearerUnsecuredJws, OAuthBearerValidationUtils of
 * Kafka; RFC 7519.
 */
import { ConfigError } from '../../config/property.ts';
import type { Clock } from '../../platform/clock.ts';
import { badToken, type TokenJudge, type TokenVerdict } from './oauth-server.ts';

interface UnsecuredRules {
  readonly principalClaim: string;
  readonly scopeClaim: string;
  readonly requiredScope: readonly string[];
  readonly clockSkewMs: number;
}

/** A claim as Kafka has it: what is neither a number nor a list is its text. */
type Claim = string | number | readonly string[];
type Claims = ReadonlyMap<string, Claim>;

const PREFIX = 'unsecuredValidator';
const SCOPE_ITEM = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const LARGEST_INT = 2 ** 31 - 1;

/** Made of the options of the listener's JAAS config (`key` names it). Throws ConfigError. */
export function unsecuredJudge(
  options: ReadonlyMap<string, string>,
  key: string,
  clock: Pick<Clock, 'wallMs'>,
): TokenJudge {
  const rules = rulesOf(options, key);
  return (token) => judged(token, rules, clock.wallMs());
}

function rulesOf(options: ReadonlyMap<string, string>, key: string): UnsecuredRules {
  const option = (name: string): string => options.get(`${PREFIX}${name}`)?.trim() ?? '';
  const skew = option('AllowableClockSkewMs') || '0';
  if (!/^\+?\d{1,10}$/.test(skew) || Number(skew) > LARGEST_INT) {
    throw new ConfigError(
      `Invalid value for configuration ${key}: ${PREFIX}AllowableClockSkewMs is ${skew}; allowed are 0 to ${LARGEST_INT}`,
    );
  }
  const requiredScope = option('RequiredScope')
    .split(' ')
    .filter((item) => item !== '');
  const odd = requiredScope.find((item) => !SCOPE_ITEM.test(item));
  if (odd !== undefined) {
    throw new ConfigError(
      `Invalid value for configuration ${key}: ${PREFIX}RequiredScope has the invalid scope ${odd}`,
    );
  }
  return {
    principalClaim: option('PrincipalClaimName') || 'sub',
    scopeClaim: option('ScopeClaimName') || 'scope',
    requiredScope,
    clockSkewMs: Number(skew),
  };
}

function judged(token: string, rules: UnsecuredRules, nowMs: number): TokenVerdict {
  const claims = unsecuredClaims(token);
  if (typeof claims === 'string') return badToken(claims);
  const principal = claims.get(rules.principalClaim);
  if (typeof principal !== 'string' || principal.trim() === '') {
    return badToken(`there is no name in the claim ${rules.principalClaim}`);
  }
  const expiresAt = claims.get('exp');
  if (typeof expiresAt !== 'number') return badToken('the claim exp is missing, or no number');
  const issuedAt = claims.get('iat');
  if (issuedAt !== undefined && typeof issuedAt !== 'number') return badToken('the claim iat is no number');
  if (issuedAt !== undefined && wholeMs(issuedAt) > nowMs + rules.clockSkewMs) {
    return badToken('it has been issued in the future');
  }
  if (nowMs - rules.clockSkewMs >= 1000 * expiresAt) return badToken('it has expired');
  if (issuedAt !== undefined && expiresAt <= issuedAt) return badToken('it expires before it is issued');
  const scope = scopeOf(claims.get(rules.scopeClaim));
  if (scope === null) return badToken(`the claim ${rules.scopeClaim} is no scope`);
  const missing = rules.requiredScope.find((item) => !scope.has(item));
  if (missing !== undefined) {
    return badToken(`the scope ${missing} is missing`, `[${rules.requiredScope.join(', ')}]`);
  }
  return { kind: 'good', principal, expiresAtMs: wholeMs(expiresAt) };
}

/** Whole milliseconds of a time in seconds; one beyond what can be counted is the last that can. */
export function wholeMs(seconds: number): number {
  return Math.min(Math.round(seconds * 1000), Number.MAX_SAFE_INTEGER);
}

/** null: neither a text nor a list. A text is one item, whatever blanks it has. */
function scopeOf(claim: Claim | undefined): ReadonlySet<string> | null {
  if (typeof claim === 'number') return null;
  const items = typeof claim === 'string' ? [claim] : (claim ?? []);
  return new Set(items.map((item) => item.trim()).filter((item) => item !== ''));
}

/** A text: what is wrong with the token. */
function unsecuredClaims(token: string): Claims | string {
  const parts = token.split('.');
  const [headerPart = '', claimsPart = '', signature = ''] = parts;
  if (parts.length !== 3) return 'it has not the three parts of a JWT';
  const header = claimsIn(headerPart);
  if (header === null) return 'its header is no JSON in Base64';
  const claims = claimsIn(claimsPart);
  if (claims === null) return 'its claims are no JSON in Base64';
  if (header.get('alg') !== 'none') return 'its algorithm is not none, and signatures are not looked at here';
  return signature === '' ? claims : 'its algorithm is none, and yet it has a signature';
}

function claimsIn(part: string): Claims | null {
  if (part === '' || part.length % 4 === 1 || !/^[A-Za-z0-9_-]+$/.test(part)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return new Map();
  return new Map(Object.entries(parsed).map(([name, value]) => [name, claimOf(value)]));
}

function claimOf(value: unknown): Claim {
  if (Array.isArray(value)) return value.map(textOf);
  return typeof value === 'number' ? value : textOf(value);
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? '' : String(value);
}
