/** Stores and keys that ask for more computing than anybody waits for, in every way that they can; and those that may. */
import { createCipheriv, createPrivateKey, pbkdf2Sync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../broker/config/property.ts';
import { BeyondLimits } from '../../../broker/platform/one-off-thread.ts';
import type { TlsServerEnd } from '../../../broker/platform/tls.ts';
import { derivationProblem } from '../../../broker/security/tls/derivation-cost.ts';
import { javaStoresBy } from '../../../broker/security/tls/java-stores.ts';
import { BROKER } from '../platform/tls-ends.ts';
import {
  DATA,
  encryptedSafe,
  endless,
  HUGE,
  inPieces,
  integer,
  integrity,
  keyBag,
  keyInfo,
  keyStore,
  longTagged,
  octets,
  oid,
  pbes2,
  pbkdf2,
  pkcs12Pbe,
  plainSafe,
  SALT,
  scrypt,
  sequence,
  serverOf,
  store,
  tagged,
  unreadable,
} from './written-stores.ts';

const STORES = join(import.meta.dirname, 'stores');
const MOST_ITERATIONS = 5_000_000;
const pem = (der: Buffer): string =>
  `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;

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

const REFUSED = /^it asks for \d+ iterations|^some of it is written in a way that can be read, but not here$/;

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

  it.each(unreadable(sequence(keyBag(pkcs12Pbe(HUGE)))))(
    'and what others read in spite of %s',
    (_what, bags) => {
      const file = store(1, sequence(DATA, tagged(0xa0, octets(bags))));
      expect(derivationProblem(file)).toMatch(REFUSED);
      expect(derivationProblem(sequence(integer(3), sequence(DATA, tagged(0xa0, octets(bags)))))).toMatch(
        REFUSED,
      );
    },
  );

  it('but a salt, a digest or what is encrypted may begin like a sequence', () => {
    const innocent = Buffer.from('3004ffffffff', 'hex');
    const algorithm = sequence(oid('2a864886f70d010c0103'), sequence(octets(innocent), integer(1)));
    const digest = sequence(
      sequence(sequence(oid('608648016503040201')), octets(innocent)),
      octets(innocent),
    );
    const bag = sequence(oid('2a864886f70d010c0a0102'), tagged(0xa0, keyInfo(algorithm, innocent)));
    const safes = [plainSafe(bag, sequence(octets(innocent))), encryptedSafe(algorithm, innocent)];
    const file = sequence(integer(3), sequence(DATA, tagged(0xa0, octets(sequence(...safes)))), digest);
    expect(derivationProblem(file)).toBeNull();
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
  const opened = keyStore(Buffer.alloc(64 * 1024 + 1, Buffer.from([0xfe, 0xed, 0xfe, 0xed])), gone);
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
