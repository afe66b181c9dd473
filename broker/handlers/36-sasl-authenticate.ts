/**
 * SaslAuthenticate (36), versions 0-2: what arrives here comes outside of an authentication, which is
 * ILLEGAL_SASL_STATE on every listener.
 * Source: KafkaApis.handleSaslAuthenticateRequest.
 */
import { ErrorCode } from '../errors.ts';
import { SaslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts';
import type { ResponseInput } from '../protocol/schema.ts';
import { defineHandler } from './handler.ts';

export const saslAuthenticate = defineHandler(SaslAuthenticate, [], {
  handle: () =>
    refusal(
      ErrorCode.ILLEGAL_SASL_STATE,
      'SaslAuthenticate request received after successful authentication',
    ),
  refuse: (_request, errorCode) => refusal(errorCode, null),
});

function refusal(errorCode: ErrorCode, errorMessage: string | null): ResponseInput<typeof SaslAuthenticate> {
  return { errorCode, errorMessage, authBytes: Buffer.alloc(0) };
}
