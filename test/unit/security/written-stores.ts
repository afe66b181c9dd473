/** Key stores as bytes, of what is in them and what it asks for; and how a listener is made of one. */
import { createCipheriv, pbkdf2Sync } from 'node:crypto';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import type { TlsServerEnd } from '../../../broker/platform/tls.ts';
import { type JavaStores, javaStores } from '../../../broker/security/tls/java-stores.ts';
import { serverEnd } from '../../../broker/security/tls/tls-configs.ts';

export const HUGE = 2_147_483_647;
export const SALT = Buffer.from('saltsalt');

export function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length: size } = content;
  const length = Buffer.from(
    size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff],
  );
  return Buffer.concat([Buffer.from([tag]), length, content]);
}
/** The same, the number of the tag in bytes behind it, which need not be. */
export function longTagged(tag: number, content: Buffer, before: readonly number[] = []): Buffer {
  const rest = tagged(tag, content).subarray(1);
  return Buffer.concat([Buffer.from([tag | 0x1f, ...before, tag & 0x1f]), rest]);
}
/** As octets of a size that one length holds. */
export function inPieces(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / 60_000);
  return Array.from({ length: count }, (_, n) => octets(bytes.subarray(n * 60_000, (n + 1) * 60_000)));
}
/** The same without its length. */
export const endless = (tag: number, ...contents: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.alloc(2)]);
export const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);
export const octets = (bytes: Buffer): Buffer => tagged(0x04, bytes);
export const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
export function integer(value: number): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return tagged(0x02, (bytes[0] ?? 0) < 128 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

export const DATA = oid('2a864886f70d010701');
const ENCRYPTED_DATA = oid('2a864886f70d010706');
const AES_256_CBC = oid('60864801650304012a');
export const pbes2 = (derivation: Buffer, iv: Buffer = Buffer.alloc(16)): Buffer =>
  sequence(oid('2a864886f70d01050d'), sequence(derivation, sequence(AES_256_CBC, octets(iv))));
export const pbkdf2 = (count: number): Buffer =>
  sequence(
    oid('2a864886f70d01050c'),
    sequence(octets(SALT), integer(count), sequence(oid('2a864886f70d0209'))),
  );
export const scrypt = (n: number, r: number, p: number): Buffer =>
  sequence(oid('2b06010401da47040b'), sequence(octets(SALT), integer(n), integer(r), integer(p)));
export const pkcs12Pbe = (count: number): Buffer =>
  sequence(oid('2a864886f70d010c0103'), sequence(octets(SALT), integer(count)));

export const keyInfo = (algorithm: Buffer, encrypted: Buffer = Buffer.alloc(32)): Buffer =>
  sequence(algorithm, octets(encrypted));
export const integrity = (count: number): Buffer =>
  sequence(
    sequence(sequence(oid('608648016503040201')), octets(Buffer.alloc(32))),
    octets(SALT),
    integer(count),
  );
/** Integrity first, as it is checked first. */
export const store = (count: number, ...safes: readonly Buffer[]): Buffer =>
  sequence(integer(3), sequence(DATA, tagged(0xa0, octets(sequence(...safes)))), integrity(count));
export const encryptedSafe = (algorithm: Buffer, encrypted: Buffer = Buffer.alloc(32)): Buffer =>
  sequence(
    ENCRYPTED_DATA,
    tagged(0xa0, sequence(integer(0), sequence(DATA, algorithm, tagged(0x80, encrypted)))),
  );
export const plainSafe = (...bags: readonly Buffer[]): Buffer =>
  sequence(DATA, tagged(0xa0, octets(sequence(...bags))));
export const keyBag = (algorithm: Buffer): Buffer =>
  sequence(oid('2a864886f70d010c0a0102'), tagged(0xa0, keyInfo(algorithm)));

/** Under the password `k`, after so many iterations. */
export function reallyEncryptedSafe(count: number, content: Buffer): Buffer {
  const iv = Buffer.alloc(16, 9);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('k', SALT, count, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  const info = sequence(DATA, pbes2(pbkdf2(count), iv), tagged(0x80, encrypted));
  return sequence(ENCRYPTED_DATA, tagged(0xa0, sequence(integer(0), info)));
}
export const nestedSafe = (safes: Buffer): Buffer =>
  sequence(oid('2a864886f70d010c0a0106'), tagged(0xa0, safes));
type Configs = Readonly<Record<string, string>>;

export function serverOf(
  configs: Configs,
  file: Buffer = Buffer.alloc(0),
  stores = javaStores,
): Promise<TlsServerEnd> {
  const texts = new Map(Object.entries(configs).map(([name, text]) => [`listener.name.x.${name}`, text]));
  const { values, prefix } = new ListenerConfig(texts, 'X');
  return serverEnd(values, prefix, { disk: { readFile: () => file }, javaStores: stores });
}

export const keyStore = (file: Buffer, stores?: JavaStores): Promise<TlsServerEnd> =>
  serverOf(
    { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': '/store', 'ssl.keystore.password': 'k' },
    file,
    stores,
  );

/** The sequence of a bag, written as OpenSSL reads it although not all of it is as it should be. */
export function unreadable(bags: Buffer): (readonly [string, Buffer])[] {
  const bag = contentOf(contentOf(bags));
  const withAttribute = (value: Buffer): Buffer =>
    sequence(sequence(bag, tagged(0x31, sequence(oid('2a864886f70d010914'), tagged(0x31, value)))));
  let deep = sequence();
  for (let depth = 0; depth < 80; depth++) deep = sequence(deep);
  return [
    ['an attribute that is no value', withAttribute(Buffer.from('3004ffffffff', 'hex'))],
    ['an attribute that is very deep', withAttribute(deep)],
    ['the number of its tag behind it', longTagged(0x30, sequence(bag))],
    ['the number of its tag behind zeros', longTagged(0x30, sequence(bag), [0x80, 0x80])],
  ];
}

/** Of what has a length in one byte. */
function contentOf(value: Buffer): Buffer {
  return value.subarray(2);
}
