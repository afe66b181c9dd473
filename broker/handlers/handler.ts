/**
 * The contract of a handler: one file per API, named by its key. The dispatcher decodes, calls
 * `handle`, and encodes; a handler only decides. `refuse` is what the dispatcher answers when the
 * request may not be handled at all (not authorised, handler threw): a well-formed response with the
 * error wherever this API carries errors.
 */
import type { SecurityProtocol } from '../config/listeners.ts';
import type { ErrorCode } from '../errors.ts';
import type { Turns } from '../platform/turns.ts';
import type { AnyApi, RequestOf, ResponseInput } from '../protocol/schema.ts';
import type { RequestCharges } from '../quotas/request-charges.ts';
import type { Sender } from '../security/authorizer.ts';
import type { Principal } from '../security/principal.ts';
import type { Needs, ServiceName } from './services.ts';

/** Who asks, and how. Before it acts, a handler asks `may(operation, resource)` of it. */
export interface RequestContext extends Sender {
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly clientHost: string;
  /** Name of the listener the request came in on. */
  readonly listener: string;
  /** What that listener speaks. */
  readonly securityProtocol: SecurityProtocol;
  readonly principal: Principal;
  /** Unique among the connections of this process. */
  readonly connectionId: string;
  /** What the request uses of the sender's quotas; null where nobody has any. */
  readonly charges: RequestCharges | null;
  /** It is large, and no other request of its connection starts before it is answered: it may take its turns. */
  readonly isAlone: boolean;
  /** For what is done for each of very many things: the sender is charged for all of it. */
  readonly turns: Turns;
  /** Runs `run` once the response has left the process or the connection has died: the moment to give pooled buffers back. */
  afterSend(run: () => void): void;
  /**
   * Runs `run` once the response is at its connection, which counts the memory that it takes from then on. It is not
   * run where the response does not come that far; what is done by `afterSend` is done even then.
   */
  whenCounted(run: () => void): void;
  /**
   * A Produce request keeps so many bytes beyond its handler: while there are too many, no further ones
   * start. The returned function, called once, says that they are not kept any more.
   */
  keep(sizeBytes: number): () => void;
}

/** What a refusal goes by. Where it says something of each of very many things it takes its turns. */
export type Refusing = Pick<RequestContext, 'apiVersion' | 'turns'>;

export interface Handler<A extends AnyApi, N extends ServiceName> {
  readonly api: A;
  /** What it uses of the broker, directly or through others. */
  readonly needs: readonly N[];
  /**
   * Buffers inside `request` point into the connection's read buffer: they are valid until `handle`
   * returns (also when it returns a promise) and must be copied or written before that.
   * `null`: there is no response (Produce with acks=0). `'close'`: close the connection.
   */
  handle(request: RequestOf<A>, context: RequestContext, services: Needs<N>): Answer<A> | Promise<Answer<A>>;
  refuse(request: RequestOf<A>, errorCode: ErrorCode, context: Refusing): Answer<A> | Promise<Answer<A>>;
}

export type Answer<A extends AnyApi> = ResponseInput<A> | null | 'close';

/** A handler whose API is not known at compile time, and which may need anything: what the table holds. */
export type AnyHandler = Handler<AnyApi, ServiceName>;

/** The handler of `api`. Its functions are given what `needs` names; using anything else does not compile. */
export function defineHandler<A extends AnyApi, N extends ServiceName>(
  api: A,
  needs: readonly N[],
  functions: Pick<Handler<A, N>, 'handle' | 'refuse'>,
): Handler<A, N> {
  return { api, needs, ...functions };
}
