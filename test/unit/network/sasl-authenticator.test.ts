/** Logins over one connection: what may come in which order, what is answered, and how a session ends. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ListGroups } from '../../../broker/protocol/messages/16-list-groups.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import { ANONYMOUS, userNamed } from '../../../broker/security/principal.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { ALICE, bytesOf, FAILURE_DELAY_MS, frameOf, LoginClient } from './login-client.ts';

const VERSIONS = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
const BOB = Buffer.from('\0bob\0secret');

describe('a login', () => {
  it('asks what is spoken, shakes hands, sends its tokens, and is served from then on', async () => {
    const client = new LoginClient();
    expect(await client.answer(ApiVersions, 3, VERSIONS)).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.NONE,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER'],
    });
    expect(client.session.isAuthenticated).toBe(false);
    expect(await client.answer(SaslAuthenticate, 2, { authBytes: ALICE })).toMatchObject({
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      sessionLifetimeMs: 0,
      isLast: false,
    });
    expect(client.session.principal).toEqual(userNamed('alice'));
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(client.counts).toEqual({ loggedIn: 1, again: 0, expired: 0 });
  });

  it('of an old client sends bare tokens and gets bare ones back', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 0, { mechanism: 'PLAIN' });
    expect(bytesOf(await client.send(ALICE))).toEqual(Buffer.alloc(4));
    expect(client.session.principal).toEqual(userNamed('alice'));
  });

  it('of an old client that fails ends the connection without a word', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 0, { mechanism: 'PLAIN' });
    expect(await client.send(Buffer.from('\0alice\0wrong'))).toBe('close');
  });

  it('may ask for versions again when it has asked in one that is not known, and no more after that', async () => {
    const client = new LoginClient();
    const unknown = frameOf(ApiVersions, 4, VERSIONS);
    unknown.writeInt16BE(99, 2);
    expect(bytesOf(await client.send(unknown)).readInt16BE(8)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    const nameless = { clientSoftwareName: '-', clientSoftwareVersion: '1' };
    const refused = await client.answer(ApiVersions, 3, nameless);
    expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await client.answer(ApiVersions, 4, VERSIONS)).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(await client.ask(ApiVersions, 4, VERSIONS)).toBe('close');
  });

  it('fails for a mechanism that is not enabled, and is told which are', async () => {
    const client = new LoginClient();
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-512' })).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER'],
      isLast: true,
    });
    expect(client.reasons).toEqual(['Unsupported SASL mechanism SCRAM-SHA-512']);
  });

  it('that fails is answered after the delay, and the connection ends with that', async () => {
    const client = new LoginClient();
    const beganMs = client.world.clock.nowMs();
    expect(await client.logIn(Buffer.from('\0alice\0wrong'))).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Authentication failed: Invalid username or password',
      isLast: true,
    });
    expect(client.world.clock.nowMs() - beganMs).toBe(FAILURE_DELAY_MS);
    expect(client.session.principal).toEqual(ANONYMOUS);
    expect(await client.ask(SaslAuthenticate, 2, { authBytes: ALICE })).toBe('close');
    expect(client.reasons.join()).not.toContain('wrong');
  });

  it('by SCRAM that fails is told nothing but that', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    expect(
      await client.answer(SaslAuthenticate, 2, { authBytes: Buffer.from('n,,n=bob,r=x') }),
    ).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage:
        'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256',
    });
  });
});

describe('before the login is over', () => {
  it.each([
    ['a request', frameOf(Metadata, 12, { topics: null })],
    ['a token', frameOf(SaslAuthenticate, 2, { authBytes: ALICE })],
    ['a bare token', ALICE],
    ['nothing', Buffer.alloc(0)],
    [
      'a handshake of a version that is not there',
      frameOf(SaslHandshake, 1, { mechanism: 'PLAIN' }).fill(9, 3, 4),
    ],
    ['half a handshake', frameOf(SaslHandshake, 1, { mechanism: 'PLAIN' }).subarray(0, -1)],
  ])('%s in the place of the handshake ends the connection', async (_what, frame) => {
    const client = new LoginClient();
    expect(await client.send(frame)).toBe('close');
    expect(client.reasons).toHaveLength(1);
    expect(client.reasons[0]).not.toBeNull();
  });

  it('a request among the tokens is refused as out of place, and ends the connection', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('a second handshake among the tokens is one, too', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('a token in a version that is not there ends the connection', async () => {
    const client = new LoginClient();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    const frame = frameOf(SaslAuthenticate, 2, { authBytes: ALICE });
    frame.writeInt16BE(3, 2);
    expect(await client.send(frame)).toBe('close');
  });

  it('frames of any bytes are refused, and nobody is let in by them', async () => {
    const random = simulatedRandom(36);
    for (let round = 0; round < 300; round += 1) {
      const client = new LoginClient();
      if (random.int(2) === 0) {
        await client.answer(SaslHandshake, random.int(2), {
          mechanism: ['PLAIN', 'SCRAM-SHA-256'][random.int(2)] ?? '',
        });
      }
      const frame = random.bytes(random.int(60));
      if (frame.length > 4 && random.int(2) === 0)
        frame.writeInt32BE(((17 + random.int(20)) << 16) + random.int(4));
      const outcome = await client.send(frame);
      expect(client.session.isAuthenticated).toBe(false);
      const isOver = outcome === 'close' || (typeof outcome === 'object' && outcome.isLast === true);
      const asksVersions = frame.length > 4 && frame.readInt16BE(0) === ApiVersions.key;
      expect(isOver || asksVersions).toBe(true);
      expect(client.reasons).not.toContain(null);
    }
  });
});

describe('a session that ends', () => {
  const ENDING = { 'listener.name.inside.connections.max.reauth.ms': '10000' };

  it('lasts as long as the config says, of its mechanism before that of the listener', async () => {
    expect((await new LoginClient(ENDING).logIn()).sessionLifetimeMs).toBe(10_000);
    const own = { ...ENDING, 'listener.name.inside.plain.connections.max.reauth.ms': '5000' };
    expect((await new LoginClient(own).logIn()).sessionLifetimeMs).toBe(5000);
  });

  it('ends with the first request after its time', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    await client.world.pass(1001);
    expect(await client.ask(ListGroups, 4, {})).toBe('close');
    expect(client.counts).toMatchObject({ expired: 1 });
  });

  it('goes on when the client logs in again, also after its time', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    for (const pauseMs of [9000, 11_000]) {
      await client.world.pass(pauseMs);
      expect(await client.logIn()).toMatchObject({ errorCode: ErrorCode.NONE, sessionLifetimeMs: 10_000 });
      expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    }
    expect(client.counts).toEqual({ loggedIn: 1, again: 2, expired: 0 });
  });

  it('is not another’s afterwards', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    expect(await client.logIn(BOB)).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication from User.alice: User.bob',
      isLast: true,
    });
  });

  it('is not gone on with by another mechanism', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    await client.answer(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    expect(await client.ask(SaslAuthenticate, 2, { authBytes: Buffer.from('n,,n=alice,r=x') })).toBe('close');
  });

  it('serves nothing while the client logs in again', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('is not logged in again more than once a second', async () => {
    const client = new LoginClient(ENDING);
    await client.logIn();
    await client.logIn();
    await client.world.pass(999);
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: false,
    });
  });

  it('is no matter where no end is configured: a handshake is out of place then', async () => {
    const client = new LoginClient();
    expect(await client.logIn()).toMatchObject({ sessionLifetimeMs: 0 });
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: false,
    });
    expect(await client.answer(SaslAuthenticate, 2, { authBytes: BOB })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    });
    expect(client.session.principal).toEqual(userNamed('alice'));
  });
});
