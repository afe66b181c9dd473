/**
 * CreateDelegationToken (38), versions 0-3: a token by which others log in as its owner, made on whichever
 * broker is asked. v3+ on behalf of another principal, for who may CREATE_TOKENS of it.
 * Source: KafkaApis.handleCreateTokenRequest (KIP-48, KIP-373).
 */
import { ErrorCode } from '../errors.ts';
import { CreateDelegationToken } from '../protocol/messages/38-create-delegation-token.ts';
import type { RequestOf, ResponseInput } from '../protocol/schema.ts';
import { Operation, userOfTokens } from '../security/operations.ts';
import { ANONYMOUS, isSamePrincipal, type Principal, principalText } from '../security/principal.ts';
import { defineHandler, type RequestContext } from './handler.ts';
import {
  allowsTokenRequests,
  NO_TOKEN_TIME,
  namedPrincipal,
  principalNamed,
  requesterOf,
} from './shared/token-requests.ts';

type Request = RequestOf<typeof CreateDelegationToken>;
type Response = ResponseInput<typeof CreateDelegationToken>;

interface Parties {
  readonly owner: Principal;
  readonly requester: Principal;
}

const USER_TYPE = 'User';

export const createDelegationToken = defineHandler(CreateDelegationToken, ['tokens', 'config'], {
  async handle(request, context, { tokens, config }) {
    const parties = { owner: ownerOf(request, context), requester: context.principal };
    const error = refusalOf(request, parties, context);
    if (error !== ErrorCode.NONE) return refused(error, parties);
    if (tokens === null) return refused(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED, parties);
    if (tokens.count >= config.delegationTokenMaxTokens) return refused(ErrorCode.POLICY_VIOLATION, parties);
    const renewers = request.renewers.map(principalNamed);
    const { maxLifetimeMs } = request;
    const token = await tokens.create({ ...parties, renewers, maxLifetimeMs });
    return {
      errorCode: ErrorCode.NONE,
      ...namedPrincipal(token.owner),
      ...requesterOf(token.requester),
      issueTimestampMs: token.issuedMs,
      expiryTimestampMs: token.expiryMs,
      maxTimestampMs: token.maxMs,
      tokenId: token.tokenId,
      hmac: token.hmac,
    };
  },
  refuse: (_request, errorCode) => refused(errorCode, { owner: ANONYMOUS, requester: ANONYMOUS }),
});

/** Who is not named is the sender. */
function ownerOf(
  { ownerPrincipalType, ownerPrincipalName }: Request,
  { principal }: RequestContext,
): Principal {
  if (ownerPrincipalName === null || ownerPrincipalName === '') return principal;
  return { type: ownerPrincipalType ?? '', name: ownerPrincipalName };
}

function refusalOf({ renewers }: Request, { owner, requester }: Parties, context: RequestContext): ErrorCode {
  if (!allowsTokenRequests(context)) return ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;
  const ofAnother = !isSamePrincipal(owner, requester);
  if (ofAnother && !context.may(Operation.CREATE_TOKENS, userOfTokens(principalText(owner)))) {
    return ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED;
  }
  const stranger = renewers.some(({ principalType }) => principalType !== USER_TYPE);
  return stranger ? ErrorCode.INVALID_PRINCIPAL_TYPE : ErrorCode.NONE;
}

function refused(errorCode: ErrorCode, { owner, requester }: Parties): Response {
  return {
    errorCode,
    ...namedPrincipal(owner),
    ...requesterOf(requester),
    issueTimestampMs: NO_TOKEN_TIME,
    expiryTimestampMs: NO_TOKEN_TIME,
    maxTimestampMs: NO_TOKEN_TIME,
    tokenId: '',
    hmac: Buffer.alloc(0),
  };
}
