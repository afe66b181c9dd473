/**
 * From a frame to a request that is answered: header, handler, decode. What can't be answered closes
 * the connection, as in Kafka: an API that isn't served, a version outside its range, a request that
 * does not decode. Only ApiVersions answers an unknown version, so that a newer client can step down.
 * A request of very many elements, or above a megabyte if it is no Produce, is read in steps and is alone on its
 * connection: others are served between the steps.
 * Who has still to log in is refused everything but ApiVersions, whoever has let the frame come this far.
 * Source: SocketServer.processCompletedReceives, RequestContext.parseRequest, KafkaApis.handle.
 */

import { ErrorCode } from '../errors.ts';
import { unknownApiVersionsVersion } from '../handlers/18-api-versions.ts';
import type { Handler } from '../handlers/handler.ts';
import type { Needs, ServiceName } from '../handlers/services.ts';
import type { Clock } from '../platform/clock.ts';
import { freeAtOnce } from '../platform/free-at-once.ts';
import { SeldomLines } from '../platform/seldom-lines.ts';
import { Turns } from '../platform/turns.ts';
import { decodeRequest, decodeRequestInSteps } from '../protocol/codec.ts';
import { AT_ONCE } from '../protocol/field-facts.ts';
import { responseFrame } from '../protocol/frame.ts';
import { parseRequestHeader, type RequestHeader } from '../protocol/header.ts';
import { Produce } from '../protocol/messages/00-produce.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import {
  type MessageLimits,
  NO_LIMITS,
  ProtocolError,
  Reader,
  TooManyElements,
  TooMuchText,
} from '../protocol/reader.ts';
import type { AnyApi, RequestOf } from '../protocol/schema.ts';
import type { ClientQuotas } from '../quotas/client-quotas.ts';
import { RequestCharges } from '../quotas/request-charges.ts';
import type { Authorizer } from '../security/authorizer.ts';
import { Denials } from '../security/denials.ts';
import type { ClientSession } from './client-session.ts';
import { IncomingRequest, type OwnNeeds } from './incoming-request.ts';
import { type Interference, type InterferenceSlot, NO_INTERFERENCE } from './interference.ts';
import { KeptMemory } from './kept-memory.ts';
import { Alone, type Dispatch, NotYet, type Reply, type RequestOutcome, replyOf } from './outcome.ts';
import { RequestMetrics } from './request-metrics.ts';
import { isSpoken, versionsOf } from './spoken-versions.ts';

/** Whoever keeps bytes of a request copies them, which is little of this size. Produce has its own ways. */
const AT_ONCE_BYTES = 1024 * 1024;
/** Partitions cost more there than to be read. */
const PRODUCED_AT_ONCE = 200;

type Table<N extends ServiceName> = ReadonlyMap<number, Handler<AnyApi, N>>;
type Services<N extends ServiceName> = Needs<N> & OwnNeeds & { readonly quotas?: ClientQuotas };
type Outcome = RequestOutcome | Promise<RequestOutcome>;

/**
 * The dispatcher over the handlers of `table`; `authorizer` decides what their senders may do. What is in
 * the slot when a request comes may have it fail.
 */
export function createDispatch<N extends ServiceName>(
  table: Table<N>,
  services: Services<N>,
  authorizer: Authorizer,
  slot: InterferenceSlot = NO_INTERFERENCE,
): Dispatch {
  const dispatcher = new Dispatcher(table, services, authorizer, slot);
  return (frame, session, isOwn = false) => dispatcher.take(frame, session, isOwn);
}

/** A request whose handler is found. */
interface Known<N extends ServiceName> {
  readonly handler: Handler<AnyApi, N>;
  readonly header: RequestHeader;
  readonly interference: Interference | null;
}

class Dispatcher<N extends ServiceName> {
  readonly #table: Table<N>;
  readonly #services: Services<N>;
  readonly #authorizer: Authorizer;
  readonly #slot: InterferenceSlot;
  readonly #metrics: RequestMetrics;
  readonly #denials: Denials;
  readonly #unread: SeldomLines;
  /** Frames of requests that are read over several turns. */
  readonly #large: KeptMemory;
  /** What of a request is read at once. */
  readonly #atOnce: MessageLimits;
  readonly #produceAtOnce: MessageLimits;

  constructor(table: Table<N>, services: Services<N>, authorizer: Authorizer, slot: InterferenceSlot) {
    this.#table = table;
    this.#services = services;
    this.#authorizer = authorizer;
    this.#slot = slot;
    this.#metrics = new RequestMetrics(services.metrics);
    this.#denials = new Denials({
      ...services,
      maxLinesPerSecond: services.config.authorizerLogMaxLinesPerSecond,
    });
    this.#large = new KeptMemory(services.config.queuedProduceMaxBytes);
    const { clock, config, diagnostics } = services;
    const most = config.socketRequestMaxElements;
    this.#atOnce = { ...AT_ONCE, maxElements: Math.min(most, AT_ONCE.maxElements) };
    this.#produceAtOnce = { ...AT_ONCE, maxElements: Math.min(most, PRODUCED_AT_ONCE) };
    this.#unread = new SeldomLines({
      clock,
      say: (line) => diagnostics.warn(line),
      about: 'requests that could not be read',
    });
  }

  take(frame: Buffer, session: ClientSession, isOwn: boolean): Outcome {
    let header: RequestHeader | null = null;
    let known: Known<N> | Reply;
    let body: RequestOf<AnyApi> | null;
    try {
      header = parseRequestHeader(frame, (key) => this.#table.get(key)?.api);
      known = this.#known(header);
      if (!('handler' in known)) return known;
      body = this.#bodyAtOnce(known, frame);
    } catch (error) {
      return this.#close(error, header, session);
    }
    if (body === null) {
      if (this.#large.isFull && session.isAuthenticated) return this.#notYet();
      if (isOwn) return Alone.resolve(this.#startLarge(known, frame, frame.buffer.byteLength, session));
      return Alone.resolve(this.#startLarge(known, Buffer.from(frame), frame.length, session));
    }
    return this.#start(known, body, frame, { session, isAlone: false, sizeBytes: frame.length });
  }

  #notYet(): NotYet {
    return new NotYet((resolve) => this.#large.whenReleased(() => resolve('nothing')));
  }

  /** Finds the handler; throws ProtocolError on what is not a request we serve. */
  #known(header: RequestHeader): Known<N> | Reply {
    const { apiKey, apiVersion } = header;
    const handler = this.#table.get(apiKey);
    if (handler === undefined) throw new ProtocolError(`there is no API with key ${apiKey}`);
    const { api } = handler;
    const interference = this.#slot.current;
    if (isSpoken(api, header, interference)) return { handler, header, interference };
    if (apiKey !== ApiVersions.key) throw new ProtocolError(`${api.name} has no version ${apiVersion}`);
    const spoken = versionsOf(api, header.clientId, interference);
    const answer = unknownApiVersionsVersion(spoken);
    return replyOf(
      responseFrame(ApiVersions, { version: 0, correlationId: header.correlationId }, answer),
      null,
    );
  }

  /** null: to read it at once would hold up everybody else. Throws ProtocolError on what does not decode. */
  #bodyAtOnce({ handler, header }: Known<N>, frame: Buffer): RequestOf<AnyApi> | null {
    const { api } = handler;
    const limits = api.key === Produce.key ? this.#produceAtOnce : this.#atOnce;
    const body = frame.subarray(header.bodyOffset);
    if (body.length > AT_ONCE_BYTES && api.key !== Produce.key) return null;
    try {
      return decodeRequest(api, header.apiVersion, body, limits);
    } catch (error) {
      const { socketRequestMaxElements: most } = this.#services.config;
      if (error instanceof TooManyElements && most > limits.maxElements) return null;
      if (error instanceof TooMuchText) return null;
      throw error;
    }
  }

  /**
   * `frame` is its own, with the memory that it lies in, of which `keptBytes` are counted: a Produce request keeps
   * it as long as it has records, others until they are read. It is freed then, unless bytes of the request lie in it.
   */
  async #startLarge(
    known: Known<N>,
    frame: Buffer,
    keptBytes: number,
    session: ClientSession,
  ): Promise<RequestOutcome> {
    const { api } = known.handler;
    const sizeBytes = frame.length;
    this.#large.reserve(keptBytes);
    const most = this.#services.config.socketRequestMaxElements;
    const bytes = frame.subarray(known.header.bodyOffset);
    const reader = new Reader(bytes, { ...NO_LIMITS, maxElements: most });
    let body: RequestOf<AnyApi>;
    try {
      body = await this.#bodyInSteps(known, reader);
    } catch (error) {
      freeAtOnce(frame);
      this.#large.release(keptBytes);
      return this.#close(error, known.header, session);
    }
    if (!reader.hasViews && known.interference === null) freeAtOnce(frame);
    const holdsFrame = api.key === Produce.key;
    if (!holdsFrame) this.#large.release(keptBytes);
    try {
      return await this.#start(known, body, frame, { session, isAlone: true, sizeBytes });
    } finally {
      if (holdsFrame) this.#large.release(keptBytes);
    }
  }

  async #bodyInSteps({ handler, header }: Known<N>, reader: Reader): Promise<RequestOf<AnyApi>> {
    const { clock } = this.#services;
    return new Turns(clock).take(decodeRequestInSteps(handler.api, header.apiVersion, reader), 1);
  }

  #start(
    known: Known<N>,
    body: RequestOf<AnyApi>,
    frame: Buffer,
    { session, isAlone, sizeBytes }: { session: ClientSession; isAlone: boolean; sizeBytes: number },
  ): Outcome {
    const { handler, header, interference } = known;
    const { clock, quotas = null } = this.#services;
    const charges =
      quotas?.isEnabled === true ? chargesOf(header, sizeBytes, quotas, { session, clock }) : null;
    const [authorizer, denials] = [this.#authorizer, this.#denials];
    const request = new IncomingRequest(handler, header, body, {
      ...{ session, authorizer, denials, charges, interference, clock, isAlone },
    });
    if (request.isTooEarly) return request.refused(ErrorCode.ILLEGAL_SASL_STATE, this.#services);
    const strike = interference === null ? null : interference.meet({ ...request.met, header, frame });
    if (strike === null) return request.run(this.#services, this.#metrics);
    return request.runStruck(strike, this.#services, this.#metrics);
  }

  #close(error: unknown, header: RequestHeader | null, session: ClientSession): 'close' {
    // Whatever the decoder stumbles over came from outside: it is never this broker's failure.
    const reason = error instanceof ProtocolError ? error.message : String(error);
    const what = header === null ? '' : ` (${this.#describe(header)})`;
    this.#unread.say(`closing ${session.id}${what}: ${reason}`);
    return 'close';
  }

  /** Who sent what, for a line in the log. */
  #describe({ apiKey, apiVersion, clientId }: RequestHeader): string {
    return `client ${clientId}, ${this.#table.get(apiKey)?.api.name ?? `API ${apiKey}`} v${apiVersion}`;
  }
}

/** What is charged to the sender's quotas. */
function chargesOf(
  { clientId }: RequestHeader,
  sizeBytes: number,
  quotas: ClientQuotas,
  { session, clock }: { session: ClientSession; clock: Clock },
): RequestCharges {
  return new RequestCharges({
    sensors: session.quotaSensors(quotas, clientId ?? ''),
    exempt: quotas.exempt,
    sizeBytes,
    nowMs: () => clock.nowMs(),
    longestRequestThrottleMs: quotas.requestSampleMs,
  });
}
