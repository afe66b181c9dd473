/**
 * DescribeDelegationToken (41), versions 0-3: the tokens that the sender owns, renews or may see otherwise, with
 * their secrets; of the owners and renewers that it names, or (null) of all. v3+ who had a token made.
 * Source: KafkaApis.handleDescribeTokensRequest, DelegationTokenManager.filterToken (KIP-48, KIP-373).
 */
import { ErrorCode } from '../errors.ts';
import { DescribeDelegationToken } from '../protocol/messages/41-describe-delegation-token.ts';
import { Operation, tokenNamed, userOfTokens } from '../security/operations.ts';
import { type Principal, principalText } from '../security/principal.ts';
import { ownsOrRenews, type Token } from '../security/tokens/token.ts';
import type { IssuedToken } from '../security/tokens/token-manager.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import { allowsTokenRequests, namedPrincipal, principalNamed, requesterOf } from './shared/token-requests.ts';

export const describeDelegationToken = defineHandler(DescribeDelegationToken, ['tokens'], {
  handle(request, context, { tokens }) {
    if (!allowsTokenRequests(context)) return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };
    if (tokens === null) return { errorCode: ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED };
    const owners = request.owners?.map(principalNamed) ?? null;
    const found = tokens.list((token) => isOf(token, owners) && maySee(token, context));
    return { errorCode: ErrorCode.NONE, tokens: found.map(describe) };
  },
  refuse: (_request, errorCode) => ({ errorCode }),
});

function isOf(token: Token, owners: readonly Principal[] | null): boolean {
  return owners === null || owners.some((owner) => ownsOrRenews(owner, token));
}

function maySee(token: Token, context: RequestContext): boolean {
  return (
    ownsOrRenews(context.principal, token) ||
    context.may(Operation.DESCRIBE, tokenNamed(token.tokenId)) ||
    context.may(Operation.DESCRIBE_TOKENS, userOfTokens(principalText(token.owner)))
  );
}

function describe(token: IssuedToken) {
  return {
    ...namedPrincipal(token.owner),
    ...requesterOf(token.requester),
    issueTimestamp: token.issuedMs,
    expiryTimestamp: token.expiryMs,
    maxTimestamp: token.maxMs,
    tokenId: token.tokenId,
    hmac: token.hmac,
    renewers: token.renewers.map(namedPrincipal),
  };
}
