/**
 * A login over one connection, from its first frame to the moment when its requests are served, and again
 * when its session is to last longer. Before it is over a client may ask what the broker speaks (once),
 * shake hands over a mechanism, and send that mechanism's tokens; whatever else comes ends the connection.
 * A client that fails is told so only after connection.failed.authentication.delay.ms, and is not read from
 * meanwhile, which makes guessing slow.
 * Source: SaslServerAuthenticator, KafkaChannel.maybeBeginServerReauthentication; KIP-43, KIP-152, KIP-368.
 */
import { ErrorCode } from '../errors.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import { decodeRequest } from '../protocol/codec.ts';
import { responseFrame } from '../protocol/frame.ts';
import { parseRequestHeader, type RequestHeader } from '../protocol/header.ts';
import type { MessagePart } from '../protocol/late-bytes.ts';
import { SaslHandshake } from '../protocol/messages/17-sasl-handshake.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import { SaslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts';
import { ProtocolError } from '../protocol/reader.ts';
import type { AnyApi, ResponseInput } from '../protocol/schema.ts';
import { isSamePrincipal, type Principal } from '../security/principal.ts';
import type { ListenerLogin } from '../security/sasl/listener-login.ts';
import type { SaslExchange, SaslStep } from '../security/sasl/mechanism.ts';
import type { ClientSession } from './client-session.ts';
import type { LoginWitness } from './login-witness.ts';
import type { Dispatch, Reply, RequestOutcome } from './outcome.ts';

interface SaslAuthenticatorParts {
  readonly session: ClientSession;
  readonly login: ListenerLogin;
  /** Serves whoever has logged in, and says what the broker speaks to everybody. */
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly witness: LoginWitness;
  /** connection.failed.authentication.delay.ms */
  readonly failureDelayMs: number;
}

/** How far a login is. */
type Phase =
  | { readonly kind: 'greeting'; readonly mayAskVersions: boolean }
  | {
      readonly kind: 'exchange';
      readonly mechanism: string;
      readonly exchange: SaslExchange;
      /** Tokens come as they are, without a header: the handshake was version 0. */
      readonly bare: boolean;
    }
  | { readonly kind: 'served' }
  | { readonly kind: 'failed' };

/** Of the session that a login has begun. */
interface Proved {
  readonly mechanism: string;
  readonly principal: Principal;
  /** On the monotonic clock; null: the session has no end. */
  readonly expiresAtMs: number | null;
}

/** The login has failed; `answer` is what the client is told. */
class LoginFailure {
  readonly reason: string;
  readonly answer: Reply | null;

  constructor(reason: string, answer: Reply | null = null) {
    this.reason = reason;
    this.answer = answer;
  }
}

const SHORTEST_PAUSE_MS = 1000;
const NOTHING = Buffer.alloc(0);

export class SaslAuthenticator {
  readonly #parts: SaslAuthenticatorParts;
  #phase: Phase = { kind: 'greeting', mayAskVersions: true };
  /** null until the first login is over. */
  #proved: Proved | null = null;
  /** When the client last began to log in again; null before the first time. */
  #beganAgainMs: number | null = null;

  constructor(parts: SaslAuthenticatorParts) {
    this.#parts = parts;
  }

  /** Takes the frames of its connection, one after the other. */
  readonly take: Dispatch = (frame, _session, isOwn) => {
    if (this.#phase.kind === 'served') return this.#serve(frame, isOwn);
    try {
      const outcome = this.#step(frame);
      return outcome instanceof Promise ? outcome.catch((error) => this.#fail(error)) : outcome;
    } catch (error) {
      return this.#fail(error);
    }
  };

  /** Whoever has logged in, until the session's time is over; by then the client has to log in again. */
  #serve(frame: Buffer, isOwn?: boolean): RequestOutcome | Promise<RequestOutcome> {
    const { clock, dispatch, session, witness } = this.#parts;
    const expiresAtMs = this.#proved?.expiresAtMs ?? null;
    if (expiresAtMs === null) return dispatch(frame, session, isOwn);
    if (this.#beginsAgain(frame)) {
      this.#beganAgainMs = clock.nowMs();
      this.#phase = { kind: 'greeting', mayAskVersions: false };
      session.loginBegun();
      return this.take(frame, session);
    }
    if (clock.nowMs() <= expiresAtMs) return dispatch(frame, session, isOwn);
    witness.expired();
    return 'close';
  }

  #beginsAgain(frame: Buffer): boolean {
    if (apiKeyOf(frame) !== SaslHandshake.key) return false;
    return this.#beganAgainMs === null || this.#parts.clock.nowMs() - this.#beganAgainMs >= SHORTEST_PAUSE_MS;
  }

  /** Throws, or rejects with, {@link LoginFailure}, or ProtocolError for what is no request. */
  #step(frame: Buffer): RequestOutcome | Promise<RequestOutcome> {
    const phase = this.#phase;
    if (phase.kind === 'greeting') return this.#greet(frame, phase.mayAskVersions);
    if (phase.kind !== 'exchange') return 'close';
    if (phase.bare) {
      const step = phase.exchange.step(frame);
      return this.#outcomeOf(step, phase.mechanism, (token, _lifetimeMs, failure) =>
        failure === null ? bareReply(token) : null,
      );
    }
    const apiKey = apiKeyOf(frame);
    if (apiKey !== SaslAuthenticate.key) return this.#refuseOther(frame, apiKey);
    return this.#authenticate(frame, parseRequestHeader(frame, loginApi), phase);
  }

  #greet(frame: Buffer, mayAskVersions: boolean): RequestOutcome | Promise<RequestOutcome> {
    const apiKey = apiKeyOf(frame);
    if (apiKey === SaslHandshake.key) return this.#handshake(frame);
    if (apiKey === ApiVersions.key && mayAskVersions) return this.#askVersions(frame);
    throw new LoginFailure(`Unexpected Kafka request of type ${apiKey} during SASL handshake.`);
  }

  /** Whoever asks in a version that is not known may ask again. */
  #askVersions(frame: Buffer): RequestOutcome | Promise<RequestOutcome> {
    const answered = (outcome: RequestOutcome): RequestOutcome => {
      if (errorCodeIn(outcome) === ErrorCode.NONE) this.#phase = { kind: 'greeting', mayAskVersions: false };
      return outcome;
    };
    const outcome = this.#parts.dispatch(frame, this.#parts.session);
    return outcome instanceof Promise ? outcome.then(answered) : answered(outcome);
  }

  #handshake(frame: Buffer): RequestOutcome {
    const { mechanisms } = this.#parts.login;
    const header = parseRequestHeader(frame, loginApi);
    const { mechanism } = decodeRequest(SaslHandshake, header.apiVersion, frame.subarray(header.bodyOffset));
    const chosen = mechanisms.get(mechanism);
    const errorCode = chosen === undefined ? ErrorCode.UNSUPPORTED_SASL_MECHANISM : ErrorCode.NONE;
    const answer = answerTo(SaslHandshake, header, { errorCode, mechanisms: [...mechanisms.keys()] });
    if (chosen === undefined) throw new LoginFailure(`Unsupported SASL mechanism ${mechanism}`, answer);
    const bare = header.apiVersion === 0;
    this.#phase = { kind: 'exchange', mechanism, exchange: chosen.begin(), bare };
    return answer;
  }

  #authenticate(
    frame: Buffer,
    header: RequestHeader,
    { mechanism, exchange }: Extract<Phase, { kind: 'exchange' }>,
  ): RequestOutcome | Promise<RequestOutcome> {
    const former = this.#proved;
    if (former !== null && former.mechanism !== mechanism) {
      throw new LoginFailure(
        `SASL mechanism '${mechanism}' requested by client is not supported for re-authentication of mechanism '${former.mechanism}'`,
      );
    }
    const { authBytes } = decodeRequest(
      SaslAuthenticate,
      header.apiVersion,
      frame.subarray(header.bodyOffset),
    );
    return this.#outcomeOf(exchange.step(authBytes), mechanism, (token, sessionLifetimeMs, failure) =>
      answerTo(SaslAuthenticate, header, {
        errorCode: failure === null ? ErrorCode.NONE : ErrorCode.SASL_AUTHENTICATION_FAILED,
        // Kafka leaves it empty where there is nothing to say.
        errorMessage: failure ?? '',
        authBytes: token,
        sessionLifetimeMs,
      }),
    );
  }

  /** What another request is answered in the middle of an exchange is what its handler refuses it with. */
  async #refuseOther(frame: Buffer, apiKey: number): Promise<RequestOutcome> {
    const outcome = await this.#parts.dispatch(frame, this.#parts.session);
    throw new LoginFailure(
      `Unexpected Kafka request of type ${apiKey} during SASL authentication.`,
      typeof outcome === 'string' ? null : outcome,
    );
  }

  #outcomeOf(
    step: SaslStep | Promise<SaslStep>,
    mechanism: string,
    answer: (token: Buffer, sessionLifetimeMs: number, failure: string | null) => Reply | null,
  ): RequestOutcome | Promise<RequestOutcome> {
    if (step instanceof Promise) return step.then((done) => this.#outcomeOf(done, mechanism, answer));
    if (step.kind === 'challenge') return answer(step.token, 0, null) ?? 'nothing';
    const failure = step.kind === 'failed' ? step : this.#otherThanBefore(step.principal);
    if (failure !== null) {
      const told = failure.told ?? this.#untold(mechanism);
      throw new LoginFailure(failure.reason, answer(NOTHING, 0, told));
    }
    if (step.kind === 'failed') return 'close';
    const lifetimeMs = this.#lifetimeMs(mechanism, step.expiresAtMs);
    const reply = answer(step.token, lifetimeMs ?? 0, null);
    this.#prove({ mechanism, principal: step.principal }, lifetimeMs);
    return reply ?? 'nothing';
  }

  /** What comes after a login has proved it to be somebody else's than the session's. */
  #otherThanBefore(principal: Principal): { readonly told: string; readonly reason: string } | null {
    const former = this.#proved?.principal;
    if (former === undefined || isSamePrincipal(former, principal)) return null;
    const reason = `Cannot change principals during re-authentication from ${former.type}.${former.name}: ${principal.type}.${principal.name}`;
    return { told: reason, reason };
  }

  #untold(mechanism: string): string {
    const what = this.#proved === null ? 'authentication' : 're-authentication';
    return `Authentication failed during ${what} due to invalid credentials with SASL mechanism ${mechanism}`;
  }

  /** For how long the session may be used; null: for ever. */
  #lifetimeMs(mechanism: string, credentialEndsAtMs: number | null): number | null {
    const ofConfig = this.#parts.login.maxReauthMs(mechanism);
    const ofCredential =
      credentialEndsAtMs === null ? null : Math.max(0, credentialEndsAtMs - this.#parts.clock.wallMs());
    if (ofConfig <= 0) return ofCredential;
    return ofCredential === null ? ofConfig : Math.min(ofConfig, ofCredential);
  }

  #prove(proved: Omit<Proved, 'expiresAtMs'>, lifetimeMs: number | null): void {
    const { clock, session, witness } = this.#parts;
    witness.loggedIn(this.#proved !== null);
    this.#proved = { ...proved, expiresAtMs: lifetimeMs === null ? null : clock.nowMs() + lifetimeMs };
    this.#phase = { kind: 'served' };
    session.authenticated(proved.principal);
  }

  /** One line for the log, and after a while the answer, with which the connection ends. */
  async #fail(error: unknown): Promise<RequestOutcome> {
    this.#phase = { kind: 'failed' };
    const { clock, failureDelayMs, session, witness } = this.#parts;
    witness.failed(session, reasonOf(error), error);
    await sleep(clock, failureDelayMs);
    const answer = error instanceof LoginFailure ? error.answer : null;
    return answer === null ? 'close' : { ...asReply(answer), isLast: true };
  }
}

function reasonOf(error: unknown): string | null {
  if (error instanceof LoginFailure) return error.reason;
  return error instanceof ProtocolError ? error.message : null;
}

/** -1: the frame is too short to have one. */
function apiKeyOf(frame: Buffer): number {
  return frame.length < 2 ? -1 : frame.readInt16BE(0);
}

/** Those whose requests are read here; the others are the dispatcher's. */
function loginApi(key: number): AnyApi | undefined {
  return [SaslHandshake, SaslAuthenticate].find((api) => api.key === key);
}

function answerTo<A extends AnyApi>(api: A, header: RequestHeader, response: ResponseInput<A>): Reply {
  return replyOf(
    responseFrame(api, { version: header.apiVersion, correlationId: header.correlationId }, response),
  );
}

/** A token alone, with its length. */
function bareReply(token: Buffer): Reply {
  const size = Buffer.alloc(4);
  size.writeInt32BE(token.length);
  return replyOf([size, token]);
}

function replyOf(parts: readonly MessagePart[]): Reply {
  return { parts, sizeBytes: parts.reduce((sum, part) => sum + part.length, 0), sent() {} };
}

function asReply(reply: Reply): Reply {
  return { parts: reply.parts, sizeBytes: reply.sizeBytes, sent: () => reply.sent() };
}

/** Of an answer to ApiVersions: size, correlation id, code. */
function errorCodeIn(outcome: RequestOutcome): number | null {
  if (typeof outcome === 'string') return null;
  // Nothing of it is read late: that is for records.
  return Buffer.concat(outcome.parts.filter((part): part is Buffer => part instanceof Buffer)).readInt16BE(8);
}
