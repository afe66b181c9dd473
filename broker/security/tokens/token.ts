/**
 * What a delegation token says, and its secret: the HMAC of its id under a key that all brokers share. Whoever
 * has the secret logs in by SCRAM as the token's owner, with the id for a name (KIP-48, KIP-373).
 * Source: org.apache.kafka.common.security.token.delegation.TokenInformation, DelegationTokenManager.
 */
import { createHmac } from 'node:crypto';
import { desanitize, sanitize } from '../../../coordinator-client/znodes/config-znodes.ts';
import type { StoredToken } from '../../../coordinator-client/znodes/security-znodes.ts';
import { isSamePrincipal, type Principal, parsePrincipal, principalText } from '../principal.ts';

export interface Token {
  readonly tokenId: string;
  /** In whose name it acts. */
  readonly owner: Principal;
  /** Who had it made; the owner, if nobody else. */
  readonly requester: Principal;
  /** Who may renew and end it, besides the owner. */
  readonly renewers: readonly Principal[];
  readonly issuedMs: number;
  /** It can't be renewed beyond this. */
  readonly maxMs: number;
  readonly expiryMs: number;
}

/** The secret of a token. */
export function tokenHmac(tokenId: string, secretKey: string): Buffer {
  return createHmac('sha512', secretKey).update(tokenId).digest();
}

/** Whether it may renew, end and see the token without being granted anything. */
export function ownsOrRenews(principal: Principal, { owner, renewers }: Token): boolean {
  return [owner, ...renewers].some((one) => isSamePrincipal(one, principal));
}

export function isExpired({ maxMs, expiryMs }: Token, wallMs: number): boolean {
  return maxMs < wallMs || expiryMs < wallMs;
}

export function storedTokenOf(token: Token): StoredToken {
  const stored = (principal: Principal): string => sanitize(principalText(principal));
  return {
    tokenId: token.tokenId,
    owner: stored(token.owner),
    tokenRequester: stored(token.requester),
    renewers: token.renewers.map(stored),
    issueTimestampMs: token.issuedMs,
    maxTimestampMs: token.maxMs,
    expiryTimestampMs: token.expiryMs,
  };
}

/** null: it names somebody in a way that can't be read. */
export function tokenOf(stored: StoredToken): Token | null {
  const [owner, requester, ...renewers] = [stored.owner, stored.tokenRequester, ...stored.renewers].map(
    storedPrincipal,
  );
  const known = renewers.filter((one) => one !== null);
  if (!owner || !requester || known.length !== renewers.length) return null;
  return {
    tokenId: stored.tokenId,
    owner,
    requester,
    renewers: known,
    issuedMs: stored.issueTimestampMs,
    maxMs: stored.maxTimestampMs,
    expiryMs: stored.expiryTimestampMs,
  };
}

function storedPrincipal(text: string): Principal | null {
  try {
    return parsePrincipal(desanitize(text));
  } catch {
    return null;
  }
}
