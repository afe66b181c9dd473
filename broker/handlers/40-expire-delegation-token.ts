/**
 * ExpireDelegationToken (40), versions 0-2: shortens a token's life, or ends it at once, for its owner and
 * renewers. The token is named by its secret.
 * Source: KafkaApis.handleExpireTokenRequest (KIP-48).
 */
import { ErrorCode } from '../errors.ts';
import { ExpireDelegationToken } from '../protocol/messages/40-expire-delegation-token.ts';
import { defineHandler } from './handler.ts';
import { allowsTokenRequests, NO_TOKEN_TIME } from './shared/token-requests.ts';

export const expireDelegationToken = defineHandler(ExpireDelegationToken, ['tokens'], {
  async handle({ hmac, expiryTimePeriodMs }, context, { tokens }) {
    if (!allowsTokenRequests(context)) return refused(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    if (tokens === null) return refused(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED);
    const expires = await tokens.expire(context.principal, hmac, expiryTimePeriodMs);
    return expires.ok
      ? { errorCode: ErrorCode.NONE, expiryTimestampMs: expires.value }
      : refused(expires.error);
  },
  refuse: (_request, errorCode) => refused(errorCode),
});

function refused(errorCode: ErrorCode) {
  return { errorCode, expiryTimestampMs: NO_TOKEN_TIME };
}
