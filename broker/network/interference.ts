/**
 * Where somebody who tests clients stands between dispatch and its handlers: sees what came, answers an
 * error, late or not at all, and makes the broker speak as an older one does. The slot is empty unless a
 * test kit or a fault API has filled it, and costs a request one comparison with null then.
 */
import type { ErrorCode } from '../errors.ts';
import type { RequestHeader } from '../protocol/header.ts';
import type { AnyApi, RequestOf } from '../protocol/schema.ts';
import type { ClientOrigin } from './client-session.ts';

/** A request as it came. The frame, and buffers in the body, are valid during the call only. */
export interface MetRequest {
  readonly api: AnyApi;
  readonly header: RequestHeader;
  readonly body: RequestOf<AnyApi>;
  readonly frame: Buffer;
  readonly origin: ClientOrigin;
}

/** What becomes of a request. */
export interface Strike {
  /** The request is carried out, and its own answer is lost if there is another. */
  readonly carriedOut: boolean;
  /** `answer`: its own. An error is answered wherever the API has room for one. */
  readonly outcome: 'answer' | 'close' | 'no answer' | { readonly error: ErrorCode };
  /** How much later the outcome comes. */
  readonly delayMs: number;
}

/** Of an API, what a broker says that it speaks. */
export type SpokenApi = Pick<AnyApi, 'key' | 'minVersion' | 'maxVersion'>;

export interface SpokenVersions {
  readonly min: number;
  readonly max: number;
}

export interface Interference {
  /** null: nothing becomes of it but what always does. */
  meet(request: MetRequest): Strike | null;
  /** The versions of an API that the broker owns up to towards a client; null: it denies the API. */
  versionsOf(api: SpokenApi, clientId: string | null): SpokenVersions | null;
}

/** Handed to the dispatcher for good; what is in it comes and goes. */
export interface InterferenceSlot {
  readonly current: Interference | null;
}

export const NO_INTERFERENCE: InterferenceSlot = { current: null };
