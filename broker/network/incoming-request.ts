/**
 * One request on its way through its handler, and its answer. What a handler throws is caught here: the
 * coordinator or a disk that fails has its error code, anything else is a defect, which is reported; the
 * client gets the handler's refusal either way. A client over its quota gets its answer with the time that
 * it is throttled for, and is muted meanwhile. An answer of very many elements is written in steps.
 */
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { SecurityProtocol } from '../config/listeners.ts';
import { ErrorCode, errorName } from '../errors.ts';
import type { Answer, Handler, RequestContext } from '../handlers/handler.ts';
import type { Needs, ServiceName } from '../handlers/services.ts';
import { answerBeforeMetadata } from '../handlers/shared/before-metadata.ts';
import { StorageError } from '../log/files/storage-error.ts';
import { type Clock, sleep } from '../platform/clock.ts';
import { afterwards, Turns } from '../platform/turns.ts';
import { AT_ONCE } from '../protocol/field-facts.ts';
import { responseFrame, responseFrameInSteps } from '../protocol/frame.ts';
import type { RequestHeader } from '../protocol/header.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import { TooManyElements, TooMuchText } from '../protocol/reader.ts';
import type { AnyApi, RequestOf } from '../protocol/schema.ts';
import type { RequestCharges, RequestEnd } from '../quotas/request-charges.ts';
import type { Authorizer, Rights } from '../security/authorizer.ts';
import type { Denials } from '../security/denials.ts';
import type { Operation, Resource, ResourceType } from '../security/operations.ts';
import type { Principal } from '../security/principal.ts';
import type { ClientOrigin, ClientSession } from './client-session.ts';
import type { Interference, Strike } from './interference.ts';
import { type AtEnds, type RequestOutcome, replyOf, runAll } from './outcome.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { spokenAnswer, versionsOf } from './spoken-versions.ts';

/** What every request uses, whatever its handler needs. */
export type OwnNeeds = Needs<'clock' | 'config' | 'diagnostics' | 'metadata' | 'metrics'>;

/** Also what the handler sees of its sender. */
export class IncomingRequest<N extends ServiceName> implements RequestContext {
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly clientHost: string;
  readonly listener: string;
  readonly securityProtocol: SecurityProtocol;
  readonly connectionId: string;
  /** As of the request's arrival. */
  readonly principal: Principal;
  readonly charges: RequestCharges | null;
  readonly isAlone: boolean;
  readonly #handler: Handler<AnyApi, N>;
  readonly #rights: Rights;
  readonly #denials: Denials;
  readonly #interference: Interference | null;
  readonly #session: ClientSession;
  readonly #correlationId: number;
  readonly #clock: Clock;
  readonly #body: RequestOf<AnyApi>;
  /** What handlers want done with the answer's ends; null when there is nothing, and once it was taken. */
  #atEnds: AtEnds | null = null;
  /** Made for those who have long work. */
  #turns: Turns | null = null;

  constructor(
    handler: Handler<AnyApi, N>,
    header: RequestHeader,
    body: RequestOf<AnyApi>,
    sent: {
      session: ClientSession;
      authorizer: Authorizer;
      denials: Denials;
      charges: RequestCharges | null;
      interference: Interference | null;
      clock: Clock;
      isAlone: boolean;
    },
  ) {
    const { session, authorizer, denials, charges, interference } = sent;
    this.apiVersion = header.apiVersion;
    this.clientId = header.clientId;
    this.clientHost = session.remoteHost;
    this.listener = session.listener;
    this.securityProtocol = session.securityProtocol;
    this.connectionId = session.id;
    this.principal = session.principal;
    this.charges = charges;
    this.#handler = handler;
    this.#rights = session.rights(authorizer);
    this.#denials = denials;
    this.#interference = interference;
    this.#session = session;
    this.#correlationId = header.correlationId;
    this.#clock = sent.clock;
    this.isAlone = sent.isAlone;
    this.#body = body;
  }

  may(operation: Operation, resource: Resource): boolean {
    const allowed = this.#rights.may(operation, resource);
    if (!allowed || this.#denials.hearAllowed) {
      const { principal, clientHost: host } = this;
      this.#denials.hear({ principal, host, api: this.#handler.api.name, operation, resource, allowed });
    }
    return allowed;
  }

  couldDo(operation: Operation, resource: Resource): boolean {
    return this.#rights.may(operation, resource);
  }

  mayForSome(operation: Operation, type: ResourceType): boolean {
    return this.#rights.mayForSome(operation, type);
  }

  /** What is done in them is charged to the sender. */
  get turns(): Turns {
    this.#turns ??= this.#makeTurns();
    return this.#turns;
  }

  #makeTurns(): Turns {
    const { charges } = this;
    if (charges === null) return new Turns(this.#clock);
    return new Turns(this.#clock, (piece) => charges.during(piece));
  }

  afterSend(run: () => void): void {
    this.#atEnds ??= { counted: [], sent: [] };
    this.#atEnds.sent.push(run);
  }

  whenCounted(run: () => void): void {
    this.#atEnds ??= { counted: [], sent: [] };
    this.#atEnds.counted.push(run);
  }

  keep(sizeBytes: number): () => void {
    return this.#session.keep(sizeBytes);
  }

  /** Its sender has still to log in: it may ask what is spoken here, and nothing else. */
  get isTooEarly(): boolean {
    return !this.#session.isAuthenticated && this.#handler.api.key !== ApiVersions.key;
  }

  /** What its handler answers to what may not be; `finished` settles the answer. Neither throws nor rejects. */
  refused(
    errorCode: ErrorCode,
    { diagnostics }: Pick<OwnNeeds, 'diagnostics'>,
    finished: (answer: Answer<AnyApi>) => Answer<AnyApi> = (answer) => answer,
  ): RequestOutcome | Promise<RequestOutcome> {
    const failed = (error: unknown): 'close' => {
      const { api } = this.#handler;
      diagnostics.error(`the refusal of ${api.name} v${this.apiVersion} failed`, error);
      this.#runAfterSend();
      return 'close';
    };
    try {
      const refusal = this.#handler.refuse(this.#body, errorCode, this);
      if (refusal instanceof Promise) this.charges?.pause();
      const outcome = afterwards(refusal, (answer) => this.#outcomeOf(finished(answer)));
      return outcome instanceof Promise ? outcome.catch(failed) : outcome;
    } catch (error) {
      return failed(error);
    }
  }

  /** Itself, as an interference sees it. */
  get met(): { readonly api: AnyApi; readonly body: RequestOf<AnyApi>; readonly origin: ClientOrigin } {
    return { api: this.#handler.api, body: this.#body, origin: this.#session };
  }

  /** Lets happen to it what the strike says. */
  async runStruck(
    { carriedOut, outcome, delayMs }: Strike,
    services: Needs<N> & OwnNeeds,
    metrics: RequestMetrics,
  ): Promise<RequestOutcome> {
    // Before anything is waited for: buffers in the body are valid until then.
    const own = carriedOut ? this.run(services, metrics) : null;
    const answered = await own;
    if (delayMs > 0) await sleep(services.clock, delayMs);
    if (outcome === 'answer') return answered ?? 'nothing';
    if (answered !== null && typeof answered !== 'string') answered.sent();
    // The connection takes nothing more while this one is unanswered, as with a broker that hangs.
    if (outcome === 'no answer') return new Promise(() => {});
    if (outcome === 'close') return 'close';
    return this.refused(outcome.error, services);
  }

  run(services: Needs<N> & OwnNeeds, metrics: RequestMetrics): RequestOutcome | Promise<RequestOutcome> {
    const { api } = this.#handler;
    const startedMs = services.clock.nowMs();
    metrics.received(api, this.apiVersion);
    try {
      const answer = services.metadata.image.complete
        ? this.#handler.handle(this.#body, this, services)
        : answerBeforeMetadata(this.#handler, this.#body, this, services);
      if (answer instanceof Promise) {
        this.charges?.pause();
        return this.#later(answer, startedMs, services, metrics);
      }
      const outcome = this.#outcomeOf(this.#throttled(answer, services));
      metrics.answered(api, services.clock.nowMs() - startedMs);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((error: unknown) => this.#refuse(error, services, metrics));
    } catch (error) {
      return this.#refuse(error, services, metrics);
    }
  }

  async #later(
    promised: Promise<Answer<AnyApi>>,
    startedMs: number,
    services: OwnNeeds,
    metrics: RequestMetrics,
  ): Promise<RequestOutcome> {
    try {
      const answer = await promised;
      this.charges?.resume();
      metrics.answered(this.#handler.api, services.clock.nowMs() - startedMs);
      return await this.#outcomeOf(this.#throttled(answer, services));
    } catch (error) {
      return this.#refuse(error, services, metrics);
    }
  }

  /** Settles what the request has used; a client over its quota is muted from here on, and told for how long. */
  #throttled(answer: Answer<AnyApi>, { clock }: OwnNeeds): Answer<AnyApi> {
    if (this.charges === null) return answer;
    const throttleTimeMs = this.charges.finish(endOf(answer));
    if (throttleTimeMs === 0) return answer;
    this.#session.mute(clock.nowMs() + throttleTimeMs);
    return answer === null || answer === 'close' ? answer : { ...answer, throttleTimeMs };
  }

  /** A promise for an answer that can't be written at once without holding up everybody else. */
  #outcomeOf(answer: Answer<AnyApi>): RequestOutcome | Promise<RequestOutcome> {
    if (answer === null || answer === 'close') {
      this.#runAfterSend();
      return answer === null ? 'nothing' : 'close';
    }
    const { api } = this.#handler;
    const told =
      this.#interference === null
        ? answer
        : spokenAnswer(api, answer, (spoken) => versionsOf(spoken, this.clientId, this.#interference));
    const answered = { version: this.apiVersion, correlationId: this.#correlationId };
    try {
      return replyOf(responseFrame(api, answered, told, AT_ONCE), this.#takeEnds());
    } catch (error) {
      if (!(error instanceof TooManyElements || error instanceof TooMuchText)) throw error;
    }
    const parts = new Turns(this.#clock).take(responseFrameInSteps(api, answered, told), 1);
    return afterwards(parts, (whole) => replyOf(whole, this.#takeEnds()));
  }

  /** The one place where what a handler throws becomes an error code. */
  #refuse(
    error: unknown,
    services: OwnNeeds,
    metrics: RequestMetrics,
  ): RequestOutcome | Promise<RequestOutcome> {
    this.charges?.resume();
    const { api } = this.#handler;
    const errorCode = errorCodeOf(error);
    const what = `${api.name} v${this.apiVersion} from ${this.connectionId} (client ${this.clientId})`;
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      metrics.failed(api);
      services.diagnostics.error(`${what} failed`, error);
    } else {
      services.diagnostics.warn(`${what} is answered ${errorName(errorCode)}: ${String(error)}`);
    }
    return this.refused(errorCode, services, (answer) => this.#throttled(answer, services));
  }

  /** Each of them runs once, whichever way the request ends. */
  #takeEnds(): AtEnds | null {
    const taken = this.#atEnds;
    this.#atEnds = null;
    return taken;
  }

  /** There is no answer that anything could be done after. */
  #runAfterSend(): void {
    runAll(this.#takeEnds()?.sent ?? []);
  }
}

function endOf(answer: Answer<AnyApi>): RequestEnd {
  if (answer === null) return 'nothing';
  return answer === 'close' ? 'close' : 'answered';
}

function errorCodeOf(error: unknown): ErrorCode {
  // The change may have been made or not: what a time-out says to clients.
  if (error instanceof CoordinatorError) return ErrorCode.REQUEST_TIMED_OUT;
  if (error instanceof StorageError) return ErrorCode.KAFKA_STORAGE_ERROR;
  return ErrorCode.UNKNOWN_SERVER_ERROR;
}
