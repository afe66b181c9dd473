/**
 * What a signed token claims: whose it is, for whom, and from when to when (pure).
 * Source: ClaimValidationUtils of Kafka, JwtConsumer of jose4j; RFC 7519.
 */
import { badToken, type TokenVerdict } from './oauth-server.ts';
import { wholeMs } from './unsecured-token.ts';

export interface ClaimRules {
  readonly subClaim: string;
  readonly scopeClaim: string;
  readonly clockSkewSeconds: number;
  /** One of them must be named; empty: the token names none. */
  readonly audiences: readonly string[];
  /** null: any. */
  readonly issuer: string | null;
}

/** What the claims of a token come to whose signature is good. */
export function claimsVerdict(payload: Buffer, rules: ClaimRules, nowMs: number): TokenVerdict {
  const claims = claimsIn(payload);
  if (claims === null) return badToken('its claims are no JSON object');
  const problem =
    timeProblem(claims, rules.clockSkewSeconds, nowMs / 1000) ??
    partiesProblem(claims, rules) ??
    scopeProblem(claims.get(rules.scopeClaim));
  if (problem !== null) return badToken(problem);
  const name = claims.get(rules.subClaim);
  if (typeof name !== 'string' || name.trim() === '') {
    return badToken(`there is no name in the claim ${rules.subClaim}`);
  }
  return { kind: 'good', principal: name.trim(), expiresAtMs: wholeMs(Number(claims.get('exp'))) };
}

type Claims = ReadonlyMap<string, unknown>;

function claimsIn(payload: Buffer): Claims | null {
  try {
    const parsed: unknown = JSON.parse(payload.toString('utf8'));
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? new Map(Object.entries(parsed)) : null;
  } catch {
    return null;
  }
}

function timeProblem(claims: Claims, skewSeconds: number, nowSeconds: number): string | null {
  const [expiresAt, issuedAt, notBefore] = [claims.get('exp'), claims.get('iat'), claims.get('nbf')];
  if (typeof expiresAt !== 'number') return 'the claim exp is missing, or no number';
  if (typeof issuedAt !== 'number' || issuedAt < 0) return 'the claim iat is missing, or no time';
  if (nowSeconds - skewSeconds >= expiresAt) return 'it has expired';
  if (expiresAt < issuedAt) return 'it expires before it is issued';
  if (notBefore === undefined) return null;
  if (typeof notBefore !== 'number') return 'the claim nbf is no number';
  if (nowSeconds + skewSeconds < notBefore) return 'it is not good yet';
  return expiresAt < notBefore ? 'it expires before it is good' : null;
}

/** Of whom it is, and for whom. */
function partiesProblem(claims: Claims, { audiences, issuer }: ClaimRules): string | null {
  const given = claims.get('aud');
  const named: readonly unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (named.some((one) => typeof one !== 'string')) return 'the claim aud is no text';
  // A token that is for somebody is for nobody else, and we are nobody as long as we have no name.
  if (!named.some((one) => audiences.includes(String(one))) && (audiences.length > 0 || named.length > 0)) {
    return 'it is for another audience';
  }
  const issuedBy = claims.get('iss');
  if (issuedBy !== undefined && typeof issuedBy !== 'string') return 'the claim iss is no text';
  return issuer !== null && issuedBy !== issuer ? 'it is of another issuer' : null;
}

function scopeProblem(claim: unknown): string | null {
  const items: readonly unknown[] = Array.isArray(claim) ? claim : typeof claim === 'string' ? [claim] : [];
  const names = items.map((item) => (typeof item === 'string' ? item.trim() : ''));
  if (names.some((name) => name === '')) return 'a scope in it has no name';
  return new Set(names).size === names.length ? null : 'a scope stands in it twice';
}
