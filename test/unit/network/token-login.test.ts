/** Logins by a token: whom they let in and for how long, and what a bad one is answered. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { ListGroups } from '../../../broker/protocol/messages/16-list-groups.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import { userNamed } from '../../../broker/security/principal.ts';
import { bearerBytes, unsecuredToken } from '../security/unsecured-tokens.ts';
import { LoginClient } from './login-client.ts';

describe('a login by a token', () => {
  const token = (client: LoginClient, lifeMs = 60_000, name = 'alice') =>
    unsecuredToken({ sub: name, exp: (client.world.clock.wallMs() + lifeMs) / 1000 });

  async function show(client: LoginClient, authBytes: Buffer) {
    await client.answer(SaslHandshake, 1, { mechanism: 'OAUTHBEARER' });
    return client.answer(SaslAuthenticate, 2, { authBytes });
  }

  it('lasts as long as the token, and goes on with another', async () => {
    const client = new LoginClient();
    expect(await show(client, bearerBytes(token(client)))).toMatchObject({
      errorCode: ErrorCode.NONE,
      authBytes: Buffer.alloc(0),
      sessionLifetimeMs: 60_000,
    });
    expect(client.session.principal).toEqual(userNamed('alice'));
    await client.world.clock.runFor(50_000);
    const more = bearerBytes(token(client, 90_000), { authorizationId: 'alice', more: 'traceId=1\x01' });
    expect(await show(client, more)).toMatchObject({ sessionLifetimeMs: 90_000 });
    await client.world.clock.runFor(80_000);
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    await client.world.clock.runFor(10_001);
    expect(await client.ask(ListGroups, 4, {})).toBe('close');
  });

  it('lasts no longer than the listener lets it', async () => {
    const client = new LoginClient({ 'connections.max.reauth.ms': '5000' });
    expect(await show(client, bearerBytes(token(client)))).toMatchObject({ sessionLifetimeMs: 5000 });
  });

  it('that is no good is told why in JSON, and fails with whatever comes next', async () => {
    for (const next of [Buffer.from([1]), bearerBytes(token(new LoginClient()))]) {
      const client = new LoginClient();
      const status = '{"status":"invalid_token"}';
      expect(await show(client, bearerBytes(token(client, -1)))).toMatchObject({
        errorCode: ErrorCode.NONE,
        authBytes: Buffer.from(status),
        isLast: false,
      });
      expect(await client.answer(SaslAuthenticate, 2, { authBytes: next })).toMatchObject({
        errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
        errorMessage: status,
        authBytes: Buffer.alloc(0),
        isLast: true,
      });
      expect(client.reasons).toEqual(['invalid_token: it has expired']);
      expect(client.session.isAuthenticated).toBe(false);
    }
  });

  it('is of whom it names, whoever the client says it is', async () => {
    const client = new LoginClient();
    expect(await show(client, bearerBytes(token(client), { authorizationId: 'bob' }))).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage:
        "Authentication failed: Client requested an authorization id (bob) that is different from the token's principal name (alice)",
    });
  });

  it('that breaks the grammar learns no more than that it has failed', async () => {
    const client = new LoginClient();
    expect(await show(client, Buffer.from('n,,nothing'))).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage:
        'Authentication failed during authentication due to invalid credentials with SASL mechanism OAUTHBEARER',
    });
  });

  it('goes on with a token of the same name only', async () => {
    const client = new LoginClient();
    await show(client, bearerBytes(token(client)));
    await client.world.clock.runFor(2000);
    expect(await show(client, bearerBytes(token(client, 60_000, 'bob')))).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: expect.stringContaining('Cannot change principals'),
    });
  });
});
