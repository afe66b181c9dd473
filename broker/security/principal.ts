/**
 * Who somebody is to this broker: the name that access control lists and quotas speak of.
 * Source: org.apache.kafka.common.security.auth.KafkaPrincipal, SecurityUtils.parseKafkaPrincipal.
 */

export interface Principal {
  /** `User` unless a custom builder says otherwise. */
  readonly type: string;
  readonly name: string;
  /** Proved by a delegation token, in its owner's name: such a client may not ask for tokens. */
  readonly tokenAuthenticated?: boolean;
}

/** Everybody on a listener that asks nobody for a name. */
export const ANONYMOUS: Principal = { type: 'User', name: 'ANONYMOUS' };

/** `User:alice`, as access rules have it. */
export function principalText({ type, name }: Principal): string {
  return `${type}:${name}`;
}

/** Reads `User:alice`; null when there is no colon, or no type before it. */
export function parsePrincipal(text: string): Principal | null {
  const colon = text.indexOf(':');
  return colon < 1 ? null : { type: text.slice(0, colon), name: text.slice(colon + 1) };
}

/** Somebody who has proved to be `name`. */
export function userNamed(name: string): Principal {
  return { type: 'User', name };
}

/** Whether a client is still who it was: by a token of the same owner, too. */
export function isSamePrincipal(one: Principal, other: Principal): boolean {
  return one.type === other.type && one.name === other.name;
}
