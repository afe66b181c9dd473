/** Logins over one connection: what may come in which order, what is answered, and how a session ends. */
import { describe, expect, it } from 'vitest';
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import type { Reply, RequestOutcome } from '../../../broker/network/outcome.ts';
import { SaslAuthenticator } from '../../../broker/network/sasl-authenticator.ts';
import { systemRandom } from '../../../broker/platform/random.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { parseResponseHeader } from '../../../broker/protocol/header.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { ListGroups } from '../../../broker/protocol/messages/16-list-groups.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../../broker/protocol/schema.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { ANONYMOUS, userNamed } from '../../../broker/security/principal.ts';
import { listenerLogin } from '../../../broker/security/sasl/listener-login.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
import { World } from '../../support/world.ts';
import { services } from '../handlers/support.ts';

const FAILURE_DELAY_MS = 100;
const VERSIONS = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
const ALICE = Buffer.from('\0alice\0secret');
const BOB = Buffer.from('\0bob\0secret');

class Client {
  readonly world = new World();
  readonly reasons: (string | null)[] = [];
  readonly #counts = { loggedIn: 0, again: 0, expired: 0 };
  readonly session = new ClientSession(
    { id: 'c1', listener: 'INSIDE', remoteHost: '10.0.0.1', securityProtocol: 'SASL_PLAINTEXT' },
    null,
  );
  readonly #authenticator: SaslAuthenticator;

  constructor(configs: Readonly<Record<string, string>> = {}) {
    const texts = new Map(
      Object.entries({
        'listener.name.inside.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'listener.name.inside.plain.sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="secret" user_bob="secret";',
        'listener.name.inside.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        ...configs,
      }),
    );
    const scram = { user: () => undefined, token: async () => undefined };
    const groups = { listGroups: () => ({ error: ErrorCode.NONE, groups: [] }) };
    const { clock } = this.world;
    this.#authenticator = new SaslAuthenticator({
      session: this.session,
      login: listenerLogin(new ListenerConfig(texts, 'INSIDE'), { scram, random: systemRandom }),
      dispatch: createDispatch(HANDLERS, services({ clock, groups } as never), allowEverything),
      clock,
      failureDelayMs: FAILURE_DELAY_MS,
      witness: {
        loggedIn: (again) => {
          this.#counts[again ? 'again' : 'loggedIn'] += 1;
        },
        expired: () => {
          this.#counts.expired += 1;
        },
        turnedAway: () => {},
        failed: (_session, reason) => this.reasons.push(reason),
      },
    });
  }

  get counts() {
    return { ...this.#counts };
  }

  /** What becomes of a frame, once all that was to be waited for is over. */
  send(frame: Buffer): Promise<RequestOutcome> {
    return this.world.settled(Promise.resolve(this.#authenticator.take(frame, this.session)));
  }

  ask<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<RequestOutcome> {
    return this.send(frameOf(api, version, request));
  }

  /** The answer to a request; fails when there is none. */
  async answer<A extends AnyApi>(
    api: A,
    version: number,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A> & { readonly isLast: boolean }> {
    const outcome = await this.ask(api, version, request);
    const frame = bytesOf(outcome).subarray(4);
    const { bodyOffset } = parseResponseHeader(api, version, frame);
    const answer = decodeResponse(api, version, frame.subarray(bodyOffset));
    return { ...answer, isLast: (outcome as Reply).isLast === true };
  }

  async logIn(token = ALICE, version = 2) {
    await this.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    return this.answer(SaslAuthenticate, version, { authBytes: token });
  }
}

function frameOf<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer {
  return Buffer.concat(requestFrame(api, version, { correlationId: 7, clientId: 'me' }, request)).subarray(4);
}

function bytesOf(outcome: RequestOutcome): Buffer {
  if (typeof outcome === 'string') throw new Error(`no answer but ${outcome}`);
  return bytesOfParts(outcome.parts);
}

describe('a login', () => {
  it('asks what is spoken, shakes hands, sends its tokens, and is served from then on', async () => {
    const client = new Client();
    expect(await client.answer(ApiVersions, 3, VERSIONS)).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.NONE,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
    });
    expect(client.session.isAuthenticated).toBe(false);
    expect(await client.answer(SaslAuthenticate, 2, { authBytes: ALICE })).toMatchObject({
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      sessionLifetimeMs: 0,
      isLast: false,
    });
    expect(client.session.principal).toEqual(userNamed('alice'));
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    expect(client.counts).toEqual({ loggedIn: 1, again: 0, expired: 0 });
  });

  it('of an old client sends bare tokens and gets bare ones back', async () => {
    const client = new Client();
    await client.answer(SaslHandshake, 0, { mechanism: 'PLAIN' });
    expect(bytesOf(await client.send(ALICE))).toEqual(Buffer.alloc(4));
    expect(client.session.principal).toEqual(userNamed('alice'));
  });

  it('of an old client that fails ends the connection without a word', async () => {
    const client = new Client();
    await client.answer(SaslHandshake, 0, { mechanism: 'PLAIN' });
    expect(await client.send(Buffer.from('\0alice\0wrong'))).toBe('close');
  });

  it('may ask for versions again when it has asked in one that is not known, and no more after that', async () => {
    const client = new Client();
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
    const client = new Client();
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-512' })).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
      isLast: true,
    });
    expect(client.reasons).toEqual(['Unsupported SASL mechanism SCRAM-SHA-512']);
  });

  it('that fails is answered after the delay, and the connection ends with that', async () => {
    const client = new Client();
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
    const client = new Client();
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
    const client = new Client();
    expect(await client.send(frame)).toBe('close');
    expect(client.reasons).toHaveLength(1);
    expect(client.reasons[0]).not.toBeNull();
  });

  it('a request among the tokens is refused as out of place, and ends the connection', async () => {
    const client = new Client();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('a second handshake among the tokens is one, too', async () => {
    const client = new Client();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('a token in a version that is not there ends the connection', async () => {
    const client = new Client();
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    const frame = frameOf(SaslAuthenticate, 2, { authBytes: ALICE });
    frame.writeInt16BE(3, 2);
    expect(await client.send(frame)).toBe('close');
  });

  it('frames of any bytes are refused, and nobody is let in by them', async () => {
    const random = simulatedRandom(36);
    for (let round = 0; round < 300; round += 1) {
      const client = new Client();
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
    expect((await new Client(ENDING).logIn()).sessionLifetimeMs).toBe(10_000);
    const own = { ...ENDING, 'listener.name.inside.plain.connections.max.reauth.ms': '5000' };
    expect((await new Client(own).logIn()).sessionLifetimeMs).toBe(5000);
  });

  it('ends with the first request after its time', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    await client.world.pass(1001);
    expect(await client.ask(ListGroups, 4, {})).toBe('close');
    expect(client.counts).toMatchObject({ expired: 1 });
  });

  it('goes on when the client logs in again, also after its time', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    for (const pauseMs of [9000, 11_000]) {
      await client.world.pass(pauseMs);
      expect(await client.logIn()).toMatchObject({ errorCode: ErrorCode.NONE, sessionLifetimeMs: 10_000 });
      expect(await client.answer(ListGroups, 4, {})).toMatchObject({ errorCode: ErrorCode.NONE });
    }
    expect(client.counts).toEqual({ loggedIn: 1, again: 2, expired: 0 });
  });

  it('is not another’s afterwards', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    expect(await client.logIn(BOB)).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication from User.alice: User.bob',
      isLast: true,
    });
  });

  it('is not gone on with by another mechanism', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    await client.answer(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    expect(await client.ask(SaslAuthenticate, 2, { authBytes: Buffer.from('n,,n=alice,r=x') })).toBe('close');
  });

  it('serves nothing while the client logs in again', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    await client.world.pass(9000);
    await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.answer(ListGroups, 4, {})).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: true,
    });
  });

  it('is not logged in again more than once a second', async () => {
    const client = new Client(ENDING);
    await client.logIn();
    await client.logIn();
    await client.world.pass(999);
    expect(await client.answer(SaslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      isLast: false,
    });
  });

  it('is no matter where no end is configured: a handshake is out of place then', async () => {
    const client = new Client();
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
