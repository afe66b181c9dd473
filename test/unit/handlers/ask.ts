/** Puts a request through a handler as the wire would: encoded, decoded, handled, encoded, decoded. */
import type { ErrorCode } from '../../../broker/errors.ts';
import type { Handler } from '../../../broker/handlers/handler.ts';
import type { ServiceName } from '../../../broker/handlers/services.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../broker/protocol/codec.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../../broker/protocol/schema.ts';
import { context, type Given, sender, services } from './support.ts';

/** The decoded response; rejects when there is none. `released`: what the handler wants to run after sending. */
export async function ask<A extends AnyApi, N extends ServiceName>(
  handler: Handler<A, N>,
  version: number,
  request: RequestInput<A>,
  given: Given<N> = {},
): Promise<{ response: ResponseOf<A>; released: (() => void)[] }> {
  const { api } = handler;
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request)));
  const asker = sender(version, given);
  const answer = await handler.handle(decoded, asker, services(given));
  if (answer === null || answer === 'close') throw new Error(`no response but ${answer}`);
  const body = Buffer.concat(encodeResponse(api, version, answer));
  return { response: decodeResponse(api, version, body), released: asker.released };
}

/** What a client gets when the request may not be handled at all, decoded. */
export async function refusal<A extends AnyApi>(
  { api, refuse }: Pick<Handler<A, ServiceName>, 'api' | 'refuse'>,
  version: number,
  request: RequestInput<A>,
  errorCode: ErrorCode,
): Promise<ResponseOf<A>> {
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request)));
  const answer = await refuse(decoded, errorCode, context(version));
  if (answer === null || answer === 'close') throw new Error(`no response but ${answer}`);
  return decodeResponse(api, version, Buffer.concat(encodeResponse(api, version, answer)));
}
