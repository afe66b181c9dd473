/**
 * RenewDelegationToken (39), versions 0-2: lets a token live on, for its owner and renewers. The token is named
 * by its secret.
 * Source: KafkaApis.handleRenewTokenRequest (KIP-48).
 */
import { ErrorCode } from '../errors.ts';
import { RenewDelegationToken } from '../protocol/messages/39-renew-delegation-token.ts';
import { defineHandler } from './handler.ts';
import { allowsTokenRequests, NO_TOKEN_TIME } from './shared/token-requests.ts';

export const renewDelegationToken = defineHandler(RenewDelegationToken, ['tokens'], {
  async handle({ hmac, renewPeriodMs }, context, { tokens }) {
    if (!allowsTokenRequests(context)) return refused(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    if (tokens === null) return refused(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED);
    const renewed = await tokens.renew(context.principal, hmac, renewPeriodMs);
    return renewed.ok
      ? { errorCode: ErrorCode.NONE, expiryTimestampMs: renewed.value }
      : refused(renewed.error);
  },
  refuse: (_request, errorCode) => refused(errorCode),
});

function refused(errorCode: ErrorCode) {
  return { errorCode, expiryTimestampMs: NO_TOKEN_TIME };
}
