/**
 * Access control lists of znodes: who may do what, how a list asked for by a client becomes the list
 * that is stored, and whether a set of identities is let in. Schemes: world, auth, digest, ip, sasl, x509,
 * super.
 * Source: ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL, the authentication providers.
 */
import { createHash } from 'node:crypto';

export const Permission = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const;

/** One entry of a list: the permissions of whoever matches scheme and id. */
export interface Acl {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

/** Whom a connection has proved to be. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** Anyone may do anything: ZooKeeper's OPEN_ACL_UNSAFE. */
export const OPEN_ACL: readonly Acl[] = [{ permissions: Permission.ALL, scheme: 'world', id: 'anyone' }];
export const READ_ONLY_ACL: readonly Acl[] = [
  { permissions: Permission.READ, scheme: 'world', id: 'anyone' },
];
/** Passes every check. */
export const SUPER_USER: Identity = { scheme: 'super', id: '' };
/** Who has logged in under this name matches every entry of the scheme sasl. */
const SASL_SUPER = 'super';
/** What somebody has proved to be, other than the address, which anybody may share. */
const PROVEN: ReadonlySet<string> = new Set(['digest', 'sasl', 'x509']);

/** True when one of `identities` holds one of the permissions in the mask. */
export function isAllowed(
  acl: readonly Acl[],
  permissions: number,
  identities: readonly Identity[],
): boolean {
  if (acl === OPEN_ACL || acl.length === 0) return true;
  if (identities.some((identity) => identity.scheme === 'super')) return true;
  return acl.some(
    (entry) =>
      (entry.permissions & permissions) !== 0 &&
      (isWorld(entry) || identities.some((identity) => matches(entry, identity))),
  );
}

/**
 * The list to store for the list asked for: duplicates gone, `auth` replaced by the identities that
 * the connection has. null when the list is empty or names something impossible.
 */
export function resolveAcl(
  asked: readonly Acl[],
  {
    identities,
    schemes,
  }: { readonly identities: readonly Identity[]; readonly schemes?: ReadonlySet<string> },
): readonly Acl[] | null {
  const resolved: Acl[] = [];
  const add = (entry: Acl): void => {
    if (!resolved.some((other) => isSame(other, entry))) resolved.push(entry);
  };
  for (const entry of asked) {
    if (entry.scheme === 'auth') {
      const proved = identities.filter(({ scheme }) => PROVEN.has(scheme));
      if (proved.length === 0) return null;
      for (const identity of proved) add({ permissions: entry.permissions, ...identity });
    } else {
      if (!isWellFormed(entry, schemes)) return null;
      add(entry);
    }
  }
  if (resolved.length === 0) return null;
  const [only] = resolved;
  return resolved.length === 1 && only && isWorld(only) && only.permissions === Permission.ALL
    ? OPEN_ACL
    : resolved;
}

/** What somebody without ADMIN is shown: digests without their hashes. */
export function maskedAcl(acl: readonly Acl[]): readonly Acl[] {
  return acl.map((entry) =>
    entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/, ':x') } : entry,
  );
}

/** The id of the digest scheme for `user:password`. */
export function digestId(userAndPassword: string): string {
  const user = userAndPassword.split(':', 1)[0] ?? '';
  return `${user}:${createHash('sha1').update(userAndPassword).digest('base64')}`;
}

function isWorld(entry: Acl): boolean {
  return entry.scheme === 'world' && entry.id === 'anyone';
}

function isSame(left: Acl, right: Acl): boolean {
  return left.permissions === right.permissions && left.scheme === right.scheme && left.id === right.id;
}

function isWellFormed(entry: Acl, schemes: ReadonlySet<string> | undefined): boolean {
  if (entry.scheme === 'world') return entry.id === 'anyone';
  if (entry.scheme === 'digest') return entry.id.split(':').length === 2;
  if (entry.scheme !== 'ip') return schemes?.has(entry.scheme) === true && isName(entry);
  const [address, bits, ...more] = entry.id.split('/');
  if (more.length > 0 || address === undefined) return false;
  const network = addressBytes(address);
  return network !== null && (bits === undefined || isPrefixLength(bits, network.length * 8));
}

/** Of Kerberos, or any without a realm; a distinguished one in a certificate. */
function isName({ scheme, id }: Acl): boolean {
  if (scheme === 'x509') return id === '' || /^\s*[\w.]+\s*=/.test(id);
  return !id.includes('@') || /^[^/@]*(?:\/[^/@]*)?@[^/@]*$/.test(id);
}

function isPrefixLength(text: string, limit: number): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= limit;
}

function matches(entry: Acl, identity: Identity): boolean {
  if (entry.scheme !== identity.scheme) return false;
  if (entry.scheme === 'ip') return addressMatches(identity.id, entry.id);
  return entry.id === identity.id || (entry.scheme === 'sasl' && identity.id === SASL_SUPER);
}

function addressMatches(address: string, pattern: string): boolean {
  const [text = '', bits] = pattern.split('/');
  const network = addressBytes(text);
  const host = addressBytes(address);
  if (network === null || host === null || network.length !== host.length) return false;
  let left = bits === undefined ? network.length * 8 : Number(bits);
  for (let i = 0; i < network.length && left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if (((network[i] ?? 0) & mask) !== ((host[i] ?? 0) & mask)) return false;
  }
  return true;
}

/** Four or sixteen bytes; null when the text is no address. */
export function addressBytes(text: string): readonly number[] | null {
  const plain = text.replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) {
    const parts = plain.split('.');
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
      return null;
    return parts.map(Number);
  }
  const [before = '', after, ...more] = plain.split('::');
  if (more.length > 0) return null;
  const head = groups(before);
  const tail = groups(after ?? '');
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (after === undefined ? missing !== 0 : missing < 1) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail].flatMap((group) => [
    group >> 8,
    group & 0xff,
  ]);
}

function groups(text: string): readonly number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))
    ? parts.map((part) => parseInt(part, 16))
    : null;
}
