/** SCRAM: the arithmetic of the RFCs, credentials as Kafka writes them, and both ends against each other. */
import { describe, expect, it } from 'vitest';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { SaslLoginError } from '../../../broker/protocol/login.ts';
import { userNamed } from '../../../broker/security/principal.ts';
import type { SaslStep } from '../../../broker/security/sasl/mechanism.ts';
import { scramClient } from '../../../broker/security/sasl/scram-client.ts';
import {
  newScramCredential,
  parseScramCredential,
  scramCredentialText,
} from '../../../broker/security/sasl/scram-credential.ts';
import { ScramCredentials } from '../../../broker/security/sasl/scram-credentials.ts';
import {
  clientKey,
  proofOrKey,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  saltedPassword,
  scramKeys,
  serverSignature,
} from '../../../broker/security/sasl/scram-formula.ts';
import { authMessage } from '../../../broker/security/sasl/scram-messages.ts';
import { scramMechanism } from '../../../broker/security/sasl/scram-server.ts';
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts';

const SHA_256 = 'SCRAM-SHA-256';

describe('the arithmetic', () => {
  it('is that of RFC 7677', async () => {
    const salted = await saltedPassword(
      SHA_256,
      'pencil',
      Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
      4096,
    );
    const { storedKey, serverKey } = scramKeys(SHA_256, salted);
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const signed = authMessage(
      'n=user,r=rOprNGfwEbeRWgbNEkqO',
      `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
      `c=biws,r=${nonce}`,
    );
    const proof = proofOrKey(SHA_256, storedKey, signed, clientKey(SHA_256, salted));
    expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
    expect(serverSignature(SHA_256, serverKey, signed).toString('base64')).toBe(
      '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    );
  });
});

describe('a credential', () => {
  it('is written as Kafka writes it, and read back', async () => {
    const credential = await newScramCredential('SCRAM-SHA-512', 'secret', 8192, systemRandom);
    const text = scramCredentialText(credential);
    expect(text).toMatch(/^salt=[\w+/=]+,stored_key=[\w+/]{86}==,server_key=[\w+/]{86}==,iterations=8192$/);
    expect(parseScramCredential(text)).toEqual(credential);
  });

  it.each([
    '',
    'salt=YQ==',
    'salt=YQ==,stored_key=YQ==,server_key=YQ==,iterations=x',
    'salt=Y,stored_key=YQ==,server_key=YQ==,iterations=4096',
    'salt=YQ==,stored_key=YQ==,server_key=YQ==,iterations=4096,more=1',
  ])('is none: %s', (text) => {
    expect(parseScramCredential(text)).toBeNull();
  });
});

/** What comes of a login; the server's last step. */
async function login(
  server: { user?: string; password: string; iterations?: number; mechanism?: ScramMechanism },
  client: { user: string; password: string; tokenAuthentication?: boolean },
  tamper: (token: string, index: number) => string = (token) => token,
): Promise<SaslStep> {
  const mechanism = server.mechanism ?? SHA_256;
  const credential = await newScramCredential(
    mechanism,
    server.password,
    server.iterations ?? 4096,
    systemRandom,
  );
  const exchange = scramMechanism({
    mechanism,
    random: systemRandom,
    lookup: {
      user: (_mechanism, name) => (name === (server.user ?? 'alice') ? credential : undefined),
      token: async (_mechanism, id) =>
        id === 'token-1' ? { credential, owner: userNamed('owner'), expiresAtMs: 5000 } : undefined,
    },
  }).begin();
  const tokens = scramClient({ mechanism, tokenAuthentication: false, random: systemRandom, ...client });
  const dialogue = tokens.tokens();
  let step: SaslStep | null = null;
  let said = await dialogue.next();
  for (let index = 0; said.done !== true; index += 1) {
    step = await exchange.step(Buffer.from(tamper(said.value.toString(), index)));
    if (step.kind === 'failed') return step;
    said = await dialogue.next(step.token);
  }
  if (step === null) throw new Error('nothing was said');
  return step;
}

describe('a login', () => {
  it.each(SCRAM_MECHANISMS)('by %s is that of who knows the password', async (mechanism) => {
    const step = await login(
      { password: 'pä55, =word', mechanism },
      { user: 'alice', password: 'pä55, =word' },
    );
    expect(step).toMatchObject({ kind: 'done', principal: userNamed('alice'), expiresAtMs: null });
  });

  it('of a name with a comma and an equals sign', async () => {
    const step = await login({ user: 'a,b=c', password: 'x' }, { user: 'a,b=c', password: 'x' });
    expect(step).toMatchObject({ kind: 'done', principal: userNamed('a,b=c') });
  });

  it('by a delegation token is its owner’s, until the token ends', async () => {
    const client = { user: 'token-1', password: 'hmac', tokenAuthentication: true };
    const step = await login({ password: 'hmac' }, client);
    const principal = { type: 'User', name: 'owner', tokenAuthenticated: true };
    expect(step).toMatchObject({ kind: 'done', principal, expiresAtMs: 5000 });
  });

  it('fails with a wrong password and with an unknown name, and the client is not told which', async () => {
    const wrong = await login({ password: 'right' }, { user: 'alice', password: 'wrong' });
    const unknown = await login({ password: 'right' }, { user: 'bob', password: 'right' });
    expect([wrong, unknown]).toMatchObject([
      { kind: 'failed', told: null },
      { kind: 'failed', told: null },
    ]);
  });

  it('fails when the credential has fewer than 4096 iterations', async () => {
    const step = await login({ password: 'x', iterations: 4095 }, { user: 'alice', password: 'x' });
    expect(step).toMatchObject({ kind: 'failed', told: null, reason: expect.stringContaining('4095') });
  });

  it('fails when the nonce is not the one that was given', async () => {
    const step = await login({ password: 'x' }, { user: 'alice', password: 'x' }, (token, index) =>
      index === 1 ? token.replace(',p=', 'z,p=') : token,
    );
    expect(step).toMatchObject({ kind: 'failed', reason: expect.stringContaining('nonce') });
  });

  it('fails when somebody else is to be acted for', async () => {
    const step = await login({ password: 'x' }, { user: 'alice', password: 'x' }, (token) =>
      token.replace('n,,', 'n,a=bob,'),
    );
    expect(step).toMatchObject({ kind: 'failed', told: expect.stringContaining('authorization id') });
  });

  it.each([
    '',
    'p=tls,,n=a,r=b',
    'y,,n=a,r=b',
    'n,,n=a',
    'n,,n=é,r=b',
    'n,,n=a,r=b c',
    `n,,n=${'a'.repeat(400_000)}`,
  ])('fails at a first message that is none: %.20s', async (first) => {
    const step = await login({ password: 'x' }, { user: 'alice', password: 'x' }, () => first);
    expect(step).toMatchObject({ kind: 'failed', told: null });
  });
});

describe('a client', () => {
  const client = () =>
    scramClient({
      mechanism: SHA_256,
      user: 'alice',
      password: 'x',
      tokenAuthentication: false,
      random: systemRandom,
    }).tokens();

  it.each([
    ['an own nonce', (nonce: string) => `r=x${nonce},s=YQ==,i=4096`],
    ['the client’s nonce alone', (nonce: string) => `r=${nonce},s=YQ==,i=4096`],
    ['too few iterations', (nonce: string) => `r=${nonce}x,s=YQ==,i=4095`],
    ['endless iterations', (nonce: string) => `r=${nonce}x,s=YQ==,i=999999999`],
    ['no message', () => 'hello'],
  ])('ends the login when it is answered %s', async (_what, answer) => {
    const tokens = client();
    const first = (await tokens.next()).value ?? Buffer.alloc(0);
    const nonce = first.toString().split('r=')[1] ?? '';
    await expect(tokens.next(Buffer.from(answer(nonce)))).rejects.toThrow(SaslLoginError);
  });

  it('ends the login with a broker that does not know the password itself', async () => {
    const tokens = client();
    const first = (await tokens.next()).value ?? Buffer.alloc(0);
    const nonce = first.toString().split('r=')[1] ?? '';
    await tokens.next(Buffer.from(`r=${nonce}server,s=YQ==,i=4096`));
    await expect(tokens.next(Buffer.from('v=YQ=='))).rejects.toThrow('impostor');
  });
});

describe('the credentials in ZooKeeper', () => {
  it('count from the moment they are there, and no longer than they are', async () => {
    const credentials = new ScramCredentials(silent);
    const credential = await newScramCredential(SHA_256, 'x', 4096, systemRandom);
    credentials.configured('al%20ice', new Map([[SHA_256, scramCredentialText(credential)]]));
    expect(credentials.of(SHA_256, 'al ice')).toEqual(credential);
    expect(credentials.of('SCRAM-SHA-512', 'al ice')).toBeUndefined();
    credentials.configured('al%20ice/clients/app', new Map());
    expect(credentials.of(SHA_256, 'al ice')).toEqual(credential);
    credentials.configured('al%20ice', new Map());
    expect(credentials.of(SHA_256, 'al ice')).toBeUndefined();
  });

  it('that nobody can read let nobody in, and that is said', () => {
    const lines: string[] = [];
    const credentials = new ScramCredentials(recordingDiagnostics((_level, message) => lines.push(message)));
    credentials.configured('bob', new Map([[SHA_256, 'salt=secret']]));
    expect(credentials.of(SHA_256, 'bob')).toBeUndefined();
    expect(lines.join()).toContain('user bob');
    expect(lines.join()).not.toContain('secret');
  });
});
