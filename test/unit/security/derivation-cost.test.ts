/** Stores and keys that ask for more computing than anybody waits for, in every way that they can; and those that may. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createCipheriv, createPrivateKey, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ConfigError } from '../../../broker/config/property.ts';
import { BeyondLimits } from '../../../broker/platform/one-off-thread.ts';
import type { TlsServerEnd } from '../../../broker/platform/tls.ts';
import { derivationProblem, nestedProblem } from '../../../broker/security/tls/derivation-cost.ts';
import { type JavaStores, javaStores, javaStoresBy } from '../../../broker/security/tls/java-stores.ts';
import { serverEnd } from '../../../broker/security/tls/tls-configs.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { BROKER } from '../platform/tls-ends.ts';

const STORES = join(import.meta.dirname, 'stores');
const HUGE = 2_147_483_647;
const MOST_ITERATIONS = 5_000_000;
const UNOPENED =
  "an encrypted part of it can't be opened: is a password wrong, or is it encrypted in a way that is not known here?";
const SALT = Buffer.from('saltsalt');

function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length: size } = content;
  const length = Buffer.from(
    size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff],
  );
  return Buffer.concat([Buffer.from([tag]), length, content]);
}
/** The same, the number of the tag in bytes behind it, which need not be. */
function longTagged(tag: number, content: Buffer, before: readonly number[] = []): Buffer {
  const rest = tagged(tag, content).subarray(1);
  return Buffer.concat([Buffer.from([tag | 0x1f, ...before, tag & 0x1f]), rest]);
}
/** As octets of a size that one length holds. */
function inPieces(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / 60_000);
  return Array.from({ length: count }, (_, n) => octets(bytes.subarray(n * 60_000, (n + 1) * 60_000)));
}
/** The same without its length. */
const endless = (tag: number, ...contents: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.alloc(2)]);
const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);
const octets = (bytes: Buffer): Buffer => tagged(0x04, bytes);
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
function integer(value: number): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return tagged(0x02, (bytes[0] ?? 0) < 128 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

const DATA = oid('2a864886f70d010701');
const ENCRYPTED_DATA = oid('2a864886f70d010706');
const AES_256_CBC = oid('60864801650304012a');
const pbes2 = (derivation: Buffer, iv: Buffer = Buffer.alloc(16)): Buffer =>
  sequence(oid('2a864886f70d01050d'), sequence(derivation, sequence(AES_256_CBC, octets(iv))));
const pbkdf2 = (count: number): Buffer =>
  sequence(
    oid('2a864886f70d01050c'),
    sequence(octets(SALT), integer(count), sequence(oid('2a864886f70d0209'))),
  );
const scrypt = (n: number, r: number, p: number): Buffer =>
  sequence(oid('2b06010401da47040b'), sequence(octets(SALT), integer(n), integer(r), integer(p)));
const pkcs12Pbe = (count: number): Buffer =>
  sequence(oid('2a864886f70d010c0103'), sequence(octets(SALT), integer(count)));

const keyInfo = (algorithm: Buffer, encrypted: Buffer = Buffer.alloc(32)): Buffer =>
  sequence(algorithm, octets(encrypted));
const integrity = (count: number): Buffer =>
  sequence(
    sequence(sequence(oid('608648016503040201')), octets(Buffer.alloc(32))),
    octets(SALT),
    integer(count),
  );
/** Integrity first, as it is checked first. */
const store = (count: number, ...safes: readonly Buffer[]): Buffer =>
  sequence(integer(3), sequence(DATA, tagged(0xa0, octets(sequence(...safes)))), integrity(count));
const encryptedSafe = (algorithm: Buffer): Buffer =>
  sequence(
    ENCRYPTED_DATA,
    tagged(0xa0, sequence(integer(0), sequence(DATA, algorithm, tagged(0x80, Buffer.alloc(32))))),
  );
const plainSafe = (...bags: readonly Buffer[]): Buffer =>
  sequence(DATA, tagged(0xa0, octets(sequence(...bags))));
const keyBag = (algorithm: Buffer): Buffer =>
  sequence(oid('2a864886f70d010c0a0102'), tagged(0xa0, keyInfo(algorithm)));

const pem = (der: Buffer): string =>
  `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;

type Configs = Readonly<Record<string, string>>;

function serverOf(
  configs: Configs,
  file: Buffer = Buffer.alloc(0),
  stores = javaStores,
): Promise<TlsServerEnd> {
  const texts = new Map(Object.entries(configs).map(([name, text]) => [`listener.name.x.${name}`, text]));
  const { values, prefix } = new ListenerConfig(texts, 'X');
  return serverEnd(values, prefix, { disk: { readFile: () => file }, javaStores: stores });
}

const keyStore = (file: Buffer, stores?: JavaStores): Promise<TlsServerEnd> =>
  serverOf(
    { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': '/store', 'ssl.keystore.password': 'k' },
    file,
    stores,
  );
const inPem = (key: string): Promise<TlsServerEnd> =>
  serverOf({
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': key,
    'ssl.keystore.certificate.chain': BROKER.certificate,
    'ssl.key.password': 'k',
  });

/** Of PKCS#8, under the password `k`. */
function keyAfter(count: number): string {
  const plain = createPrivateKey(BROKER.key).export({ type: 'pkcs8', format: 'der' });
  const iv = Buffer.alloc(16, 7);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('k', SALT, count, 32, 'sha256'), iv);
  return pem(keyInfo(pbes2(pbkdf2(count), iv), Buffer.concat([cipher.update(plain), cipher.final()])));
}

describe('what asks for too much before it opens is refused at once', () => {
  it.each([
    ['its integrity', store(HUGE)],
    ['what it trusts', store(1, encryptedSafe(pbes2(pbkdf2(HUGE))))],
    ['its key', store(1, plainSafe(keyBag(pkcs12Pbe(HUGE))))],
    ['its key by scrypt', store(1, plainSafe(keyBag(pbes2(scrypt(2 ** 20, 8, 64)))))],
    ['many parts together', store(1, ...Array(6).fill(encryptedSafe(pbes2(pbkdf2(1_000_000)))))],
    ['more than any number holds', store(1, plainSafe(keyBag(pkcs12Pbe(2 ** 62))))],
  ])('a PKCS#12 store for %s, which names the config', async (_what, file) => {
    const refused =
      /^Invalid value \/store for configuration listener\.name\.x\.ssl\.keystore\.location: it asks for \d+/;
    await expect(keyStore(file)).rejects.toThrow(refused);
    await expect(keyStore(file)).rejects.toThrow(ConfigError);
    const trusting = serverOf(
      {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': BROKER.key,
        'ssl.keystore.certificate.chain': BROKER.certificate,
        'ssl.truststore.type': 'PKCS12',
        'ssl.truststore.location': '/store',
        'ssl.truststore.password': 'k',
      },
      file,
    );
    await expect(trusting).rejects.toThrow(`listener.name.x.ssl.truststore.location: it asks for`);
  });

  it.each([
    ['PBKDF2', pbes2(pbkdf2(HUGE))],
    ['scrypt', pbes2(scrypt(2 ** 17, 1, 2 ** 17))],
    ['PKCS#5 of old', sequence(oid('2a864886f70d010503'), sequence(octets(SALT), integer(HUGE)))],
  ])('an encrypted key in PEM by %s', async (_what, algorithm) => {
    await expect(inPem(pem(keyInfo(algorithm)))).rejects.toThrow(
      /^listener\.name\.x\.ssl\.keystore\.key: the private key can't be opened: it asks for \d+ iterations/,
    );
  });

  it('also where lengths are left out and octets come in pieces', () => {
    const safes = sequence(plainSafe(keyBag(pbes2(pbkdf2(HUGE)))));
    const [half, rest] = [safes.subarray(0, 40), safes.subarray(40)];
    const pieces = endless(0x24, octets(half), octets(rest));
    expect(
      derivationProblem(endless(0x30, integer(3), endless(0x30, DATA, endless(0xa0, pieces)))),
    ).toContain(`it asks for ${HUGE} iterations`);
  });

  it.each([
    ['in pieces', (first: Buffer, rest: Buffer) => tagged(0x24, tagged(0x24, octets(first)), octets(rest))],
    [
      'without lengths',
      (first: Buffer, rest: Buffer) =>
        endless(0x24, endless(0x24, octets(first), endless(0x24, octets(rest)))),
    ],
    [
      'of other tags',
      (first: Buffer, rest: Buffer) => tagged(0x24, tagged(0x0c, first), sequence(octets(rest))),
    ],
  ])('and the pieces themselves %s', (_what, nested) => {
    const safes = sequence(plainSafe(keyBag(pbes2(pbkdf2(HUGE)))));
    for (const at of [1, 40]) {
      const pieces = nested(safes.subarray(0, at), safes.subarray(at));
      const file = sequence(integer(3), sequence(DATA, tagged(0xa0, pieces)), integrity(1));
      expect(derivationProblem(file)).toContain(`it asks for ${HUGE + 1} iterations`);
    }
  });

  it.each([
    ['octets', (safes: Buffer) => longTagged(0x04, safes)],
    ['octets in pieces', (safes: Buffer) => longTagged(0x24, octets(safes))],
    ['octets with leading zeros', (safes: Buffer) => longTagged(0x04, safes, [0x80, 0x80])],
  ])('and where the number of a tag is written in bytes of its own: %s', (_what, written) => {
    const safes = sequence(plainSafe(keyBag(pbes2(pbkdf2(HUGE)))));
    const file = sequence(integer(3), sequence(DATA, tagged(0xa0, written(safes))), integrity(1));
    expect(derivationProblem(file)).toContain(`it asks for ${HUGE + 1} iterations`);
  });

  it('also of the sequences and the count themselves', () => {
    const count = longTagged(0x02, Buffer.from([0x7f, 0xff, 0xff, 0xff]));
    const parameters = longTagged(0x30, Buffer.concat([octets(SALT), count]));
    const algorithm = longTagged(0x30, Buffer.concat([oid('2a864886f70d010c0103'), parameters]));
    expect(derivationProblem(keyInfo(algorithm))).toContain(`it asks for ${HUGE} iterations`);
  });

  it('what has very many parts is refused for these, wherever they are', () => {
    const many = Buffer.alloc(2 * 500_001, Buffer.from([0x05, 0]));
    const reason = 'it has more than 500000 parts';
    expect(derivationProblem(endless(0x30, many))).toBe(reason);
    expect(
      derivationProblem(
        endless(0x30, endless(0x24, octets(Buffer.from([0x30, 0x80])), endless(0x24, ...inPieces(many)))),
      ),
    ).toBe(reason);
  });

  it('and what is nested without end is no store', () => {
    let nested: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 1000; depth++) nested = sequence(nested);
    for (const bytes of [nested, Buffer.alloc(100_000, 0x30), Buffer.alloc(0), Buffer.from([0x30, 0x80])])
      expect(derivationProblem(bytes)).toBe('it is neither a PKCS#12 store nor a private key');
  });
});

it('what takes too much of its thread is no store that can be read, and the config is named', async () => {
  const gone = javaStoresBy(() => Promise.reject(new BeyondLimits('it took more than 256 MB of memory')));
  const opened = keyStore(Buffer.from([0xfe, 0xed, 0xfe, 0xed]), gone);
  await expect(opened).rejects.toThrow(ConfigError);
  await expect(opened).rejects.toThrow(
    "Invalid value /store for configuration listener.name.x.ssl.keystore.location: it can't be read: it took more than 256 MB of memory",
  );
});

it('a file that is too long is not looked at', async () => {
  await expect(keyStore(Buffer.alloc(16 * 1024 * 1024 + 1))).rejects.toThrow(
    /ssl\.keystore\.location: it has 16777217 bytes; at most 16777216 are read$/,
  );
});

/** Under the password `k`, after so many iterations. */
function reallyEncryptedSafe(count: number, content: Buffer): Buffer {
  const iv = Buffer.alloc(16, 9);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('k', SALT, count, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  const info = sequence(DATA, pbes2(pbkdf2(count), iv), tagged(0x80, encrypted));
  return sequence(ENCRYPTED_DATA, tagged(0xa0, sequence(integer(0), info)));
}
const nestedSafe = (safes: Buffer): Buffer => sequence(oid('2a864886f70d010c0a0106'), tagged(0xa0, safes));
const NESTED: readonly (readonly [string, Buffer])[] = [
  ['a key', store(1, reallyEncryptedSafe(2048, sequence(keyBag(pbes2(pbkdf2(HUGE))))))],
  ['a key of old', store(1, reallyEncryptedSafe(2048, sequence(keyBag(pkcs12Pbe(HUGE)))))],
  [
    'a key within further contents',
    store(1, reallyEncryptedSafe(2048, sequence(nestedSafe(sequence(keyBag(pkcs12Pbe(HUGE))))))),
  ],
  [
    'many keys together',
    store(1, reallyEncryptedSafe(2048, sequence(...Array(6).fill(keyBag(pkcs12Pbe(1_000_000)))))),
  ],
  [
    'an encrypted part of an encrypted part',
    store(1, reallyEncryptedSafe(1, reallyEncryptedSafe(1, sequence(keyBag(pkcs12Pbe(HUGE)))))),
  ],
  [
    'a part that alone would be too much, before it is opened',
    store(1, reallyEncryptedSafe(1, encryptedSafe(pbes2(pbkdf2(HUGE))))),
  ],
];

describe('what asks for too much inside of an encrypted part is refused before that is computed', () => {
  it.each(NESTED)('%s', async (_what, file) => {
    expect(derivationProblem(file)).toBeNull();
    const refused = /ssl\.keystore\.location: it asks for \d+ iterations/;
    await expect(keyStore(file)).rejects.toThrow(refused);
    expect(await javaStores.trusted(file, 'k')).toMatch(/^it asks for \d+ iterations/);
  });

  it('and a part that does not open shall nobody else open', async () => {
    for (const file of [NESTED[0]?.[1] ?? SALT, store(1, encryptedSafe(pkcs12Pbe(1)))]) {
      expect(nestedProblem(file, 'wrong')).toBe(UNOPENED);
      expect(nestedProblem(file, 'wrong', { passedOver: true })).toBeNull();
    }
  });

  it('nor what is nested without end', () => {
    let nested = sequence(keyBag(pkcs12Pbe(1)));
    for (let depth = 0; depth < 100; depth++) nested = reallyEncryptedSafe(1, nested);
    expect(nestedProblem(store(1, nested), 'k')).toBe('it has encrypted parts 5 deep in each other');
  });
});

/** In a directory of its own; `$dir` in the arguments is that. */
function storeBy(commands: readonly (readonly string[])[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'odradek-stores-'));
  try {
    writeFileSync(join(directory, 'key.pem'), BROKER.key);
    writeFileSync(join(directory, 'certificate.pem'), BROKER.certificate);
    for (const [program = '', ...argv] of commands) {
      execFileSync(
        program,
        argv.map((word) => word.replace('$dir', directory)),
        { stdio: 'pipe' },
      );
    }
    return readFileSync(join(directory, 'out.p12'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const isThere = (program: string): boolean => spawnSync(program, ['--help']).error === undefined;
const byOpenssl = (password: string, ...options: readonly string[]): readonly string[] => [
  ...['openssl', 'pkcs12', '-export', '-inkey', '$dir/key.pem', '-in', '$dir/certificate.pem'],
  ...['-passout', `pass:${password}`, '-out', '$dir/out.p12', ...options],
];

describe.skipIf(!isThere('openssl'))('stores of OpenSSL are looked into and opened', () => {
  it.each([
    ['as it writes them', 'secret', []],
    ['of 20,000 iterations', 'secret', ['-iter', '20000']],
    [
      'by 3DES, with a password beyond ASCII',
      'geheim-ü-€',
      ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES'],
    ],
    ['by AES of 128 bits', 'secret', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-192-CBC']],
    ['by 3DES of two keys', 'secret', ['-certpbe', 'PBE-SHA1-2DES']],
    ['with an empty password', '', ['-certpbe', 'PBE-SHA1-3DES']],
    ['without encryption', 'secret', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
  ])('%s', async (_what, password, options) => {
    const file = storeBy([byOpenssl(password, ...options)]);
    expect(nestedProblem(file, password)).toBeNull();
    expect(await javaStores.key(file, password, password)).toMatchObject({ kind: 'pkcs12' });
    expect(() => createSecureContext({ pfx: file, passphrase: password })).not.toThrow();
  });
});

describe('stores of Java’s keytool are looked into and opened', () => {
  const PASSWORD = 'changeit';
  const stored = (file: string): Buffer => readFileSync(join(STORES, file));

  it('as it writes them', async () => {
    expect(nestedProblem(stored('key.p12'), PASSWORD)).toBeNull();
    expect(nestedProblem(stored('trust.p12'), PASSWORD)).toBeNull();
    expect(await javaStores.key(stored('key.p12'), PASSWORD, PASSWORD)).toMatchObject({ kind: 'pkcs12' });
  });

  it('by the ciphers of Java 8, where they only trust: OpenSSL opens them no more', async () => {
    const file = stored('trust-of-java-8.p12');
    expect(nestedProblem(file, PASSWORD)).toBe(UNOPENED);
    expect(await javaStores.trusted(file, PASSWORD)).toHaveLength(1);
    expect(() => createSecureContext({ pfx: file, passphrase: PASSWORD })).toThrow(/unsupported/i);
  });
});

it('bytes that are changed by chance make no store that throws or stays', () => {
  const file = NESTED[2]?.[1] ?? SALT;
  const random = simulatedRandom(7);
  for (let round = 0; round < 500; round++) {
    const changed = Buffer.from(file);
    for (let count = random.int(4); count >= 0; count--)
      changed[random.int(changed.length)] = random.int(256);
    const problem = nestedProblem(changed.subarray(0, changed.length - random.int(3)), 'k');
    expect(problem === null || problem.length > 0).toBe(true);
  }
});

describe('what may be opened is', () => {
  it.each([2048, 600_000])('a key after %i iterations', async (count) => {
    expect((await inPem(keyAfter(count))).identity?.kind).toBe('pem');
  });

  it.each(['key.p12', 'trust.p12'])('a store of keytool: %s', (file) => {
    expect(derivationProblem(readFileSync(join(STORES, file)))).toBeNull();
  });

  it('up to the limit', () => {
    expect(derivationProblem(store(MOST_ITERATIONS))).toBeNull();
    expect(derivationProblem(store(MOST_ITERATIONS + 1))).toContain(`at most ${MOST_ITERATIONS} are done`);
  });
});
