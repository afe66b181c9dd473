/**
 * DIGEST-MD5 as ZooKeeper and its clients speak it: directives of the form name=value, and the hash by
 * which each end shows that it knows the password. Only `qop=auth` and `algorithm=md5-sess`.
 * Source: RFC 2831; com.sun.security.sasl.digest of Java for what RFC 2831 leaves open.
 */
import { createHash, randomBytes } from 'node:crypto';

/** What both ends hash. */
export interface DigestExchange {
  readonly user: string;
  readonly realm: string;
  readonly password: string;
  readonly nonce: string;
  readonly clientNonce: string;
  /** Who is acted for; null: nobody was named. */
  readonly authorizationId: string | null;
  readonly uri: string;
}

/** The message is no DIGEST-MD5, or does not prove what it should. Holds no secret. */
export class DigestError extends Error {
  override readonly name = 'DigestError';
}

/** Of every ZooKeeper, whatever its host is called. */
export const REALM = 'zk-sasl-md5';
export const URI = `zookeeper/${REALM}`;
const NONCE_BYTES = 30;

/** The only use of a nonce. */
export const FIRST_USE = '00000001';
/** ZooKeeper's messages are a few hundred bytes; what is longer is none. */
const MAX_MESSAGE_BYTES = 4096;
const ONE_DIRECTIVE = /\s*([a-z][a-z0-9-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))\s*(?:,|$)/iy;

/** What nobody can foresee; of either end. */
export function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64');
}

/** Names in lower case. Of one that is repeated the first counts. Throws {@link DigestError}. */
export function directivesOf(message: Buffer): ReadonlyMap<string, string> {
  if (message.length > MAX_MESSAGE_BYTES) throw new DigestError(`a message of ${message.length} bytes`);
  const text = message.toString('utf8');
  const found = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    ONE_DIRECTIVE.lastIndex = at;
    const match = ONE_DIRECTIVE.exec(text);
    if (match === null) throw new DigestError('a message that is no list of directives');
    at = ONE_DIRECTIVE.lastIndex;
    const name = (match[1] ?? '').toLowerCase();
    if (!found.has(name)) found.set(name, match[2]?.replaceAll(/\\(.)/g, '$1') ?? match[3] ?? '');
  }
  return found;
}

/** In quotes, as a directive's value. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** By what the client proves itself. */
export function clientProof(exchange: DigestExchange): string {
  return proof(exchange, 'AUTHENTICATE:');
}

/** By what the server proves itself. */
export function serverProof(exchange: DigestExchange): string {
  return proof(exchange, ':');
}

function proof(exchange: DigestExchange, method: string): string {
  const { user, realm, password, nonce, clientNonce, authorizationId, uri } = exchange;
  const colon = Buffer.from(':');
  const secret = md5(Buffer.concat([bytesOf(user), colon, bytesOf(realm), colon, bytesOf(password)]));
  const acting = authorizationId === null ? '' : `:${authorizationId}`;
  const session = md5(Buffer.concat([secret, Buffer.from(`:${nonce}:${clientNonce}${acting}`)]));
  const request = md5(Buffer.from(`${method}${uri}`));
  const all = [session.toString('hex'), nonce, FIRST_USE, clientNonce, 'auth', request.toString('hex')];
  return md5(Buffer.from(all.join(':'))).toString('hex');
}

/** In ISO 8859-1 where that is enough, which keeps hashes of before UTF-8 valid. */
function bytesOf(text: string): Buffer {
  const isLatin = [...text].every((character) => (character.codePointAt(0) ?? 0) < 256);
  return Buffer.from(text, isLatin ? 'latin1' : 'utf8');
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}
