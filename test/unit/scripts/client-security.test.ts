/** --command-config: Kafka's client configs, and what is refused of them, in one line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Arguments, UsageError } from '../../../scripts/cli/arguments.ts';
import { clientSecurity, PLAINTEXT } from '../../../scripts/cli/client-security.ts';
import { AUTHORITY } from '../platform/tls-ends.ts';

const directory = mkdtempSync(join(tmpdir(), 'odradek-command-config-'));
afterAll(() => rmSync(directory, { recursive: true }));
const MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule required';

const BEARER = 'security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER';
const OAUTH = 'org.apache.kafka.common.security.oauthbearer';
const BEARER_MODULE = `${OAUTH}.OAuthBearerLoginModule required`;
const ISSUED = `sasl.login.callback.handler.class=${OAUTH}.OAuthBearerLoginCallbackHandler`;

/** The token that a client gets with these configs. */
async function tokenBy(text: string): Promise<string> {
  const { login } = await securityOf(`${BEARER}\n${ISSUED}\n${text}\n`);
  if (login === null || !('getToken' in login)) throw new Error('no token');
  return login.getToken();
}

function securityOf(text: string) {
  const file = join(directory, 'client.properties');
  writeFileSync(file, text);
  return clientSecurity(new Arguments(new Map([['command-config', [file]]]), []));
}

describe('--command-config', () => {
  it('left out, or saying nothing of security, is PLAINTEXT', async () => {
    expect(await clientSecurity(new Arguments(new Map(), []))).toEqual(PLAINTEXT);
    expect(await securityOf('bootstrap.servers=x:1\nacks=all\n')).toEqual(PLAINTEXT);
  });

  it('names user and password of a login, and whom to believe', async () => {
    writeFileSync(join(directory, 'ca.pem'), AUTHORITY.certificate);
    const security = await securityOf(
      `security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=${MODULE} username="a" password="b";\n` +
        `ssl.truststore.type=PEM\nssl.truststore.location=${join(directory, 'ca.pem')}\n`,
    );
    expect(security.login).toEqual({ mechanism: 'SCRAM-SHA-256', user: 'a', password: 'b' });
    expect(security.sasl?.mechanism).toBe('SCRAM-SHA-256');
    expect(security.tls).toMatchObject({ verifiesHost: true, identity: null });
    expect(security.tls?.trusted).toHaveLength(1);
  });

  it('names whom a token is of, and what goes with it', async () => {
    const security = await securityOf(
      `${BEARER}\nsasl.jaas.config=${BEARER_MODULE} unsecuredLoginStringClaim_sub="a" unsecuredLoginListClaim_scope="|x|y" unsecuredLoginNumberClaim_n="7" unsecuredLoginLifetimeSeconds="60" unsecuredLoginExtension_traceId="1";\n`,
    );
    expect(security.sasl?.mechanism).toBe('OAUTHBEARER');
    if (security.login === null || !('getToken' in security.login)) throw new Error('no token');
    expect(security.login.extensions).toEqual(new Map([['traceId', '1']]));
    const [, claims = ''] = (await security.login.getToken()).split('.');
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
    expect(said).toMatchObject({ sub: 'a', scope: ['x', 'y'], n: 7 });
    expect(said.exp - said.iat).toBeCloseTo(60);
  });

  it('names the file of a token, or who issues it for which client', async () => {
    const file = join(directory, 'token');
    writeFileSync(file, ' a.b.c \n');
    expect(
      await tokenBy(`sasl.oauthbearer.token.endpoint.url=file://${file}\nsasl.jaas.config=${BEARER_MODULE};`),
    ).toBe('a.b.c');
    const seen: unknown[] = [];
    const issuer = createServer((request, response) => {
      const { method, headers } = request;
      request.on('data', (body) => seen.push([method, headers.authorization, String(body)]));
      request.on('end', () =>
        response.writeHead(seen.length < 2 ? 503 : 200).end('{"access_token":"x.y.z"}'),
      );
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
      const jaas = `${BEARER_MODULE} clientId="me" clientSecret="s3cret" scope="a b";`;
      expect(await tokenBy(`sasl.oauthbearer.token.endpoint.url=${url}\nsasl.jaas.config=${jaas}`)).toBe(
        'x.y.z',
      );
      const question = ['POST', `Basic ${btoa('me:s3cret')}`, 'grant_type=client_credentials&scope=a+b'];
      expect(seen).toEqual([question, question]);
    } finally {
      issuer.close();
    }
  });

  it('that an issuer refuses has no token, and says why', async () => {
    const issuer = createServer((_request, response) => {
      response.writeHead(401).end('{"error":"invalid_client"}');
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
      const jaas = `${BEARER_MODULE} clientId="me" clientSecret="s3cret";`;
      await expect(
        tokenBy(`sasl.oauthbearer.token.endpoint.url=${url}\nsasl.jaas.config=${jaas}`),
      ).rejects.toThrow(`no token from ${url}: status 401 invalid_client`);
    } finally {
      issuer.close();
    }
  });

  it.each([
    [BEARER, 'sasl.jaas.config is missing: it names whom a token is of'],
    [`${BEARER}\nsasl.jaas.config=${BEARER_MODULE};`, 'unsecuredLoginStringClaim_sub'],
    [
      `${BEARER}\nsasl.login.callback.handler.class=com.acme.X\nsasl.jaas.config=${BEARER_MODULE};`,
      'com.acme.X',
    ],
    [`${BEARER}\n${ISSUED}\nsasl.jaas.config=${BEARER_MODULE};`, 'token.endpoint.url is missing'],
    [
      `${BEARER}\n${ISSUED}\nsasl.oauthbearer.token.endpoint.url=http://x\nsasl.jaas.config=${BEARER_MODULE} clientId="a";`,
      'clientSecret',
    ],
    [
      `${BEARER}\nsasl.jaas.config=${BEARER_MODULE} unsecuredLoginStringClaim_sub="a" unsecuredLoginStringClaim_exp="1";`,
      "the claim exp can't be set",
    ],
    [
      `${BEARER}\nsasl.jaas.config=${BEARER_MODULE} unsecuredLoginStringClaim_sub="a" unsecuredLoginExtension_auth="1";`,
      'auth is invalid',
    ],
    [
      `${BEARER}\nsasl.jaas.config=${BEARER_MODULE} unsecuredLoginStringClaim_sub="a" unsecuredLoginNumberClaim_n="x";`,
      'no number',
    ],
    ['security.protocol=TLS', 'allowed are PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL'],
    ['security.protocol=SASL_SSL', 'sasl.mechanism is GSSAPI: allowed are PLAIN'],
    ['security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN', 'sasl.jaas.config is missing'],
    [
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${MODULE} password="s3cret";`,
      'username',
    ],
    [
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${MODULE} password="s3cret"`,
      'semi-colon',
    ],
    ['security.protocol=SSL\nssl.truststore.location=/nowhere\nssl.truststore.password=s3cret', 'ENOENT'],
  ])('is refused: %j', async (text, complaint) => {
    await expect(securityOf(text)).rejects.toThrow(UsageError);
    await expect(securityOf(text)).rejects.toThrow(complaint);
    await expect(securityOf(text)).rejects.toThrow(/^((?!s3cret).)*$/s);
  });

  it('must be a file that can be read', async () => {
    const given = new Arguments(new Map([['command-config', [join(directory, 'none')]]]), []);
    await expect(clientSecurity(given)).rejects.toThrow('--command-config');
  });
});
