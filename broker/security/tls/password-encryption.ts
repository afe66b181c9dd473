/**
 * Decrypts by a password what a PKCS#12 store has encrypted, by all that OpenSSL knows and a store is met with: PBES2
 * with PBKDF2 or scrypt, and PKCS#12's own way.
 * Source: RFC 8018 (PBES2, PBKDF2), RFC 7914 (scrypt), RFC 7292 appendix B (PKCS#12's derivation).
 */
import { createDecipheriv, hash, pbkdf2Sync, scryptSync } from 'node:crypto';
import { type Element, numberOf, OCTETS, OID } from './ber.ts';

const PKCS5 = '2a864886f70d0105';
const PKCS12_PBE = '2a864886f70d010c01';
export const PBKDF2 = `${PKCS5}0c`;
const PBES2 = `${PKCS5}0d`;
export const SCRYPT = '2b06010401da47040b';
/** Of PKCS#5 v1.5 and of PKCS#12: their parameters are a salt and a count. */
export const SALT_AND_COUNT: ReadonlySet<string> = new Set([
  ...['01', '03', '04', '06', '0a', '0b'].map((last) => PKCS5 + last),
  ...['01', '02', '03', '04', '05', '06'].map((last) => PKCS12_PBE + last),
]);

interface Cipher {
  readonly name: string;
  readonly keyBytes: number;
}

/** For each mode the last byte of the object identifier where a key has 128 bits, and what a longer one adds to it. */
interface CipherFamily {
  readonly prefix: string;
  readonly modes: Readonly<Record<string, number>>;
  readonly step: number;
}

const FAMILIES: readonly (readonly [string, CipherFamily])[] = [
  ['aes', { prefix: '6086480165030401', modes: { ecb: 1, cbc: 2, ofb: 3, cfb: 4 }, step: 20 }],
  ['aria', { prefix: '2a831a8c9a6e0101', modes: { ecb: 1, cbc: 2, cfb: 3, ofb: 4, ctr: 5 }, step: 5 }],
  ['camellia', { prefix: '2a83088c9a4b3d010101', modes: { cbc: 2 }, step: 1 }],
  ['camellia', { prefix: '03a23105030109', modes: { ecb: 1, ofb: 3, cfb: 4, ctr: 9 }, step: 20 }],
];
const SM4_MODES = { ecb: 1, cbc: 2, ofb: 3, cfb: 4, ctr: 7 };

/** All that OpenSSL, as it is in Node, opens a store by. */
const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ...FAMILIES.flatMap(([name, family]) => ciphersOf(name, family)),
  ...Object.entries(SM4_MODES).map(
    ([mode, last]) => [`2a811ccf5501680${last}`, { name: `sm4-${mode}`, keyBytes: 16 }] as const,
  ),
  ['2b0e030211', { name: 'des-ede-ecb', keyBytes: 16 }],
  ['2a864886f70d0307', { name: 'des-ede3-cbc', keyBytes: 24 }],
]);

function ciphersOf(name: string, { prefix, modes, step }: CipherFamily): (readonly [string, Cipher])[] {
  return [128, 192, 256].flatMap((bits, row) =>
    Object.entries(modes).map(([mode, first]) => {
      const last = Buffer.from([first + row * step]).toString('hex');
      return [prefix + last, { name: `${name}-${bits}-${mode}`, keyBytes: bits / 8 }] as const;
    }),
  );
}

/** The last two only where OpenSSL was told to take what is not safe any more; it opens nothing by them else, either. */
const PKCS12_CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  [`${PKCS12_PBE}03`, { name: 'des-ede3-cbc', keyBytes: 24 }],
  [`${PKCS12_PBE}04`, { name: 'des-ede-cbc', keyBytes: 16 }],
  [`${PKCS12_PBE}05`, { name: 'rc2-cbc', keyBytes: 16 }],
  [`${PKCS12_PBE}06`, { name: 'rc2-40-cbc', keyBytes: 5 }],
]);
const HMAC = '2a864886f70d02';
const DIGESTS: ReadonlyMap<string, string> = new Map([
  [`${HMAC}07`, 'sha1'],
  [`${HMAC}08`, 'sha224'],
  [`${HMAC}09`, 'sha256'],
  [`${HMAC}0a`, 'sha384'],
  [`${HMAC}0b`, 'sha512'],
  [`${HMAC}0c`, 'sha512-224'],
  [`${HMAC}0d`, 'sha512-256'],
]);
const IV_BYTES_OF_PKCS12 = 8;
/** OpenSSL's own limit: it opens nothing that takes more. */
const SCRYPT_BYTES = 32 * 1024 * 1024;

/** null: not by this password, or in no way that is known here. The iterations must have been counted before. */
export function decrypted(algorithm: Element, encrypted: Buffer, password: string): Buffer | null {
  const [name, parameters] = algorithm.children ?? [];
  const oid = oidOf(name);
  const values = parameters?.children ?? [];
  if (oid === PBES2) return tried(() => byPbes2(values, encrypted, password));
  const cipher = PKCS12_CIPHERS.get(oid);
  if (cipher === undefined) return null;
  const salt = values[0]?.content ?? Buffer.alloc(0);
  // An empty password is two zero bytes, or none: OpenSSL tries either.
  for (const secret of password === '' ? [Buffer.alloc(2), Buffer.alloc(0)] : [bmpString(password)]) {
    const derive = (purpose: number, sizeBytes: number): Buffer =>
      pkcs12Key({ secret, salt, iterations: numberOf(values[1]) }, purpose, sizeBytes);
    const opened = tried(() =>
      opener(cipher, derive(1, cipher.keyBytes), derive(2, IV_BYTES_OF_PKCS12))(encrypted),
    );
    if (opened !== null) return opened;
  }
  return null;
}

function tried(open: () => Buffer | null): Buffer | null {
  try {
    return open();
  } catch {
    return null;
  }
}

function byPbes2(
  [derivation, encryption]: readonly Element[],
  encrypted: Buffer,
  password: string,
): Buffer | null {
  const [cipherName, iv] = encryption?.children ?? [];
  const cipher = CIPHERS.get(oidOf(cipherName));
  const key = cipher === undefined ? null : derivedKey(derivation, cipher, password);
  if (cipher === undefined || key === null) return null;
  return opener(cipher, key, iv?.tag === OCTETS ? iv.content : null)(encrypted);
}

function derivedKey(derivation: Element | undefined, { keyBytes }: Cipher, password: string): Buffer | null {
  const [name, parameters] = derivation?.children ?? [];
  const [salt, ...rest] = parameters?.children ?? [];
  if (salt === undefined) return null;
  if (oidOf(name) === SCRYPT) {
    const [N, r, p] = rest.slice(0, 3).map(numberOf);
    return scryptSync(password, salt.content, keyBytes, { ...{ N, r, p }, maxmem: SCRYPT_BYTES });
  }
  if (oidOf(name) !== PBKDF2) return null;
  // Between the count and the digest may stand how long the key is, which the cipher says.
  const digestOid = rest.slice(1).find(({ children }) => children !== null)?.children?.[0];
  const digest = digestOid === undefined ? 'sha1' : DIGESTS.get(oidOf(digestOid));
  if (digest === undefined) return null;
  return pbkdf2Sync(password, salt.content, numberOf(rest[0]), keyBytes, digest);
}

function opener({ name }: Cipher, key: Buffer, iv: Buffer | null): (encrypted: Buffer) => Buffer {
  const decipher = createDecipheriv(name, key, iv);
  return (encrypted) => Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

function oidOf(element: Element | undefined): string {
  return element?.tag === OID ? element.content.toString('hex') : '';
}

/** Two bytes a character, and two zeros. */
function bmpString(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16();
}

interface Pkcs12Secret {
  readonly secret: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
}

/** `purpose`: 1 for a key, 2 for an initial vector. By SHA-1, the only digest that it is used with in ciphers. */
function pkcs12Key({ secret, salt, iterations }: Pkcs12Secret, purpose: number, sizeBytes: number): Buffer {
  const blockBytes = 64;
  const filled = (bytes: Buffer): Buffer =>
    Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes.length === 0 ? 0 : bytes);
  const input = Buffer.concat([filled(salt), filled(secret)]);
  const diversifier = Buffer.alloc(blockBytes, purpose);
  const made: Buffer[] = [];
  for (let done = 0; done < sizeBytes; done += 20) {
    let digest = hash('sha1', Buffer.concat([diversifier, input]), 'buffer');
    for (let count = 1; count < iterations; count++) digest = hash('sha1', digest, 'buffer');
    made.push(digest);
    const added = Buffer.alloc(blockBytes, digest);
    for (let at = 0; at < input.length; at += blockBytes) addTo(input.subarray(at, at + blockBytes), added);
  }
  return Buffer.concat(made).subarray(0, sizeBytes);
}

/** The block as one number, plus the other and one. */
function addTo(block: Buffer, added: Buffer): void {
  let carry = 1;
  for (let at = block.length - 1; at >= 0; at--) {
    carry += (block[at] ?? 0) + (added[at] ?? 0);
    block[at] = carry & 0xff;
    carry >>= 8;
  }
}
