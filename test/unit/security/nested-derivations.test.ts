/** What asks for computing within encrypted parts, which are opened to see; and which stores are opened so. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { derivationProblem, nestedProblem } from '../../../broker/security/tls/derivation-cost.ts';
import { javaStores, javaStoresBy } from '../../../broker/security/tls/java-stores.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { BROKER } from '../platform/tls-ends.ts';
import {
  encryptedSafe,
  HUGE,
  keyBag,
  keyStore,
  nestedSafe,
  pbes2,
  pbkdf2,
  pkcs12Pbe,
  reallyEncryptedSafe,
  SALT,
  sequence,
  store,
  unreadable,
} from './written-stores.ts';

const STORES = join(import.meta.dirname, 'stores');
const UNOPENED =
  "an encrypted part of it can't be opened: is a password wrong, or is it encrypted in a way that is not known here?";
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

  it.each(unreadable(sequence(keyBag(pkcs12Pbe(HUGE)))))('also in spite of %s', (_what, bags) => {
    expect(nestedProblem(store(1, reallyEncryptedSafe(1, bags)), 'k')).toMatch(
      /^it asks for \d+ iterations|^some of it is written in a way that can be read, but not here$/,
    );
  });

  it('and a part that does not open shall nobody else open', async () => {
    for (const file of [NESTED[0]?.[1] ?? SALT, store(1, encryptedSafe(pkcs12Pbe(1)))]) {
      expect(nestedProblem(file, 'wrong')).toBe(UNOPENED);
      expect(nestedProblem(file, 'wrong', { passedOver: true })).toBeNull();
    }
  });

  it('nor what a cipher without padding makes no contents of', () => {
    const cfb = pbes2(pbkdf2(1)).toString('hex').replace('60864801650304012a', '60864801650304012c');
    const file = store(1, encryptedSafe(Buffer.from(cfb, 'hex')));
    expect(nestedProblem(file, 'k')).toBe(UNOPENED);
    expect(nestedProblem(file, 'k', { passedOver: true })).toBeNull();
  });

  it('nor what is nested without end', () => {
    let nested = sequence(keyBag(pkcs12Pbe(1)));
    for (let depth = 0; depth < 100; depth++) nested = reallyEncryptedSafe(1, nested);
    expect(nestedProblem(store(1, nested), 'k')).toBe('it has encrypted parts 5 deep in each other');
  });
});

describe('what takes long to look into is looked into elsewhere', () => {
  const inner = (count: number): Buffer => store(1, reallyEncryptedSafe(1, encryptedSafe(pkcs12Pbe(count))));

  it.each([
    ['what is to be seen asks for', store(1, encryptedSafe(pbes2(pbkdf2(10_001)))), 1],
    ['parts together ask for', store(1, ...Array(11).fill(reallyEncryptedSafe(1000, sequence()))), 1],
    ['an encrypted part asks for within', inner(10_000), 1],
    ['all of it asks for little', inner(9999), 0],
  ])('where %s', async (_what, file, times) => {
    let elsewhere = 0;
    const stores = javaStoresBy(async () => {
      elsewhere += 1;
      return 'it was read elsewhere';
    });
    const problem = times === 1 ? 'it was read elsewhere' : UNOPENED;
    expect(await stores.key(file, 'k', 'k')).toBe(problem);
    expect(elsewhere).toBe(times);
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

/** One of each way to write their names and to go on from block to block. */
const CIPHERS = [
  ...['aes-256-ecb', 'aes-256-ofb', 'aes-128-cfb', 'aes-256-cfb'],
  ...['aria-128-ecb', 'aria-192-cbc', 'aria-256-cbc', 'aria-256-cfb', 'aria-256-ofb', 'aria-256-ctr'],
  ...['camellia-128-cbc', 'camellia-256-cbc', 'camellia-128-ecb', 'camellia-192-ofb', 'camellia-256-cfb'],
  ...['camellia-256-ctr', 'sm4-ecb', 'sm4-cbc', 'sm4-ofb', 'sm4-cfb', 'sm4-ctr', 'des-ede', 'des-ede3-cbc'],
];

describe.skipIf(!isThere('openssl'))('stores of OpenSSL are looked into and opened', () => {
  it.each<readonly [string, string, readonly string[]]>([
    ['as it writes them', 'secret', []],
    ['of 20,000 iterations', 'secret', ['-iter', '20000']],
    [
      'by 3DES, with a password beyond ASCII',
      'geheim-ü-€',
      ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES'],
    ],
    ['by AES of 128 bits', 'secret', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-192-CBC']],
    ...CIPHERS.map(
      (cipher) => [`by ${cipher}`, 'secret', ['-certpbe', cipher]] as [string, string, string[]],
    ),
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
