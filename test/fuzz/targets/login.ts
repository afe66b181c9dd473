/**
 * Logins at a broker's listener, mechanism by mechanism: a client that says the right things, whose frames are
 * mutated, doubled, left out or preceded by others on their way. Whoever knows no secret never gets in, and
 * who knows it gets in when nothing was changed, and never as somebody else.
 */
import { ListenerConfig } from '../../../broker/config/listener-config.ts';
import { ErrorCode } from '../../../broker/errors.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import type { Dispatch, RequestOutcome } from '../../../broker/network/outcome.ts';
import { SaslAuthenticator } from '../../../broker/network/sasl-authenticator.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { parseResponseHeader } from '../../../broker/protocol/header.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { type ListenerLogin, listenerLogin } from '../../../broker/security/sasl/listener-login.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { World } from '../../support/world.ts';
import { services } from '../../unit/handlers/support.ts';
import { frameOf } from '../../unit/network/login-client.ts';
import { loginParts } from '../../unit/security/login-parts.ts';
import { type FuzzTarget, must, type Verdict } from '../fuzz.ts';
import { mutated, oneOf } from '../mutate.ts';
import { type Conversation, conversations, SECRETS, scramLookup, WORDS } from './secrets.ts';

const MODULES = 'org.apache.kafka.common.security.';
const CONFIGS = {
  'listener.name.x.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'listener.name.x.plain.sasl.jaas.config': `${MODULES}plain.PlainLoginModule required user_alice="${SECRETS.right}" user_bob="${SECRETS.other}";`,
  'listener.name.x.scram-sha-256.sasl.jaas.config': `${MODULES}scram.ScramLoginModule required;`,
  'listener.name.x.scram-sha-512.sasl.jaas.config': `${MODULES}scram.ScramLoginModule required;`,
  'listener.name.x.oauthbearer.sasl.jaas.config': `${MODULES}oauthbearer.OAuthBearerLoginModule required unsecuredValidatorRequiredScope="${SECRETS.scope}";`,
};
const VERSIONS = { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' };
/** Beyond so many frames a client is not heard again, whatever was answered. */
const MOST_FRAMES = 12;

export const login: FuzzTarget = {
  name: 'login',
  about: 'frames of logins by all mechanisms, old handshakes and new, at the state machine of a listener',
  share: 250,
  async prepare() {
    const broker = await fuzzedBroker();
    return (random) => new FuzzedClient(broker, random).run();
  },
};

/** What is the same for all clients. */
export interface FuzzedBroker {
  readonly world: World;
  readonly login: ListenerLogin;
  readonly dispatch: Dispatch;
}

export async function fuzzedBroker(): Promise<FuzzedBroker> {
  const world = World.flowing();
  const parts = { ...loginParts(world.clock), scram: await scramLookup() };
  return {
    world,
    login: listenerLogin(new ListenerConfig(new Map(Object.entries(CONFIGS)), 'X'), parts),
    dispatch: createDispatch(HANDLERS, services({ clock: world.clock } as never), allowEverything),
  };
}

/** What is told of failed logins. */
export class Heard {
  readonly reasons: string[] = [];
  #broken: unknown = null;

  hear(reason: string | null, error: unknown): void {
    if (reason === null) this.#broken = error;
    else this.reasons.push(reason);
  }

  /** Throws what was the broker's own failure. */
  mustBeRefusals(): void {
    if (this.#broken !== null) throw this.#broken;
  }
}

/** Of one connection. */
export function authenticatorFor(
  { world, login: listener, dispatch }: FuzzedBroker,
  session: ClientSession,
  heard: Heard,
): SaslAuthenticator {
  return new SaslAuthenticator({
    session,
    login: listener,
    dispatch,
    clock: world.clock,
    failureDelayMs: 0,
    witness: {
      loggedIn() {},
      expired() {},
      turnedAway() {},
      failed: (_session, reason, error) => heard.hear(reason, error),
    },
  });
}

/** What a client means to send next; null: nothing. */
type NextFrame = (answered: RequestOutcome | null) => Promise<Buffer | null>;

class FuzzedClient {
  readonly #random: Random;
  readonly #session = new ClientSession(
    { id: 'c1', listener: 'X', remoteHost: '10.0.0.1', securityProtocol: 'SASL_PLAINTEXT' },
    null,
  );
  readonly #authenticator: SaslAuthenticator;
  readonly #heard = new Heard();
  #isChanged = false;

  constructor(broker: FuzzedBroker, random: Random) {
    this.#random = random;
    this.#authenticator = authenticatorFor(broker, this.#session, this.#heard);
  }

  async run(): Promise<Verdict> {
    const knows = this.#random.int(2) === 0;
    const conversation = oneOf(this.#random, conversations)(knows, this.#random);
    const next = honestFrames(conversation, this.#random);
    let answered: RequestOutcome | null = null;
    for (let sent = 0; sent < MOST_FRAMES && !isOver(answered); sent += 1) {
      const frame = await next(answered);
      if (frame === null || this.#session.isAuthenticated) break;
      answered = await this.#send(frame);
    }
    return this.#judged(knows, conversation.mayBe);
  }

  /** Most frames arrive as they are; some in another shape, twice, not at all, or behind others. */
  async #send(frame: Buffer): Promise<RequestOutcome | null> {
    const chance = this.#random.int(20);
    if (chance > 5) return this.#take(frame);
    this.#isChanged = true;
    if (chance === 0) return null;
    if (chance === 1) await this.#take(frame);
    if (chance === 2) await this.#take(stranger(this.#random));
    const arrives = chance > 2 ? mutated(this.#random, frame, WORDS) : frame;
    return this.#session.isAuthenticated ? null : this.#take(arrives);
  }

  async #take(frame: Buffer): Promise<RequestOutcome> {
    const outcome = await this.#authenticator.take(frame, this.#session);
    if (typeof outcome === 'object') outcome.sent();
    return outcome;
  }

  #judged(knows: boolean, mayBe: string | null): Verdict {
    this.#heard.mustBeRefusals();
    const { isAuthenticated, principal } = this.#session;
    must(!isAuthenticated || knows, `let in without the secret, as ${principal.name}`);
    must(!isAuthenticated || (mayBe ?? principal.name) === principal.name, `let in as ${principal.name}`);
    must(isAuthenticated || !knows || this.#isChanged, `kept out with the secret: ${this.#heard.reasons}`);
    return isAuthenticated ? 'taken' : 'refused';
  }
}

/** The frames of a login, as a client makes them of what it is answered. */
function honestFrames({ mechanism, tokens }: Conversation, random: Random): NextFrame {
  const handshake = random.int(2);
  const version = random.int(3);
  const opening = [
    ...(random.int(2) === 0 ? [frameOf(ApiVersions, 3, VERSIONS)] : []),
    frameOf(SaslHandshake, handshake, { mechanism }),
  ];
  const speech = tokens();
  let begun = false;
  return async (answered) => {
    const first = opening.shift();
    if (first !== undefined) return first;
    const answer = begun ? tokenIn(answered, handshake, version) : null;
    if (begun && answer === null) return null;
    const said = await (answer === null ? speech.next() : speech.next(answer)).catch(() => null);
    begun = true;
    if (said === null || said.done === true) return null;
    return handshake === 0 ? said.value : frameOf(SaslAuthenticate, version, { authBytes: said.value });
  };
}

/** The broker's token in an answer; null: it has answered something else. */
function tokenIn(answered: RequestOutcome | null, handshake: number, version: number): Buffer | null {
  if (answered === null || typeof answered === 'string') return null;
  const frame = bytesOfParts(answered.parts).subarray(4);
  if (handshake === 0) return frame;
  try {
    const { bodyOffset } = parseResponseHeader(SaslAuthenticate, version, frame);
    const { errorCode, authBytes } = decodeResponse(SaslAuthenticate, version, frame.subarray(bodyOffset));
    return errorCode === ErrorCode.NONE ? authBytes : null;
  } catch {
    return null; // the answer to what a mutation has made of the request
  }
}

/** What has no place in a login. */
function stranger(random: Random): Buffer {
  return oneOf(random, [
    () => frameOf(Metadata, 12, { topics: null }),
    () => frameOf(SaslHandshake, 1, { mechanism: 'PLAIN' }),
    () => frameOf(SaslAuthenticate, 2, { authBytes: Buffer.from('n,,n=alice,r=x') }),
    () => Buffer.alloc(0),
    () => random.bytes(random.int(64)),
  ])();
}

function isOver(outcome: RequestOutcome | null): boolean {
  return outcome === 'close' || (outcome !== null && typeof outcome === 'object' && outcome.isLast === true);
}
