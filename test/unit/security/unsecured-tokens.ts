/** Tokens without a signature, as a test wants them. */

/** `claims` may be anything, also what no token should have. */
export function unsecuredToken(claims: unknown, header: unknown = { alg: 'none' }, signature = ''): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}

/** What an OAUTHBEARER client sends. */
export function bearerBytes(token: string, { authorizationId = '', more = '' } = {}): Buffer {
  const name = authorizationId === '' ? '' : `a=${authorizationId}`;
  return Buffer.from(`n,${name},\x01auth=Bearer ${token}\x01${more}\x01`);
}
