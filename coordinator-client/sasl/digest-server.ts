/**
 * The server of DIGEST-MD5: one challenge a connection, and one answer to it. A name that is not known costs
 * as much as a wrong password, and is refused in the same words.
 * Source: RFC 2831; com.sun.security.sasl.digest.DigestMD5Server, ZooKeeperServer.processSasl.
 */
import { timingSafeEqual } from 'node:crypto';
import {
  clientProof,
  DigestError,
  type DigestExchange,
  directivesOf,
  FIRST_USE,
  newNonce,
  quoted,
  REALM,
  serverProof,
  URI,
} from './digest-formula.ts';

/** Passwords by the names of users. */
export type DigestUsers = ReadonlyMap<string, string>;

type DigestStep =
  | { readonly kind: 'challenge'; readonly token: Buffer }
  | { readonly kind: 'accepted'; readonly token: Buffer; readonly user: string };

export class DigestServer {
  readonly #users: DigestUsers;
  readonly #nonce = newNonce();
  /** `asked`: the challenge is out. A login that is over, well or badly, is never taken up again. */
  #state: 'new' | 'asked' | 'over' = 'new';

  constructor(users: DigestUsers) {
    this.#users = users;
  }

  /** The next token of a client; its first is empty. Throws {@link DigestError}. */
  next(received: Buffer): DigestStep {
    if (this.#state === 'over') throw new DigestError('the login is over');
    if (this.#state === 'asked') {
      this.#state = 'over';
      return this.#judge(directivesOf(received));
    }
    if (received.length > 0) throw new DigestError('an answer before there was a challenge');
    this.#state = 'asked';
    const directives = [
      `realm=${quoted(REALM)}`,
      `nonce=${quoted(this.#nonce)}`,
      'charset=utf-8',
      'algorithm=md5-sess',
    ];
    return { kind: 'challenge', token: Buffer.from(directives.join(',')) };
  }

  #judge(answer: ReadonlyMap<string, string>): DigestStep {
    const user = answer.get('username') ?? '';
    const known = this.#users.get(user);
    const exchange: DigestExchange = {
      user,
      realm: answer.get('realm') ?? '',
      password: known ?? this.#nonce,
      nonce: this.#nonce,
      clientNonce: answer.get('cnonce') ?? '',
      authorizationId: answer.get('authzid') ?? null,
      uri: URI,
    };
    const isProven = isSame(clientProof(exchange), answer.get('response') ?? '');
    const isWhole =
      answer.get('nonce') === this.#nonce &&
      answer.get('nc') === FIRST_USE &&
      exchange.clientNonce !== '' &&
      exchange.realm === REALM &&
      answer.get('digest-uri') === URI &&
      (answer.get('qop') ?? 'auth') === 'auth' &&
      (exchange.authorizationId ?? user) === user;
    if (known === undefined || !isProven || !isWhole) throw new DigestError('the login is refused');
    return { kind: 'accepted', user, token: Buffer.from(`rspauth=${serverProof(exchange)}`) };
  }
}

function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
