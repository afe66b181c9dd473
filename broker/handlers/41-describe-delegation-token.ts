/**
 * DescribeDelegationToken (41), versions 0-3: the tokens that the sender owns, renews or may see otherwise, with
 * their secrets; of the owners and renewers that it names, or (null) of all. v3+ who had a token made.
 * Source: KafkaApis.handleDescribeTokensRequest, DelegationTokenManager.filterToken (KIP-48, KIP-373).
 */
import { NameSet } from '../bounded-name.ts';
import { ErrorCode } from '../errors.ts';
import type { Steps } from '../platform/turns.ts';
import { DescribeDelegationToken } from '../protocol/messages/41-describe-delegation-token.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, tokenNamed, userOfTokens } from '../security/operations.ts';
import { type Principal, principalText } from '../security/principal.ts';
import { ownsOrRenews, type Token } from '../security/tokens/token.ts';
import type { IssuedToken } from '../security/tokens/token-manager.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import type { Needs } from './services.ts';
import {
  allowsTokenRequests,
  type NamedPrincipal,
  namedPrincipal,
  principalNamed,
  requesterOf,
} from './shared/token-requests.ts';

type Tokens = NonNullable<Needs<'tokens'>['tokens']>;

export const describeDelegationToken = defineHandler(DescribeDelegationToken, ['tokens'], {
  handle(request, context, { tokens }) {
    if (!allowsTokenRequests(context)) return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED };
    if (tokens === null) return { errorCode: ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED };
    return context.turns.take(described(request, context, tokens), TOKENS_PER_TURN);
  },
  refuse: (_request, errorCode) => ({ errorCode }),
});

/** The secret of each is made anew. */
const TOKENS_PER_TURN = 500;

function* described(
  { owners }: RequestOf<typeof DescribeDelegationToken>,
  context: RequestContext,
  tokens: Tokens,
): Steps<ResponseInput<typeof DescribeDelegationToken>> {
  const named = owners === null ? null : yield* namesOf(owners);
  const found: ReturnType<typeof describe>[] = [];
  for (const token of tokens.all()) {
    yield;
    const isMeant = named === null || [token.owner, ...token.renewers].some((one) => named.has(nameOf(one)));
    if (isMeant && maySee(token, context)) found.push(describe(tokens.issued(token)));
  }
  return { errorCode: ErrorCode.NONE, tokens: found };
}

function* namesOf(owners: readonly NamedPrincipal[]): Steps<ReadonlySet<string>> {
  const names = new NameSet();
  for (const owner of owners) {
    names.add(nameOf(principalNamed(owner)));
    yield;
  }
  return names;
}

/** The type may have a colon, too. */
function nameOf({ type, name }: Principal): string {
  return JSON.stringify([type, name]);
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
