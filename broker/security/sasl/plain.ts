/**
 * PLAIN: name and password in one token, compared with the users of the listener's JAAS config
 * (`user_alice="secret"`). Whether a name is known can't be told from how long the answer takes.
 * Source: RFC 4616; org.apache.kafka.common.security.plain.internals.PlainSaslServer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { SaslClient } from '../../protocol/login.ts';
import { userNamed } from '../principal.ts';
import { type SaslMechanism, type SaslStep, toldFailure } from './mechanism.ts';

/** Passwords by name. */
export type PlainUsers = ReadonlyMap<string, string>;

const EMPTY = Buffer.alloc(0);

export function plainMechanism(users: PlainUsers): SaslMechanism {
  return { name: 'PLAIN', begin: () => ({ step: (token) => authenticate(token, users) }) };
}

/** A client that logs in as `user`. */
export function plainClient(user: string, password: string): SaslClient {
  return {
    mechanism: 'PLAIN',
    async *tokens() {
      yield Buffer.from(`\0${user}\0${password}`);
    },
  };
}

function authenticate(token: Buffer, users: PlainUsers): SaslStep {
  const parts = token.toString('utf8').split('\0', 4);
  const [authorizationId = '', user = '', password = ''] = parts;
  if (parts.length !== 3) {
    return toldFailure(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`);
  }
  if (user === '') return toldFailure('Authentication failed: username not specified');
  if (password === '') return toldFailure('Authentication failed: password not specified');
  const expected = users.get(user);
  const right = isSameText(password, expected ?? '') && expected !== undefined;
  if (!right) return toldFailure('Authentication failed: Invalid username or password');
  if (authorizationId !== '' && authorizationId !== user) {
    return toldFailure(
      'Authentication failed: Client requested an authorization id that is different from username',
    );
  }
  return { kind: 'done', token: EMPTY, principal: userNamed(user), expiresAtMs: null };
}

/** In a time that depends on the given text alone. */
function isSameText(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
