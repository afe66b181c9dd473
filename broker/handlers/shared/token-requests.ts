/**
 * Who may ask about delegation tokens at all: somebody with a name, that no token has proved. Otherwise a
 * token could be used to make tokens that outlive it.
 * Source: KafkaApis.allowTokenRequests.
 */
import { ANONYMOUS, type Principal } from '../../security/principal.ts';
import type { IssuedToken } from '../../security/tokens/token-manager.ts';
import type { RequestContext } from '../handler.ts';

/** The time in the answer to what was refused. */
export const NO_TOKEN_TIME = -1;

export function allowsTokenRequests({ securityProtocol, principal }: RequestContext): boolean {
  if (securityProtocol === 'PLAINTEXT' || principal.tokenAuthenticated === true) return false;
  return securityProtocol !== 'SSL' || !isAnonymous(principal);
}

function isAnonymous({ type, name }: Principal): boolean {
  return type === ANONYMOUS.type && name === ANONYMOUS.name;
}

export interface NamedPrincipal {
  readonly principalType: string;
  readonly principalName: string;
}

export function principalNamed({ principalType: type, principalName: name }: NamedPrincipal): Principal {
  return { type, name };
}

export function namedPrincipal({ type, name }: Principal): NamedPrincipal {
  return { principalType: type, principalName: name };
}

/** The requester; versions before 3 leave it out. */
export function requesterOf({ type, name }: IssuedToken['requester']) {
  return { tokenRequesterPrincipalType: type, tokenRequesterPrincipalName: name };
}
