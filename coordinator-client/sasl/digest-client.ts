/**
 * The client of DIGEST-MD5: answers the server's challenge, then believes the server only if that knows
 * the password too. Source: RFC 2831; ZooKeeperSaslClient.
 */
import {
  clientProof,
  DigestError,
  type DigestExchange,
  directivesOf,
  FIRST_USE,
  newNonce,
  quoted,
  serverProof,
  URI,
} from './digest-formula.ts';

export interface DigestCredentials {
  readonly user: string;
  readonly password: string;
}

/** One login: the challenge first, the server's proof after it. */
export class DigestClient {
  readonly #credentials: DigestCredentials;
  /** null until the challenge was answered. */
  #exchange: DigestExchange | null = null;

  constructor(credentials: DigestCredentials) {
    this.#credentials = credentials;
  }

  /** What to send for what was received; null: the login is complete. Throws {@link DigestError}. */
  next(received: Buffer): Buffer | null {
    const directives = directivesOf(received);
    if (this.#exchange === null) return this.#answer(directives);
    if (directives.get('rspauth') === serverProof(this.#exchange)) return null;
    throw new DigestError('the server does not prove that it knows the password');
  }

  #answer(challenge: ReadonlyMap<string, string>): Buffer {
    const nonce = challenge.get('nonce');
    if (nonce === undefined) throw new DigestError('a challenge without a nonce');
    const offered = challenge.get('qop') ?? 'auth';
    if (!offered.split(',').some((one) => one.trim() === 'auth')) {
      throw new DigestError(`the server wants qop ${offered}; only auth is spoken here`);
    }
    const exchange = {
      ...this.#credentials,
      realm: challenge.get('realm') ?? '',
      nonce,
      clientNonce: newNonce(),
      authorizationId: null,
      uri: URI,
    };
    this.#exchange = exchange;
    const directives = [
      'charset=utf-8',
      `username=${quoted(exchange.user)}`,
      `realm=${quoted(exchange.realm)}`,
      `nonce=${quoted(nonce)}`,
      `nc=${FIRST_USE}`,
      `cnonce=${quoted(exchange.clientNonce)}`,
      `digest-uri=${quoted(URI)}`,
      'maxbuf=65536',
      `response=${clientProof(exchange)}`,
      'qop=auth',
    ];
    return Buffer.from(directives.join(','));
  }
}
