/**
 * Passwords that are set at run time, as they lie in ZooKeeper: encrypted by a key that is made of
 * password.encoder.secret, in Kafka's format, so that its brokers and ours read each other's.
 * Source: EncryptingPasswordEncoder, CipherParamsEncoder of Kafka 3.9.
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import { ConfigError, invalidValue } from '../config/property.ts';

export interface PasswordEncoder {
  encode(password: string): string;
  /** Throws ConfigError for what is no encoded password, or one of another secret. Holds no secret. */
  decode(encoded: string): string;
}

/** The configs that say how. */
export interface EncoderConfigs {
  readonly passwordEncoderKeyfactoryAlgorithm: string | null;
  readonly passwordEncoderCipherAlgorithm: string;
  readonly passwordEncoderKeyLength: number;
  readonly passwordEncoderIterations: number;
}

interface Scheme {
  readonly keyFactory: string;
  readonly cipher: string;
  readonly keyLengthBits: number;
  readonly iterations: number;
}

const DIGESTS: ReadonlyMap<string, string> = new Map(
  ['1', '224', '256', '384', '512'].map((bits) => [`PBKDF2WithHmacSHA${bits}`, `sha${bits}`]),
);
const DEFAULT_KEY_FACTORY = 'PBKDF2WithHmacSHA512';
/** Java's names; the rest of OpenSSL's names, and the length of the initialization vector. */
const CIPHERS: ReadonlyMap<string, { readonly mode: string; readonly ivBytes: number }> = new Map([
  ['AES/CBC/PKCS5Padding', { mode: 'cbc', ivBytes: 16 }],
  ['AES/GCM/NoPadding', { mode: 'gcm', ivBytes: 12 }],
]);
const KEY_LENGTHS_BITS = [128, 192, 256];
const SALT_BYTES = 256;
const TAG_BYTES = 16;
const TAG_LENGTH_BITS = String(TAG_BYTES * 8);
/** Whoever can write into ZooKeeper must not keep a broker busy for ever; what is not read is not written, either. */
const MOST_ITERATIONS = 1_000_000;

/** null without a secret. Throws ConfigError for algorithms that are not known here. */
export function passwordEncoder(secret: string | null, configs: EncoderConfigs): PasswordEncoder | null {
  if (secret === null || secret === '') return null;
  const scheme = schemeOf(configs);
  return {
    encode: (password) => encoded(password, secret, scheme),
    decode: (text) => decoded(text, secret),
  };
}

/** The password; null where there is no encoder, or what it can't read. */
export function decodedOrNull(encoder: PasswordEncoder | null, encoded: string): string | null {
  try {
    return encoder === null ? null : encoder.decode(encoded);
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

function schemeOf(configs: EncoderConfigs): Scheme {
  const keyFactory = configs.passwordEncoderKeyfactoryAlgorithm ?? DEFAULT_KEY_FACTORY;
  const { passwordEncoderCipherAlgorithm: cipher, passwordEncoderKeyLength: keyLengthBits } = configs;
  const allowed = (names: Iterable<unknown>): string => `allowed are ${[...names].join(', ')}`;
  if (!DIGESTS.has(keyFactory)) {
    throw invalidValue('password.encoder.keyfactory.algorithm', keyFactory, allowed(DIGESTS.keys()));
  }
  if (!CIPHERS.has(cipher)) {
    throw invalidValue('password.encoder.cipher.algorithm', cipher, allowed(CIPHERS.keys()));
  }
  if (!KEY_LENGTHS_BITS.includes(keyLengthBits)) {
    throw invalidValue('password.encoder.key.length', String(keyLengthBits), allowed(KEY_LENGTHS_BITS));
  }
  const { passwordEncoderIterations: iterations } = configs;
  if (iterations > MOST_ITERATIONS) {
    throw invalidValue(
      'password.encoder.iterations',
      String(iterations),
      `at most ${MOST_ITERATIONS} are done`,
    );
  }
  return { keyFactory, cipher, keyLengthBits, iterations };
}

function encoded(password: string, secret: string, scheme: Scheme): string {
  const { mode, ivBytes } = known(CIPHERS.get(scheme.cipher));
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(ivBytes);
  const key = keyOf(secret, salt, scheme);
  const name = `aes-${scheme.keyLengthBits}-${mode}`;
  let encrypted: Buffer;
  if (mode === 'gcm') {
    const cipher = createCipheriv(name as CipherGCMTypes, key, iv);
    encrypted = Buffer.concat([cipher.update(password, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  } else {
    const cipher = createCipheriv(name, key, iv);
    encrypted = Buffer.concat([cipher.update(password, 'utf8'), cipher.final()]);
  }
  return Object.entries({
    keyFactoryAlgorithm: scheme.keyFactory,
    cipherAlgorithm: scheme.cipher,
    keyLength: scheme.keyLengthBits,
    iterations: scheme.iterations,
    salt: salt.toString('base64'),
    initializationVector: iv.toString('base64'),
    ...(mode === 'gcm' ? { authenticationTagLength: TAG_LENGTH_BITS } : {}),
    encryptedPassword: encrypted.toString('base64'),
    passwordLength: password.length,
  })
    .map(([field, value]) => `${field}:${value}`)
    .join(',');
}

function decoded(text: string, secret: string): string {
  const fields = new Map(
    text.split(',').map((part): [string, string] => {
      const colon = part.indexOf(':');
      return [part.slice(0, Math.max(0, colon)).trim(), part.slice(colon + 1).trim()];
    }),
  );
  const scheme = {
    keyFactory: fields.get('keyFactoryAlgorithm') ?? '',
    cipher: fields.get('cipherAlgorithm') ?? '',
    keyLengthBits: Number(fields.get('keyLength')),
    iterations: Number(fields.get('iterations')),
  };
  const isKnown =
    DIGESTS.has(scheme.keyFactory) &&
    CIPHERS.has(scheme.cipher) &&
    KEY_LENGTHS_BITS.includes(scheme.keyLengthBits) &&
    Number.isInteger(scheme.iterations) &&
    scheme.iterations > 0 &&
    scheme.iterations <= MOST_ITERATIONS &&
    (fields.get('authenticationTagLength') ?? TAG_LENGTH_BITS) === TAG_LENGTH_BITS;
  if (!isKnown)
    throw new ConfigError('Password could not be decoded: it is not encoded in a way that is known here');
  const bytes = (field: string): Buffer => Buffer.from(fields.get(field) ?? '', 'base64');
  try {
    const key = keyOf(secret, bytes('salt'), scheme);
    const password = decrypted(scheme, key, bytes('initializationVector'), bytes('encryptedPassword'));
    if (password.length === Number(fields.get('passwordLength'))) return password;
  } catch {
    // The same as a password of another length: OpenSSL's words help nobody.
  }
  throw new ConfigError('Password could not be decoded: it was encoded with another password.encoder.secret');
}

function decrypted({ cipher, keyLengthBits }: Scheme, key: Buffer, iv: Buffer, encrypted: Buffer): string {
  const { mode } = known(CIPHERS.get(cipher));
  const name = `aes-${keyLengthBits}-${mode}`;
  if (mode !== 'gcm') {
    const decipher = createDecipheriv(name, key, iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
  }
  const decipher = createDecipheriv(name as CipherGCMTypes, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(encrypted.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(encrypted.subarray(0, -TAG_BYTES)), decipher.final()]).toString(
    'utf8',
  );
}

function keyOf(secret: string, salt: Buffer, { keyFactory, keyLengthBits, iterations }: Scheme): Buffer {
  return pbkdf2Sync(secret, salt, iterations, keyLengthBits / 8, known(DIGESTS.get(keyFactory)));
}

/** What the scheme was checked for. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a scheme that was not checked');
  return value;
}
