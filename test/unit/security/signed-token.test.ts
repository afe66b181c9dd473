/** Signed tokens: keys from a file or an endpoint, which signatures count, and what claims come to. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askHttp, type HttpQuestion } from '../../../broker/platform/http-asker.ts';
import { IssuerKeys } from '../../../broker/security/sasl/issuer-keys.ts';
import { signedJudge } from '../../../broker/security/sasl/signed-token.ts';
import { type ClaimRules, claimsVerdict } from '../../../broker/security/sasl/token-claims.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';
import { unsecuredToken } from './unsecured-tokens.ts';

const RULES: ClaimRules = {
  subClaim: 'sub',
  scopeClaim: 'scope',
  clockSkewSeconds: 0,
  audiences: [],
  issuer: null,
};
const CLAIMS = { sub: 'alice', iat: 900, exp: 2000 };
const NOW_MS = 1_000_000;

interface Signer {
  readonly algorithm: string;
  readonly keyId: string;
  readonly key: CryptoKey;
  readonly jwk: Record<string, unknown>;
}

async function signer(algorithm: string, keyId: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, keyId, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid: keyId } };
}

function sign({ algorithm, keyId, key }: Signer, claims: JWTPayload = CLAIMS, header = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: keyId, ...header }).sign(key);
}

let rsa: Signer;
let elliptic: Signer;
let stranger: Signer;
beforeAll(async () => {
  [rsa, elliptic, stranger] = await Promise.all([
    signer('RS256', 'one'),
    signer('ES256', 'two'),
    signer('RS256', 'three'),
  ]);
});

/** An issuer whose key set can be changed, and who is asked over a simulated clock. */
function issuer(read: () => Promise<string>, { refreshMs = 60_000 } = {}) {
  const { clock } = new World();
  const warnings: string[] = [];
  const diagnostics = recordingDiagnostics((_level, message) => warnings.push(message));
  const keys = new IssuerKeys(
    {
      config: 'jwks.url',
      url: new URL('https://issuer/keys'),
      refreshMs,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 1000,
    },
    { read, clock, diagnostics },
  );
  const judge = (token: string) => signedJudge(RULES, keys, { wallMs: () => NOW_MS })(token);
  return { clock, keys, judge, warnings };
}

const setOf = (...signers: readonly Signer[]) => JSON.stringify({ keys: signers.map(({ jwk }) => jwk) });

describe('a signature', () => {
  it('counts under the key that the token names, of whatever kind', async () => {
    const { keys, judge } = issuer(async () => setOf(rsa, elliptic));
    expect(await judge(await sign(rsa))).toMatchObject({
      kind: 'bad',
      reason: expect.stringContaining('yet'),
    });
    await keys.ready();
    for (const one of [rsa, elliptic]) {
      expect(await judge(await sign(one))).toEqual({
        kind: 'good',
        principal: 'alice',
        expiresAtMs: 2_000_000,
      });
    }
    keys.close();
  });

  it('of a token without a key’s name may be of any of them', async () => {
    const { keys, judge } = issuer(async () => setOf(stranger, rsa));
    await keys.ready();
    expect(await judge(await sign(rsa, CLAIMS, { kid: undefined }))).toMatchObject({ kind: 'good' });
    keys.close();
  });

  it('of somebody else, of no key pair, or none at all, does not', async () => {
    const { keys, judge } = issuer(async () => setOf(rsa, elliptic));
    await keys.ready();
    const good = await sign(rsa);
    const publicAsSecret = new TextEncoder().encode(JSON.stringify(rsa.jwk));
    const tokens = [
      await sign({ ...stranger, keyId: 'one' }),
      await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(publicAsSecret),
      new UnsecuredJWT(CLAIMS).encode(),
      unsecuredToken(CLAIMS, { alg: 'RS256', kid: 'one' }),
      unsecuredToken(CLAIMS, { alg: 'none', kid: 'one' }, 'c2ln'),
      `${good.slice(0, -4)}AAAA`,
      `${good}.`,
      '',
      '..',
    ];
    for (const token of tokens) expect(await judge(token)).toMatchObject({ kind: 'bad' });
    keys.close();
  });

  it('that chance has spoilt never counts, and nothing breaks of it', async () => {
    const { keys, judge } = issuer(async () => setOf(elliptic));
    await keys.ready();
    const random = simulatedRandom(5);
    const good = Buffer.from(await sign(elliptic));
    const kinds = new Set<string>();
    for (let round = 0; round < 500; round += 1) {
      const spoilt = Buffer.from(good);
      // Not the last: its lowest bits are no part of the signature.
      const at = random.int(spoilt.length - 1);
      spoilt[at] = ((spoilt[at] ?? 0) + 1 + random.int(127)) & 0x7f;
      if (!spoilt.equals(good)) kinds.add((await judge(spoilt.toString('latin1'))).kind);
    }
    expect([...kinds]).toEqual(['bad']);
    keys.close();
  });
});

describe('the keys of an issuer', () => {
  it('are read again in time, and those of before count while they can’t be', async () => {
    let answer: string | null = setOf(rsa);
    const read = async (): Promise<string> => {
      if (answer === null) throw new Error('nobody there');
      return answer;
    };
    const { clock, keys, judge, warnings } = issuer(read);
    await keys.ready();
    answer = null;
    await clock.runFor(70_000);
    expect(warnings).toEqual([expect.stringContaining('those of before count: nobody there')]);
    expect(await judge(await sign(rsa))).toMatchObject({ kind: 'good' });
    answer = setOf(elliptic);
    await clock.runFor(70_000);
    expect(await judge(await sign(rsa))).toMatchObject({ kind: 'bad' });
    expect(await judge(await sign(elliptic))).toMatchObject({ kind: 'good' });
    keys.close();
  });

  it('are asked for at once by a token that names another, once a minute for each name', async () => {
    let reads = 0;
    let answer = setOf(rsa);
    const { clock, keys, judge } = issuer(
      async () => {
        reads += 1;
        return answer;
      },
      { refreshMs: 3_600_000 },
    );
    await keys.ready();
    answer = setOf(rsa, elliptic);
    expect(await judge(await sign(elliptic))).toMatchObject({ kind: 'bad' });
    await clock.runFor(1);
    expect(await judge(await sign(elliptic))).toMatchObject({ kind: 'good' });
    for (let times = 0; times < 5; times += 1) await judge(await sign(stranger));
    await judge(await sign({ ...stranger, keyId: 'x'.repeat(1001) }));
    await clock.runFor(1);
    expect(reads).toBe(3);
    await clock.runFor(60_000);
    await judge(await sign(stranger));
    await clock.runFor(1);
    expect(reads).toBe(4);
    keys.close();
  });

  it.each([
    ['{', 'no JSON'],
    ['{"keys":1}', 'malformed'],
    ['[]', 'malformed'],
  ])('%s are none: the start is refused, by the name of the config', async (text, complaint) => {
    const { clock, keys } = issuer(async () => text);
    await expect(clock.runUntilSettled(keys.ready(), 5000)).rejects.toThrow(
      new RegExp(`Invalid value https://issuer/keys for configuration jwks.url: .*${complaint}`, 'i'),
    );
  });
});

describe('an issuer over HTTP', () => {
  let server: Server;
  let url: URL;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/slow') return;
      if (request.url === '/large') response.end('x'.repeat(2000));
      else if (request.url === '/cut') response.socket?.destroy();
      else response.writeHead(request.url === '/moved' ? 302 : 200, { location: '/' }).end('{"keys":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = (path: string, more: Partial<HttpQuestion> = {}) =>
    askHttp({
      url: new URL(path, url),
      method: 'GET',
      headers: {},
      body: null,
      connectTimeoutMs: 20_000,
      readTimeoutMs: 20_000,
      maxBytes: 1000,
      tls: null,
      ...more,
    });

  it('answers, and is not followed elsewhere', async () => {
    expect(await ask('/')).toEqual({ status: 200, body: '{"keys":[]}' });
    expect(await ask('/moved')).toMatchObject({ status: 302 });
  });

  it('that says too much, too late, or nothing, is given up', async () => {
    await expect(ask('/large')).rejects.toThrow('more than 1000 bytes');
    await expect(ask('/cut')).rejects.toThrow();
    await expect(ask('/slow', { connectTimeoutMs: 50, readTimeoutMs: 50 })).rejects.toThrow('no answer');
    await expect(ask('/', { url: new URL('http://127.0.0.1:1/') })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('claims', () => {
  const verdict = (claims: unknown, rules: Partial<ClaimRules> = {}) =>
    claimsVerdict(Buffer.from(JSON.stringify(claims)), { ...RULES, ...rules }, NOW_MS);

  it.each([
    [CLAIMS, {}],
    [{ ...CLAIMS, scope: 'a b', nbf: 1000 }, {}],
    [{ ...CLAIMS, scope: ['a', 'b'] }, {}],
    [
      { ...CLAIMS, aud: ['x', 'kafka'], iss: 'me' },
      { audiences: ['kafka', 'y'], issuer: 'me' },
    ],
    [{ ...CLAIMS, exp: 990 }, { clockSkewSeconds: 30 }],
    [{ ...CLAIMS, nbf: 1010 }, { clockSkewSeconds: 30 }],
    [{ iat: 1, exp: 2000, user: ' alice ' }, { subClaim: 'user' }],
  ] as const)('%j are good', (claims, rules) => {
    expect(verdict(claims, rules)).toMatchObject({ kind: 'good', principal: 'alice' });
  });

  it.each([
    ['text', {}, 'no JSON object'],
    [[1], {}, 'no JSON object'],
    [{ ...CLAIMS, exp: undefined }, {}, 'exp'],
    [{ ...CLAIMS, exp: '2000' }, {}, 'exp'],
    [{ ...CLAIMS, exp: 1000 }, {}, 'expired'],
    [{ ...CLAIMS, iat: undefined }, {}, 'iat'],
    [{ ...CLAIMS, iat: -1 }, {}, 'iat'],
    [{ ...CLAIMS, iat: 2001 }, {}, 'before it is issued'],
    [{ ...CLAIMS, nbf: 'x' }, {}, 'nbf'],
    [{ ...CLAIMS, nbf: 1001 }, {}, 'not good yet'],
    [{ ...CLAIMS, nbf: 2001 }, { clockSkewSeconds: 5000 }, 'before it is good'],
    [CLAIMS, { audiences: ['kafka'] }, 'another audience'],
    [{ ...CLAIMS, aud: 'other' }, { audiences: ['kafka'] }, 'another audience'],
    [{ ...CLAIMS, aud: 'other' }, {}, 'another audience'],
    [{ ...CLAIMS, aud: [1] }, {}, 'aud'],
    [CLAIMS, { issuer: 'me' }, 'another issuer'],
    [{ ...CLAIMS, iss: 'you' }, { issuer: 'me' }, 'another issuer'],
    [{ ...CLAIMS, iss: 1 }, {}, 'iss'],
    [{ ...CLAIMS, sub: ' ' }, {}, 'no name'],
    [{ ...CLAIMS, sub: 5 }, {}, 'no name'],
    [{ ...CLAIMS, scope: ['a', 'a '] }, {}, 'twice'],
    [{ ...CLAIMS, scope: [''] }, {}, 'no name'],
  ] as const)('%j under %j are not', (claims, rules, reason) => {
    expect(verdict(claims, rules)).toMatchObject({ kind: 'bad', reason: expect.stringContaining(reason) });
  });
});
