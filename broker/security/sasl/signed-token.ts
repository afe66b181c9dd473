/**
 * Tokens that an issuer has signed: the signature by jose, under one of the issuer's keys, and then what the
 * token claims. Only signatures by key pairs count, whatever the token says of its algorithm.
 * Source: ValidatorAccessTokenValidator of Kafka; RFC 7515.
 */
import type { CompactVerifyGetKey } from 'jose';
import type { Clock } from '../../platform/clock.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { badToken, type TokenJudge } from './oauth-server.ts';
import { type ClaimRules, claimsVerdict } from './token-claims.ts';

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

type Jose = typeof import('jose');

export function signedJudge(
  rules: ClaimRules,
  keys: Pick<IssuerKeys, 'keyOf' | 'lacks'>,
  clock: Pick<Clock, 'wallMs'>,
): TokenJudge {
  return async (token) => {
    const { keyOf } = keys;
    if (keyOf === null) return badToken('the keys of its issuer are not known yet');
    const jose = await import('jose');
    const payload = await signedPayload(token, keyOf as CompactVerifyGetKey, jose);
    if (typeof payload !== 'string') return claimsVerdict(payload, rules, clock.wallMs());
    const keyId = payload === NO_SUCH_KEY ? keyIdOf(token, jose) : undefined;
    if (keyId !== undefined) keys.lacks(keyId);
    return badToken(payload);
  };
}

const NO_SUCH_KEY = 'its issuer has no such key';

/** A text: what is wrong with it. */
async function signedPayload(
  token: string,
  keyOf: CompactVerifyGetKey,
  { compactVerify, errors }: Jose,
): Promise<Buffer | string> {
  try {
    return await verified(token, keyOf, compactVerify);
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return await byAnyOf(token, error, compactVerify);
    if (error instanceof errors.JWKSNoMatchingKey) return NO_SUCH_KEY;
    // jose's words are about the form; they hold nothing of the token.
    if (error instanceof errors.JOSEError) return error.message;
    return 'its key can’t be used';
  }
}

async function verified(
  token: string,
  keyOf: CompactVerifyGetKey,
  compactVerify: Jose['compactVerify'],
): Promise<Buffer | string> {
  const { payload, protectedHeader } = await compactVerify(token, keyOf, { algorithms: ALGORITHMS });
  if (protectedHeader.b64 === false) return 'its claims are not encoded';
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** A token without a key's name may be of any key of its kind. */
async function byAnyOf(
  token: string,
  candidates: InstanceType<Jose['errors']['JWKSMultipleMatchingKeys']>,
  compactVerify: Jose['compactVerify'],
): Promise<Buffer | string> {
  for await (const key of candidates) {
    try {
      return await verified(token, () => key, compactVerify);
    } catch {
      // It is not this one's.
    }
  }
  return 'signature verification failed';
}

function keyIdOf(token: string, { decodeProtectedHeader }: Jose): string | undefined {
  const { kid } = decodeProtectedHeader(token);
  return typeof kid === 'string' ? kid : undefined;
}
