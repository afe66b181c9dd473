/**
 * From a frame to an answer: header, handler, decode, handle, encode. What can't be answered closes
 * the connection, as in Kafka: an API that isn't served, a version outside its range, a request that
 * does not decode. Only ApiVersions answers an unknown version, so that a newer client can step down.
 * What a handler throws is caught here: the coordinator or a disk that fails has its error code,
 * anything else is a defect, which is reported; the client gets the handler's refusal either way.
 * Who has still to log in is refused everything but ApiVersions, whoever has let the frame come this far.
 * A client over its quota gets its answer with the time that it is throttled for, and is muted meanwhile.
 * Source: SocketServer.processCompletedReceives, RequestContext.parseRequest, KafkaApis.handle.
 */
import { CoordinatorError } from '../../coordinator-client/coordinator.ts';
import type { SecurityProtocol } from '../config/listeners.ts';
import { ErrorCode, errorName } from '../errors.ts';
import { unknownApiVersionsVersion } from '../handlers/18-api-versions.ts';
import type { Answer, Handler, RequestContext } from '../handlers/handler.ts';
import type { Needs, ServiceName } from '../handlers/services.ts';
import { answerBeforeMetadata } from '../handlers/shared/before-metadata.ts';
import { StorageError } from '../log/files/storage-error.ts';
import { sleep } from '../platform/clock.ts';
import { decodeRequest } from '../protocol/codec.ts';
import { responseFrame } from '../protocol/frame.ts';
import { parseRequestHeader, type RequestHeader } from '../protocol/header.ts';
import type { MessagePart } from '../protocol/late-bytes.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import { WriteTxnMarkers } from '../protocol/messages/27-write-txn-markers.ts';
import { ProtocolError } from '../protocol/reader.ts';
import type { AnyApi, RequestOf } from '../protocol/schema.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import { RequestCharges } from '../quotas/request-charges.ts';
import type { Authorizer, Rights } from '../security/authorizer.ts';
import { Denials } from '../security/denials.ts';
import type { Operation, Resource, ResourceType } from '../security/operations.ts';
import type { Principal } from '../security/principal.ts';
import type { ClientOrigin, ClientSession } from './client-session.ts';
import { type Interference, type InterferenceSlot, NO_INTERFERENCE, type Strike } from './interference.ts';
import type { Dispatch, Reply, RequestOutcome } from './outcome.ts';
import { RequestMetrics } from './request-metrics.ts';
import { isSpoken, spokenAnswer, versionsOf } from './spoken-versions.ts';

/** What the dispatcher itself uses, whatever its handlers need. */
type OwnNeeds = Needs<'clock' | 'config' | 'diagnostics' | 'metadata' | 'metrics'>;

/**
 * The dispatcher over the handlers of `table`; `authorizer` decides what their senders may do. What is in
 * the slot when a request comes may have it fail.
 */
export function createDispatch<N extends ServiceName>(
  table: ReadonlyMap<number, Handler<AnyApi, N>>,
  services: Needs<N> & OwnNeeds & { readonly quotas?: ClientQuotas },
  authorizer: Authorizer,
  slot: InterferenceSlot = NO_INTERFERENCE,
): Dispatch {
  const metrics = new RequestMetrics(services.metrics);
  const denials = new Denials({
    ...services,
    maxLinesPerSecond: services.config.authorizerLogMaxLinesPerSecond,
  });
  const apiByKey = (key: number): AnyApi | undefined => table.get(key)?.api;
  return (frame, session) => {
    let header: RequestHeader | null = null;
    let request: IncomingRequest<N> | RequestOutcome;
    const interference = slot.current;
    try {
      header = parseRequestHeader(frame, apiByKey);
      const { quotas = null } = services;
      const asked = { session, authorizer, denials, interference };
      request = decodeIncoming(header, frame, { table, services, quotas, ...asked });
    } catch (error) {
      // Whatever the decoder stumbles over came from outside: it is never this broker's failure.
      const reason = error instanceof ProtocolError ? error.message : String(error);
      const what = header === null ? '' : ` (${describe(header, apiByKey(header.apiKey))})`;
      services.diagnostics.warn(`closing ${session.id}${what}: ${reason}`);
      return 'close';
    }
    if (!(request instanceof IncomingRequest)) return request;
    if (request.isTooEarly) return request.refused(ErrorCode.ILLEGAL_SASL_STATE);
    const strike = interference === null ? null : interference.meet({ ...request.met, header, frame });
    return strike === null ? request.run(services, metrics) : request.runStruck(strike, services, metrics);
  };
}

/** Who sent what, for a line in the log. */
function describe({ apiKey, apiVersion, clientId }: RequestHeader, api: AnyApi | undefined): string {
  return `client ${clientId}, ${api?.name ?? `API ${apiKey}`} v${apiVersion}`;
}

/** Finds the handler and decodes; throws ProtocolError on what is not a request we serve. */
function decodeIncoming<N extends ServiceName>(
  header: RequestHeader,
  frame: Buffer,
  parts: {
    table: ReadonlyMap<number, Handler<AnyApi, N>>;
    session: ClientSession;
    services: OwnNeeds;
    authorizer: Authorizer;
    denials: Denials;
    quotas: ClientQuotas | null;
    interference: Interference | null;
  },
): IncomingRequest<N> | RequestOutcome {
  const { apiKey, apiVersion } = header;
  const handler = parts.table.get(apiKey);
  if (handler === undefined) throw new ProtocolError(`there is no API with key ${apiKey}`);
  const { api } = handler;
  if (!isSpoken(api, header, parts.interference)) {
    if (apiKey !== ApiVersions.key) throw new ProtocolError(`${api.name} has no version ${apiVersion}`);
    const spoken = versionsOf(api, header.clientId, parts.interference);
    return replyOf(
      responseFrame(ApiVersions, 0, header.correlationId, unknownApiVersionsVersion(spoken)),
      null,
    );
  }
  const { socketRequestMaxElements } = parts.services.config;
  const body = decodeRequest(api, apiVersion, frame.subarray(header.bodyOffset), socketRequestMaxElements);
  const sizeBytes = frame.length - header.bodyOffset;
  const charges =
    parts.quotas?.isLimiting === true ? chargesOf(header, sizeBytes, parts.quotas, parts) : null;
  return new IncomingRequest(handler, header, body, { ...parts, charges });
}

/** What is charged to the sender's quotas; null when it has none, or when this is work of the cluster's own. */
function chargesOf(
  { apiKey, clientId }: RequestHeader,
  sizeBytes: number,
  quotas: ClientQuotas,
  { session, services: { clock } }: { session: ClientSession; services: OwnNeeds },
): RequestCharges | null {
  if (apiKey === WriteTxnMarkers.key) return null;
  const nowMs = (): number => clock.nowMs();
  const limits = session.limits(quotas, clientId ?? '', nowMs());
  if (limits === null) return null;
  return new RequestCharges({ limits, sizeBytes, nowMs, longestRequestThrottleMs: quotas.requestSampleMs });
}

/** One request on its way through its handler; also what the handler sees of its sender. */
class IncomingRequest<N extends ServiceName> implements RequestContext {
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly clientHost: string;
  readonly listener: string;
  readonly securityProtocol: SecurityProtocol;
  readonly connectionId: string;
  /** As of the request's arrival. */
  readonly principal: Principal;
  readonly charges: RequestCharges | null;
  readonly #handler: Handler<AnyApi, N>;
  readonly #rights: Rights;
  readonly #denials: Denials;
  readonly #interference: Interference | null;
  readonly #session: ClientSession;
  readonly #correlationId: number;
  readonly #body: RequestOf<AnyApi>;
  /** What handlers want done once the answer has left; null when there is nothing, and once it was taken. */
  #afterSend: (() => void)[] | null = null;

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

  afterSend(run: () => void): void {
    this.#afterSend ??= [];
    this.#afterSend.push(run);
  }

  keep(sizeBytes: number): () => void {
    return this.#session.keep(sizeBytes);
  }

  /** Its sender has still to log in: it may ask what is spoken here, and nothing else. */
  get isTooEarly(): boolean {
    return !this.#session.isAuthenticated && this.#handler.api.key !== ApiVersions.key;
  }

  /** What its handler answers to what may not be. */
  refused(errorCode: ErrorCode): RequestOutcome {
    return this.#outcomeOf(this.#handler.refuse(this.#body, errorCode, this.apiVersion));
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
    return this.#outcomeOf(this.#handler.refuse(this.#body, outcome.error, this.apiVersion));
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
      return outcome;
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
      return this.#outcomeOf(this.#throttled(answer, services));
    } catch (error) {
      return this.#refuse(error, services, metrics);
    }
  }

  /** Settles what the request has used; a client over its quota is muted from here on, and told for how long. */
  #throttled(answer: Answer<AnyApi>, { clock }: OwnNeeds): Answer<AnyApi> {
    if (this.charges === null) return answer;
    const throttleTimeMs = this.charges.finish(answer !== null);
    if (throttleTimeMs === 0) return answer;
    this.#session.mute(clock.nowMs() + throttleTimeMs);
    return answer === null || answer === 'close' ? answer : { ...answer, throttleTimeMs };
  }

  #outcomeOf(answer: Answer<AnyApi>): RequestOutcome {
    if (answer === null || answer === 'close') {
      runAll(this.#takeAfterSend());
      return answer === null ? 'nothing' : 'close';
    }
    const { api } = this.#handler;
    const told =
      this.#interference === null
        ? answer
        : spokenAnswer(api, answer, (spoken) => versionsOf(spoken, this.clientId, this.#interference));
    const parts = responseFrame(api, this.apiVersion, this.#correlationId, told);
    return replyOf(parts, this.#takeAfterSend());
  }

  /** The one place where what a handler throws becomes an error code. */
  #refuse(error: unknown, services: OwnNeeds, metrics: RequestMetrics): RequestOutcome {
    const { api } = this.#handler;
    const errorCode = errorCodeOf(error);
    const what = `${api.name} v${this.apiVersion} from ${this.connectionId} (client ${this.clientId})`;
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      metrics.failed(api);
      services.diagnostics.error(`${what} failed`, error);
    } else {
      services.diagnostics.warn(`${what} is answered ${errorName(errorCode)}: ${String(error)}`);
    }
    try {
      return this.#outcomeOf(this.#handler.refuse(this.#body, errorCode, this.apiVersion));
    } catch (second) {
      services.diagnostics.error(`the refusal of ${api.name} v${this.apiVersion} failed too`, second);
      runAll(this.#takeAfterSend());
      return 'close';
    }
  }

  /** Each of them runs once, whichever way the request ends. */
  #takeAfterSend(): readonly (() => void)[] | null {
    const taken = this.#afterSend;
    this.#afterSend = null;
    return taken;
  }
}

function errorCodeOf(error: unknown): ErrorCode {
  // The change may have been made or not: what a time-out says to clients.
  if (error instanceof CoordinatorError) return ErrorCode.REQUEST_TIMED_OUT;
  if (error instanceof StorageError) return ErrorCode.KAFKA_STORAGE_ERROR;
  return ErrorCode.UNKNOWN_SERVER_ERROR;
}

class Response implements Reply {
  readonly parts: readonly MessagePart[];
  readonly sizeBytes: number;
  #afterSend: readonly (() => void)[] | null;

  constructor(parts: readonly MessagePart[], sizeBytes: number, afterSend: readonly (() => void)[] | null) {
    this.parts = parts;
    this.sizeBytes = sizeBytes;
    this.#afterSend = afterSend;
  }

  sent(): void {
    runAll(this.#afterSend);
    this.#afterSend = null;
  }
}

function replyOf(parts: readonly MessagePart[], afterSend: readonly (() => void)[] | null): Reply {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += part.length;
  return new Response(parts, sizeBytes, afterSend);
}

function runAll(steps: readonly (() => void)[] | null): void {
  if (steps !== null) for (const step of steps) step();
}
