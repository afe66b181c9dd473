/** A client that logs in over one connection, in virtual time. */
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import type { Reply, RequestOutcome } from '../../../broker/network/outcome.ts';
import { SaslAuthenticator } from '../../../broker/network/sasl-authenticator.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { parseResponseHeader } from '../../../broker/protocol/header.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../../broker/protocol/schema.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { listenerLogin } from '../../../broker/security/sasl/listener-login.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { World } from '../../support/world.ts';
import { services } from '../handlers/support.ts';
import { loginParts } from '../security/login-parts.ts';

export const FAILURE_DELAY_MS = 100;
export const ALICE = Buffer.from('\0alice\0secret');

/** The broker at its other end takes PLAIN, SCRAM-SHA-256 and OAUTHBEARER. */
export class LoginClient {
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
        'listener.name.inside.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,OAUTHBEARER',
        'listener.name.inside.oauthbearer.sasl.jaas.config':
          'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
        'listener.name.inside.plain.sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="secret" user_bob="secret";',
        'listener.name.inside.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        ...configs,
      }),
    );
    const groups = { listGroups: () => ({ error: ErrorCode.NONE, groups: [] }) };
    const { clock } = this.world;
    this.#authenticator = new SaslAuthenticator({
      session: this.session,
      login: listenerLogin(new ListenerConfig(texts, 'INSIDE'), loginParts(clock)),
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

export function frameOf<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer {
  return Buffer.concat(requestFrame(api, version, { correlationId: 7, clientId: 'me' }, request)).subarray(4);
}

export function bytesOf(outcome: RequestOutcome): Buffer {
  if (typeof outcome === 'string') throw new Error(`no answer but ${outcome}`);
  return bytesOfParts(outcome.parts);
}
